/* DeepSpeed's quantization to eight bits in groups of 512. quantize-cut.cu is its
 * fp_quantize_impl.cu up to the kernel that goes back, less the headers that need torch. */
#include "quantize-cut.cu"

const void *const pv_instances[] = {
    (const void *)apply_quantization<__nv_bfloat16, 2, 23, 8, 8, 3, 0>};
