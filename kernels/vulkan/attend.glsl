// What the shaders of attention share. Of chunks there is memory that a group reads which another one of the
// same launch wrote.
layout(buffer_reference, std430, buffer_reference_align = 4) coherent buffer parts_of { float at[]; };

layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer attend_argument { // pv_cuda_attend
  uint64_t q, keys, values, step, top, sum, value, result, sinks;
  acts_of acts;
  uint heads, kv_heads, dim, chunks, first;
  float scale, largest;
  uint window, whole;
};

const uint CHUNK = 64u; // PV_ATTENTION_CHUNK
const uint NARROW_LANES = 8u;

uint seen_from(uint window, uint position) {
  return window > 0u && position >= window ? position + 1u - window : 0u;
}

float folded_narrow(float lane[NARROW_LANES], uint n) {
  uint left = n;
  [[unroll]] for (uint step = 0u; step < 3u; step++) {
    uint reach = 4u >> step;
    [[unroll]] for (uint l = 0u; l < 4u; l++)
      if (l < reach && l + reach < left) lane[l] = sum(lane[l], lane[l + reach]);
    left = min(left, reach);
  }
  return lane[0];
}

// Element e of a head's chunks from `part` on, put together by narrow sums.
float combined(attend_argument t, uint part, uint chunks, uint head, uint e) {
  parts_of tops = parts_of(t.top), sums = parts_of(t.sum), elements = parts_of(t.value);
  float m = tops.at[part];
  [[dont_unroll]] for (uint c = 1u; c < chunks; c++) m = larger(m, tops.at[part + c]);
  float sink = t.sinks != 0ul ? floats(t.sinks).at[head] : m;
  m = larger(m, sink);
  float total[NARROW_LANES], lane[NARROW_LANES];
  [[unroll]] for (uint l = 0u; l < NARROW_LANES; l++) total[l] = lane[l] = NOTHING;
  [[dont_unroll]] for (uint c = 0u; c < chunks; c++) {
    float n = sums.at[part + c], v = elements.at[(part + c) * t.dim + e];
    float f = exponential(difference(tops.at[part + c], m)), of_total = NOTHING, of_lane = NOTHING;
    [[unroll]] for (uint l = 0u; l < NARROW_LANES; l++) {
      of_total = c % NARROW_LANES == l ? total[l] : of_total;
      of_lane = c % NARROW_LANES == l ? lane[l] : of_lane;
    }
    of_total = fused(f, n, of_total);
    of_lane = fused(f, v, of_lane);
    [[unroll]] for (uint l = 0u; l < NARROW_LANES; l++) {
      total[l] = c % NARROW_LANES == l ? of_total : total[l];
      lane[l] = c % NARROW_LANES == l ? of_lane : lane[l];
    }
  }
  uint lanes = min(chunks, NARROW_LANES);
  float all = folded_narrow(total, lanes);
  if (t.sinks != 0ul) all = sum(all, exponential(difference(sink, m)));
  return divided(folded_narrow(lane, lanes), all);
}
