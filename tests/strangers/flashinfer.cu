/* FlashInfer's sum of parts of attention, of heads of 64 float32 numbers, and its RMSNorm in
 * float16: its headers. */
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "flashinfer/attention/cascade.cuh"
#include "flashinfer/norm.cuh"

const void *const pv_instances[] = {
    (const void *)
        flashinfer::PersistentVariableLengthAttentionSumKernel<4, 16, 8, 4, float, float, int>,
    (const void *)flashinfer::norm::RMSNormKernel<8, __half>};
