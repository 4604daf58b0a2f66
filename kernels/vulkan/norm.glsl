// RMSNorm of a row by the 256 threads of a group, and the rounding of rows: for each eight numbers there are
// the words of their high bytes, then of their low ones, q = 256 high + low. Needs `values`,
// of which the first 512 are free meanwhile.
const uint EACH = 8u;                    // numbers of a thread: a quarter of a segment
const uint QUARTERS = SEGMENT / EACH;
const uint SHARED = 32u;

shared vec4 narrowed[WIDE_LANES / 4u];

// Loops that are to be unrolled count from 0 to what is known: else arrays lie in memory. Thread i of those from `base`
// on, a multiple of four, has lane i of a wide sum of n lanes, at most 256; they get the sum. By all threads of the
// group, which may have several sums.
float folded_from(uint base, uint i, float own, uint n) {
  uint left = n;
  barrier();
  values[base + i] = own;
  barrier();
  if (i < SHARED) { // what is 32 lanes apart
    float x[WIDE_LANES / SHARED];
    [[unroll]] for (uint e = 0u; e < WIDE_LANES / SHARED; e++) x[e] = values[base + i + SHARED * e];
    [[unroll]] for (uint step = 0u; step < 3u; step++) {
      uint reach = 4u >> step;
      [[unroll]] for (uint e = 0u; e < 4u; e++)
        if (e < reach && i + SHARED * (e + reach) < left) x[e] = sum(x[e], x[e + reach]);
      left = min(left, SHARED * reach);
    }
    narrowed[(base + i) / 4u][i % 4u] = x[0];
  }
  barrier();
  float y[SHARED];
  left = min(n, SHARED);
  [[unroll]] for (uint e = 0u; e < SHARED; e++) y[e] = narrowed[base / 4u + e / 4u][e % 4u];
  [[unroll]] for (uint step = 0u; step < 5u; step++) {
    uint reach = 16u >> step;
    [[unroll]] for (uint e = 0u; e < 16u; e++)
      if (e < reach && e + reach < left) y[e] = sum(y[e], y[e + reach]);
    left = min(left, reach);
  }
  return y[0];
}

float wide_folded(float own, uint n) { return folded_from(0u, gl_LocalInvocationIndex, own, n); }

const uint AHEAD_MOST = 8u; // numbers of a lane that are asked for at once: so many, or those that a row has
#if !defined(AHEAD_OF)
#define AHEAD_OF AHEAD_MOST
#endif

// Lane j of the sum of squares adds the elements j, j + 256, ...: what is none adds 0.
float own_squares(floats x, uint from, uint n) {
  uint j = gl_LocalInvocationIndex;
  uint turns = 0u;
  double all = 0.0lf;
  for (uint begin = j; begin < n; begin += WIDE_LANES * AHEAD_OF) {
    double v[AHEAD_MOST];
    [[unroll]] for (uint e = 0u; e < AHEAD_OF; e++)
      v[e] = double(begin + e * WIDE_LANES < n ? x.at[from + begin + e * WIDE_LANES] : 0.0);
    [[unroll]] for (uint e = 0u; e < AHEAD_OF; e++) all = chained(exact(v[e], v[e]), all, turns);
  }
  if (turns == 0u) return float(all);
  float own = 0.0;
  [[dont_unroll]] for (uint i = j; i < n; i += WIDE_LANES) own = fused(x.at[from + i], x.at[from + i], own);
  return own;
}

// Where row `row` of a norm begins. Rows of logits are the last of a batch.
uint norm_from(norm_of t, uint row) {
  return (row + (t.step != 0ul ? words(t.step).at[1] - words(t.step).at[2] : 0u)) * t.n;
}

// By a power of two it is a product, rounded as the quotient is.
float mean_of(float all, uint n) {
  return (n & (n - 1u)) == 0u ? product(all, uintBitsToFloat(127u - uint(findMSB(n)) << 23)) : divided(all, float(n));
}

float norm_scale(norm_of t, uint from, uint n) {
  float all = wide_folded(own_squares(floats(t.x), from, n), min(n, WIDE_LANES));
  return divided(1.0, root(sum(mean_of(all, n), t.eps)));
}

struct eight_of { // numbers of a row from some place on, and what they are multiplied with
  float x[EACH], weight[EACH];
};

eight_of load_eight(norm_of t, uint from, uint at, uint n) {
  eight_of r;
  if (n % EACH == 0u) { // whole, or none of it
    at = min(at, n - EACH);
    fours x = fours(t.x + 4ul * (from + at)), weight = fours(t.weight + 4ul * at);
    [[unroll]] for (uint e = 0u; e < EACH; e++) {
      r.x[e] = x.at[e / 4u][e % 4u];
      r.weight[e] = weight.at[e / 4u][e % 4u];
    }
    return r;
  }
  [[unroll]] for (uint e = 0u; e < EACH; e++) {
    r.x[e] = floats(t.x).at[from + min(at + e, n - 1u)];
    r.weight[e] = floats(t.weight).at[min(at + e, n - 1u)];
  }
  return r;
}

