/* How a tensor core adds up products of small floats. PTX does not say; this is a model with the
 * numbers that were measured on a device (docs/ptx.md, Products of matrices). Private to the
 * machine. */
#ifndef PV_PTX_TENSOR_H
#define PV_PTX_TENSOR_H

#include <stdbool.h>
#include <stdint.h>

typedef struct pv_ptx_tensor {
  unsigned fraction, exponent; /* bits of A and B, which lie in the upper bits of `width` */
  unsigned width;              /* of an element: 16, or 32 for tf32 */
  unsigned group;              /* products that are added at once, with the sum before them */
  unsigned kept; /* bits of fraction kept below the largest exponent: the rest is cut */
  bool half;     /* the sum is f16, else f32 */
} pv_ptx_tensor;

/* c + a[0] b[0] + ... + a[k-1] b[k-1]; elements and sums as bits. */
uint32_t pv_ptx_tensor_sum(const pv_ptx_tensor *t, const uint32_t *a, const uint32_t *b, unsigned k,
                           uint32_t c);

#endif
