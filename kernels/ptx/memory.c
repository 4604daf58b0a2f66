/* Loads, stores and copies. Every access is checked before it is done: bounds, alignment, whether
 * the bytes read were ever written, whether they may be written, and races in shared memory. */
#include <string.h>

#include "kernels/ptx/decode.h"
#include "kernels/ptx/shared.h"

/* The buffer before or at `address`: the last whose start is not above it. */
pv_ptx_buffer *pv_ptx_buffer_at(pv_ptx_memory *memory, uint64_t address, uint64_t bytes) {
  uint32_t low = 0, high = memory->count;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (memory->buffers[middle].address <= address)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0) return NULL;
  pv_ptx_buffer *b = &memory->buffers[low - 1];
  const uint64_t offset = address - b->address;
  return offset <= b->bytes && bytes <= b->bytes - offset ? b : NULL;
}

/* An access of one lane. */
typedef struct access {
  pv_ptx_warp *warp;
  const pv_ptx_step *step;
  unsigned lane, bytes;
  bool stores, reads_too;
  uint64_t address;       /* as it was given */
  unsigned char *written; /* NULL: always initialised */
  const unsigned char *data;
  unsigned char *to;            /* the same, where it may be written */
  const pv_ptx_buffer *watched; /* what the launch observes of it; else NULL */
} access;

static bool fail(const access *a, pv_ptx_fault_kind kind, const char *what) {
  pv_ptx_fail_access(a->warp, a->step, a->lane, kind, a->address, what);
  return false;
}

static inline bool is_constant(const pv_ptx_buffer *b) {
  return b->variable != NULL && b->variable->space == PV_PTX_CONST;
}

static inline bool in_global(access *a) {
  pv_ptx_block *block = a->warp->block;
  pv_ptx_memory *memory = block->grid->memory;
  uint8_t *cached = &block->cache[a->step->target];
  pv_ptx_buffer *b = &memory->buffers[*cached];
  if (a->address - b->address >= b->bytes || a->bytes > b->bytes - (a->address - b->address)) {
    b = pv_ptx_buffer_at(memory, a->address, a->bytes);
    if (b == NULL) return fail(a, PV_PTX_OUT_OF_BOUNDS, "outside every buffer");
    *cached = (uint8_t)(b - memory->buffers);
  }
  if (a->step->space == PV_PTX_CONST && !is_constant(b))
    return fail(a, PV_PTX_OUT_OF_BOUNDS, "outside the module's constants");
  if (a->stores && !b->writable)
    return fail(
        a, PV_PTX_UNDECLARED_WRITE,
        is_constant(b) ? "a constant of the module" : "a buffer that is no declared output");
  a->watched = b->words != NULL ? b : NULL;
  a->data = a->to = b->data + (a->address - b->address);
  a->written = b->written + (a->address - b->address);
  return true;
}

/* Whether a store leaves shared memory as it is: Triton lets all threads store what all have. */
static bool keeps(const access *a, uint64_t at) {
  const pv_ptx_step *s = a->step;
  if (s->run != pv_ptx_run_store) return false;
  for (unsigned i = 0; i < s->count; i++)
    if (memcmp(a->warp->registers + s->r[1 + i] + (s->wide ? 8 : 4) * a->lane,
               a->warp->block->shared + at + (size_t)i * s->bytes, s->bytes) != 0)
      return false;
  return true;
}

/* A race with what `touch` tells of byte `at`; `by`: the steps that did it, where that is known. */
static bool fail_race(const access *a, uint32_t touch, const uint32_t *by, const char *what) {
  pv_ptx_block *block = a->warp->block;
  const uint32_t who = touch & ((1u << PV_PTX_WHO_BITS) - 1);
  fail(a, PV_PTX_SHARED_RACE, what);
  if (by != NULL && who < PV_PTX_MANY_WARPS) pv_ptx_watch_tell(block, who, *by, &block->fault);
  return true;
}

