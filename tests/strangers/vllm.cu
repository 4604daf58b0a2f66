/* vLLM's RMSNorm in float16: its file up to the next kernel, less what includes torch. */
#include <cuda_fp16.h>
#include <stdint.h>

#include <type_traits>

#include "vllm-rms-cut.cu"

const void *const pv_instances[] = {(const void *)vllm::rms_norm_kernel<__half, 8, 2, true>};
