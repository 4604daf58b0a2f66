// Rows of a matrix of a quantised type times a row of rounded activations. Segments are taken by twos that
// share bytes of a row, and rows some at once: a group's threads are so many sets of WIDTH of them, and
// thread p of a set has the pairs p, p + WIDTH, ... of a row. Of a type in blocks of one segment that makes the values
// of both; of others what four pairs have is added up, whole numbers, and one thread makes the value of a block of it.
// Needs PLACES, blocks of all rows at once, and `values`, of each row at once stride_of() of them. TYPE, and the
// segments of a row where they are known, are said when it is compiled.
const uint ONES = 0x01010101u;
const uint LANES = 32u;
const uint PAIRS = 4u; // of a block

// The sum of a pair's products needs more than 32 bits: there are two, with the high and the low bytes of activations.
const bool TWO_SUMS = TYPE == Q5_K || TYPE == Q6_K || TYPE == IQ4_XS;
shared ivec4 sums[WHOLE ? PLACES : 1u], lows[TWO_SUMS ? PLACES : 1u], leasts[WHOLE && MINIMUM ? PLACES : 1u];
shared vec2 bases[WHOLE ? PLACES : 1u]; // d and the minimum
shared float tilts[WHOLE ? PLACES : 1u]; // d of the activations

struct act_segment {
  uvec4 x[4];
  float d;
  int total;
};

act_segment kept_segment(acts_of acts, uint row, uint s) {
  uint at = row * acts.segments + s;
  act_segment a;
  [[unroll]] for (uint e = 0u; e < 4u; e++) a.x[e] = quads(acts.q).at[4u * at + e];
  a.d = floats(acts.d).at[at];
  a.total = int(words(acts.sum).at[at]);
  return a;
}

uint first_of(uint pair) { return TYPE == Q6_K ? pair / 4u * 8u + pair % 4u / 2u * 4u + pair % 2u : 2u * pair; }
uint second_of(uint pair) { return first_of(pair) + (TYPE == Q6_K ? 2u : 1u); }

// Values of a row of n segments, and how far it is from row to row: odd, so that banks are apart.
uint values_of(uint n) { return WHOLE ? n / 8u : n; }
uint stride_of(uint n) { return values_of(n) | 1u; }

uint width_of(uint n) { // threads that have a row of n segments
  uint width = 1u;
  [[unroll]] for (uint i = 0u; i < 5u; i++)
    if (2u * width < n) width *= 2u;
  return width;
}

// What is read of a pair: of the types of which models are made words as they lie, since what is made of one would wait
// for it; of others the whole numbers of either segment.
struct raw_pair {
  uint low[9], more[9];
  uvec4 head;
  scales_of first, second;
};

// 36 bytes from the word on in which an address lies.
void words_from(uint64_t address, out uint into[9]) {
  [[unroll]] for (uint w = 0u; w < 9u; w++) into[w] = words(address & ~3ul).at[w];
}

raw_pair load_pair(uint64_t row, uint pair) {
  raw_pair r;
  uint s = first_of(pair), t = second_of(pair), eight[8];
  uint64_t b = block_of(row, s);
  if (TYPE == Q4_K || TYPE == Q5_K) {
    r.head = quads(b).at[0];
    quads_from(b + (TYPE == Q4_K ? 16u : 48u) + pair % 4u * 32u, eight);
    [[unroll]] for (uint w = 0u; w < 8u; w++) r.low[w] = eight[w];
    if (TYPE == Q4_K) return r;
    quads_from(b + 16ul, eight);
    [[unroll]] for (uint w = 0u; w < 8u; w++) r.more[w] = eight[w];
  } else if (TYPE == Q6_K) {
    uint scales = 192u + 2u * (s % 8u);
    words_from(b + pair % 4u / 2u * 64u + pair % 2u * 32u, r.low);
    words_from(b + 128u + pair % 4u / 2u * 32u, r.more);
    r.head = uvec4(words(b + scales & ~3ul).at[0], words(b + scales + 4u & ~3ul).at[0], words(b + 208u & ~3ul).at[0],
                   uint(b) & 2u);
  } else {
    r.first = scales_at(b, s % 8u);
    r.second = scales_at(block_of(row, t), t % 8u);
    integers_at(b, s % 8u, eight);
    [[unroll]] for (uint w = 0u; w < 8u; w++) r.low[w] = eight[w];
    integers_at(block_of(row, t), t % 8u, eight);
    [[unroll]] for (uint w = 0u; w < 8u; w++) r.more[w] = eight[w];
  }
  return r;
}