/* Against what was done to byte `i` of an access at `at`, by plain accesses or by atomic ones. */
static bool meets(const access *a, uint64_t at, unsigned i, const pv_ptx_touch *touch) {
  const pv_ptx_touch *by = a->warp->block->touched_by;
  const uint32_t thread = a->warp->index * PV_PTX_LANES + a->lane;
  if (pv_ptx_is_unordered(a->warp, thread, touch->write, a->warp->synced) &&
      !(a->stores && keeps(a, at)))
    return fail_race(a, touch->write, by != NULL ? &by[at + i].write : NULL,
                     a->stores ? "another thread wrote this since the last barrier"
                               : "another thread wrote this, and no barrier lies between");
  if (a->stores && pv_ptx_is_unordered(a->warp, thread, touch->read, a->warp->met))
    return fail_race(a, touch->read, by != NULL ? &by[at + i].read : NULL,
                     "another thread read this, and no barrier lies between");
  return false;
}

/* Remembers which step touched the bytes, where the launch observes. */
static void note_steps(const access *a, uint64_t at) {
  const pv_ptx_block *block = a->warp->block;
  const uint32_t step = (uint32_t)(a->step - block->code->steps);
  for (unsigned i = 0; i < a->bytes; i++) {
    if (a->stores)
      block->touched_by[at + i].write = step;
    else
      block->touched_by[at + i].read = step;
  }
}

/* An access beside atomic ones, or one that is atomic. */
static bool check_strong(const access *a, uint64_t at) {
  const pv_ptx_block *block = a->warp->block;
  pv_ptx_touch *touched = block->touched + at, *strong = block->strong + at;
  const uint32_t thread = a->warp->index * PV_PTX_LANES + a->lane;
  const bool atomic = a->step->order != 0;
  for (unsigned i = 0; i < a->bytes; i++) {
    if (meets(a, at, i, &touched[i])) return false;
    if (!atomic && meets(a, at, i, &strong[i])) return false;
    if (atomic && a->stores)
      strong[i].write = pv_ptx_after_read(a->warp, thread, strong[i].write);
    else if (atomic)
      strong[i].read = pv_ptx_after_read(a->warp, thread, strong[i].read);
    else if (a->stores)
      touched[i].write = block->clock << PV_PTX_WHO_BITS | thread;
    else
      touched[i].read = pv_ptx_after_read(a->warp, thread, touched[i].read);
  }
  return true;
}

/* Bytes of one access were mostly touched together before: those with the same past as the byte
 * before have its answer. */
static inline bool check_plain(const access *a, uint64_t at) {
  const pv_ptx_block *block = a->warp->block;
  pv_ptx_touch *touched = block->touched + at, past = {0}, now = {0};
  const uint32_t thread = a->warp->index * PV_PTX_LANES + a->lane;
  for (unsigned i = 0; i < a->bytes; i++) {
    if (i == 0 || touched[i].write != past.write || touched[i].read != past.read) {
      past = now = touched[i];
      if (meets(a, at, i, &past)) return false;
      if (a->stores)
        now.write = block->clock << PV_PTX_WHO_BITS | thread;
      else
        now.read = pv_ptx_after_read(a->warp, thread, past.read);
    }
    touched[i] = now;
  }
  return true;
}

static bool check_race(const access *a, uint64_t at) {
  pv_ptx_block *block = a->warp->block;
  block->has_strong |= a->step->order != 0;
  if (!(block->has_strong ? check_strong(a, at) : check_plain(a, at))) return false;
  if (block->touched_by != NULL) note_steps(a, at);
  return true;
}

static inline bool in_shared(access *a, uint64_t at) {
  pv_ptx_block *block = a->warp->block;
  if (at >= block->shared_bytes || a->bytes > block->shared_bytes - at)
    return fail(a, PV_PTX_OUT_OF_BOUNDS, "outside the block's shared memory");
  if ((at & (a->bytes - 1)) != 0) return fail(a, PV_PTX_MISALIGNED, "");
  if (!check_race(a, at)) return false;
  a->data = a->to = block->shared + at;
  a->written = block->shared_written + at;
  return true;
}

