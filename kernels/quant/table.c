/* The table of types and the one function that computes a tensor's size. */
#include <string.h>

#include "base/ck.h"
#include "kernels/quant/quant.h"

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

/* What GGUF files hold beside them: enough to check a directory and to name a type. 4 and 5 were
 * gone before GGUF came; 31 to 33 and 36 to 38 are written no more, and old files have them. */
static const pv_type_info others[] = {
    {(pv_type)2, "Q4_0", 32, 18, true},        {(pv_type)3, "Q4_1", 32, 20, true},
    {(pv_type)6, "Q5_0", 32, 22, true},        {(pv_type)7, "Q5_1", 32, 24, true},
    {(pv_type)9, "Q8_1", 32, 40, true},        {(pv_type)10, "Q2_K", 256, 84, true},
    {(pv_type)11, "Q3_K", 256, 110, true},     {(pv_type)15, "Q8_K", 256, 292, true},
    {(pv_type)16, "IQ2_XXS", 256, 66, true},   {(pv_type)17, "IQ2_XS", 256, 74, true},
    {(pv_type)18, "IQ3_XXS", 256, 98, true},   {(pv_type)19, "IQ1_S", 256, 50, true},
    {(pv_type)20, "IQ4_NL", 32, 18, true},     {(pv_type)21, "IQ3_S", 256, 110, true},
    {(pv_type)22, "IQ2_S", 256, 82, true},     {(pv_type)23, "IQ4_XS", 256, 136, true},
    {(pv_type)24, "I8", 1, 1, false},          {(pv_type)25, "I16", 1, 2, false},
    {(pv_type)26, "I32", 1, 4, false},         {(pv_type)27, "I64", 1, 8, false},
    {(pv_type)28, "F64", 1, 8, false},         {(pv_type)29, "IQ1_M", 256, 56, true},
    {(pv_type)31, "Q4_0_4_4", 32, 18, true},   {(pv_type)32, "Q4_0_4_8", 32, 18, true},
    {(pv_type)33, "Q4_0_8_8", 32, 18, true},   {(pv_type)34, "TQ1_0", 256, 54, true},
    {(pv_type)35, "TQ2_0", 256, 66, true},     {(pv_type)36, "IQ4_NL_4_4", 32, 18, true},
    {(pv_type)37, "IQ4_NL_4_8", 32, 18, true}, {(pv_type)38, "IQ4_NL_8_8", 32, 18, true},
    {(pv_type)39, "MXFP4", 32, 17, true},      {(pv_type)40, "NVFP4", 64, 36, true},
    {(pv_type)41, "Q1_0", 128, 18, true},      {(pv_type)42, "Q2_0", 64, 18, true},
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

const pv_type_info *pv_type_known(uint32_t type) {
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if ((uint32_t)others[i].type == type) return &others[i];
  return pv_type_get(type);
}

const pv_type_info *pv_type_by_name(const char *name) {
  for (unsigned i = 0; i < PV_TYPE_COUNT; i++)
    if (strcmp(pv_type_table[i].name, name) == 0) return &pv_type_table[i];
  return NULL;
}

bool pv_tensor_size(pv_type type, const uint64_t *dims, unsigned dim_count, uint64_t *elements,
                    uint64_t *row_bytes, uint64_t *bytes) {
  const pv_type_info *info = pv_type_known((uint32_t)type);
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