// Pairs that are asked for before the first is multiplied, each in registers of its own: one that was copied would be
// waited for. More of them are so many registers that a processor of a device would have room for one group alone.
const uint UNDER_WAY = TYPE == Q6_K && ROUNDS ? 1u : 2u;

int half_signed(uint word, uint which) { return int(word) << 24u - 8u * which >> 24; } // byte 0 or 1 of a word

// The whole numbers of both segments, as signed bytes, and their scales.
void take_apart(inout raw_pair r, uint pair, out uint one[8], out uint two[8]) {
  if (TYPE == Q4_K || TYPE == Q5_K) {
    vec2 both = unpackHalf2x16(r.head.x);
    r.first = scales_of(both.x, both.y, int[2](1, 1), int[2](0, 0));
    r.second = r.first;
    k4_pair(r.head.yzw, first_of(pair) % 8u, r.first, r.second);
  } else if (TYPE == Q6_K) { // what begins in the middle of a word
    uint shift = 8u * r.head.w, of_scales = 8u * (r.head.w ^ first_of(pair) % 2u * 2u);
    uint sc = r.head.x >> of_scales, then = r.head.y >> of_scales;
    float d = unpackHalf2x16(r.head.z >> shift).x;
    r.first = scales_of(d, 0.0, int[2](half_signed(sc, 0u), half_signed(sc, 1u)), int[2](0, 0));
    r.second = scales_of(d, 0.0, int[2](half_signed(then, 0u), half_signed(then, 1u)), int[2](0, 0));
    [[unroll]] for (uint w = 0u; w < 8u; w++) {
      r.low[w] = uint(packUint2x32(uvec2(r.low[w], r.low[w + 1u])) >> shift);
      r.more[w] = uint(packUint2x32(uvec2(r.more[w], r.more[w + 1u])) >> shift);
    }
  }
  [[unroll]] for (uint w = 0u; w < 8u; w++) {
    one[w] = r.low[w];
    two[w] = r.more[w];
    if (TYPE != Q4_K && TYPE != Q5_K && TYPE != Q6_K) continue;
    one[w] = r.low[w] & 0x0f0f0f0fu;
    two[w] = r.low[w] >> 4 & 0x0f0f0f0fu;
    if (TYPE == Q5_K) {
      one[w] |= (r.more[w] >> 2u * (pair % 4u) & 0x01010101u) << 4;
      two[w] |= (r.more[w] >> 2u * (pair % 4u) + 1u & 0x01010101u) << 4;
    } else if (TYPE == Q6_K) {
      one[w] = by_32(one[w] | (r.more[w] >> 2u * (pair % 2u) & 0x03030303u) << 4);
      two[w] = by_32(two[w] | (r.more[w] >> 2u * (pair % 2u) + 4u & 0x03030303u) << 4);
    }
  }
}

// d times the products and, where there is a minimum, that times the sum of the activations.
float based(vec2 base, float products, float least) {
  float value = product(base.x, products);
  if (!MINIMUM) return value;
  uint turns = 0u;
  PRECISE float minus = -base.y;
  float m = ADDS_MINIMUM ? base.y : minus;
  double once = chained(exact(double(m), double(least)), double(value), turns);
  return turns == 0u ? float(once) : fused(m, least, value);
}

// A segment of a type in blocks of one.
float value_of(scales_of by, uint four[8], act_segment a) {
  int high = 0, low = 0;
  [[unroll]] for (uint e = 0u; e < 4u; e++) { // eight at once
    high += dot_of_bytes(four[2u * e], a.x[e].x) + dot_of_bytes(four[2u * e + 1u], a.x[e].y);
    low += dot_of_bytes(four[2u * e], a.x[e].z) + dot_of_bytes(four[2u * e + 1u], a.x[e].w);
  }
  return product(a.d, based(vec2(by.d, by.m), float(256 * high + low), float(a.total)));
}

struct part_of { // sums of a segment with its sub-scales: products, of one plane where there are two, and minima
  int high, low, least;
};

