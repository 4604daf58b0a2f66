/* Routing of whole batches: see route.cuh. Grid (rows), block 128. */
#include "kernels/cuda/route.cuh"

PV_KERNEL __launch_bounds__(128) route(const pv_cuda_route a) {
  __shared__ __align__(16) uint32_t key[EXPERTS_MAX];
  __shared__ float p[EXPERTS_MAX];
  __shared__ int chosen[EXPERTS_MAX];
  begin_kernel();
  choose(a, blockIdx.x, key, chosen);
  if (threadIdx.x < 32) keep_route(a, blockIdx.x, chosen, p);
}
