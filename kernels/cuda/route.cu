#include "kernels/cuda/route.h"

#include "kernels/cuda/route.cuh"

PV_ENTRY __launch_bounds__(PV_ROUTE_BLOCK) route(const pv_cuda_route a) {
  __shared__ __align__(16) uint32_t key[PV_EXPERTS_MAX];
  __shared__ float p[PV_EXPERTS_MAX];
  __shared__ int chosen[PV_EXPERTS_MAX];
  begin_kernel();
  choose(a, blockIdx.x, key, chosen);
  if (threadIdx.x < 32) keep_route(a, blockIdx.x, chosen, p);
}
