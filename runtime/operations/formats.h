/* Numbers as a kernel is given them, and as it stores them. */
#ifndef PV_OPERATIONS_FORMATS_H
#define PV_OPERATIONS_FORMATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum pv_format {
  PV_FORMAT_F32,
  PV_FORMAT_F16,
  PV_FORMAT_BF16,
  PV_FORMAT_Q8_0, /* 32 to a block: binary16 d, int8 q[32] */
  PV_FORMAT_Q8_1, /* 32 to a block: binary16 d, binary16 s = d * sum q, int8 q[32] */
  PV_FORMAT_Q8_K, /* 256 to a block: float d, int8 q[256], int16 sums of 16 */
  PV_FORMAT_I8,   /* int8: whole numbers alone */
  PV_FORMAT_COUNT
} pv_format;

typedef struct pv_format_info {
  const char *name;       /* "f16" */
  size_t elements, bytes; /* of a block */
  size_t numbers;         /* that pv_format_numbers takes from a block */
  double unit, least; /* what storing a number may round it by, relative and absolute; of F32, F16
                         and BF16 */
} pv_format_info;

const pv_format_info *pv_format_get(pv_format format);
/* By its name, in either case; false: unknown. */
bool pv_format_find(const char *name, pv_format *out);
/* Bytes of `n` elements; 0 where they are no whole blocks. */
size_t pv_format_bytes(pv_format format, size_t n);

/* `n` numbers (whole blocks). F32, F16 and BF16 are rounded to nearest even, infinities and NaNs
 * are kept; I8 takes whole numbers from -128 to 127; blocks as ggml's scalar code rounds them
 * (PV_ROUND_Q8_0, PV_ROUND_Q8_K in kernels/foreign; Q8_1 as Q8_0). False: no such whole number,
 * blocks of what is not finite, or whose scale is beyond binary16; `out` is then undefined. */
bool pv_format_encode(pv_format format, const float *x, size_t n, void *out);
/* What they stand for: exact. */
void pv_format_decode(pv_format format, const void *bytes, size_t n, float *out);
/* Every number that is stored, block by block, in the order of its bytes: scale, sum, integers. */
void pv_format_numbers(pv_format format, const void *bytes, size_t n, double *out);

#endif
