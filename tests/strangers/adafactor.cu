/* adafactor8bit's steps of parameters of one dimension, without torch. */
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <stdint.h>
#include <type_traits>

namespace at {
struct BFloat16;
struct Half;
}  // namespace at

#include "adafactor-cut.cu"

const void *const pv_instances[] = {(const void *)fused_update_1d_kernel<float, MODE_APPLY, 8>};
