// One chunk of positions for one query head: its maximum, the sum of its exponentials, its weighted
// values. Of pv_cuda_attend, as attend_1. Groups: chunks * heads, rows; thread i has key i, then
// element i. Reference: attend of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "stages.glsl"

layout(local_size_x = 256) in;
#include "attend.glsl"

shared float scores[CHUNK], parts[CHUNK];

void main() {
  attend_argument t = attend_argument(argument);
  uint i = gl_LocalInvocationIndex, chunk = gl_WorkGroupID.x % t.chunks;
  uint head = gl_WorkGroupID.x / t.chunks, row = t.first + gl_WorkGroupID.y;
  uint positions = words(t.step).at[0] + row + 1u;
  uint begin = seen_from(t.window, positions - 1u) + chunk * CHUNK;
  if (begin >= positions) return;
  uint count = min(positions - begin, CHUNK), stride = t.kv_heads * t.dim;
  uint at = begin * stride + head / (t.heads / t.kv_heads) * t.dim;
  uint q = (row * t.heads + head) * t.dim;
  if (i < count) {
    float lane[NARROW_LANES];
    for (uint k = 0u; k < t.dim; k++) {
      float a = floats(t.q).at[q + k], b = floats(t.keys).at[at + i * stride + k];
      lane[k % NARROW_LANES] =
          k < NARROW_LANES ? product(a, b) : fused(a, b, lane[k % NARROW_LANES]);
    }
    scores[i] = product(folded_narrow(lane, NARROW_LANES), t.scale);
  }
  barrier();
  float top = scores[0];
  for (uint k = 1u; k < count; k++) top = larger(top, scores[k]);
  barrier();
  if (i < count) parts[i] = scores[i] = exponential(difference(scores[i], top));
  uint left = count;
  for (uint reach = CHUNK / 2u; reach > 0u; reach /= 2u) {
    barrier();
    if (i < reach && i + reach < left) parts[i] = sum(parts[i], parts[i + reach]);
    left = min(left, reach);
  }
  barrier();
  uint part = (gl_WorkGroupID.y * t.heads + head) * t.chunks + chunk;
  if (i == 0u) {
    floats(t.top).at[part] = top;
    floats(t.sum).at[part] = parts[0];
  }
  if (i >= t.dim) return;
  float value = product(scores[0], floats(t.values).at[at + i]);
  for (uint k = 1u; k < count; k++)
    value = fused(scores[k], floats(t.values).at[at + k * stride + i], value);
  floats(t.value).at[part * t.dim + i] = value;
}
