/* Races in device memory: see watch.h. */
#include "kernels/ptx/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/ptx/decode.h"
#include "kernels/ptx/shared.h"

enum { ROOM_MAX = 512 << 20 }; /* bytes of one list */

bool pv_ptx_watch_room(pv_ptx_watch *watch, void *items, size_t count, size_t *room, size_t size) {
  void *now = NULL, *more = NULL;
  if (count < *room) return true;
  const size_t wanted = *room > 0 ? 2 * *room : 1024;
  memcpy(&now, items, sizeof now);
  if (wanted <= ROOM_MAX / size) more = realloc(now, wanted * size);
  if (more == NULL) {
    watch->full = true;
    return false;
  }
  memcpy(items, &more, sizeof more);
  *room = wanted;
  return true;
}

pv_ptx_watch *pv_ptx_watch_open(const pv_ptx_code *code, const pv_ptx_launch *l, uint64_t blocks) {
  pv_ptx_watch *w = calloc(1, sizeof *w);
  if (w == NULL) return NULL;
  w->code = code;
  memcpy(w->grid, l->grid, sizeof w->grid);
  memcpy(w->block, l->block, sizeof w->block);
  w->entry_count = w->meeting_count = w->release_count = 1;
  if (blocks < UINT32_MAX) w->last = calloc(blocks, sizeof *w->last);
  if (w->last == NULL ||
      !pv_ptx_watch_room(w, &w->entries, 0, &w->entry_room, sizeof *w->entries) ||
      !pv_ptx_watch_room(w, &w->meetings, 0, &w->meeting_room, sizeof *w->meetings) ||
      !pv_ptx_watch_room(w, &w->releases, 0, &w->release_room, sizeof *w->releases)) {
    pv_ptx_watch_close(w);
    return NULL;
  }
  return w;
}

void pv_ptx_watch_close(pv_ptx_watch *w) {
  if (w == NULL) return;
  free(w->entries);
  free(w->meetings);
  free(w->releases);
  free(w->fences);
  free(w->last);
  free(w);
}

typedef struct access { /* to one word */
  pv_ptx_warp *warp;
  pv_ptx_watch *watch;
  const pv_ptx_step *step;
  unsigned lane, deed;
  uint64_t address; /* of the whole access */
  struct pv_ptx_word *word;
  uint8_t bytes;
  uint64_t met; /* when its block last read the word by a strong access, 0: never */
} access;

static bool is_strong(const access *a) {
  return (a->step->order & (PV_PTX_STRONG | PV_PTX_STRONG_IN_BLOCK)) != 0;
}

static uint32_t warp_of(const pv_ptx_entry *e) {
  return pv_ptx_warp_of(e->who);
}

static void name_thread(const pv_ptx_watch *w, const pv_ptx_entry *e, pv_ptx_store *out) {
  const pv_ptx_instruction *i = w->code->sources[w->code->steps[e->step].source];
  const uint32_t thread = e->who < PV_PTX_LANES_OF ? e->who : warp_of(e) * PV_PTX_LANES;
  const char *source = pv_ptx_file_name(w->code->module, i->source_file);
  *out = (pv_ptx_store){.line = i->line,
                        .block = {e->block % w->grid[0], e->block / w->grid[0] % w->grid[1],
                                  e->block / w->grid[0] / w->grid[1]},
                        .thread = {thread % w->block[0], thread / w->block[0] % w->block[1],
                                   thread / w->block[0] / w->block[1]}};
  if (i->source_line == 0 || source == NULL) return;
  out->source_line = i->source_line;
  snprintf(out->source, sizeof out->source, "%s", source);
}

/* Whether the lane stores what is there already. */
static bool stores_the_same(const access *a) {
  const pv_ptx_step *s = a->step;
  const pv_ptx_buffer *b =
      pv_ptx_buffer_at(a->warp->block->grid->memory, a->address, (uint64_t)s->bytes * s->count);
  if (s->run != pv_ptx_run_store || b == NULL) return false;
  for (unsigned i = 0; i < s->count; i++) {
    const unsigned char *value =
        a->warp->registers + s->r[1 + i] + (size_t)(s->wide ? 8 : 4) * a->lane;
    if (memcmp(value, b->data + (a->address - b->address) + (size_t)i * s->bytes, s->bytes) != 0)
      return false;
  }
  return true;
}

