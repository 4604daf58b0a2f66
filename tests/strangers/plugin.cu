/* vLLM's plugin of GGUF: products of its experts and of others, without torch. */
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <stdint.h>

namespace c10 {
using BFloat16 = __nv_bfloat16;
}

#include "cuda_compat.h"
/* */
#include "gguf/ggml-common.h"
/* */
#include "gguf/vecdotq.cuh"
/* */
#include "gguf/mmq.cuh"
/* */
#include "gguf/moe.cuh"

const void *const pv_instances[] = {(const void *)moe_q4_0<float, false>,
                                    (const void *)mul_mat_q4_0<float, false>};
