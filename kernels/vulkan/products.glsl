// Rows of a matrix of a quantised type times a row of rounded activations. Segments are taken by twos that
// share bytes of a row, and rows some at once: a group's threads are so many sets of WIDTH of them, and
// thread p of a set has the pairs p, p + WIDTH, ... of a row. Needs `values`, of each row at once and a place
// more, and acts_at(). TYPE, and the segments of a row where they are known, are said when it is compiled.
const uint ONES = 0x01010101u;
const uint LANES = 32u;

struct act_segment {
  uvec4 x[4];
  float d;
  int total;
};

uint first_of(uint pair) { return TYPE == Q6_K ? pair / 4u * 8u + pair % 4u / 2u * 4u + pair % 2u : 2u * pair; }
uint second_of(uint pair) { return first_of(pair) + (TYPE == Q6_K ? 2u : 1u); }

uint width_of(uint n) { // threads that have a row of n segments
  uint width = 1u;
  [[unroll]] for (uint i = 0u; i < 5u; i++)
    if (2u * width < n) width *= 2u;
  return width;
}

// What is read of a pair: bytes of which both segments have a part, or the whole numbers of either.
struct raw_pair {
  uint low[8], more[8];
  scales_of first, second;
};

raw_pair load_pair(uint64_t row, uint pair) {
  raw_pair r;
  uint s = first_of(pair), t = second_of(pair);
  uint64_t b = block_of(row, s);
  if (TYPE == Q4_K || TYPE == Q5_K) {
    uvec4 head = quads(b).at[0];
    vec2 both = unpackHalf2x16(head.x);
    r.first = scales_of(both.x, both.y, int[2](1, 1), int[2](0, 0));
    r.second = r.first;
    k4_pair(head.yzw, s % 8u, r.first, r.second);
  } else {
    r.first = scales_at(b, s % 8u);
    r.second = scales_at(block_of(row, t), t % 8u);
  }
  if (TYPE == Q4_K || TYPE == Q5_K) {
    quads_from(b + (TYPE == Q4_K ? 16u : 48u) + pair % 4u * 32u, r.low);
    if (TYPE == Q5_K) quads_from(b + 16ul, r.more);
  } else if (TYPE == Q6_K) {
    bytes_from(b + pair % 4u / 2u * 64u + pair % 2u * 32u, r.low);
    bytes_from(b + 128u + pair % 4u / 2u * 32u, r.more);
  } else {
    integers_at(b, s % 8u, r.low);
    integers_at(block_of(row, t), t % 8u, r.more);
  }
  return r;
}

// The whole numbers of both segments, as signed bytes.
void take_apart(raw_pair r, uint pair, out uint one[8], out uint two[8]) {
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

// Whole numbers multiplied and added exactly, then d, and the minimum times the sum of the activations.
// Halves have scales of their own, or the same.
float value_of(scales_of by, uint four[8], act_segment a) {
  uint turns = 0u;
  int high[2] = int[2](0, 0), low[2] = int[2](0, 0), all[2] = int[2](0, 0);
  [[unroll]] for (uint e = 0u; e < 4u; e++) { // eight at once
    high[e / 2u] += dot_of_bytes(four[2u * e], a.x[e].x) + dot_of_bytes(four[2u * e + 1u], a.x[e].y);
    low[e / 2u] += dot_of_bytes(four[2u * e], a.x[e].z) + dot_of_bytes(four[2u * e + 1u], a.x[e].w);
    if (TYPE == Q2_K)
      all[e / 2u] += 256 * (dot_of_bytes(ONES, a.x[e].x) + dot_of_bytes(ONES, a.x[e].y)) +
                     dot_of_bytes(ONES, a.x[e].z) + dot_of_bytes(ONES, a.x[e].w);
  }
  float both;
  if (TYPE == Q6_K || TYPE == IQ4_XS) // the sum of both halves is at most 2 * 32 * 16 * 32512 * 128, beyond 32 bits
    both = float(int64_t(by.sc[0]) * int64_t(256 * high[0] + low[0]) +
                 int64_t(by.sc[1]) * int64_t(256 * high[1] + low[1]));
  else if (has_halves())
    both = float(by.sc[0] * (256 * high[0] + low[0]) + by.sc[1] * (256 * high[1] + low[1]));
  else // at most 31 * 32 * 32512 * 63, of Q5_K
    both = float(by.sc[0] * (256 * (high[0] + high[1]) + low[0] + low[1]));
  float value = product(by.d, both);
  if (has_minimum()) {
    PRECISE float minus = -by.m;
    int least = TYPE == Q2_K ? by.lo[0] * all[0] + by.lo[1] * all[1] : by.lo[0] * a.total;
    float m = adds_minimum() ? by.m : minus;
    double once = chained(exact(double(m), double(float(least))), double(value), turns);
    value = turns == 0u ? float(once) : fused(m, float(least), value);
  }
  return product(a.d, value);
}

// The values of a pair's segments, among those of row `place` of what is at once.
void put_pair(raw_pair r, uint pair, uint n, act_segment a, act_segment b, uint place) {
  uint one[8], two[8], base = place * (n + 1u), s = first_of(pair), t = second_of(pair);
  take_apart(r, pair, one, two);
  values[base + s] = value_of(r.first, one, a);
  if (t < n) values[base + t] = value_of(r.second, two, b);
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
