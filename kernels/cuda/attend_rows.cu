/* A block works on one chunk of keys and on 64 queries of one KV head, those of some rows: query
 * m is head m % share of row m / share. Both products are tiles of 8 by 8 in registers, over shared
 * memory that is read 16 bytes at a time.
 *
 * Scores: queries and keys lie element by element in shared memory. A thread has one lane of the
 * narrow sums of 8 queries and 8 keys; the eight lanes are neighbours in the warp. Which four of
 * its queries and keys a thread calls the first depends on its lane: each step of the fold keeps
 * the first half and gives the other away. Values: a thread has 8 elements of 8 queries.
 *
 * Sums start from -0: fma(a, b, -0) is a * b. */
#include "kernels/cuda/attend_rows.h"

#include "kernels/cuda/attend.cuh"

namespace {

constexpr unsigned CHUNK = PV_ATTENTION_CHUNK, QUERIES = PV_ATTEND_QUERIES, WIDE = PV_ATTEND_WIDE,
                   THREADS = PV_ATTEND_THREADS, WARPS = THREADS / 32, LANES = PV_NARROW_LANES,
                   EACH = 8;     /* queries, keys, elements of a thread's tile */
constexpr unsigned PASSES = 4;   /* of a warp over the keys, 16 in each */
constexpr unsigned COLUMNS = 16; /* threads beside each other in the product with values */

/* query / share is query * inverse / PARTS, inverse = PARTS / share rounded up: too large by less
 * than query / PARTS, while a quotient that is no integer lacks 1 / share of the next one. */
constexpr unsigned PARTS = QUERIES * QUERIES;

/* The tile of a block. */
struct tile {
  unsigned begin;    /* first position of the chunk */
  unsigned position; /* of the tile's first row */
  unsigned skipped;  /* rows of the launch before it */
  unsigned rows, share, inverse;
  __device__ __forceinline__ unsigned row_of(unsigned query) const { /* query / share */
    return query * inverse / PARTS;
  }
  __device__ __forceinline__ unsigned count_of_row(unsigned r) const { /* keys that it sees */
    const unsigned all = position + r + 1;
    return r < rows && all > begin ? min(all - begin, CHUNK) : 0;
  }
  __device__ __forceinline__ unsigned count(unsigned query) const {
    return count_of_row(row_of(query));
  }
  __device__ __forceinline__ size_t part(const pv_cuda_attend &a, unsigned query) const {
    const unsigned row = row_of(query), head = blockIdx.y * share + query - row * share;
    return (static_cast<size_t>(skipped + row) * a.heads + head) * a.chunks + blockIdx.x;
  }
};

/* CHUNK rows of dim floats, element by element; at(i) is where row i lies. Two lanes take a row,
 * four elements each: no two lanes store to one bank. */
template <class At>
__device__ __forceinline__ void copy_turned(float *to, unsigned dim, const At &at) {
  constexpr unsigned together = 8; /* loads that are under way at once */
  const unsigned i = threadIdx.x / 2, first = threadIdx.x % 2 * 4;
  const float *from = at(i) + first;
  float *place = to + first * WIDE + i;
  for (unsigned begin = 0; begin < dim; begin += 8 * together) {
    float4 x[together];
#pragma unroll
    for (unsigned j = 0; j < together; j++)
      if (begin + 8 * j < dim) x[j] = *reinterpret_cast<const float4 *>(from + begin + 8 * j);
#pragma unroll
    for (unsigned j = 0; j < together; j++) {
      if (begin + 8 * j >= dim) break;
      float *p = place + (begin + 8 * j) * WIDE;
      p[0] = x[j].x, p[WIDE] = x[j].y, p[2 * WIDE] = x[j].z, p[3 * WIDE] = x[j].w;
    }
  }
}

__device__ __forceinline__ void four(const float *from, float *to) {
  const float4 v = *reinterpret_cast<const float4 *>(from);
  to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
}

/* Scores of the warp's 16 queries and 16 keys: `out` gets four queries and two keys. `bits` is the
 * lane of the narrow sums. */
__device__ __forceinline__ void scores(const float *q, const float *k, unsigned dim, unsigned bits,
                                       float scale, float (&out)[2][4]) {
  const unsigned q_first = bits / 4 * 32, k_first = bits / 2 % 2 * 16;
  float sum[EACH][EACH];
  const float *q0 = q + bits * WIDE + q_first, *q1 = q + bits * WIDE + 32 - q_first;
  const float *k0 = k + bits * WIDE + k_first, *k1 = k + bits * WIDE + 16 - k_first;
  const auto add = [&](unsigned d, bool first) {
    float x[EACH], y[EACH];
    four(q0 + d * WIDE, x);
    four(q1 + d * WIDE, x + 4);
    four(k0 + d * WIDE, y);
    four(k1 + d * WIDE, y + 4);
#pragma unroll
    for (unsigned i = 0; i < EACH; i++)
#pragma unroll
      for (unsigned j = 0; j < EACH; j++)
        sum[i][j] = first ? x[i] * y[j] : pv_fma_f32(x[i], y[j], sum[i][j]);
  };
  add(0, true);
#pragma unroll 5
  for (unsigned d = LANES; d < dim; d += LANES) add(d, false);
#pragma unroll
  for (unsigned i = 0; i < 4; i++)
#pragma unroll
    for (unsigned j = 0; j < EACH; j++) sum[i][j] += __shfl_xor_sync(every_lane, sum[i + 4][j], 4);
#pragma unroll
  for (unsigned i = 0; i < 4; i++)
#pragma unroll
    for (unsigned j = 0; j < 4; j++) sum[i][j] += __shfl_xor_sync(every_lane, sum[i][j + 4], 2);
  const bool upper = bits % 2 == 1;
#pragma unroll
  for (unsigned i = 0; i < 4; i++)
#pragma unroll
    for (unsigned j = 0; j < 2; j++) {
      const float keep = upper ? sum[i][j + 2] : sum[i][j];
      const float give = upper ? sum[i][j] : sum[i][j + 2];
      out[j][i] = (keep + __shfl_xor_sync(every_lane, give, 1)) * scale;
    }
}

/* Scores of a query become exponentials, by eight lanes: lane r has the keys r, r + 8, ... Those
 * that are not seen add a zero to the sum, which changes none: no exponential is -0. */
__device__ __forceinline__ void exponentials_of(float *e, unsigned count, float *top, float *sum) {
  const unsigned r = threadIdx.x % 8;
  float v[CHUNK / 8], m = pv_f32_bits(0xff800000u);
#pragma unroll
  for (unsigned j = 0; j < CHUNK / 8; j++) {
    v[j] = e[(r + 8 * j) * WIDE];
    m = r + 8 * j < count ? larger(m, v[j]) : m;
  }
#pragma unroll
  for (unsigned s = 4; s > 0; s /= 2) m = larger(m, __shfl_xor_sync(every_lane, m, s));
#pragma unroll
  for (unsigned j = 0; j < CHUNK / 8; j++) {
    const float of = pv_exp_f32(v[j] - m);
    v[j] = r + 8 * j < count ? of : 0.0f;
    e[(r + 8 * j) * WIDE] = v[j];
  }
#pragma unroll
  for (unsigned s = CHUNK / 16; s > 0; s /= 2)
#pragma unroll
    for (unsigned j = 0; j < CHUNK / 16; j++)
      if (j < s) v[j] += v[j + s];
#pragma unroll
  for (unsigned s = 4; s > 0; s /= 2) v[0] += __shfl_xor_sync(every_lane, v[0], s);
  if (r > 0 || count == 0) return;
  *top = m;
  *sum = v[0];
}

/* One key for the thread's 8 queries and 8 elements; with `all` false for those that see it. */
template <bool all>
__device__ __forceinline__ void weigh(const float *e, const float *v, unsigned half, unsigned i,
                                      const unsigned (&count)[EACH], float (&sum)[EACH][EACH]) {
  float x[EACH], y[EACH];
  four(e, x);
  four(e + 4, x + 4);
  four(v, y);
  four(v + half, y + 4);
#pragma unroll
  for (unsigned q = 0; q < EACH; q++)
    if (all || i < count[q])
#pragma unroll
      for (unsigned j = 0; j < EACH; j++) sum[q][j] = pv_fma_f32(x[q], y[j], sum[q][j]);
}

/* The product of exponentials and values. */
__device__ __forceinline__ void add_values(const pv_cuda_attend &a, const tile &t, const float *e,
                                           const float *v) {
  const unsigned first = threadIdx.x / COLUMNS * EACH, half = a.dim / 2;
  unsigned count[EACH];
#pragma unroll
  for (unsigned m = 0; m < EACH; m++) count[m] = t.count(first + m);
  /* Of rows that follow each other a later one sees more, until there are no more rows. */
  unsigned least = CHUNK, most = 0;
#pragma unroll
  for (unsigned m = 0; m < EACH; m++) {
    least = min(least, count[m]);
    most = max(most, count[m]);
  }
  for (unsigned d = threadIdx.x % COLUMNS * 4; d < half; d += COLUMNS * 4) {
    float sum[EACH][EACH];
#pragma unroll
    for (unsigned m = 0; m < EACH; m++)
#pragma unroll
      for (unsigned j = 0; j < EACH; j++) sum[m][j] = -0.0f;
#pragma unroll 4
    for (unsigned i = 0; i < least; i++)
      weigh<true>(e + i * WIDE + first, v + i * a.dim + d, half, i, count, sum);
#pragma unroll 1
    for (unsigned i = least; i < most; i++)
      weigh<false>(e + i * WIDE + first, v + i * a.dim + d, half, i, count, sum);
#pragma unroll
    for (unsigned m = 0; m < EACH; m++) {
      if (count[m] == 0) continue;
      float *to = a.value + t.part(a, first + m) * a.dim + d;
      *reinterpret_cast<float4 *>(to) = {sum[m][0], sum[m][1], sum[m][2], sum[m][3]};
      *reinterpret_cast<float4 *>(to + half) = {sum[m][4], sum[m][5], sum[m][6], sum[m][7]};
    }
  }
}

}  // namespace

