/* Two open-addressing hash tables, filled while a vocabulary is read and never changed after. */
#ifndef PV_TOKENIZER_TABLE_H
#define PV_TOKENIZER_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define PV_TABLE_NONE UINT32_MAX

/* Byte string to index. The strings stay where they are and must outlive the table. */
typedef struct pv_string_slot {
  const char *data;
  uint64_t length;
  uint32_t index; /* PV_TABLE_NONE: empty */
} pv_string_slot;
typedef struct pv_string_table {
  pv_string_slot *slots;
  uint64_t mask;
} pv_string_table;

pv_code pv_string_table_make(pv_string_table *table, uint64_t capacity, pv_error *err);
/* Returns PV_TABLE_NONE when the string is new and now stored, else the index it had. Never more
 * strings than the capacity. */
uint32_t pv_string_table_put(pv_string_table *table, const char *data, uint64_t length,
                             uint32_t index);
uint32_t pv_string_table_get(const pv_string_table *table, const char *data, uint64_t length);
void pv_string_table_free(pv_string_table *table);

/* Pair of ids to (rank, merged id). */
typedef struct pv_pair_slot {
  uint32_t left, right;
  uint32_t rank; /* PV_TABLE_NONE: empty */
  uint32_t merged;
} pv_pair_slot;
typedef struct pv_pair_table {
  pv_pair_slot *slots;
  uint64_t mask;
} pv_pair_table;

pv_code pv_pair_table_make(pv_pair_table *table, uint64_t capacity, pv_error *err);
/* False when the pair was there already; `pair.rank` is below PV_TABLE_NONE. */
bool pv_pair_table_put(pv_pair_table *table, pv_pair_slot pair);
/* NULL when the pair is never merged. */
const pv_pair_slot *pv_pair_table_get(const pv_pair_table *table, uint32_t left, uint32_t right);
void pv_pair_table_free(pv_pair_table *table);

#endif
