/* Products of quantised matrices with many rows of activations, identities i16 and i8, on 8-bit
 * integer tensor cores: the same integers as gemv.cu, and the same folds.
 *
 * A block owns 32 rows of the matrix and 32 rows of activations; a warp owns 16 of each, and either
 * the even or the odd segments, since the last step of a fold over an even number of values adds
 * the sum of the odd ones to the sum of the even ones. A segment is one product of depth 32 for
 * each of the two planes of an activation. A warp meets its segments in bit-reversed order, in
 * which the fold is a binary counter of partial sums; it holds one for each level in registers, so
 * there is a kernel for each depth of tree. Rows of activations that belong to one expert form the
 * tiles. */
#include "kernels/cuda/gemm.h"

#include "kernels/cuda/segments.cuh"

enum { ROWS = PV_GEMM_ROWS, TILE = PV_CUDA_TILE, COLUMNS = TILE / 16, PER_THREAD = 4 * COLUMNS };

namespace {

/* Six bits to a signed byte: q - 32, four at a time. */
__device__ __forceinline__ uint32_t minus_32(uint32_t q) {
  const uint32_t x = q ^ 0x20202020u;
  return x | (x & 0x20202020u) * 6u;
}

__device__ __forceinline__ void mma_32(int (&c)[4], const uint32_t (&a)[4], uint32_t b0,
                                       uint32_t b1) {
  asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%10, %10, %10, %10};"
      : "=r"(c[0]), "=r"(c[1]), "=r"(c[2]), "=r"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1), "r"(0));
}

__device__ __forceinline__ void mma_16(int (&c)[4], uint32_t a0, uint32_t a1, uint32_t b) {
  asm("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5}, {%6}, "
      "{%7, %7, %7, %7};"
      : "=r"(c[0]), "=r"(c[1]), "=r"(c[2]), "=r"(c[3])
      : "r"(a0), "r"(a1), "r"(b), "r"(0));
}

__device__ __forceinline__ uint32_t word_at(const uint8_t *p) { /* p even */
  const uint16_t *half = reinterpret_cast<const uint16_t *>(p);
  return __ldg(half) | static_cast<uint32_t>(__ldg(half + 1)) << 16;
}

/* The number of a type without a path of its own; see general.cuh. */
constexpr int GENERAL = -1;

/* What a thread holds of one segment of the rows g and g + 8 of its warp's 16. */
struct weights {
  uint32_t a[4]; /* bytes 4t..: of row g, of row g + 8; bytes 16 + 4t..: the same */
  float d[2], dmin[2];
  int sc[2][2], m[2]; /* [row][half]; types but Q6_K have one scale */
  pv_scales by[2];    /* of GENERAL, which has no other scales */
  bool minimum;
};

/* Both rows of a type without a path of its own. */
__device__ __forceinline__ void load_general_rows(unsigned type, const uint8_t *row0,
                                                  const uint8_t *row1, unsigned s, unsigned t,
                                                  weights &w) {
  with_general_type(type, [&](auto is) {
    using form = format<is.type>;
#pragma unroll
    for (int r = 0; r < 2; r++) {
      const auto *block = block_at<is.type>(r == 0 ? row0 : row1, s / form::segments);
      w.a[r] = form::four(block, s % form::segments, t);
      w.a[r + 2] = form::four(block, s % form::segments, t + 4);
      w.by[r] = form::scales(block, s % form::segments);
      w.by[r].m = added_minimum<is.type>(w.by[r]);
    }
    w.minimum = has_minimum<is.type>();
  });
}