PV_ENTRY __launch_bounds__(PV_ATTEND_THREADS, 3) attend_rows(const pv_cuda_attend a) {
  extern __shared__ __align__(16) float memory[];
  begin_kernel();
  const unsigned dim = a.dim, share = a.heads / a.kv_heads, lane = threadIdx.x % 32,
                 warp = threadIdx.x / 32, kv = blockIdx.y;
  const unsigned each = QUERIES / share, skipped = blockIdx.z * each, row = a.first + skipped;
  const tile t = {blockIdx.x * CHUNK,
                  a.step->position + row,
                  skipped,
                  min(each, a.step->count - row),
                  share,
                  (PARTS + share - 1) / share};
  const unsigned seen = t.count_of_row(t.rows - 1); /* keys that any of them sees */
  if (seen == 0) return;
  float *q = memory, *k = memory + max(dim, CHUNK) * WIDE, *e = q, *v = k;
  const size_t stride = static_cast<size_t>(a.kv_heads) * dim, at = t.begin * stride + kv * dim;
  copy_turned(q, dim, [&](unsigned i) {
    const unsigned m = i < t.rows * share ? i : 0; /* where there is none: anything */
    return a.q + (static_cast<size_t>(row + m / share) * a.heads + kv * share + m % share) * dim;
  });
  copy_turned(k, dim, [&](unsigned i) { return a.keys + at + min(i, seen - 1) * stride; });
  __syncthreads();

  const unsigned bits = lane % LANES, q_group = 4 * (2 * warp + lane / 8 % 2), k_group = lane / 16;
  float score[PASSES][2][4] = {};
#pragma unroll
  for (unsigned p = 0; p < PASSES; p++) {
    const unsigned first = p / 2 * 32 + p % 2 * 8; /* of 8 keys, and 16 further on of 8 more */
    if (first < seen) scores(q + q_group, k + first + 4 * k_group, dim, bits, a.scale, score[p]);
  }
  __syncthreads(); /* everybody has read queries and keys */
  for (unsigned d = 4 * lane; d < dim; d += 128)
#pragma unroll 4
    for (unsigned i = warp; i < seen; i += WARPS)
      copy_sixteen(v + i * dim + d, a.values + at + i * stride + d);
#pragma unroll
  for (unsigned p = 0; p < PASSES; p++) {
    const unsigned key = p / 2 * 32 + p % 2 * 8 + 4 * k_group + bits / 2 % 2 * 16 + bits % 2 * 2;
    float *place = e + key * WIDE + q_group + bits / 4 * 32;
#pragma unroll
    for (unsigned j = 0; j < 2; j++)
      *reinterpret_cast<float4 *>(place + j * WIDE) = {score[p][j][0], score[p][j][1],
                                                       score[p][j][2], score[p][j][3]};
  }
  __syncthreads();
#pragma unroll 1
  for (unsigned m = warp * (QUERIES / WARPS) + lane / 8; m < (warp + 1) * (QUERIES / WARPS);
       m += 4) {
    const size_t part = t.part(a, m);
    exponentials_of(e + m, t.count(m), a.top + part, a.sum + part);
  }
  wait_for_sixteens();
  __syncthreads();
  add_values(a, t, e, v);
}
