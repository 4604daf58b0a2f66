/* Routing of whole batches: see route.cuh. Grid (rows), block 32. */
#include "kernels/cuda/route.cuh"

PV_KERNEL __launch_bounds__(32) route(const pv_cuda_route a) {
  begin_kernel();
  __shared__ int chosen[32 * ROUTE_MANY];
  route_row(a, blockIdx.x, chosen, true);
}
