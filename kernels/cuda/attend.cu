/* Scores: narrow sum of q k over dim, eight threads a key, then * scale. */
#include "kernels/cuda/attend.h"

#include "kernels/cuda/attend.cuh"

namespace {

/* `group` query heads that share one KV head read each key and value once. */
template <int group>
__device__ void chunk(const pv_cuda_attend &a) {
  __shared__ float score[group][PV_ATTENTION_CHUNK];
  const unsigned row = a.first + blockIdx.z, head = blockIdx.y * group;
  const unsigned positions = a.step->position + row + 1;
  const unsigned begin = seen_from(a, positions - 1) + blockIdx.x * PV_ATTENTION_CHUNK;
  if (begin >= positions) return;
  const unsigned count =
      positions - begin < PV_ATTENTION_CHUNK ? positions - begin : PV_ATTENTION_CHUNK;
  const size_t stride = static_cast<size_t>(a.kv_heads) * a.dim;
  const size_t at = begin * stride + static_cast<size_t>(head / (a.heads / a.kv_heads)) * a.dim;
  const float *keys = a.keys + at, *values = a.values + at;
  const float *q = a.q + (static_cast<size_t>(row) * a.heads + head) * a.dim;
  const unsigned lane = threadIdx.x % 8;
  for (unsigned i = threadIdx.x / 8; i < PV_ATTENTION_CHUNK; i += blockDim.x / 8) {
    if (i / 4 * 4 >= count) break; /* four keys to a warp */
    const float *key = keys + (i < count ? i : 0) * stride + lane;
    float dot[group];
#pragma unroll
    for (int h = 0; h < group; h++) dot[h] = q[h * a.dim + lane] * key[0];
#pragma unroll 16
    for (unsigned j = 8; j < a.dim; j += 8)
#pragma unroll
      for (int h = 0; h < group; h++) dot[h] = pv_fma_f32(q[h * a.dim + lane + j], key[j], dot[h]);
#pragma unroll
    for (int h = 0; h < group; h++) {
      for (unsigned s = 4; s > 0; s /= 2) dot[h] += __shfl_down_sync(every_lane, dot[h], s, 8);
      if (lane == 0) score[h][i] = dot[h] * a.scale;
    }
  }
  __syncthreads();
  const size_t part = ((static_cast<size_t>(blockIdx.z) * a.heads) + head) * a.chunks + blockIdx.x;
  for (unsigned h = threadIdx.x / 32; h < group; h += blockDim.x / 32)
    exponentials(score[h], 1, count, a.top + part + h * a.chunks, a.sum + part + h * a.chunks);
  __syncthreads();
  /* Half of the heads for each half of the block. */
  constexpr unsigned sides = group > 1 ? 2 : 1, share = group / sides;
  const unsigned side = sides == 2 ? threadIdx.x / (blockDim.x / 2) : 0;
  for (unsigned j = threadIdx.x % (blockDim.x / sides); j < a.dim; j += blockDim.x / sides) {
    float sum[share];
#pragma unroll
    for (unsigned h = 0; h < share; h++) sum[h] = score[side * share + h][0] * values[j];
#pragma unroll 16
    for (unsigned i = 1; i < count; i++)
#pragma unroll
      for (unsigned h = 0; h < share; h++)
        sum[h] = pv_fma_f32(score[side * share + h][i], values[i * stride + j], sum[h]);
#pragma unroll
    for (unsigned h = 0; h < share; h++)
      a.value[(part + static_cast<size_t>(side * share + h) * a.chunks) * a.dim + j] = sum[h];
  }
}

}  // namespace

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) attend_1(const pv_cuda_attend a) {
  begin_kernel();
  chunk<1>(a);
}
PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) attend_4(const pv_cuda_attend a) {
  begin_kernel();
  chunk<4>(a);
}
PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) attend_8(const pv_cuda_attend a) {
  begin_kernel();
  chunk<8>(a);
}

namespace {

/* The factors are those of the thread's own head. */
__device__ __forceinline__ combined<1> combine(const float *top, const float *sum,
                                               const float *value, unsigned dim, unsigned chunks,
                                               float m) {
  float total[PV_NARROW_LANES], lane[PV_NARROW_LANES][1];
  for (unsigned c = 0; c < chunks; c += PV_NARROW_LANES)
#pragma unroll
    for (unsigned l = 0; l < PV_NARROW_LANES; l++) {
      if (c + l >= chunks) break;
      const float f = pv_exp_f32(top[c + l] - m), v = value[static_cast<size_t>(c + l) * dim];
      total[l] = c == 0 ? f * sum[c + l] : pv_fma_f32(f, sum[c + l], total[l]);
      lane[l][0] = c == 0 ? f * v : pv_fma_f32(f, v, lane[l][0]);
    }
  return fold_narrow(lane, total, min(chunks, PV_NARROW_LANES));
}

}  // namespace

/* A thread for each element, a warp for each segment that is rounded. */
PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) attend_combine(const pv_cuda_attend a) {
  begin_kernel();
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x, width = a.heads * a.dim;
  const unsigned row = a.first + blockIdx.y, position = a.step->position + row;
  const unsigned chunks = (position - seen_from(a, position)) / PV_ATTENTION_CHUNK + 1;
  float y = 0.0f;
  if (i < width) {
    const size_t part = (static_cast<size_t>(blockIdx.y) * a.heads + i / a.dim) * a.chunks;
    const float *top = a.top + part, *sum = a.sum + part;
    const float *value = a.value + part * a.dim + i % a.dim;
    const bool together = a.dim % 32 == 0; /* so that a warp has elements of one head, or none */
    float m;
    if (together) {
      m = largest_top(top, chunks);
    } else {
      m = top[0];
#pragma unroll 16
      for (unsigned c = 1; c < chunks; c++) m = larger(m, top[c]);
    }
    const float sink = a.sinks != nullptr ? a.sinks[i / a.dim] : m;
    m = larger(m, sink);
    combined<1> of = together ? combine_together<1>(top, sum, value, a.dim, chunks, m)
                              : combine(top, sum, value, a.dim, chunks, m);
    if (a.sinks != nullptr) of.sum += pv_exp_f32(sink - m);
    y = pv_div_f32(of.value[0], of.sum);
    a.out[static_cast<size_t>(row) * width + i] = y;
  }
  if (a.acts.q == nullptr) return;
  uint32_t largest = largest_of_warp(y);
  if (a.whole != 0) largest = largest_of_block(largest);
  if (i / PV_SEGMENT < a.acts.segments)
    store_rounded(round_segment(y, a.max, largest), threadIdx.x % 32, a.acts, row, i / PV_SEGMENT);
}
