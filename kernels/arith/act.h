/* The fixed-point form of activations that enter a quantised matrix product, and the shape of
 * the sums. This header is the definition; every backend computes exactly this.
 *
 * Rounding (identity i16). A row x of K floats is cut into blocks of PV_ACT_BLOCK elements (the
 * last one may be shorter). For each block: a = max |x_i|; scale d = a / PV_ACT_MAX; inverse
 * v = PV_ACT_MAX / a; q_i = nearest integer (ties to even) of x_i * v. A block with a below
 * PV_ACT_TINY is all zeros with d = 0; a block with an infinity or a NaN has d = NaN and zeros:
 * the damage is seen, never hidden. PV_ACT_MAX = 127 * 256, so that q = 256 * high + low with
 * high and low both in a signed byte: two dp4a planes on a GPU.
 *
 * Product of a quantised row with rounded activations. The row is cut into chunks of 256
 * elements, a chunk into segments that share one weight scale and one activation scale d_x
 * (i16: the chunk itself for Q4_K, Q5_K, Q6_K, 32 elements for Q8_0; i8: always 32). A segment's
 * integer sums are exact; its value is
 *   Q4_K, Q5_K:  d_x * fma(-dmin, f32(S2), d * f32(S1)),  S1 = sum sc_j q_i x_i, S2 = sum m_j x_i
 *   Q6_K:        d_x * (d * f32(S)),                      S  = sum sc_j q_i x_i
 *   Q8_0:        d_x * (d * f32(S)),                      S  = sum q_i x_i
 * with f32() rounding to nearest even. A chunk is the fold of its segments, the row the fold of
 * its chunks.
 *
 * Product of an F32, F16 or BF16 row with activations: these are not rounded; a wide sum.
 *
 * Identity f32-f64acc, every type: 32 lanes in float64; lane l of a chunk sums elements
 * l, l + 32, ... by fma from 0, then adds the chunk's sum to its own; at the end each lane is
 * rounded to float32 and the 32 lanes are folded.
 *
 * Identity i8 is the same with PV_ACT8_MAX = 127 and blocks of 32.
 *
 * Fold. `fold(v, n)`: with p the smallest power of two >= n, for s = p/2, p/4, ... 1:
 * v[i] += v[i + s] for every i < s with i + s < n. The sum is v[0]. One binary tree, given by n
 * alone: a shuffle-down reduction on a GPU, vector adds on a CPU.
 *
 * Wide sum. `wide(n)`: 256 lanes; lane j adds the terms j, j + 256, j + 512, ... in that order
 * starting from the first term, then the lanes are folded. Products enter by fma:
 * lane = fma(a, b, lane), starting from lane = a * b.
 * Narrow sum: the same with 8 lanes. */
#ifndef PV_ARITH_ACT_H
#define PV_ARITH_ACT_H

#define PV_ACT_BLOCK       256
#define PV_ACT_MAX         32512
#define PV_ACT_TINY        0x1p-100f
#define PV_ACT8_BLOCK      32
#define PV_ACT8_MAX        127
#define PV_WIDE_LANES      256
#define PV_NARROW_LANES    8
#define PV_ATTENTION_CHUNK 64

#endif
