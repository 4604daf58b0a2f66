/* gptqmodel's product of ExLlama V2 with GPTQ's weights, and what shuffles those before: the rest
 * of q_gemm.cu calls cuBLAS. That file includes and defines the same. */
#include "cuda/q_matrix.cu"
#define BLOCK_KN_SIZE    128
#define BLOCK_M_SIZE_MAX 8
#include "cuda/q_gemm_kernel_gptq.cuh"
