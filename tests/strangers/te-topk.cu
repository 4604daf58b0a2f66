/* TransformerEngine's top-k of rows in bfloat16, by several blocks for each: its header. */
#include <cuda_bf16.h>

#include <algorithm>

#define NVTE_CHECK_CUDA(call) (void)(call)
#include "standalone_topk.cuh"

const void *const pv_instances[] = {
    (const void *)nv::topk::radix_kernel<__nv_bfloat16, int, 11, 256, false, true>,
    (const void *)nv::topk::last_filter_kernel<__nv_bfloat16, int, 11, true>};
