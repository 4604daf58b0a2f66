/* The table of types and the one function that computes a tensor's size. */
#include <string.h>

#include "runtime/base/ck.h"
#include "runtime/quant/quant.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "blocks are read in place: a little-endian machine is needed");

const pv_type_info pv_type_table[PV_TYPE_COUNT] = {
    {PV_TYPE_F32, "F32", 1, 4, false},
    {PV_TYPE_F16, "F16", 1, 2, false},
    {PV_TYPE_Q8_0, "Q8_0", 32, sizeof(pv_block_q8_0), true},
    {PV_TYPE_Q4_K, "Q4_K", 256, sizeof(pv_block_q4_k), true},
    {PV_TYPE_Q5_K, "Q5_K", 256, sizeof(pv_block_q5_k), true},
    {PV_TYPE_Q6_K, "Q6_K", 256, sizeof(pv_block_q6_k), true},
    {PV_TYPE_BF16, "BF16", 1, 2, false},
};

/* The numbers are the file format's: a renumbered enum would misread every file. */
_Static_assert(PV_TYPE_F32 == 0 && PV_TYPE_F16 == 1 && PV_TYPE_Q8_0 == 8, "type numbers");
_Static_assert(PV_TYPE_Q4_K == 12 && PV_TYPE_Q5_K == 13 && PV_TYPE_Q6_K == 14, "type numbers");
_Static_assert(PV_TYPE_BF16 == 30, "type numbers");

const pv_type_info *pv_type_get(uint32_t type) {
  for (unsigned i = 0; i < PV_TYPE_COUNT; i++)
    if ((uint32_t)pv_type_table[i].type == type) return &pv_type_table[i];
  return NULL;
}

const pv_type_info *pv_type_by_name(const char *name) {
  for (unsigned i = 0; i < PV_TYPE_COUNT; i++)
    if (strcmp(pv_type_table[i].name, name) == 0) return &pv_type_table[i];
  return NULL;
}

bool pv_tensor_size(pv_type type, const uint64_t *dims, unsigned dim_count, uint64_t *elements,
                    uint64_t *row_bytes, uint64_t *bytes) {
  const pv_type_info *info = pv_type_get((uint32_t)type);
  if (info == NULL || dim_count < 1 || dim_count > 4) return false;
  if (dims[0] == 0 || dims[0] % info->block_elements != 0) return false;
  uint64_t row = 0, rows = 1, total = 0, all = 0;
  if (!pv_ck_mul(dims[0] / info->block_elements, info->block_bytes, &row)) return false;
  for (unsigned i = 1; i < dim_count; i++)
    if (dims[i] == 0 || !pv_ck_mul(rows, dims[i], &rows)) return false;
  if (!pv_ck_mul(rows, row, &total) || !pv_ck_mul(rows, dims[0], &all)) return false;
  /* Offsets are signed in many interfaces (off_t, ptrdiff_t): keep everything within them. */
  if (total > INT64_MAX || all > INT64_MAX) return false;
  *elements = all;
  *row_bytes = row;
  *bytes = total;
  return true;
}
