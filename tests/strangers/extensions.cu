/* sptr's attention, BiWKV4's forward pass, SJLT's projection and torchac's encoder: their files
 * less what includes and calls torch. */
#include <stdint.h>

#include <torch/extension.h>

template <typename T>
static __device__ T float2type(float value) {
  return value;
}
static const int precision = 16;
#define MIN_VALUE   (-1e38)
#define EPS         (1e-6)
#define TOKEN_SPLIT 32

#include "biwkv4-cut.cu"
#include "sjlt-cut.cu"
#include "sptr-cut.cu"
#include "torchac-cut.cu"

template <typename T, int N>
using Accessor = torch::PackedTensorAccessor32<T, N, torch::RestrictPtrTraits>;
const void *const pv_instances[] = {
    (const void *)attention_step2_forward_cuda_kernel<float>,
    (const void *)biwkv4_cuda_forward_kernel<float>, (const void *)sjlt_projection_kernel<float>,
    (const void *)encode_with_accessor_kernel<1, Accessor<int16_t, 3>, Accessor<int8_t, 3>,
                                              Accessor<uint8_t, 3>, Accessor<int32_t, 2>>};