// What lies past the end of the row is 0.
void norm_eight(uint n, uint at, float s, eight_of of, out float y[EACH]) {
  [[unroll]] for (uint e = 0u; e < EACH; e++)
    y[e] = at + e < n ? product(product(of.x[e], s), of.weight[e]) : 0.0;
}

struct quarter_of { // of a segment: for eight numbers the words of their high bytes, then of their low ones
  uvec4 planes;
  int total;
  float d; // of the segment
};

// Magnitudes compare as their bits do.
uint top_of_eight(float y[EACH]) {
  uint top = 0u;
  [[unroll]] for (uint e = 0u; e < EACH; e++) top = max(top, floatBitsToUint(y[e]) & ~SIGN);
  return top;
}

uint top_of_four(uvec4 tops) { return max(max(tops.x, tops.y), max(tops.z, tops.w)); }

// What the numbers of a block are multiplied with, or else their scale. Of one that is nothing, or that has no number,
// the first is 0.
float quotient_of(uint top, float largest, bool inverse) {
  if (top >= INFINITE) return inverse ? 0.0 : uintBitsToFloat(NOT_A_NUMBER);
  float a = uintBitsToFloat(top);
  return top >= 0x0d800000u ? divided(inverse ? largest : a, inverse ? a : largest) : 0.0;
}

// A number that is made whole by 2^23 + 2^22 has it in its low bits, of which two bytes are those of either plane.
const float WHOLE_BITS = 12582912.0;

quarter_of quarter_by(float y[EACH], float d, float v) {
  uint keeps = v != 0.0 ? ~0u : 0u, q[EACH], total = 0u - EACH * floatBitsToUint(WHOLE_BITS);
  quarter_of r;
  [[unroll]] for (uint e = 0u; e < EACH; e++) {
    q[e] = floatBitsToUint(sum(product(y[e], v), WHOLE_BITS));
    total += q[e];
  }
  [[unroll]] for (uint w = 0u; w < 2u; w++) {
    uint low = 0u, high = 0u;
    [[unroll]] for (uint e = 0u; e < 4u; e++) {
      low |= (q[4u * w + e] & 255u) << 8u * e;
      high |= (q[4u * w + e] + 128u >> 8 & 255u) << 8u * e;
    }
    r.planes[w] = high & keeps;
    r.planes[w + 2u] = low & keeps;
  }
  r.total = int(total & keeps);
  r.d = d;
  return r;
}

shared uvec4 tops_of[WIDE_LANES / 4u];

// By all threads: four neighbours have a segment, 32 a block of eight, which is `is_whole` rounded together.
quarter_of rounded_quarter(float y[EACH], float largest, bool is_whole) {
  uint j = gl_LocalInvocationIndex, top = 0u, first = is_whole ? j / SHARED * 8u : j / QUARTERS;
  tops_of[j / 4u][j % 4u] = top_of_eight(y);
  barrier();
  [[unroll]] for (uint i = 0u; i < 8u; i++)
    if (i == 0u || is_whole) top = max(top, top_of_four(tops_of[first + i]));
  // Of both quotients a thread makes one.
  values[WIDE_LANES + j] = quotient_of(top, largest, j % 2u == 1u);
  barrier();
  return quarter_by(y, values[WIDE_LANES + (j & ~1u)], values[WIDE_LANES + (j | 1u)]);
}

// By all threads: the quarter `at` of a row, if it is one of `lives`, into memory.
void keep_quarter(acts_of to, uint row, uint at, quarter_of r, bool lives) {
  uint j = gl_LocalInvocationIndex, place = row * to.segments + at / QUARTERS;
  barrier();
  values[j] = intBitsToFloat(r.total);
  barrier();
  if (!lives) return;
  planes_to(to.q).at[QUARTERS * place + at % QUARTERS] = r.planes;
  if (at % QUARTERS != 0u) return;
  int total = 0;
  [[unroll]] for (uint i = 0u; i < QUARTERS; i++) total += floatBitsToInt(values[j + i]);
  words(to.sum).at[place] = uint(total);
  floats(to.d).at[place] = r.d;
}

// By all threads: numbers of a row, one a thread, which begin with quarter `first` and of which `count` quarters are
// rounded, at most 32.
void round_group(acts_of to, uint row, uint first, uint count, float own, float largest, bool is_whole) {
  uint j = gl_LocalInvocationIndex;
  float y[EACH];
  barrier();
  values[WIDE_LANES + j] = own;
  barrier();
  [[unroll]] for (uint e = 0u; e < EACH; e++) y[e] = values[WIDE_LANES + EACH * (j % SHARED) + e];
  keep_quarter(to, row, first + j, rounded_quarter(y, largest, is_whole), j < count);
}

// The same of the row's numbers from 256 times the group's on.
void round_part(acts_of to, uint row, float own, float largest, bool is_whole) {
  uint first = gl_WorkGroupID.x * SHARED;
  round_group(to, row, first, min(SHARED, to.segments * QUARTERS - first), own, largest, is_whole);
}