static bool in_local(access *a, uint64_t at) {
  const pv_ptx_code *code = a->warp->block->code;
  const uint64_t bytes = code->local_bytes;
  const uint64_t thread = (uint64_t)a->warp->index * PV_PTX_LANES + a->lane;
  const uint64_t own = thread * code->local_pitch + at;
  if (at >= bytes || a->bytes > bytes - at)
    return fail(a, PV_PTX_OUT_OF_BOUNDS, "outside the thread's local memory");
  a->data = a->to = a->warp->block->local + own;
  a->written = a->warp->block->local_written + own;
  return true;
}

static bool in_params(access *a, uint64_t at) {
  const pv_ptx_grid *grid = a->warp->block->grid;
  const uint64_t bytes = grid->code->param_bytes;
  if (a->stores || at >= bytes || a->bytes > bytes - at)
    return fail(a, PV_PTX_OUT_OF_BOUNDS, "outside the kernel's parameters");
  a->data = grid->params + at;
  a->written = NULL;
  return true;
}

static bool in_window(access *a) {
  const uint64_t at = a->address % PV_PTX_WINDOW;
  switch (a->address - at) {
    case PV_PTX_SHARED_WINDOW:
      return in_shared(a, at);
    case PV_PTX_LOCAL_WINDOW:
      return in_local(a, at);
    case PV_PTX_PARAM_WINDOW:
      return in_params(a, at);
    default:
      return in_global(a);
  }
}

/* Blocks run at once, and a kernel may let them race in device memory. Its outcome is then either
 * value, as on a device: each aligned element is read and written whole, and relaxed. */

static inline uint64_t get_word(const void *from, unsigned bytes) { /* 1, 2, 4 or 8 */
  switch (bytes) {
    case 1:
      return __atomic_load_n((const unsigned char *)from, __ATOMIC_RELAXED);
    case 2:
      return __atomic_load_n((const uint16_t *)from, __ATOMIC_RELAXED);
    case 4:
      return __atomic_load_n((const uint32_t *)from, __ATOMIC_RELAXED);
    default:
      return __atomic_load_n((const uint64_t *)from, __ATOMIC_RELAXED);
  }
}

static inline void put_word(void *to, unsigned bytes, uint64_t value) {
  switch (bytes) {
    case 1:
      __atomic_store_n((unsigned char *)to, (unsigned char)value, __ATOMIC_RELAXED);
      break;
    case 2:
      __atomic_store_n((uint16_t *)to, (uint16_t)value, __ATOMIC_RELAXED);
      break;
    case 4:
      __atomic_store_n((uint32_t *)to, (uint32_t)value, __ATOMIC_RELAXED);
      break;
    default:
      __atomic_store_n((uint64_t *)to, value, __ATOMIC_RELAXED);
  }
}

#define ALL_WRITTEN 0x0101010101010101u /* a 1 for each byte */

static inline bool all_written(const unsigned char *written, unsigned bytes) {
  const unsigned step = bytes < 8 ? bytes : 8;
  const uint64_t wanted = ALL_WRITTEN >> (64 - 8 * step);
  for (unsigned i = 0; i < bytes; i += step)
    if (get_word(written + i, step) != wanted) return false;
  return true;
}

static inline void mark_written(unsigned char *written, unsigned bytes) {
  const unsigned step = bytes < 8 ? bytes : 8;
  for (unsigned i = 0; i < bytes; i += step) put_word(written + i, step, ALL_WRITTEN);
}

/* An atomic without a result does not learn what others wrote. */
static unsigned deed_of(const access *a) {
  if (a->step->run == pv_ptx_run_atomic)
    return ((const pv_ptx_atomic *)(const void *)a->step->more)->wanted
               ? PV_PTX_READS | PV_PTX_WRITES
               : PV_PTX_WRITES;
  return a->stores ? PV_PTX_WRITES : PV_PTX_READS;
}