template <int type>
__device__ __forceinline__ void load_row(const uint8_t *row, unsigned s, unsigned t, int r,
                                         weights &w) {
  const unsigned j = s % 8;
  if (type == PV_TYPE_Q8_0) {
    const uint8_t *block = row + static_cast<size_t>(s) * sizeof(pv_block_q8_0);
    w.d[r] = half_at(block);
    w.a[r] = word_at(block + 2 + 4 * t);
    w.a[r + 2] = word_at(block + 18 + 4 * t);
  } else if (type == PV_TYPE_Q6_K) {
    const uint8_t *block = row + static_cast<size_t>(s / 8) * sizeof(pv_block_q6_k);
    const uint8_t *low = block + j / 4 * 64 + j % 2 * 32 + 4 * t,
                  *high = block + 128 + j / 4 * 32 + 4 * t;
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const uint32_t four = word_at(low + 16 * half) >> (j % 4 / 2 * 4) & 0x0f0f0f0fu;
      const uint32_t two = word_at(high + 16 * half) >> (j % 4 * 2) & 0x03030303u;
      w.a[r + 2 * half] = minus_32(four | two << 4);
      w.sc[r][half] = static_cast<int8_t>(block[q6_scales + 2 * j + half]);
    }
    w.d[r] = half_at(block + q6_d);
  } else {
    const uint8_t *block = row + static_cast<size_t>(s / 8) * k4_bytes(type);
    const uint32_t *head = reinterpret_cast<const uint32_t *>(block);
    const uint32_t *nibbles = head + (type == PV_TYPE_Q4_K ? 4 : 12) + j / 2 * 8 + t;
#pragma unroll
    for (int half = 0; half < 2; half++) {
      uint32_t q = __ldg(nibbles + 4 * half) >> (j % 2 * 4) & 0x0f0f0f0fu;
      if (type == PV_TYPE_Q5_K) q |= (__ldg(head + 4 + 4 * half + t) >> j & 0x01010101u) << 4;
      w.a[r + 2 * half] = q;
    }
    const uint32_t both = __ldg(head);
    w.d[r] = half_value(static_cast<uint16_t>(both));
    w.dmin[r] = half_value(static_cast<uint16_t>(both >> 16));
    pv_k4_scale(block + 4, j, &w.sc[r][0], &w.m[r]);
  }
}

/* The values of one segment: 16 rows times the 8 rows of activations of one column. */
template <int type>
__device__ __forceinline__ void column_values(const weights &w, const uint4 &x, const float2 &d,
                                              const int2 &sum, float *out) {
  if (type == PV_TYPE_Q6_K || type == GENERAL) {
    constexpr uint32_t one = 0x01010101u;
    int high[2][4], low[2][4], first[2][4] = {};
    mma_16(high[0], w.a[0], w.a[1], x.x);
    mma_16(high[1], w.a[2], w.a[3], x.y);
    mma_16(low[0], w.a[0], w.a[1], x.z);
    mma_16(low[1], w.a[2], w.a[3], x.w);
    if (type == GENERAL && w.minimum) { /* the sum of the first half of the activations */
      mma_16(first[0], one, one, x.x);
      mma_16(first[1], one, one, x.z);
    }
#pragma unroll
    for (int c = 0; c < 4; c++) {
      if (type == GENERAL) {
        const int of_high[2] = {high[0][c], high[1][c]}, of_low[2] = {low[0][c], low[1][c]};
        out[c] = general_value(w.by[c / 2], w.minimum, of_high, of_low, c % 2 ? d.y : d.x,
                               256 * first[0][c] + first[1][c], c % 2 ? sum.y : sum.x);
        continue;
      }
      const int *sc = w.sc[c / 2];
      const float h = static_cast<float>(sc[0] * high[0][c] + sc[1] * high[1][c]);
      const float l = static_cast<float>(sc[0] * low[0][c] + sc[1] * low[1][c]);
      out[c] = (c % 2 ? d.y : d.x) * (w.d[c / 2] * pv_fma_f32(256.0f, h, l));
    }
    return;
  }
  int high[4], low[4];
  mma_32(high, w.a, x.x, x.y);
  mma_32(low, w.a, x.z, x.w);
#pragma unroll
  for (int c = 0; c < 4; c++) {
    const int r = c / 2, dot = 256 * high[c] + low[c];
    float v;
    if (type == PV_TYPE_Q8_0)
      v = w.d[r] * static_cast<float>(dot);
    else
      v = pv_fma_f32(-w.dmin[r], static_cast<float>(w.m[r] * (c % 2 ? sum.y : sum.x)),
                     w.d[r] * static_cast<float>(w.sc[r][0] * dot));
    out[c] = (c % 2 ? d.y : d.x) * v;
  }
}

