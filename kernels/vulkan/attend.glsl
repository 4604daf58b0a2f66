// What both shaders of attention share.
layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer attend_argument { // pv_cuda_attend
  uint64_t q, keys, values, step, top, sum, value, result, sinks;
  acts_of acts;
  uint heads, kv_heads, dim, chunks, first;
  float scale, largest;
  uint window;
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
