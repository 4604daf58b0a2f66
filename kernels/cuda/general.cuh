/* Products of quantised rows of any type, by what its header says: the way of those types that have
 * none of their own in segments.cuh. The type is a number here: only the unpacking knows it, and
 * the rest is there once for all of them. Lanes and folds are those of segments.cuh. */
#pragma once

#include "kernels/cuda/acts.cuh"

/* Types whose unpacking segments.cuh and gemm.cu write out: most files are made of these. */
__host__ __device__ constexpr bool has_own_path(int type) {
  return !is_quantised(type) || type == PV_TYPE_Q8_0 || type == PV_TYPE_Q4_K ||
         type == PV_TYPE_Q5_K || type == PV_TYPE_Q6_K;
}

/* Calls f(is) for the types that have no path of their own. */
template <class F>
__device__ __forceinline__ void with_general_type(unsigned type, const F &f) {
  with_type(type, [&](auto is) {
    if constexpr (!has_own_path(is.type)) f(is);
  });
}

/* Two segments of a row. */
struct general_pair {
  uint32_t w[2][8];
  pv_scales by[2]; /* m is what is added for each lo */
  bool minimum;
};

/* A block of one segment in registers, from the words that it lies in: none is read that holds
 * nothing of it. */
template <class block, unsigned aligned>
__device__ __forceinline__ block load_block(const block *at) {
  constexpr unsigned step = aligned < 4 ? aligned : 4, bytes = sizeof(block);
  constexpr unsigned words = (bytes + 3) / 4, lie = (bytes + 4 - step + 3) / 4;
  const uintptr_t from = reinterpret_cast<uintptr_t>(at);
  const uint32_t *word = reinterpret_cast<const uint32_t *>(from & ~uintptr_t{3});
  const unsigned shift = static_cast<unsigned>(from) & 3u;
  uint32_t got[words + 1] = {};
#pragma unroll
  for (unsigned i = 0; i < lie; i++) got[i] = __ldg(word + i);
  if (step < 4)
#pragma unroll
    for (unsigned i = 0; i < words; i++) got[i] = __funnelshift_r(got[i], got[i + 1], 8 * shift);
  block out;
  memcpy(&out, got, sizeof out);
  return out;
}

template <int type>
__device__ __forceinline__ void unpack(const uint8_t *row, unsigned s, uint32_t (&w)[8],
                                       pv_scales &by) {
  using form = format<type>;
  const auto *block = block_at<type>(row, s / form::segments);
  if constexpr (form::segments == 1) {
    const auto copy = load_block<typename form::block, alignment<type>()>(block);
#pragma unroll
    for (unsigned t = 0; t < 8; t++) w[t] = form::four(&copy, 0, t);
    by = form::scales(&copy, 0);
  } else {
#pragma unroll
    for (unsigned t = 0; t < 8; t++) w[t] = form::four(block, s % form::segments, t);
    by = form::scales(block, s % form::segments);
  }
  by.m = added_minimum<type>(by);
}

/* The segments s and s + 1 of a row with n. */
__device__ __forceinline__ void load_general(unsigned type, const uint8_t *row, unsigned s,
                                             unsigned n, general_pair &out) {
  s = last_pair(s, n);
  with_general_type(type, [&](auto is) {
    unpack<is.type>(row, s, out.w[0], out.by[0]);
    unpack<is.type>(row, min(s + 1, n - 1), out.w[1], out.by[1]);
    out.minimum = has_minimum<is.type>();
  });
}

/* A value but for the scale of the activations. */
__device__ __forceinline__ float general_value(const pv_scales &by, bool minimum, float products,
                                               float least) {
  const float value = by.d * products;
  return minimum ? pv_fma_f32(by.m, least, value) : value;
}

/* The sums of one of two segments, with their sub-scales. */
__device__ __forceinline__ block_sums general_sums(const general_pair &w, int which,
                                                   const act_segment &act) {
  constexpr uint32_t one = 0x01010101u;
  const uint32_t ones[8] = {one, one, one, one, one, one, one, one};
  const pv_scales &by = w.by[which];
  int high[2] = {0, 0}, low[2] = {0, 0}, first[2] = {0, 0};
  dot_half(w.w[which], act.x, 0, high[0], low[0]);
  dot_half(w.w[which], act.x, 1, high[1], low[1]);
  if (w.minimum) dot_half(ones, act.x, 0, first[0], first[1]);
  const int half = 256 * first[0] + first[1];
  return {by.sc[0] * high[0] + by.sc[1] * high[1], by.sc[0] * low[0] + by.sc[1] * low[1],
          by.lo[0] * half + by.lo[1] * (act.sum - half)};
}

/* The values of two segments, or, of a block of 256, its one, which is in all its lanes. */
__device__ __forceinline__ void general_values(const general_pair &w, bool whole,
                                               const act_segment &x, const act_segment &y, float &a,
                                               float &b) {
  const block_sums u = general_sums(w, 0, x), v = general_sums(w, 1, y);
  if (whole) {
    const float2 f = block_floats<true>({u.high + v.high, u.low + v.low, u.least + v.least});
    a = b = x.d * general_value(w.by[0], w.minimum, f.x, f.y);
  } else {
    a = x.d *
        general_value(w.by[0], w.minimum, exact_sum(u.high, u.low), static_cast<float>(u.least));
    b = y.d *
        general_value(w.by[1], w.minimum, exact_sum(v.high, v.low), static_cast<float>(v.least));
  }
}

/* As quantised_rows. A row is taken 64 segments at a time, in the order of long_dot; activations
 * are loaded for each row anew, so that registers are left for the unpacking. */
template <class Store>
__device__ __forceinline__ void general_rows(unsigned type, const row_range &rows,
                                             const act_row &act, const lane_group &group,
                                             const Store &store) {
  constexpr int levels = 5; /* PV_K_MAX / 32 segments are 32 pieces of 64 */
  const unsigned n = act.k / PV_SEGMENT, pieces = power_above((n + 63) / 64);
  const bool whole = pv_cuda_whole(type);
#pragma unroll 1
  for (unsigned first = rows.first; first < rows.end; first += group.groups) {
    const unsigned r = first + group.index;
    const uint8_t *row = rows.at(r);
    float stack_a[levels] = {}, stack_b[levels] = {}, a = 0.0f, b = 0.0f;
#pragma unroll 1
    for (unsigned i = 0; i < pieces; i++) {
      const unsigned piece = pieces > 1 ? __brev(i) >> (__clz(static_cast<int>(pieces)) + 1) : 0;
      const unsigned s = 64 * piece + 2 * group.lane, from = last_pair(s, n);
      general_pair w;
      load_general(type, row, s, n, w);
      general_values(w, whole, load_segment(act, from), load_segment(act, min(from + 1, n - 1)), a,
                     b);
      bool carry = true;
#pragma unroll
      for (int level = 0; level < levels; level++) {
        if (!carry) continue;
        if (i >> level & 1u) {
          /* Only a piece of the upper half, first combined at level 0, can be absent. */
          a = level > 0 || s < n ? stack_a[level] + a : stack_a[level];
          b = level > 0 || s + 1 < n ? stack_b[level] + b : stack_b[level];
        } else {
          stack_a[level] = a;
          stack_b[level] = b;
          carry = false;
        }
      }
    }
    const float y = whole ? fold_blocks(a, min(n, 64u) / 8, group.lane, group.width)
                          : fold_pairs(a, b, min(n, 64u), group.lane, group.width);
    if (group.lane == 0 && r < rows.end) store(r, y);
  }
}