/* Finds the bytes at a->address, or stops the block. */
static inline bool locate_address(access *a) {
  const pv_ptx_step *s = a->step;
  a->watched = NULL;
  bool found = false;
  if (s->space == PV_PTX_GLOBAL || s->space == PV_PTX_CONST)
    found = in_global(a);
  else if (s->space == PV_PTX_SHARED)
    found = in_shared(a, a->address);
  else if (s->space == PV_PTX_PARAM)
    found = in_params(a, a->address);
  else if (s->space == PV_PTX_LOCAL)
    found = in_local(a, a->address);
  else
    found = in_window(a);
  if (!found) return false;
  if ((a->address & (a->bytes - 1)) != 0) return fail(a, PV_PTX_MISALIGNED, "");
  if (a->written == NULL) return true;
  if (a->watched != NULL &&
      !pv_ptx_watch_access(a->warp, s, a->lane, a->watched, a->address, a->bytes, deed_of(a)))
    return false;
  if ((!a->stores || a->reads_too) && !all_written(a->written, a->bytes))
    return fail(a, PV_PTX_UNINITIALISED, "nothing was ever written there");
  if (a->stores) mark_written(a->written, a->bytes);
  return true;
}

/* The same at the address in the step's register. */
static inline bool locate(access *a) {
  const pv_ptx_step *s = a->step;
  const unsigned char *base = a->warp->registers + s->r[0];
  a->address = s->narrow_address ? ((const uint32_t *)(const void *)base)[a->lane]
                                 : ((const uint64_t *)(const void *)base)[a->lane];
  a->address += (uint64_t)s->offset;
  return locate_address(a);
}

bool pv_ptx_read(pv_ptx_warp *warp, const pv_ptx_step *step, unsigned lane, uint64_t address,
                 unsigned bytes, uint64_t *out) {
  access a = {.warp = warp, .step = step, .lane = lane, .bytes = bytes, .address = address};
  if (!locate_address(&a)) return false;
  *out = get_word(a.data, bytes);
  return true;
}

void *pv_ptx_atomic_place(pv_ptx_warp *warp, const pv_ptx_step *step, unsigned lane, bool reads) {
  access a = {.warp = warp,
              .step = step,
              .lane = lane,
              .bytes = step->bytes,
              .stores = true,
              .reads_too = reads};
  return locate(&a) ? a.to : NULL;
}

bool pv_ptx_write(pv_ptx_warp *warp, const pv_ptx_step *step, unsigned lane, uint64_t address,
                  unsigned bytes, uint64_t value) {
  access a = {
      .warp = warp, .step = step, .lane = lane, .bytes = bytes, .stores = true, .address = address};
  if (!locate_address(&a)) return false;
  put_word(a.to, bytes, value);
  return true;
}

static inline uint64_t element(const unsigned char *from, const pv_ptx_step *s) {
  const uint64_t value = get_word(from, s->bytes);
  if (!s->is_signed) return value;
  const unsigned unused = 64 - 8u * s->bytes;
  return (uint64_t)((int64_t)(value << unused) >> unused);
}

/* All lanes read one place of the parameters: the usual case. */
static bool load_param(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  const pv_ptx_grid *grid = warp->block->grid;
  const uint64_t *base = (const uint64_t *)(const void *)(warp->registers + s->r[0]);
  const uint64_t at = base[0] + (uint64_t)s->offset, bytes = (uint64_t)s->bytes * s->count;
  if (mask != PV_PTX_ALL || s->narrow_address || at % bytes != 0 || at > grid->code->param_bytes ||
      bytes > grid->code->param_bytes - at)
    return false;
  for (unsigned l = 1; l < PV_PTX_LANES; l++)
    if (base[l] != base[0]) return false;
  for (unsigned i = 0; i < s->count; i++) {
    const uint64_t value = element(grid->params + at + (size_t)i * s->bytes, s);
    void *to = warp->registers + s->r[1 + i];
    for (unsigned l = 0; l < PV_PTX_LANES; l++) {
      if (s->wide)
        ((uint64_t *)to)[l] = value;
      else
        ((uint32_t *)to)[l] = (uint32_t)value;
    }
  }
  return true;
}

/* Loads whose lanes all lie in the buffer that the step found last, which is the usual case:
 * checked all at once, then done. False, with nothing done, when a lane must be looked at. `total`
 * and `bytes` are constants where this is inlined. */
