/* xgrammar's kernel that takes tokens away: its file up to where it is called, less what includes
 * torch. */
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <stdint.h>

#include "xgrammar-cut.cu"

const void *const pv_instances[] = {(const void *)LogitsBitmaskKernel<float, float4, 4>};
