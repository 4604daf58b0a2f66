/* SGLang's top-k of a row and its causal convolution: their files up to where they are called, with
 * what they take of SGLang's headers. */
#include <cuda_fp16.h>
#include <stdint.h>

#include <algorithm>
#include <cub/cub.cuh>

#define SGL_DEVICE __forceinline__ __device__

namespace sglang {
using fp32_t = float;
template <typename T>
struct DTypeTrait {
  SGL_DEVICE static T from(float value) { return value; }
};
namespace device {
template <bool>
SGL_DEVICE void PDLWaitPrimary() {}
template <bool>
SGL_DEVICE void PDLTriggerSecondary() {}
}  // namespace device
}  // namespace sglang

#include "sglang-conv1d-cut.cu"
}  // namespace mamba_conv
}  // namespace sglang
#include "sglang-topk-cut.cu"
}

const void *const pv_instances[] = {
    (const void *)sglang::fast_topk_detail::fast_topk_kernel<512, false>,
    (const void *)sglang::mamba_conv::causal_conv1d_fwd_kernel<
        sglang::mamba_conv::CausalConv1dFwdTraits<128, 4, false, float>>,
    (const void *)sglang::mamba_conv::causal_conv1d_fwd_kernel<
        sglang::mamba_conv::CausalConv1dFwdTraits<128, 4, true, float>>};
