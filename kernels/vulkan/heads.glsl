// RMSNorm of a head where there is a weight, and RoPE. Needs `lanes` and `normed` for the threads of a group.
struct heads_of { // pv_cuda_heads
  uint64_t q, k, v, q_weight, k_weight, q_out, k_out, keys, values, cosine, sine, step;
  uint heads, kv_heads, dim;
  float eps;
  uint neighbours;
};

// By all threads of a group: element i of `dim` of a head, for those with `lives`; `base` is where the lanes of the
// head begin in both arrays.
float turned_head(heads_of t, float x, uint64_t weight, uint base, uint i, uint dim, uint position, bool lives) {
  uint left = dim;
  barrier();
  lanes[base + i] = product(x, x);
  for (uint reach = 128u; reach > 0u; reach /= 2u) {
    barrier();
    if (i < reach && i + reach < left) lanes[base + i] = sum(lanes[base + i], lanes[base + i + reach]);
    left = min(left, reach);
  }
  barrier();
  float scale = divided(1.0, root(sum(divided(lanes[base], float(dim)), t.eps)));
  normed[base + i] = x;
  if (lives && weight != 0ul) normed[base + i] = product(product(x, scale), floats(weight).at[i]);
  barrier();
  if (!lives) return 0.0;
  uint reach = dim / 2u;
  bool first = t.neighbours != 0u ? i % 2u == 0u : i < reach;
  uint pair = t.neighbours != 0u ? i / 2u : first ? i : i - reach;
  uint other = t.neighbours != 0u ? (first ? i + 1u : i - 1u) : first ? i + reach : i - reach;
  uint table = position * reach + pair;
  float turned = product(normed[base + other], floats(t.sine).at[table]);
  PRECISE float minus = -turned;
  return fused(normed[base + i], floats(t.cosine).at[table], first ? minus : turned);
}
