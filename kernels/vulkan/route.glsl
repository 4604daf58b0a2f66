// The best experts of a row by (value, index), and their weights: what routing alone and routing with gate
// and up share. MOST_EXPERTS is what there is room for, a multiple of four.
struct route_of { // pv_cuda_route
  uint64_t logits, indices, weights;
  uint experts, used, form;
};

const uint SUM_ONE = 0u, EVERY = 1u, CHOSEN = 2u; // pv_route_form

shared float of_experts[MOST_EXPERTS];
shared uvec4 keys[MOST_EXPERTS / 4u];
shared uint ranked[MOST_EXPERTS];

// What orders as comes_before() does before it looks at the index: larger is better, a NaN is below every number,
// zeros are equal.
uint order_key(float x) {
  uint u = floatBitsToUint(x);
  if ((u & ~SIGN) == 0u) u = 0u;
  return is_nan(x) ? 0u : (u & SIGN) != 0u ? ~u : u | SIGN;
}

// By all threads: the logits of a row, and which expert has which rank. A rank is the number of those before it.
void choose(route_of t, uint row) {
  uint j = gl_LocalInvocationIndex, eights = (t.experts + 7u) / 8u;
  for (uint i = j; i < 8u * eights; i += WIDE_LANES) {
    float x = i < t.experts ? floats(t.logits).at[row * t.experts + i] : 0.0;
    of_experts[i] = x;
    keys[i / 4u][i % 4u] = i < t.experts ? order_key(x) : 0u; // past the end: after every expert
  }
  barrier();
  for (uint i = j; i < t.experts; i += WIDE_LANES) {
    uint own = keys[i / 4u][i % 4u], before = 0u;
    for (uint eight = 0u; eight < eights; eight++)
      [[unroll]] for (uint f = 0u; f < 2u; f++) {
        uint four = 2u * eight + f; // what has a smaller index need not be larger; no key is the largest number
        uvec4 least = uvec4(own) + uvec4(greaterThanEqual(uvec4(4u * four) + uvec4(0u, 1u, 2u, 3u), uvec4(i)));
        uvec4 is_before = uvec4(greaterThanEqual(keys[four], least));
        before += is_before.x + is_before.y + is_before.z + is_before.w;
      }
    if (before < t.used) ranked[before] = i;
  }
  barrier();
}

// By all threads, after choose(): indices and weights into memory.
void keep_route(route_of t, uint row) {
  uint j = gl_LocalInvocationIndex;
  float best = of_experts[ranked[0]], own = 0.0;
  barrier();
  for (uint i = j; i < t.experts; i += WIDE_LANES) {
    float e = exponential(difference(of_experts[i], best));
    of_experts[i] = e;
    own = i == j ? e : sum(own, e);
  }
  float all = wide_folded(own, min(t.experts, WIDE_LANES));
  if (t.form == CHOSEN) all = 1.0;
  own = 0.0;
  for (uint r = j; r < t.used; r += WIDE_LANES) {
    float chosen = divided(of_experts[ranked[r]], all);
    own = r == j ? chosen : sum(own, chosen);
  }
  float kept = wide_folded(own, min(t.used, WIDE_LANES));
  for (uint r = j; r < t.used; r += WIDE_LANES) {
    uint at = row * t.used + r;
    float chosen = divided(of_experts[ranked[r]], all);
    if (t.indices != 0ul) words(t.indices).at[at] = ranked[r];
    if (t.weights != 0ul) floats(t.weights).at[at] = t.form == EVERY ? chosen : divided(chosen, kept);
  }
}
