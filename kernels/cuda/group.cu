/* A block for each expert: it counts what comes before, and puts its own slots in order. A warp
 * looks at neighbouring slots. */
#include "kernels/cuda/group.h"

#include "kernels/cuda/common.cuh"

namespace {

constexpr unsigned WARPS = PV_GROUP_BLOCK / 32, TOGETHER = 8; /* loads that are under way at once */

__device__ __forceinline__ unsigned tiles_of(unsigned slots) {
  return (slots + PV_CUDA_TILE - 1) / PV_CUDA_TILE;
}

__device__ __forceinline__ unsigned sum_of_warp(unsigned n) {
  return __reduce_add_sync(every_lane, n);
}

/* The experts of a lane's slots i, i + 32, ...; past the end one that is not there. */
__device__ __forceinline__ void load(const pv_cuda_group &a, unsigned i, unsigned end,
                                     unsigned (&expert)[TOGETHER]) {
#pragma unroll
  for (unsigned j = 0; j < TOGETHER; j++)
    expert[j] = i + 32 * j < end ? static_cast<unsigned>(a.indices[i + 32 * j]) : PV_EXPERTS_MAX;
}

}  // namespace

PV_ENTRY __launch_bounds__(PV_GROUP_BLOCK) group(const pv_cuda_group a) {
  __shared__ unsigned count[PV_EXPERTS_MAX], mine[WARPS], slots_before[WARPS], tiles_before[WARPS];
  begin_kernel();
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, expert = blockIdx.x;
  for (unsigned e = threadIdx.x; e < a.experts; e += blockDim.x) count[e] = 0;
  __syncthreads();
  const unsigned share = ((a.slots + WARPS - 1) / WARPS + 31) / 32 * 32;
  const unsigned begin = min(warp * share, a.slots), end = min(begin + share, a.slots);
  unsigned n = 0;
  for (unsigned i = begin; i < end; i += 32 * TOGETHER) {
    unsigned e[TOGETHER];
    load(a, i + lane, end, e);
#pragma unroll
    for (unsigned j = 0; j < TOGETHER; j++) {
      if (e[j] < a.experts) atomicAdd(&count[e[j]], 1u);
      n += e[j] == expert;
    }
  }
  n = sum_of_warp(n);
  if (lane == 0) mine[warp] = n;
  __syncthreads();
  unsigned slots = 0, tiles = 0;
  for (unsigned e = threadIdx.x; e < expert; e += blockDim.x) {
    slots += count[e];
    tiles += tiles_of(count[e]);
  }
  slots = sum_of_warp(slots);
  tiles = sum_of_warp(tiles);
  if (lane == 0) {
    slots_before[warp] = slots;
    tiles_before[warp] = tiles;
  }
  __syncthreads();
  slots = tiles = 0;
#pragma unroll
  for (unsigned w = 0; w < WARPS; w++) {
    slots += slots_before[w];
    tiles += tiles_before[w];
  }
  for (unsigned t = threadIdx.x; t < tiles_of(count[expert]); t += blockDim.x)
    a.tiles[tiles + t] = {expert, slots + t * PV_CUDA_TILE,
                          min(count[expert] - t * PV_CUDA_TILE, unsigned{PV_CUDA_TILE})};
  if (expert + 1 == a.experts && threadIdx.x == 0) *a.tile_count = tiles + tiles_of(count[expert]);
  if (n == 0) return;
  for (unsigned w = 0; w < warp; w++) slots += mine[w];
  for (unsigned i = begin; i < end; i += 32 * TOGETHER) {
    unsigned e[TOGETHER];
    load(a, i + lane, end, e);
#pragma unroll
    for (unsigned j = 0; j < TOGETHER; j++) {
      const unsigned all = __ballot_sync(every_lane, e[j] == expert);
      if (e[j] == expert) a.order[slots + __popc(all & ((1u << lane) - 1))] = i + lane + 32 * j;
      slots += __popc(all);
    }
  }
}