struct tile_acts {
  const uint4 *q[COLUMNS]; /* of the thread's row of each column, from its place in segment 0 */
  const float *d;          /* shared: [segment][TILE], from the warp's first row */
  const int *sum;
  unsigned segments;
};

/* What one step needs from memory; the next step's is loaded before this one's is used. */
struct operands {
  weights w;
  uint4 x[COLUMNS];
};

template <int type>
__device__ __forceinline__ void load_operands(unsigned number, const uint8_t *row0,
                                              const uint8_t *row1, const tile_acts &act, unsigned s,
                                              unsigned t, operands &out) {
  if constexpr (type == GENERAL) {
    load_general_rows(number, row0, row1, s, t, out.w);
  } else {
    load_row<type>(row0, s, t, 0, out.w);
    load_row<type>(row1, s, t, 1, out.w);
  }
#pragma unroll
  for (unsigned j = 0; j < COLUMNS; j++) out.x[j] = __ldg(act.q[j] + static_cast<size_t>(s) * 4);
}

/* The sum over the segments of one parity. `out` gets PER_THREAD values. `number` is the type. */
template <int type, int levels>
__device__ __forceinline__ void parity_sum(unsigned number, const uint8_t *row0,
                                           const uint8_t *row1, const tile_acts &act,
                                           unsigned parity, unsigned t, float (&out)[PER_THREAD]) {
  const unsigned leaves = act.segments / 2, places = power_above(leaves);
  const unsigned shift = __clz(static_cast<int>(places)) + 1;
  float stack[levels][PER_THREAD] = {};
  constexpr bool ahead = type != GENERAL; /* its unpacking would wait for what is loaded */
  operands now, next;
  if (ahead) load_operands<type>(number, row0, row1, act, parity, t, next);
#pragma unroll 1
  for (unsigned i = 0; i < places; i++) {
    const unsigned leaf = places > 1 ? __brev(i) >> shift : 0, s = 2 * leaf + parity;
    const unsigned after = places > 1 ? __brev(i + 1) >> shift : 0;
    const bool present = leaf < leaves; /* only leaves of the upper half, at odd i, can be absent */
    if (ahead) {
      now = next;
      load_operands<type>(number, row0, row1, act, 2 * min(after, leaves - 1) + parity, t, next);
    } else {
      load_operands<type>(number, row0, row1, act, 2 * min(leaf, leaves - 1) + parity, t, now);
    }
#pragma unroll
    for (unsigned j = 0; j < COLUMNS; j++) {
      const unsigned at = min(s, act.segments - 1) * TILE + 8 * j + 2 * t;
      column_values<type>(now.w, now.x[j], *reinterpret_cast<const float2 *>(act.d + at),
                          *reinterpret_cast<const int2 *>(act.sum + at), out + 4 * j);
    }
    bool carry = true;
#pragma unroll
    for (int level = 0; level < levels; level++) {
      if (!carry) continue;
      carry = i >> level & 1u;
#pragma unroll
      for (int c = 0; c < PER_THREAD; c++) {
        if (!carry)
          stack[level][c] = out[c];
        else
          out[c] = level > 0 || present ? stack[level][c] + out[c] : stack[level][c];
      }
    }
  }
}