static inline __attribute__((always_inline)) bool load_global(pv_ptx_warp *warp,
                                                              const pv_ptx_step *s, uint32_t mask,
                                                              const unsigned total,
                                                              const unsigned bytes) {
  const pv_ptx_block *block = warp->block;
  const pv_ptx_buffer *b = &block->grid->memory->buffers[block->cache[s->target]];
  const uint64_t *address = (const uint64_t *)(const void *)(warp->registers + s->r[0]);
  const uint64_t base = b->address - (uint64_t)s->offset;
  uint64_t at[PV_PTX_LANES], outside = 0;
  uint32_t unwritten = 0;
  if (s->narrow_address || b->bytes < total || b->words != NULL) return false;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const unsigned l = (unsigned)__builtin_ctz(rest);
    at[l] = address[l] - base;
    outside |= (uint64_t)(at[l] > b->bytes - total) | (at[l] & (total - 1));
  }
  if (outside != 0) return false;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1)
    unwritten |= !all_written(b->written + at[__builtin_ctz(rest)], total);
  if (unwritten != 0) return false;
  for (unsigned i = 0; i < total / bytes; i++) {
    void *to = warp->registers + s->r[1 + i];
    for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
      const unsigned l = (unsigned)__builtin_ctz(rest);
      const uint64_t value = get_word(b->data + at[l] + (size_t)i * bytes, bytes);
      if (bytes == 8)
        ((uint64_t *)to)[l] = value;
      else
        ((uint32_t *)to)[l] = (uint32_t)value;
    }
  }
  return true;
}

/* By size; what is rarer goes lane by lane. */
static bool load_global_fast(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  if (s->is_signed || s->wide != (s->bytes == 8) || s->order != 0) return false;
  switch (s->bytes << 4 | s->count) {
    case 1 << 4 | 1:
      return load_global(warp, s, mask, 1, 1);
    case 2 << 4 | 1:
      return load_global(warp, s, mask, 2, 2);
    case 4 << 4 | 1:
      return load_global(warp, s, mask, 4, 4);
    case 4 << 4 | 2:
      return load_global(warp, s, mask, 8, 4);
    case 4 << 4 | 4:
      return load_global(warp, s, mask, 16, 4);
    case 8 << 4 | 1:
      return load_global(warp, s, mask, 8, 8);
    default:
      return false;
  }
}

void pv_ptx_run_load(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  const bool words = s->bytes == 4 && !s->wide;
  access a = {.warp = warp, .step = s, .bytes = (unsigned)s->bytes * s->count};
  if (s->space == PV_PTX_PARAM && load_param(warp, s, mask)) return;
  if (s->space == PV_PTX_GLOBAL && load_global_fast(warp, s, mask)) return;
  for (; mask != 0; mask &= mask - 1) {
    a.lane = (unsigned)__builtin_ctz(mask);
    if (!locate(&a)) return;
    for (unsigned i = 0; i < s->count; i++) {
      const unsigned char *from = a.data + (size_t)i * s->bytes;
      void *to = warp->registers + s->r[1 + i];
      if (words)
        ((uint32_t *)to)[a.lane] = (uint32_t)get_word(from, 4);
      else if (s->wide)
        ((uint64_t *)to)[a.lane] = element(from, s);
      else
        ((uint32_t *)to)[a.lane] = (uint32_t)element(from, s);
    }
  }
  if (s->order == 0) return;
  pv_ptx_acquire(warp);
  pv_ptx_poll(warp->block, false);
}

void pv_ptx_run_store(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  access a = {.warp = warp, .step = s, .bytes = (unsigned)s->bytes * s->count, .stores = true};
  for (; mask != 0; mask &= mask - 1) {
    a.lane = (unsigned)__builtin_ctz(mask);
    if (!locate(&a)) return;
    for (unsigned i = 0; i < s->count; i++) {
      const unsigned char *from = warp->registers + s->r[1 + i] + (s->wide ? 8 : 4) * a.lane;
      uint64_t value = 0;
      memcpy(&value, from, s->bytes);
      put_word(a.to + (size_t)i * s->bytes, s->bytes, value);
    }
  }
}

