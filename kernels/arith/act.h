/* The fixed-point form of activations that enter a quantised matrix product, and the shape of
 * the sums. This header is the definition; every backend computes exactly this. The reasons and
 * the measurements are in docs/numerics.md.
 *
 * Rounding. A row x of K floats is cut into blocks as the weights that it meets are: of 256
 * elements where a block of their type has so many, else of 32 (K is a multiple of it). A row that
 * meets weights of both kinds is rounded twice. For each block: a = max |x_i|; scale d = a / M;
 * inverse v = M / a; q_i = nearest integer (ties to even) of x_i * v. A block with a below
 * PV_ACT_TINY is all zeros with d = 0; one with an infinity or a NaN has d = NaN and zeros: the
 * damage is seen, never hidden. M is PV_ACT16_MAX (identity i16) or PV_ACT8_MAX (identity i8).
 * PV_ACT16_MAX = 127 * 256, so that q = 256 * high + low with both in a signed byte: two planes for
 * the 8-bit products of a GPU.
 *
 * Fold. `fold(v, n)`: with p the smallest power of two >= n, for s = p/2, p/4, ... 1:
 * v[i] += v[i + s] for every i < s with i + s < n. The sum is v[0]. One binary tree, given by n
 * alone: a shuffle-down reduction on a GPU, vector adds on a CPU.
 *
 * Product of a quantised row with rounded activations: the fold of the values of its blocks. With w
 * the weights' small integers the value of a block is, by the form of the type,
 *   d q         Q4_0, Q5_0, Q8_0, IQ4_NL, MXFP4, TQ2_0   d_x * (d * f32(S))
 *   d q + m     Q4_1, Q5_1                               d_x * fma(m, f32(X), d * f32(S))
 *   sub, halves            IQ4_XS, Q3_K, Q6_K            d_x * (d * f32(S))
 *   sub, m and halves, m   Q4_K, Q5_K, Q2_K              d_x * fma(-dmin, f32(X), d * f32(S))
 * with S the sum of sc w x, X that of lo x, sc and lo those of the 32 (sub) or 16 (halves) weights
 * that w is one of, or 1, and f32() the exact integer rounded to nearest even: between the bits of
 * the file and the block's value there are only integers. w is what the header of the type says
 * (kernels/quant/types): four bits less 8 in Q4_0, five less 16 in Q5_0, three less 4 in Q3_K, six
 * less 32 in Q6_K, the entry of a table in IQ4_NL, IQ4_XS and MXFP4; sc is signed in Q3_K, Q6_K and
 * IQ4_XS. S is at most 3.5e10 (Q6_K), its sums over either plane of an activation 1.4e8, X 5.3e8.
 * (On a GPU, of the planes' sums H and L: with r = 256 (H mod 4096) + L, which 32 bits hold, it is
 * fma(2^20, floor(H / 4096) + floor(r / 2^20), r mod 2^20), whose terms are all exact.)
 *
 * Wide sum. 256 lanes; lane j adds the terms j, j + 256, j + 512, ... in that order starting from
 * the first term, then the lanes are folded. Products enter by fma: lane = fma(a, b, lane),
 * starting from lane = a * b. Product of an F32, F16 or BF16 row with activations: these are not
 * rounded; a wide sum. Narrow sum: the same with 8 lanes.
 *
 * Attention. Positions are counted from the first that is seen: a window shifts the keys, and the
 * sums know nothing of it. In chunks of PV_ATTENTION_CHUNK each has its own maximum, sum and
 * weighted values; the chunks are put together by narrow sums. A sink is one more logit without a
 * value: m = max of the chunks' maxima and the sink, and to the total of the chunks' sums
 * exp(sink - m) is added, last. The scale of the scores is 1 / sqrt(head dim), division and square
 * root rounded to float32, or the file's own number rounded to float32.
 *
 * Choice of experts. The `used` best logits by (value, index). Their weights, with e(i) =
 * exp(logit i - best logit):
 *   PV_ROUTE_SUM_ONE:  p(i) = e(i) / wide sum of e over all; weight = p / wide sum of the chosen p
 *   PV_ROUTE_ALL:      weight = p(i)
 *   PV_ROUTE_CHOSEN:   weight = e(i) / wide sum of e over the chosen, in the order of ranks
 *
 * Element by element (arith.h): bias x + b; gate x * sigmoid(logit); SwiGLU, GeGLU, clamped SwiGLU;
 * the embedding times its scale, where that is not 1.
 *
 * Identity f32-f64acc, every type: 32 lanes in float64; in each 256 elements lane l sums elements
 * l, l + 32, ... by fma from 0, then adds that to its own sum; at the end each lane is rounded to
 * float32 and the 32 lanes are folded. */
#ifndef PV_ARITH_ACT_H
#define PV_ARITH_ACT_H

/* What becomes of a router's logits. */
typedef enum pv_route_form { PV_ROUTE_SUM_ONE, PV_ROUTE_ALL, PV_ROUTE_CHOSEN } pv_route_form;

#define PV_SEGMENT         32
#define PV_ACT16_MAX       32512
#define PV_ACT8_MAX        127
#define PV_ACT_TINY        0x1p-100f
#define PV_WIDE_LANES      256
#define PV_NARROW_LANES    8
#define PV_ATTENTION_CHUNK 64

/* What every kernel can do at most. */
#define PV_EXPERTS_MAX  1024
#define PV_HEAD_DIM_MAX 256
#define PV_K_MAX        65536 /* longest row of a matrix */

#endif
