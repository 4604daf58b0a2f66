#include "kernels/ptx/names.h"

#include <string.h>

#include "runtime/base/ck.h"
#include "runtime/base/text.h"

/* One slot for each distinct text; `top` is its innermost declaration. */
typedef struct pv_ptx_slot {
  const char *text;
  size_t length;
  uint64_t hash;
  pv_ptx_name *top;
  struct pv_ptx_slot *next;
} pv_ptx_slot;

enum { FIRST_BUCKETS = 256 };

static uint64_t hash_of(const char *text, size_t length) { /* FNV-1a */
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
  return hash ^ hash >> 32;
}

pv_status pv_ptx_names_open(pv_ptx_names *names, pv_arena *arena, pv_error *err) {
  *names = (pv_ptx_names){.arena = arena, .bucket_count = FIRST_BUCKETS};
  names->buckets = PV_ARENA_NEW(arena, FIRST_BUCKETS, pv_ptx_slot *);
  return names->buckets != NULL ? PV_OK : pv_error_set(err, PV_ERR_NOMEM, "out of memory");
}

bool pv_ptx_names_push(pv_ptx_names *names) {
  if (names->depth + 1 >= sizeof names->scopes / sizeof *names->scopes) return false;
  names->scopes[++names->depth] = NULL;
  return true;
}

void pv_ptx_names_pop(pv_ptx_names *names) {
  for (pv_ptx_name *n = names->scopes[names->depth]; n != NULL; n = n->next)
    n->slot->top = n->outer;
  names->depth--;
}

static pv_ptx_slot *find_slot(const pv_ptx_names *names, const char *text, size_t length) {
  const uint64_t hash = hash_of(text, length);
  pv_ptx_slot *slot = names->buckets[hash & (names->bucket_count - 1)];
  while (slot != NULL &&
         !(slot->hash == hash && slot->length == length && memcmp(slot->text, text, length) == 0))
    slot = slot->next;
  return slot;
}

pv_ptx_name *pv_ptx_names_get(const pv_ptx_names *names, const char *text, size_t length) {
  const pv_ptx_slot *slot = find_slot(names, text, length);
  return slot != NULL ? slot->top : NULL;
}

static bool grow(pv_ptx_names *names) {
  uint64_t count = 0;
  if (!pv_ck_mul(names->bucket_count, 2, &count)) return false;
  pv_ptx_slot **buckets = PV_ARENA_NEW(names->arena, count, pv_ptx_slot *);
  if (buckets == NULL) return false;
  for (size_t i = 0; i < names->bucket_count; i++)
    for (pv_ptx_slot *slot = names->buckets[i], *next = NULL; slot != NULL; slot = next) {
      next = slot->next;
      slot->next = buckets[slot->hash & (count - 1)];
      buckets[slot->hash & (count - 1)] = slot;
    }
  names->buckets = buckets;
  names->bucket_count = count;
  return true;
}

static pv_ptx_slot *make_slot(pv_ptx_names *names, const char *text, size_t length) {
  if (names->slot_count >= names->bucket_count && !grow(names)) return NULL;
  pv_ptx_slot *slot = PV_ARENA_NEW(names->arena, 1, pv_ptx_slot);
  if (slot == NULL) return NULL;
  slot->text = pv_arena_strndup(names->arena, text, length);
  if (slot->text == NULL) return NULL;
  slot->length = length;
  slot->hash = hash_of(text, length);
  pv_ptx_slot **bucket = &names->buckets[slot->hash & (names->bucket_count - 1)];
  slot->next = *bucket;
  *bucket = slot;
  names->slot_count++;
  return slot;
}

/* Declarations of one text lie in the order of their depths: what is added is never further out
 * than what is there, since the innermost one would have been found instead. */
static pv_status declare(pv_ptx_names *names, const char *text, size_t length, unsigned depth,
                         pv_ptx_name **out, pv_error *err) {
  pv_ptx_slot *slot = find_slot(names, text, length);
  if (slot == NULL) slot = make_slot(names, text, length);
  pv_ptx_name *name = PV_ARENA_NEW(names->arena, 1, pv_ptx_name);
  if (slot == NULL || name == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory");
  *name = (pv_ptx_name){.text = slot->text,
                        .index = PV_PTX_UNUSED,
                        .depth = depth,
                        .slot = slot,
                        .outer = slot->top,
                        .next = names->scopes[depth]};
  slot->top = name;
  names->scopes[depth] = name;
  *out = name;
  return PV_OK;
}

pv_status pv_ptx_names_add(pv_ptx_names *names, const char *text, size_t length,
                           pv_ptx_name_kind kind, pv_ptx_name **out, pv_error *err) {
  const pv_ptx_name *there = pv_ptx_names_get(names, text, length);
  if (there != NULL && there->depth == names->depth)
    return pv_error_set(err, PV_ERR_INPUT, "'%.*s' is declared twice",
                        (int)(length < 100 ? length : 100), text);
  const pv_status status = declare(names, text, length, names->depth, out, err);
  if (status == PV_OK) (*out)->kind = kind;
  return status;
}

/* The innermost range that declares `text`, or NULL: %r12 by %r<13>, but not %r012. */
static pv_ptx_name *find_range(const pv_ptx_names *names, const char *text, size_t length) {
  size_t stem = length;
  uint64_t number = 0;
  while (stem > 0 && text[stem - 1] >= '0' && text[stem - 1] <= '9') stem--;
  if (stem == 0 || stem == length || !pv_parse_u64(text + stem, length - stem, &number))
    return NULL;
  pv_ptx_name *range = pv_ptx_names_get(names, text, stem);
  while (range != NULL && !(range->kind == PV_PTX_NAME_RANGE && number < range->count))
    range = range->outer;
  return range;
}

pv_status pv_ptx_names_resolve(pv_ptx_names *names, const char *text, size_t length,
                               pv_ptx_name **out, pv_error *err) {
  pv_ptx_name *exact = pv_ptx_names_get(names, text, length);
  pv_ptx_name *range = find_range(names, text, length);
  if (exact != NULL && exact->kind == PV_PTX_NAME_RANGE) exact = NULL; /* its stem alone */
  *out = exact;
  if (range == NULL || (exact != NULL && exact->depth > range->depth)) return PV_OK;
  if (exact != NULL && exact->depth == range->depth)
    return exact->derived ? PV_OK
                          : pv_error_set(err, PV_ERR_INPUT, "'%.*s' is declared twice",
                                         (int)(length < 100 ? length : 100), text);
  pv_ptx_name *made = NULL;
  const pv_status status = declare(names, text, length, range->depth, &made, err);
  if (status != PV_OK) return status;
  made->kind = PV_PTX_NAME_REGISTER;
  made->type = range->type;
  made->derived = true;
  *out = made;
  return PV_OK;
}
