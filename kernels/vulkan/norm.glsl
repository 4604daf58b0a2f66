// RMSNorm of a row by the 256 threads of a group, and the rounding of eight numbers a thread. Needs `values`,
// of which the first 512 are free meanwhile.
const uint EACH = 8u;                    // numbers of a thread: a quarter of a segment
const uint QUARTERS = SEGMENT / EACH;
const uint SHARED = 32u;

// Thread j has lane j of a wide sum of n lanes, at most 256; all get the sum.
float wide_folded(float own, uint n) {
  uint j = gl_LocalInvocationIndex, left = n;
  barrier();
  values[j] = own;
  barrier();
  if (j < SHARED) { // what is 32 lanes apart
    float x[WIDE_LANES / SHARED];
    [[unroll]] for (uint i = 0u; i < WIDE_LANES / SHARED; i++) x[i] = values[j + SHARED * i];
    [[unroll]] for (uint half_of = WIDE_LANES / SHARED / 2u; half_of > 0u; half_of /= 2u) {
      [[unroll]] for (uint i = 0u; i < half_of; i++)
        if (j + SHARED * (i + half_of) < left) x[i] = sum(x[i], x[i + half_of]);
      left = min(left, SHARED * half_of);
    }
    values[WIDE_LANES + j] = x[0];
  }
  barrier();
  float y[SHARED];
  left = min(n, SHARED);
  [[unroll]] for (uint i = 0u; i < SHARED; i++) y[i] = values[WIDE_LANES + i];
  [[unroll]] for (uint half_of = SHARED / 2u; half_of > 0u; half_of /= 2u) {
    [[unroll]] for (uint i = 0u; i < half_of; i++)
      if (i + half_of < left) y[i] = sum(y[i], y[i + half_of]);
    left = min(left, half_of);
  }
  return y[0];
}

// Lane j of the sum of squares adds the elements j, j + 256, ...
float own_squares(floats x, uint from, uint n) {
  uint j = gl_LocalInvocationIndex;
  bool turns = false;
  float own = 0.0;
  for (uint i = j; i < n; i += WIDE_LANES) {
    float v = x.at[from + i];
    own = i == j ? product(v, v) : fused_or(v, v, own, turns);
  }
  if (!turns) return own;
  for (uint i = j; i < n; i += WIDE_LANES) {
    float v = x.at[from + i];
    own = i == j ? product(v, v) : fused(v, v, own);
  }
  return own;
}

// Where row `row` of a norm begins. Rows of logits are the last of a batch.
uint norm_from(norm_of t, uint row) {
  return (row + (t.step != 0ul ? words(t.step).at[1] - words(t.step).at[2] : 0u)) * t.n;
}

float norm_scale(norm_of t, uint from) {
  float mean = divided(wide_folded(own_squares(floats(t.x), from, t.n), min(t.n, WIDE_LANES)), float(t.n));
  return divided(1.0, root(sum(mean, t.eps)));
}

// Eight numbers of a row from `at` on, multiplied.
void norm_eight(norm_of t, uint from, uint at, float s, out float y[EACH]) {
  if (t.n % EACH == 0u && at < t.n) {
    fours x = fours(t.x + 4ul * (from + at)), weight = fours(t.weight + 4ul * at);
    [[unroll]] for (uint e = 0u; e < EACH; e++)
      y[e] = product(product(x.at[e / 4u][e % 4u], s), weight.at[e / 4u][e % 4u]);
    return;
  }
  [[unroll]] for (uint e = 0u; e < EACH; e++)
    y[e] = at + e < t.n ? product(product(floats(t.x).at[from + at + e], s), floats(t.weight).at[at + e]) : 0.0;
}

struct quarter_of { // of a segment: for eight numbers the words of their high bytes, then of their low ones
  uvec4 planes;
  int total;
  float d; // of the segment
};

// By all threads: four neighbours have a segment.
quarter_of rounded_quarter(float y[EACH], float largest) {
  uint j = gl_LocalInvocationIndex, own = 0u;
  [[unroll]] for (uint e = 0u; e < EACH; e++) own = max(own, floatBitsToUint(y[e]) & ~SIGN);
  barrier();
  values[j] = uintBitsToFloat(own);
  barrier();
  [[unroll]] for (uint i = 0u; i < QUARTERS; i++) own = max(own, floatBitsToUint(values[j / QUARTERS * QUARTERS + i]));
  float top = uintBitsToFloat(own), d = 0.0, v = 0.0;
  bool finite = own < INFINITE, counts = finite && own >= 0x0d800000u;
  if (counts) {
    d = divided(top, largest);
    v = divided(largest, top);
  }
  quarter_of r = quarter_of(uvec4(0u), 0, finite ? d : uintBitsToFloat(NOT_A_NUMBER));
  [[unroll]] for (uint e = 0u; e < EACH; e++) {
    int q = counts ? int(whole(product(y[e], v))) : 0;
    int upper = (q + 128) >> 8;
    r.planes[e / 4u] |= (uint(upper) & 255u) << 8u * (e % 4u);
    r.planes[e / 4u + 2u] |= (uint(q - 256 * upper) & 255u) << 8u * (e % 4u);
    r.total += q;
  }
  return r;
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