void pv_ptx_watch_tell(const pv_ptx_block *block, uint32_t who, uint32_t step,
                       pv_ptx_fault *fault) {
  const pv_ptx_entry e = {.block = (uint32_t)block->number, .step = step, .who = (uint16_t)who};
  pv_ptx_store *s = &fault->earlier;
  const size_t length = strlen(fault->text);
  name_thread(block->grid->watch, &e, s);
  const int more = snprintf(fault->text + length, sizeof fault->text - length,
                            "; it was %s (%u, %u, %u) at line %u",
                            who < PV_PTX_LANES_OF ? "thread" : "the warp of thread", s->thread[0],
                            s->thread[1], s->thread[2], s->line);
  if (more > 0 && s->source_line != 0 && length + (size_t)more < sizeof fault->text)
    snprintf(fault->text + length + (size_t)more, sizeof fault->text - length - (size_t)more,
             " (%.60s:%u)", s->source, s->source_line);
}

static bool fail(const access *a, const pv_ptx_entry *e) {
  pv_ptx_block *block = a->warp->block;
  const char *scope = (e->order & PV_PTX_STRONG) != 0            ? " atomically"
                      : (e->order & PV_PTX_STRONG_IN_BLOCK) != 0 ? " atomically in its block"
                                                                 : "";
  const bool wrote = (e->deed & PV_PTX_WRITES) != 0, same = e->block == (uint32_t)block->number;
  pv_ptx_store earlier;
  char what[280], source[80] = "", whose[64] = "this block";
  name_thread(a->watch, e, &earlier);
  if (earlier.source_line != 0)
    snprintf(source, sizeof source, " (%.60s:%u)", earlier.source, earlier.source_line);
  if (!same)
    snprintf(whose, sizeof whose, "block (%u, %u, %u)", earlier.block[0], earlier.block[1],
             earlier.block[2]);
  snprintf(what, sizeof what, "%s (%u, %u, %u) of %s %s this at line %u%s%s, and %s%s",
           e->who < PV_PTX_LANES_OF ? "thread" : "the warp of thread", earlier.thread[0],
           earlier.thread[1], earlier.thread[2], whose, wrote ? "wrote" : "read", earlier.line,
           source, scope, same ? "no barrier lies between" : "nothing orders the two blocks",
           wrote && stores_the_same(a) ? " (the value is the same)" : "");
  pv_ptx_fail_access(a->warp, a->step, a->lane, PV_PTX_GLOBAL_RACE, a->address, what);
  block->fault.earlier = earlier;
  return false;
}

/* Whether an earlier access is ordered before this one. */
static bool is_ordered(const access *a, const pv_ptx_entry *e) {
  const pv_ptx_warp *warp = a->warp;
  const pv_ptx_block *block = warp->block;
  const uint32_t thread = warp->index * PV_PTX_LANES + a->lane;
  if (e->block == (uint32_t)block->number) {
    const bool read = (e->deed & PV_PTX_WRITES) == 0;
    if (e->who == thread) return true;
    const uint64_t own = read ? warp->met_time : warp->synced_time;
    if (e->time < (warp_of(e) == warp->index ? own : block->barrier_time)) return true;
    if (warp_of(e) != warp->index && e->time < warp->acquired_time) return true;
  }
  if ((e->order & PV_PTX_STRONG) != 0 && e->time < a->met) return true;
  return pv_ptx_watch_covers(block, e);
}

/* Threads of one block that store the same need no order among each other: Triton lets all threads
 * store what all of them have. */
static bool is_same(const access *a, const pv_ptx_entry *e) {
  return e->block == (uint32_t)a->warp->block->number && e->deed == PV_PTX_WRITES &&
         stores_the_same(a);
}

static bool check(const access *a, uint32_t list, unsigned deeds) {
  for (uint32_t i = list; i != 0; i = a->watch->entries[i].next) {
    const pv_ptx_entry *e = &a->watch->entries[i];
    if ((e->bytes & a->bytes) != 0 && (e->deed & deeds) != 0 && !is_ordered(a, e) && !is_same(a, e))
      return fail(a, e);
  }
  return true;
}