/* What a lane copies, zeros behind the bytes of its source. */
static bool read_source(access *a, pv_ptx_copy *copy) {
  const pv_ptx_step *s = a->step;
  const unsigned char *registers = a->warp->registers;
  uint32_t bytes = s->bytes;
  if (s->r[2] != 0) bytes = ((const uint32_t *)(const void *)(registers + s->r[2]))[a->lane];
  if (s->r[3] != 0 && *(const uint32_t *)(const void *)(registers + s->r[3]) >> a->lane & 1u)
    bytes = 0;
  a->address = ((const uint64_t *)(const void *)(registers + s->r[0]))[a->lane];
  a->address += (uint64_t)s->offset;
  if (bytes > s->bytes) return fail(a, PV_PTX_OUT_OF_BOUNDS, "the source has more bytes");
  if (bytes > 0 && (a->address & (s->bytes - 1u)) != 0) return fail(a, PV_PTX_MISALIGNED, "");
  if (bytes == s->bytes) {
    if (!locate_address(a)) return false;
    for (unsigned i = 0; i < bytes; i += 4) {
      const uint32_t word = (uint32_t)get_word(a->data + i, 4);
      memcpy(copy->data + i, &word, 4);
    }
    return true;
  }
  for (unsigned i = 0; i < bytes; i++) {
    uint64_t byte = 0;
    if (!pv_ptx_read(a->warp, s, a->lane, a->address + i, 1, &byte)) return false;
    copy->data[i] = (unsigned char)byte;
  }
  return true;
}

/* Copies from global to shared memory. The source is read when the copy is asked for; its place
 * counts as never written until the thread waits for the copy's group, and is written then. */
void pv_ptx_run_copy(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  pv_ptx_block *b = warp->block;
  access a = {.warp = warp, .step = s, .bytes = s->bytes};
  for (; mask != 0; mask &= mask - 1) {
    a.lane = (unsigned)__builtin_ctz(mask);
    pv_ptx_copy copy = {.step = s, .thread = warp->index * PV_PTX_LANES + a.lane};
    int64_t offset = 0;
    memcpy(&offset, s->more, sizeof offset);
    if (!read_source(&a, &copy)) return;
    copy.group = b->committed[copy.thread];
    copy.to =
        ((const uint32_t *)(const void *)(warp->registers + s->r[1]))[a.lane] + (uint64_t)offset;
    access to = {.warp = warp,
                 .step = s,
                 .lane = a.lane,
                 .bytes = s->bytes,
                 .stores = true,
                 .address = copy.to};
    if (!in_shared(&to, copy.to)) return;
    memset(to.written, 0, s->bytes);
    if (b->copy_count == b->shared_bytes / 4) {
      fail(&to, PV_PTX_SHARED_RACE, "more copies are under way than there are places");
      return;
    }
    b->copies[b->copy_count++] = copy;
  }
}

void pv_ptx_run_commit(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  (void)s;
  for (; mask != 0; mask &= mask - 1)
    warp->block->committed[warp->index * PV_PTX_LANES + (unsigned)__builtin_ctz(mask)]++;
}

/* Until at most `offset` groups of each thread are under way. */
void pv_ptx_run_wait(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  pv_ptx_block *b = warp->block;
  size_t left = 0;
  for (size_t i = 0; i < b->copy_count; i++) {
    const pv_ptx_copy *c = &b->copies[i];
    const uint32_t lane = c->thread % PV_PTX_LANES;
    const bool ends = c->thread / PV_PTX_LANES == warp->index && (mask >> lane & 1u) != 0 &&
                      (uint64_t)c->group + (uint64_t)s->offset < b->committed[c->thread];
    if (!ends) {
      b->copies[left++] = *c;
      continue;
    }
    access to = {.warp = warp,
                 .step = c->step,
                 .lane = lane,
                 .bytes = c->step->bytes,
                 .stores = true,
                 .address = c->to};
    if (!in_shared(&to, c->to)) return;
    memcpy(to.to, c->data, to.bytes);
    memset(to.written, 1, to.bytes);
  }
  b->copy_count = left;
}
