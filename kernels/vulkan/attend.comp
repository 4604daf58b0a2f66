// One chunk of positions for one query head: its maximum, the sum of its exponentials, its weighted
// values. Of pv_cuda_attend, as attend_1. Groups: chunks * heads, rows; four threads have a key,
// each a fourth of the narrow lanes, then thread i element i. Reference: attend of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

layout(local_size_x = 256) in;
#include "kernels/vulkan/attend.glsl"

const uint SHARES = 4u, OWN = NARROW_LANES / SHARES, APART = NARROW_LANES + 1u; // banks are apart
const uint TOPS = 8u, AHEAD = 8u; // values that are asked for at once

shared float lanes[CHUNK * APART], scores[CHUNK], parts[CHUNK], tops[TOPS];

// The lanes `share` * OWN and on of the product of a query and a key.
void lanes_of(attend_argument t, uint q, uint key, uint i, uint share) {
  float own[OWN];
  for (uint k = 0u; k < t.dim; k += NARROW_LANES)
    for (uint l = 0u; l < OWN; l++) {
      uint e = k + share * OWN + l;
      if (e >= t.dim) continue;
      float a = floats(t.q).at[q + e], b = floats(t.keys).at[key + e];
      own[l] = k == 0u ? product(a, b) : fused(a, b, own[l]);
    }
  for (uint l = 0u; l < OWN; l++) lanes[i * APART + share * OWN + l] = own[l];
}

// The largest score, in the order of the keys.
float top_of(uint count) {
  uint j = gl_LocalInvocationIndex, each = CHUNK / TOPS;
  if (j < TOPS && j * each < count) {
    float own = scores[j * each];
    for (uint k = j * each + 1u; k < min((j + 1u) * each, count); k++) own = larger(own, scores[k]);
    tops[j] = own;
  }
  barrier();
  float top = tops[0];
  for (uint k = 1u; k * each < count; k++) top = larger(top, tops[k]);
  return top;
}

// An element of the values, each times its weight, in the order of the keys.
float weighted(uint64_t values, uint at, uint stride, uint count) {
  float value = product(scores[0], floats(values).at[at]);
  for (uint k = 1u; k < count; k += AHEAD) {
    float v[AHEAD];
    for (uint e = 0u; e < AHEAD; e++) v[e] = floats(values).at[at + min(k + e, count - 1u) * stride];
    for (uint e = 0u; e < AHEAD; e++)
      if (k + e < count) value = fused(scores[k + e], v[e], value);
  }
  return value;
}

void main() {
  attend_argument t = attend_argument(argument);
  uint i = gl_LocalInvocationIndex, chunk = gl_WorkGroupID.x % t.chunks;
  uint head = gl_WorkGroupID.x / t.chunks, row = t.first + gl_WorkGroupID.y;
  uint positions = words(t.step).at[0] + row + 1u;
  uint begin = seen_from(t.window, positions - 1u) + chunk * CHUNK;
  if (begin >= positions) return;
  uint count = min(positions - begin, CHUNK), stride = t.kv_heads * t.dim;
  uint at = begin * stride + head / (t.heads / t.kv_heads) * t.dim;
  uint key = i / SHARES;
  if (key < count) lanes_of(t, (row * t.heads + head) * t.dim, at + key * stride, key, i % SHARES);
  barrier();
  if (i < count) {
    float lane[NARROW_LANES];
    for (uint l = 0u; l < NARROW_LANES; l++) lane[l] = lanes[i * APART + l];
    scores[i] = product(folded_narrow(lane, NARROW_LANES), t.scale);
  }
  barrier();
  float top = top_of(count);
  if (i < count) parts[i] = exponential(difference(scores[i], top));
  barrier();
  if (i < count) scores[i] = parts[i];
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
  for (uint e = i; e < t.dim; e += 256u)
    floats(t.value).at[part * t.dim + e] = weighted(t.values, at + e, stride, count);
}
