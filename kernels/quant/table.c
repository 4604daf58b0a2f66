/* The table of types and the one function that computes a tensor's size. */
#include <string.h>

#include "base/ck.h"
#include "kernels/quant/quant.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "blocks are read in place: a little-endian machine is needed");

#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number) \
  {PV_TYPE_##NAME, #NAME, 1, sizeof(pv_block_##name), false, PV_FORM_PLAIN, 0, 0, 0, 0, 0},
#define PV_TYPE_ROW(NAME, name, number, elements, ...) \
  {PV_TYPE_##NAME, #NAME, elements, sizeof(pv_block_##name), true, __VA_ARGS__},
const pv_type_info pv_type_table[PV_TYPE_COUNT] = {
#include "kernels/quant/list.h"
};

#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number)
#define PV_TYPE_ROW(NAME, name, number, elements, form, ...)                                 \
  _Static_assert(                                                                            \
      256 % (elements) == 0 && (elements) % 32 == 0 && PV_TYPE_LARGEST(__VA_ARGS__) <= 4096, \
      #NAME);
#include "kernels/quant/list.h"

#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number) " " #NAME
#define PV_TYPE_ROW(NAME, ...)           " " #NAME
const char *pv_type_names(void) {
  static const char names[] =
#include "kernels/quant/list.h"
      ;
  return names + 1;
}

/* What GGUF files hold beside them: enough to check a directory and to name a type. 4 and 5 were
 * gone before GGUF came; 31 to 33 and 36 to 38 are written no more, and old files have them. */
#define OTHER(number, text, elements, bytes)                                 \
  {                                                                          \
    .type = (pv_type)(number), .name = (text), .block_elements = (elements), \
    .block_bytes = (bytes)                                                   \
  }
static const pv_type_info others[] = {
    OTHER(9, "Q8_1", 32, 40),        OTHER(15, "Q8_K", 256, 292),
    OTHER(16, "IQ2_XXS", 256, 66),   OTHER(17, "IQ2_XS", 256, 74),
    OTHER(18, "IQ3_XXS", 256, 98),   OTHER(19, "IQ1_S", 256, 50),
    OTHER(21, "IQ3_S", 256, 110),    OTHER(22, "IQ2_S", 256, 82),
    OTHER(24, "I8", 1, 1),           OTHER(25, "I16", 1, 2),
    OTHER(26, "I32", 1, 4),          OTHER(27, "I64", 1, 8),
    OTHER(28, "F64", 1, 8),          OTHER(29, "IQ1_M", 256, 56),
    OTHER(31, "Q4_0_4_4", 32, 18),   OTHER(32, "Q4_0_4_8", 32, 18),
    OTHER(33, "Q4_0_8_8", 32, 18),   OTHER(34, "TQ1_0", 256, 54),
    OTHER(36, "IQ4_NL_4_4", 32, 18), OTHER(37, "IQ4_NL_4_8", 32, 18),
    OTHER(38, "IQ4_NL_8_8", 32, 18), OTHER(40, "NVFP4", 64, 36),
    OTHER(41, "Q1_0", 128, 18),      OTHER(42, "Q2_0", 64, 18),
};

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
