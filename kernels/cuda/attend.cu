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

constexpr unsigned LANES = PV_NARROW_LANES, EACH = PV_COMBINED_EACH, HEADS = PV_COMBINED_HEADS;

/* Sums over chunks: of EACH elements of a thread's values, and that of the sums. */
struct combined {
  float value[EACH], sum;
};

/* Those of the lanes that there are are added up. */
__device__ __forceinline__ combined fold_narrow(float (&value)[LANES][EACH], float (&sum)[LANES],
                                                unsigned n) {
#pragma unroll
  for (unsigned s = LANES / 2; s > 0; s /= 2) {
#pragma unroll
    for (unsigned l = 0; l < s; l++)
      if (l + s < n) {
        sum[l] += sum[l + s];
#pragma unroll
        for (unsigned i = 0; i < EACH; i++) value[l][i] += value[l + s][i];
      }
    n = n < s ? n : s;
  }
  return {{value[0][0], value[0][1], value[0][2], value[0][3]}, sum[0]};
}

__device__ __forceinline__ void load_four(const float *from, float (&to)[EACH]) {
  const float4 v = *reinterpret_cast<const float4 *>(from);
  to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
}

/* A warp works on one head, of which `value` is where the thread's elements of the first chunk are.
 * Each factor is computed once, in the lane of its chunk; eight chunks are asked for at once. */
__device__ __forceinline__ combined combine(const float *top, const float *sum, const float *value,
                                            unsigned dim, unsigned chunks, float m) {
  const unsigned mine = threadIdx.x % 32;
  float total[LANES], lane[LANES][EACH], factor = 0.0f, part = 0.0f;
  for (unsigned c = 0; c < chunks; c += LANES) {
    float v[LANES][EACH];
#pragma unroll
    for (unsigned l = 0; l < LANES; l++)
      load_four(value + static_cast<size_t>(min(c + l, chunks - 1)) * dim, v[l]);
    if (c % 32 == 0) {
      const unsigned of = min(c + mine, chunks - 1);
      factor = pv_exp_f32(top[of] - m);
      part = sum[of];
    }
#pragma unroll
    for (unsigned l = 0; l < LANES; l++) {
      const float f = __shfl_sync(every_lane, factor, c % 32 + l);
      const float n = __shfl_sync(every_lane, part, c % 32 + l);
      if (c + l >= chunks) break;
      total[l] = c == 0 ? f * n : pv_fma_f32(f, n, total[l]);
#pragma unroll
      for (unsigned i = 0; i < EACH; i++)
        lane[l][i] = c == 0 ? f * v[l][i] : pv_fma_f32(f, v[l][i], lane[l][i]);
    }
  }
  return fold_narrow(lane, total, min(chunks, LANES));
}

/* `count` elements of a row from `begin` on, which begin a block of what is rounded together; a
 * warp takes 256. */
__device__ __forceinline__ void round_results(const pv_cuda_attend &a, unsigned row, unsigned begin,
                                              unsigned count, const float *result) {
  constexpr unsigned each = 8; /* elements of a thread */
  const unsigned lane = threadIdx.x % 32;
  for (unsigned at = threadIdx.x / 32 * 32 * each; at < count; at += PV_CUDA_BLOCK * each) {
    const unsigned first = at + lane * each;
    float x[each] = {};
#pragma unroll
    for (unsigned j = 0; j < each; j++)
      if (first + j < count) x[j] = result[first + j];
    const rounded_quarter r = round_quarter(x, a.max, a.whole != 0);
    const size_t to = static_cast<size_t>(row) * a.acts.segments + (begin + first) / PV_SEGMENT;
    if (first < (count + PV_SEGMENT - 1) / PV_SEGMENT * PV_SEGMENT)
      store_quarter(r, lane % 4, a.acts.q + to * 64, a.acts.d + to, a.acts.sum + to);
  }
}

}  // namespace

/* A warp for each head. */
PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) attend_combine(const pv_cuda_attend a) {
  __shared__ __align__(16) float result[HEADS * PV_HEAD_DIM_MAX];
  begin_kernel();
  const unsigned lane = threadIdx.x % 32, begin = blockIdx.x * HEADS, dim = a.dim,
                 heads = min(HEADS, a.heads - begin), of = threadIdx.x / 32, head = begin + of;
  const unsigned row = a.first + blockIdx.y, position = a.step->position + row;
  const unsigned chunks = (position - seen_from(a, position)) / PV_ATTENTION_CHUNK + 1;
  if (of < heads) {
    const size_t part = (static_cast<size_t>(blockIdx.y) * a.heads + head) * a.chunks;
    const float *top = a.top + part;
    float m = top[min(lane, chunks - 1)];
    for (unsigned c = lane + 32; c < chunks; c += 32) m = larger(m, top[c]);
    m = larger_of_warp(m);
    const float sink = a.sinks != nullptr ? a.sinks[head] : m;
    m = larger(m, sink);
    float *out = a.out + (static_cast<size_t>(row) * a.heads + head) * dim;
    for (unsigned first = 0; first < dim; first += 32 * EACH) { /* all lanes go on together */
      const unsigned d = min(first + lane * EACH, dim - EACH);
      combined sums = combine(top, a.sum + part, a.value + part * dim + d, dim, chunks, m);
      if (a.sinks != nullptr) sums.sum += pv_exp_f32(sink - m);
      if (d < first + lane * EACH) continue;
      const float4 y = {pv_div_f32(sums.value[0], sums.sum), pv_div_f32(sums.value[1], sums.sum),
                        pv_div_f32(sums.value[2], sums.sum), pv_div_f32(sums.value[3], sums.sum)};
      *reinterpret_cast<float4 *>(out + d) = y;
      *reinterpret_cast<float4 *>(result + of * dim + d) = y;
    }
  }
  if (a.acts.q == nullptr) return;
  __syncthreads();
  round_results(a, row, begin * dim, heads * dim, result);
}
