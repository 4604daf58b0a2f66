// Activations that a group of threads makes for itself and keeps in shared memory: the norm of a row, or the rounding
// of rows that nobody has rounded, in blocks of 256. Needs MOST_SEGMENTS, of which there is room, CHUNKS, how many
// quarters of segments a thread rounds at most (3), norm.glsl and products.glsl.
const uint CHUNKS_MOST = 3u;
const bool OWN = NORMED || ROUNDS;
shared uvec4 quarters[OWN ? 4u * MOST_SEGMENTS : 1u]; // those of a quarter of each segment side by side
shared int totals[OWN ? 4u * MOST_SEGMENTS : 1u];
shared float scales[OWN ? MOST_SEGMENTS : 1u], quotients[ROUNDS ? MOST_SEGMENTS / 4u : 1u];

act_segment own_segment(uint s) {
  act_segment a;
  a.total = 0;
  [[unroll]] for (uint e = 0u; e < QUARTERS; e++) {
    a.x[e] = quarters[e * MOST_SEGMENTS + s];
    a.total += totals[e * MOST_SEGMENTS + s];
  }
  a.d = scales[s];
  return a;
}

void keep_own(uint at, quarter_of r) { // quarter `at`
  uint segment = at / QUARTERS, quarter = at % QUARTERS;
  quarters[quarter * MOST_SEGMENTS + segment] = r.planes;
  totals[quarter * MOST_SEGMENTS + segment] = r.total;
  if (quarter == 0u) scales[segment] = r.d;
}

void eight_at(uint64_t x, uint at, out float y[EACH]) { // quarter `at`
  fours from = fours(x + 4u * EACH * at);
  [[unroll]] for (uint e = 0u; e < EACH; e++) y[e] = from.at[e / 4u][e % 4u];
}

struct own_of {
  uint top[CHUNKS_MOST];
};

// Of `count` quarters from x on the largest magnitudes.
own_of load_own(uint64_t x, uint count) {
  own_of r;
  [[unroll]] for (uint c = 0u; c < CHUNKS; c++) {
    float y[EACH];
    eight_at(x, min(c * WIDE_LANES + gl_LocalInvocationIndex, count - 1u), y);
    r.top[c] = top_of_eight(y);
  }
  return r;
}

// By all threads, of whole blocks. Their largest magnitudes lie where sums of products will be, and the numbers are near
// by now: they are read again.
void round_own(own_of from, uint64_t x, uint count, float largest) {
  uint j = gl_LocalInvocationIndex;
  [[unroll]] for (uint c = 0u; c < CHUNKS; c++) {
    uint at = c * WIDE_LANES + j;
    if (at < count) sums[at / 4u][at % 4u] = int(from.top[c]);
  }
  barrier();
  for (uint i = j; i < count / 16u; i += WIDE_LANES) { // both quotients of each block
    uint top = 0u;
    [[unroll]] for (uint e = 0u; e < 8u; e++) top = max(top, top_of_four(uvec4(sums[i / 2u * 8u + e])));
    quotients[i] = quotient_of(top, largest, i % 2u == 1u);
  }
  barrier();
  [[dont_unroll]] for (uint at = j; at < count; at += WIDE_LANES) {
    uint block = at / (8u * QUARTERS);
    float y[EACH];
    eight_at(x, at, y);
    keep_own(at, quarter_by(y, quotients[2u * block], quotients[2u * block + 1u]));
  }
  barrier();
}
