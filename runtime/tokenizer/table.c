#include "runtime/tokenizer/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/ck.h"

/* Finaliser of a 64-bit hash: every input bit reaches every output bit. */
static uint64_t mix(uint64_t h) {
  h ^= h >> 32;
  h *= UINT64_C(0xd6e8feb86659fd93);
  h ^= h >> 32;
  h *= UINT64_C(0xd6e8feb86659fd93);
  h ^= h >> 32;
  return h;
}

static uint64_t hash_bytes(const char *data, uint64_t length) {
  uint64_t h = length * UINT64_C(0x9e3779b97f4a7c15);
  uint64_t at = 0;
  for (; length - at >= 8; at += 8) {
    uint64_t word;
    memcpy(&word, data + at, 8);
    h = mix(h ^ word);
  }
  uint64_t tail = 0;
  if (at < length) memcpy(&tail, data + at, (size_t)(length - at));
  return mix(h ^ tail);
}

/* Room for a power of two of slots, at least twice the capacity: at most half of them are ever
 * used, so a search always meets an empty one. NULL with the error set. */
static void *make_slots(uint64_t capacity, size_t size, uint64_t *count, pv_error *err) {
  uint64_t total = 0, wanted = 16;
  size_t bytes = 0;
  bool fits = true;
  while (fits && wanted / 2 < capacity) fits = pv_ck_mul(wanted, 2, &wanted);
  fits = fits && pv_ck_mul(wanted, size, &total) && pv_ck_size(total, &bytes);
  void *slots = fits && bytes > 0 ? malloc(bytes) : NULL;
  if (slots == NULL)
    (void)pv_error_set(err, PV_ERR_NOMEM, "no memory for a table of %llu entries",
                       (unsigned long long)capacity);
  *count = wanted;
  return slots;
}

pv_code pv_string_table_make(pv_string_table *table, uint64_t capacity, pv_error *err) {
  uint64_t count;
  pv_string_slot *slots = make_slots(capacity, sizeof *slots, &count, err);
  if (slots == NULL) return PV_ERR_NOMEM;
  for (uint64_t i = 0; i < count; i++) slots[i] = (pv_string_slot){.index = PV_TABLE_NONE};
  *table = (pv_string_table){.slots = slots, .mask = count - 1};
  return PV_OK;
}

/* The slot that holds the string, or the empty one where it belongs. */
static pv_string_slot *string_slot(const pv_string_table *table, const char *data,
                                   uint64_t length) {
  uint64_t at = hash_bytes(data, length) & table->mask;
  for (;; at = (at + 1) & table->mask) {
    pv_string_slot *slot = &table->slots[at];
    if (slot->index == PV_TABLE_NONE) return slot;
    if (slot->length == length && (length == 0 || memcmp(slot->data, data, (size_t)length) == 0))
      return slot;
  }
}

uint32_t pv_string_table_put(pv_string_table *table, const char *data, uint64_t length,
                             uint32_t index) {
  pv_string_slot *slot = string_slot(table, data, length);
  const uint32_t before = slot->index;
  if (before == PV_TABLE_NONE)
    *slot = (pv_string_slot){.data = data, .length = length, .index = index};
  return before;
}

uint32_t pv_string_table_get(const pv_string_table *table, const char *data, uint64_t length) {
  return string_slot(table, data, length)->index;
}

void pv_string_table_free(pv_string_table *table) {
  free(table->slots);
  *table = (pv_string_table){0};
}

pv_code pv_pair_table_make(pv_pair_table *table, uint64_t capacity, pv_error *err) {
  uint64_t count;
  pv_pair_slot *slots = make_slots(capacity, sizeof *slots, &count, err);
  if (slots == NULL) return PV_ERR_NOMEM;
  for (uint64_t i = 0; i < count; i++) slots[i] = (pv_pair_slot){.rank = PV_TABLE_NONE};
  *table = (pv_pair_table){.slots = slots, .mask = count - 1};
  return PV_OK;
}

static pv_pair_slot *pair_slot(const pv_pair_table *table, uint32_t left, uint32_t right) {
  uint64_t at = mix((uint64_t)left << 32 | right) & table->mask;
  for (;; at = (at + 1) & table->mask) {
    pv_pair_slot *slot = &table->slots[at];
    if (slot->rank == PV_TABLE_NONE || (slot->left == left && slot->right == right)) return slot;
  }
}

bool pv_pair_table_put(pv_pair_table *table, pv_pair_slot pair) {
  pv_pair_slot *slot = pair_slot(table, pair.left, pair.right);
  if (slot->rank != PV_TABLE_NONE) return false;
  *slot = pair;
  return true;
}

const pv_pair_slot *pv_pair_table_get(const pv_pair_table *table, uint32_t left, uint32_t right) {
  const pv_pair_slot *slot = pair_slot(table, left, right);
  return slot->rank == PV_TABLE_NONE ? NULL : slot;
}

void pv_pair_table_free(pv_pair_table *table) {
  free(table->slots);
  *table = (pv_pair_table){0};
}
