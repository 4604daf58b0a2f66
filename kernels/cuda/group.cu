#include "kernels/cuda/group.h"

#include "kernels/cuda/common.cuh"

PV_ENTRY __launch_bounds__(PV_GROUP_BLOCK) group(const pv_cuda_group a) {
  begin_kernel();
  __shared__ unsigned count[PV_EXPERTS_MAX], first[PV_EXPERTS_MAX], tile[PV_EXPERTS_MAX];
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  for (unsigned e = warp; e < a.experts; e += blockDim.x / 32) {
    unsigned n = 0;
    for (unsigned i = 0; i < a.slots; i += 32) {
      const bool mine = i + lane < a.slots && a.indices[i + lane] == static_cast<int>(e);
      n += __popc(__ballot_sync(every_lane, mine));
    }
    if (lane == 0) count[e] = n;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    unsigned slots = 0, tiles = 0;
    for (unsigned e = 0; e < a.experts; e++) {
      first[e] = slots;
      tile[e] = tiles;
      slots += count[e];
      tiles += (count[e] + PV_CUDA_TILE - 1) / PV_CUDA_TILE;
    }
    *a.tile_count = tiles;
  }
  __syncthreads();
  for (unsigned e = warp; e < a.experts; e += blockDim.x / 32) {
    unsigned at = first[e];
    for (unsigned i = 0; i < a.slots; i += 32) {
      const bool mine = i + lane < a.slots && a.indices[i + lane] == static_cast<int>(e);
      const unsigned all = __ballot_sync(every_lane, mine);
      if (mine) a.order[at + __popc(all & ((1u << lane) - 1))] = i + lane;
      at += __popc(all);
    }
    for (unsigned i = lane * PV_CUDA_TILE; i < count[e]; i += 32 * PV_CUDA_TILE)
      a.tiles[tile[e] + i / PV_CUDA_TILE] = {
          e, first[e] + i, min(count[e] - i, static_cast<unsigned>(PV_CUDA_TILE))};
  }
}
