// RMSNorm of a head where there is a weight, and RoPE. Needs `normed` for the threads of a group, and norm.glsl.
struct heads_of { // pv_cuda_heads
  uint64_t q, k, v, q_weight, k_weight, q_out, k_out, keys, values, cosine, sine, step;
  uint heads, kv_heads, dim;
  float eps;
  uint neighbours;
};

struct element_of { // of a head, at a position: all that is read for it
  float x, weight, cosine, sine;
  uint i, dim, other; // the other one of its pair
  bool lives, first;  // it is one; it is the pair's first
};

element_of load_element(heads_of t, uint64_t from, uint64_t weight, uint at, uint i, uint dim, uint position) {
  element_of e;
  uint reach = dim / 2u;
  bool neighbours = t.neighbours != 0u;
  e.i = i;
  e.dim = dim;
  e.lives = i < dim;
  e.first = neighbours ? i % 2u == 0u : i < reach;
  e.other = neighbours ? i ^ 1u : e.first ? i + reach : i - reach;
  uint pair = neighbours ? i / 2u : min(i, e.other), table = position * reach + (e.lives ? pair : 0u);
  e.x = e.lives ? floats(from).at[at] : 0.0;
  e.weight = e.lives && weight != 0ul ? floats(weight).at[i] : 0.0;
  e.cosine = floats(t.cosine).at[table];
  e.sine = floats(t.sine).at[table];
  return e;
}

// By all threads of a group; `base` is where the head begins among them.
float turned(heads_of t, element_of e, bool has_weight, uint base) {
  float all = folded_from(base, e.i, product(e.x, e.x), e.dim);
  float scale = divided(1.0, root(sum(mean_of(all, e.dim), t.eps)));
  normed[base + e.i] = has_weight ? product(product(e.x, scale), e.weight) : e.x;
  barrier();
  if (!e.lives) return 0.0;
  float across = product(normed[base + e.other], e.sine);
  PRECISE float minus = -across;
  return fused(normed[base + e.i], e.cosine, e.first ? minus : across);
}
