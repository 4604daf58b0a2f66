/* What a block of a product with many rows works on: rows of one matrix, and a tile of rows of
 * activations. */
#pragma once

#include "kernels/cuda/gemm.h"
#include "kernels/cuda/segments.cuh"

struct work {
  const pv_cuda_gemm &a;
  pv_cuda_tile tile;
  const uint8_t *data; /* of the expert */
  uint64_t row_bytes;
  unsigned type, first, count; /* rows of the matrix: the block's first, and all */
  float *out;
  unsigned *begin; /* shared: first segment of each of the tile's rows of activations */
  __device__ __forceinline__ const uint8_t *row(unsigned i) const { /* past the end: the last */
    return data + min(first + i, count - 1) * row_bytes;
  }
  __device__ __forceinline__ unsigned slot(unsigned n) const { /* the same */
    const unsigned at = tile.first + min(n, tile.count - 1);
    return a.slots != nullptr ? a.slots[at] : at;
  }
};

/* The tile of this block; false where there is none. */
__device__ __forceinline__ bool tile_of(const pv_cuda_gemm &a, pv_cuda_tile &tile) {
  constexpr unsigned most = PV_CUDA_TILE;
  if (a.tiles == nullptr) {
    tile = {0, blockIdx.y * most, min(most, a.count - blockIdx.y * most)};
    return true;
  }
  if (blockIdx.y >= *a.tile_count) return false;
  tile = a.tiles[blockIdx.y];
  return true;
}

/* What this block, of `each` rows of a matrix, works on; threads of a block stay together. */
template <unsigned each>
__device__ __forceinline__ work work_of(const pv_cuda_gemm &a, const pv_cuda_tile &tile,
                                        unsigned (&begin)[PV_CUDA_TILE]) {
  unsigned block = blockIdx.x, which = 0;
  for (; which + 1 < a.jobs; which++) {
    const unsigned blocks = (a.job[which].rows.count + each - 1) / each;
    if (block < blocks) break;
    block -= blocks;
  }
  const pv_cuda_rows &rows = a.job[which].rows;
  const work w = {a,
                  tile,
                  rows.data + tile.expert * rows.expert_bytes,
                  rows.row_bytes,
                  rows.type,
                  block * each,
                  rows.count,
                  a.job[which].out,
                  begin};
  if (threadIdx.x < PV_CUDA_TILE)
    begin[threadIdx.x] = w.slot(threadIdx.x) / a.acts.share * a.acts.segments;
  __syncthreads();
  prefetch(w.row(0), min(each, w.count - w.first) * w.row_bytes, threadIdx.x, blockDim.x);
  return w;
}