template <int levels>
__device__ __forceinline__ void gemm(const pv_cuda_gemm &a) {
  extern __shared__ float scales[];
  __shared__ float odd[4][PER_THREAD][32]; /* of the warps with the other parity */
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, t = lane % 4;
  /* Of a warp: its parity, which 16 rows of activations, which 16 rows of the matrix. */
  const unsigned parity = warp % 2, half = warp / 2 % 2, upper = warp / 4,
                 segments = a.acts.k / PV_SEGMENT;
  pv_cuda_tile tile = {0, blockIdx.y * TILE,
                       min(static_cast<unsigned>(TILE), a.count - blockIdx.y * TILE)};
  if (a.tiles != nullptr) {
    if (blockIdx.y >= *a.tile_count) return;
    tile = a.tiles[blockIdx.y];
  }
  unsigned block = blockIdx.x, which = 0;
  for (; which + 1 < a.jobs; which++) {
    const unsigned blocks = (a.job[which].rows.count + ROWS - 1) / ROWS;
    if (block < blocks) break;
    block -= blocks;
  }
  const pv_cuda_job &job = a.job[which];

  tile_acts act;
  float *d = scales;
  int *sum = reinterpret_cast<int *>(scales + segments * TILE);
  for (unsigned i = threadIdx.x; i < segments * TILE; i += blockDim.x) {
    const unsigned s = i / TILE, n = min(i % TILE, tile.count - 1);
    const unsigned slot = a.slots != nullptr ? a.slots[tile.first + n] : tile.first + n;
    const size_t at = static_cast<size_t>(slot / a.acts.share) * a.acts.segments + s;
    d[i] = a.acts.d[at];
    sum[i] = a.acts.sum[at];
  }
#pragma unroll
  for (unsigned j = 0; j < COLUMNS; j++) {
    const unsigned n = min(16 * half + 8 * j + g, tile.count - 1);
    const unsigned slot = a.slots != nullptr ? a.slots[tile.first + n] : tile.first + n;
    const size_t at = static_cast<size_t>(slot / a.acts.share) * a.acts.segments;
    act.q[j] = reinterpret_cast<const uint4 *>(a.acts.q + at * 64) + t;
  }
  act.d = d + 16 * half;
  act.sum = sum + 16 * half;
  act.segments = segments;
  __syncthreads();

  const bool live = 16 * half < tile.count;
  const unsigned first = block * ROWS + 16 * upper;
  const uint8_t *data = job.rows.data + tile.expert * job.rows.expert_bytes;
  const uint8_t *row0 = data + min(first + g, job.rows.count - 1) * job.rows.row_bytes;
  const uint8_t *row1 = data + min(first + g + 8, job.rows.count - 1) * job.rows.row_bytes;
  float out[PER_THREAD] = {};
  if (live && !has_own_path(static_cast<int>(job.rows.type)))
    parity_sum<GENERAL, levels>(job.rows.type, row0, row1, act, parity, t, out);
  else if (live)
    with_type(job.rows.type, [&](auto is) {
      if constexpr (is_quantised(is.type) && has_own_path(is.type))
        parity_sum<is.type, levels>(is.type, row0, row1, act, parity, t, out);
    });
  if (parity == 1)
#pragma unroll
    for (int c = 0; c < PER_THREAD; c++) odd[warp / 2][c][lane] = out[c];
  __syncthreads();
  if (parity == 1 || !live) return;
#pragma unroll
  for (int c = 0; c < PER_THREAD; c++) {
    const unsigned n = 16 * half + c / 4 * 8 + 2 * t + c % 2, row = first + g + c % 4 / 2 * 8;
    if (n >= tile.count || row >= job.rows.count) continue;
    const unsigned slot = a.slots != nullptr ? a.slots[tile.first + n] : tile.first + n;
    job.out[static_cast<size_t>(slot) * job.rows.count + row] = out[c] + odd[warp / 2][c][lane];
  }
}

}  // namespace

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, 2) gemm_4(const pv_cuda_gemm a) {
  begin_kernel();
  gemm<4>(a);
}
PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, 2) gemm_5(const pv_cuda_gemm a) {
  begin_kernel();
  gemm<5>(a);
}
PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, 2) gemm_6(const pv_cuda_gemm a) {
  begin_kernel();
  gemm<6>(a);
}