/* Strong accesses against each other: a race only where one counts in its block alone. */
static bool check_scopes(const access *a) {
  const bool mine = (a->step->order & PV_PTX_STRONG) == 0;
  for (uint32_t i = a->word->strong; i != 0; i = a->watch->entries[i].next) {
    const pv_ptx_entry *e = &a->watch->entries[i];
    const bool both = mine || (e->order & PV_PTX_STRONG) == 0;
    if ((e->bytes & a->bytes) != 0 && ((e->deed | a->deed) & PV_PTX_WRITES) != 0 && both &&
        e->block != (uint32_t)a->warp->block->number && !is_ordered(a, e))
      return fail(a, e);
  }
  return true;
}

/* Takes the bytes out of a list. */
static void remove_bytes(const access *a, uint32_t *list) {
  pv_ptx_watch *w = a->watch;
  for (uint32_t *at = list; *at != 0;) {
    pv_ptx_entry *e = &w->entries[*at];
    const uint32_t index = *at;
    e->bytes &= (uint8_t)~a->bytes;
    if (e->bytes != 0) {
      at = &e->next;
      continue;
    }
    *at = e->next;
    e->next = w->unused;
    w->unused = index;
  }
}

static bool add(const access *a, uint32_t *list) {
  pv_ptx_watch *w = a->watch;
  uint32_t index = w->unused;
  if (index != 0)
    w->unused = w->entries[index].next;
  else if (!pv_ptx_watch_room(w, &w->entries, w->entry_count, &w->entry_room, sizeof *w->entries) ||
           w->entry_count >= UINT32_MAX)
    return false;
  else
    index = (uint32_t)w->entry_count++;
  w->entries[index] = (pv_ptx_entry){
      .time = w->clock,
      .block = (uint32_t)a->warp->block->number,
      .step = (uint32_t)(a->step - w->code->steps),
      .next = *list,
      .who = (uint16_t)(a->warp->index * PV_PTX_LANES + a->lane),
      .bytes = a->bytes,
      .deed = (uint8_t)a->deed,
      .order = a->step->order,
  };
  *list = index;
  return true;
}

/* Adds to a list of accesses that need no order among each other, or takes over an entry of the
 * same block: of the same warp, or one that is ordered before. Where no two blocks are under way
 * at once, those of this block stand first. */
static bool join(const access *a, uint32_t *list) {
  const pv_ptx_warp *warp = a->warp;
  const uint32_t thread = warp->index * PV_PTX_LANES + a->lane,
                 block = (uint32_t)warp->block->number;
  for (uint32_t i = *list; i != 0; i = a->watch->entries[i].next) {
    pv_ptx_entry *e = &a->watch->entries[i];
    if (e->block != block && !warp->block->grid->launch->cooperative) break;
    if (e->block != block || e->bytes != a->bytes || e->deed != a->deed ||
        e->order != a->step->order)
      continue;
    const bool own = warp_of(e) == warp->index;
    if (!own && e->time >= warp->block->barrier_time) continue;
    e->who = (uint16_t)(own && e->who != thread && e->time >= warp->met_time
                            ? PV_PTX_LANES_OF + warp->index
                            : thread);
    e->time = a->watch->clock;
    e->step = (uint32_t)(a->step - a->watch->code->steps);
    return true;
  }
  return add(a, list);
}

/* When this block last read the word by a strong access that found what others had written: their
 * writes are ordered before what it does to the word from then on. */
static uint64_t last_met(const access *a) {
  uint64_t time = 0;
  for (uint32_t i = a->word->strong; i != 0; i = a->watch->entries[i].next) {
    const pv_ptx_entry *e = &a->watch->entries[i];
    const bool own = e->block == (uint32_t)a->warp->block->number;
    if (!own && !a->warp->block->grid->launch->cooperative) break;
    if (own && (e->deed & PV_PTX_READS) != 0 && e->time + 1 > time) time = e->time + 1;
  }
  return time;
}