part_of part_sums(scales_of by, uint four[8], act_segment a) {
  int high[2] = int[2](0, 0), low[2] = int[2](0, 0), all[2] = int[2](0, 0);
  [[unroll]] for (uint e = 0u; e < 4u; e++) {
    uint h = HALVES ? e / 2u : 0u;
    high[h] += dot_of_bytes(four[2u * e], a.x[e].x) + dot_of_bytes(four[2u * e + 1u], a.x[e].y);
    low[h] += dot_of_bytes(four[2u * e], a.x[e].z) + dot_of_bytes(four[2u * e + 1u], a.x[e].w);
    if (TYPE == Q2_K)
      all[h] += 256 * (dot_of_bytes(ONES, a.x[e].x) + dot_of_bytes(ONES, a.x[e].y)) +
                dot_of_bytes(ONES, a.x[e].z) + dot_of_bytes(ONES, a.x[e].w);
  }
  part_of r = part_of(by.sc[0] * high[0], by.sc[0] * low[0], 0);
  if (HALVES) {
    r.high += by.sc[1] * high[1];
    r.low += by.sc[1] * low[1];
  }
  if (!TWO_SUMS) { // at most 64 * 63 * 15 * 32512 of a pair, of Q4_K
    r.high = by.sc[0] * (256 * high[0] + low[0]);
    if (HALVES) r.high += by.sc[1] * (256 * high[1] + low[1]);
  }
  if (MINIMUM) r.least = TYPE == Q2_K ? by.lo[0] * all[0] + by.lo[1] * all[1] : by.lo[0] * a.total;
  return r;
}

// Of a pair among those of row `place` of what is at once: values of its segments, or its part of a block.
void put_pair(raw_pair r, uint pair, uint n, act_segment a, act_segment b, uint place) {
  uint one[8], two[8], s = first_of(pair), t = second_of(pair), base = place * stride_of(n);
  take_apart(r, pair, one, two);
  if (!WHOLE) {
    values[base + s] = value_of(r.first, one, a);
    if (t < n) values[base + t] = value_of(r.second, two, b);
    return;
  }
  part_of of = part_sums(r.first, one, a), more = part_sums(r.second, two, b);
  uint at = place * (n / 8u) + pair / PAIRS, own = pair % PAIRS;
  sums[at][own] = of.high + more.high;
  if (TWO_SUMS) lows[at][own] = of.low + more.low;
  if (MINIMUM) leasts[at][own] = of.least + more.least;
  if (own > 0u) return;
  bases[at] = vec2(r.first.d, r.first.m);
  tilts[at] = a.d;
}

int all_of(ivec4 four) { return four.x + four.y + four.z + four.w; }

// f32 of the products of a block: of a number that needs 36 bits as 2^20 a + b, both exact in float32, and so their sum
// is rounded once.
float block_products(uint at) {
  int upper = all_of(sums[at] >> 20), rest = all_of(sums[at] & 1048575);
  if (TWO_SUMS) { // 256 high + low: at most 1.4e8 each
    int high = all_of(sums[at]);
    rest = (high & 4095) * 256 + all_of(lows[at]);
    upper = (high >> 12) + (rest >> 20);
    rest &= 1048575;
  }
  return sum(product(1048576.0, float(upper)), float(rest));
}

// By all threads, when the parts are there: the values of the blocks of so many rows.
void meet(uint rows, uint n) {
  uint blocks = n / 8u;
  [[dont_unroll]] for (uint i = gl_LocalInvocationIndex; i < rows * blocks; i += 256u) {
    float least = MINIMUM ? float(all_of(leasts[i])) : 0.0;
    values[i / blocks * stride_of(n) + i % blocks] = product(tilts[i], based(bases[i], block_products(i), least));
  }
  barrier();
}

// The fold of n values from `base` on, n not a power of two as well. By 32 threads of a row as far as to 32
// values; then by one thread.
void fold_lane(uint base, uint lane, uint n) {
  uint left = n, reach = LANES;
  [[dont_unroll]] while (2u * reach < n) reach *= 2u;
  [[dont_unroll]] for (; reach >= LANES; reach /= 2u) {
    [[dont_unroll]] for (uint i = lane; i < reach; i += LANES)
      if (i + reach < left) values[base + i] = sum(values[base + i], values[base + i + reach]);
    left = min(left, reach);
  }
}

float folded(uint base, uint n) {
  float x[LANES];
  uint left = min(n, LANES);
  [[unroll]] for (uint i = 0u; i < LANES; i++) x[i] = values[base + min(i, left - 1u)];
  [[unroll]] for (uint step = 0u; step < 5u; step++) {
    uint reach = 16u >> step;
    [[unroll]] for (uint i = 0u; i < LANES / 2u; i++)
      if (i < reach && i + reach < left) x[i] = sum(x[i], x[i + reach]);
    left = min(left, reach);
  }
  return x[0];
}
