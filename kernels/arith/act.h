/* The fixed-point form of activations that enter a quantised matrix product, and the shape of
 * the sums. This header is the definition; every backend computes exactly this.
 *
 * Rounding (identity i16). A row x of K floats is cut into blocks of PV_ACT_BLOCK elements (the
 * last one may be shorter). For each block: a = max |x_i|; scale d = a / PV_ACT_MAX;
 * inverse v = PV_ACT_MAX / a (0 when d is 0 or subnormal: such a block is all zeros, d = 0);
 * q_i = nearest integer (ties to even) of x_i * v. PV_ACT_MAX = 127 * 256, so that
 * q = 256 * high + low with high and low both in a signed byte: two dp4a planes on a GPU.
 * A block with an infinity or a NaN has d = NaN: the damage is seen, never hidden.
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

#define PV_ACT_BLOCK 256
#define PV_ACT_MAX 32512
#define PV_ACT8_BLOCK 32
#define PV_ACT8_MAX 127
#define PV_WIDE_LANES 256
#define PV_NARROW_LANES 8
#define PV_ATTENTION_CHUNK 64

#endif