static bool access_weakly(access *a) {
  struct pv_ptx_word *word = a->word;
  const bool writes = a->deed == PV_PTX_WRITES;
  if (word->strong != 0) a->met = last_met(a);
  if (!check(a, word->writes, PV_PTX_WRITES) ||
      !check(a, word->strong, writes ? PV_PTX_READS | PV_PTX_WRITES : PV_PTX_WRITES))
    return false;
  if (!writes) return join(a, &word->reads);
  if (!check(a, word->reads, PV_PTX_READS)) return false;
  remove_bytes(a, &word->writes);
  remove_bytes(a, &word->reads);
  remove_bytes(a, &word->strong);
  if (word->meeting != 0) a->watch->meetings[word->meeting] = (pv_ptx_meeting){0};
  return add(a, &word->writes);
}

static bool meet(const access *a) {
  pv_ptx_watch *w = a->watch;
  if (a->word->meeting != 0) return true;
  if (!pv_ptx_watch_room(w, &w->meetings, w->meeting_count, &w->meeting_room,
                         sizeof *w->meetings) ||
      w->meeting_count >= UINT32_MAX)
    return false;
  w->meetings[w->meeting_count] = (pv_ptx_meeting){0};
  a->word->meeting = (uint32_t)w->meeting_count++;
  return true;
}

static bool access_strongly(const access *a) {
  pv_ptx_watch *w = a->watch;
  pv_ptx_block *block = a->warp->block;
  const bool device = (a->step->order & PV_PTX_STRONG) != 0;
  const uint64_t by = block->number << 10 | (a->warp->index * PV_PTX_LANES + a->lane);
  if (!meet(a)) return false;
  pv_ptx_meeting *m = &w->meetings[a->word->meeting];
  const uint64_t found = m->by == by ? m->other : m->released;
  if (device && (a->deed & PV_PTX_READS) != 0 && found > block->ordered) block->ordered = found;
  if (!device) m->in_block = true;
  if (!check(a, a->word->writes, PV_PTX_WRITES)) return false;
  if ((a->deed & PV_PTX_WRITES) != 0 && !check(a, a->word->reads, PV_PTX_READS)) return false;
  if (m->in_block && !check_scopes(a)) return false;
  if (!join(a, &a->word->strong)) return false;
  if ((a->deed & PV_PTX_WRITES) == 0) return true;
  /* A store ends what it overwrites; what reads and writes goes on with it. */
  if (a->step->run == pv_ptx_run_store) m->released = m->other = 0;
  if (device && pv_ptx_watch_release(a->warp, a->lane, (a->step->order & PV_PTX_RELEASES) != 0)) {
    if (m->by != by) m->other = m->released;
    m->by = by;
    m->released = w->clock;
    w->clock++;
  }
  return !w->full;
}

bool pv_ptx_watch_access(pv_ptx_warp *warp, const pv_ptx_step *step, unsigned lane,
                         const pv_ptx_buffer *buffer, uint64_t address, unsigned bytes,
                         unsigned deed) {
  pv_ptx_watch *w = warp->block->grid->watch;
  access a = {
      .warp = warp, .watch = w, .step = step, .lane = lane, .deed = deed, .address = address};
  const uint64_t first = address - buffer->address, end = first + bytes;
  bool good = true;
  for (uint64_t at = first; at < end && good; at = (at / 4 + 1) * 4) {
    const uint64_t to = (at / 4 + 1) * 4 < end ? 4 : (end - 1) % 4 + 1;
    a.word = &buffer->words[at / 4];
    a.bytes = (uint8_t)((1u << to) - (1u << at % 4));
    good = is_strong(&a) ? access_strongly(&a) : access_weakly(&a);
  }
  if (!good) warp->block->failed = true;
  return good;
}

bool pv_ptx_watch_stored(const pv_ptx_watch *w, const pv_ptx_buffer *buffer, uint64_t address,
                         pv_ptx_store *out) {
  const uint64_t at = address - buffer->address;
  const uint32_t lists[] = {buffer->words[at / 4].writes, buffer->words[at / 4].strong};
  const pv_ptx_entry *last = NULL;
  for (unsigned k = 0; k < 2; k++)
    for (uint32_t i = lists[k]; i != 0; i = w->entries[i].next) {
      const pv_ptx_entry *e = &w->entries[i];
      if ((e->bytes >> at % 4 & 1u) != 0 && (e->deed & PV_PTX_WRITES) != 0 &&
          (last == NULL || e->time >= last->time))
        last = e;
    }
  if (last != NULL) name_thread(w, last, out);
  return last != NULL;
}
