// Attention of one decoded position: RMSNorm and RoPE of its heads, keys and values into the cache, and one chunk of
// positions for one query head; where there is one chunk alone (`whole`), also what attend_combine makes of
// it. Of pv_cuda_attend_step, as attend_step_1. Groups: chunks * heads. The first of the query heads that share a KV
// head stores what is new of it. Keys and values of the cache are asked for before all else. Reference:
// rmsnorm, rope, rope_neighbours, attend and round_segment of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint EIGHTS = 16u; // of a head's elements: of 256 at most
const uint DIM = 8u * EIGHTS, SIDES = DIM <= 128u ? 2u : 1u, SIDE = 256u / SIDES; // q and k at once, or in turns
shared float lanes[256u], normed[256u], values[512u];
#include "kernels/vulkan/attend.glsl"
#include "kernels/vulkan/heads.glsl"
#include "kernels/vulkan/norm.glsl"

layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer step_argument {
  heads_of heads;
  uint64_t attend[19]; // attend_argument
  uint is_whole, blocks;
};

const uint SHARES = 4u, OWN = NARROW_LANES / SHARES, APART = NARROW_LANES + 1u; // banks are apart
const uint AHEAD = 16u, BATCHES = CHUNK / AHEAD;

shared float query[DIM], fresh[DIM], narrow[CHUNK * APART], scores[CHUNK], parts[CHUNK], result[256u];

struct place_of {
  uint head, kv, position, begin, count; // of the chunk
  bool newest;                           // it has the new position
};

// Query and new key, normed and turned.
void turn(heads_of t, place_of at) {
  uint j = gl_LocalInvocationIndex;
  [[unroll]] for (uint pass = 0u; pass < 3u - SIDES; pass++) {
    bool is_q = SIDES == 2u ? j < SIDE : pass == 0u;
    uint i = j % SIDE, of = (is_q ? at.head : at.kv) * DIM + i;
    bool lives = i < DIM;
    float x = lives ? floats(is_q ? t.q : t.k).at[of] : 0.0;
    float y = turned_head(t, x, is_q ? t.q_weight : t.k_weight, j - i, i, DIM, at.position, lives);
    if (!lives) continue;
    if (is_q) query[i] = y;
    if (!is_q) fresh[i] = y;
    bool keeps = is_q || at.head % (t.heads / t.kv_heads) == 0u;
    if (!at.newest || !keeps) continue;
    floats(is_q ? t.q_out : t.k_out).at[of] = y;
    if (is_q) continue;
    uint place = at.position * t.kv_heads * DIM + of;
    floats(t.keys).at[place] = y;
    floats(t.values).at[place] = floats(t.v).at[of];
  }
  barrier();
}

// A narrow lane of the product of the query and a key.
float narrow_lane(uint l, float b[EIGHTS]) {
  bool turns = false;
  float own = product(query[l], b[0]);
  [[unroll]] for (uint k = 1u; k < EIGHTS; k++) own = fused_or(query[NARROW_LANES * k + l], b[k], own, turns);
  if (!turns) return own;
  own = product(query[l], b[0]);
  for (uint k = 1u; k < EIGHTS; k++) own = fused(query[NARROW_LANES * k + l], b[k], own);
  return own;
}

float top_of(uint count) {
  float top = scores[0];
  for (uint k = 1u; k < count; k++) top = larger(top, scores[k]);
  return top;
}

// By all threads.
float folded_parts(uint count) {
  float x[CHUNK];
  uint left = count;
  [[unroll]] for (uint i = 0u; i < CHUNK; i++) x[i] = parts[i];
  [[unroll]] for (uint step = 1u; step <= 6u; step++) {
    uint reach = CHUNK >> step;
    [[unroll]] for (uint i = 0u; i < CHUNK / 2u; i++)
      if (i < reach && i + reach < left) x[i] = sum(x[i], x[i + reach]);
    left = min(left, reach);
  }
  return x[0];
}

// An element of the values, each times its weight, in the order of the keys.
float weighted(float v[CHUNK], uint count) {
  bool turns = false;
  float value = product(parts[0], v[0]);
  [[unroll]] for (uint b = 0u; b < BATCHES; b++)
    if (b * AHEAD < count)
      [[unroll]] for (uint k = b * AHEAD; k < (b + 1u) * AHEAD; k++) {
        bool turned = false;
        float more = fused_or(parts[k], v[k], value, turned);
        if (k == 0u || k >= count) continue;
        value = more;
        turns = turns || turned;
      }
  if (!turns) return value;
  value = product(parts[0], v[0]);
  [[unroll]] for (uint k = 1u; k < CHUNK; k++)
    if (k < count) value = fused(parts[k], v[k], value);
  return value;
}

// One chunk put together, as attend_combine does, and the rounding.
void finish(attend_argument t, place_of at, float top, float total, float value) {
  uint j = gl_LocalInvocationIndex, of = at.head * DIM;
  float sink = t.sinks != 0ul ? floats(t.sinks).at[at.head] : top, m = larger(top, sink);
  float f = exponential(difference(top, m)), all = product(f, total), y[EACH];
  if (t.sinks != 0ul) all = sum(all, exponential(difference(sink, m)));
  result[j] = 0.0;
  if (j < DIM) {
    result[j] = divided(product(f, value), all);
    floats(t.result).at[of + j] = result[j];
  }
  if (t.acts.q == 0ul) return;
  barrier();
  [[unroll]] for (uint e = 0u; e < EACH; e++) y[e] = result[EACH * (j % SHARED) + e];
  keep_quarter(t.acts, 0u, of / EACH + j, rounded_quarter(y, t.largest), j < EIGHTS);
}

void main() {
  heads_of h = step_argument(argument).heads;
  attend_argument t = attend_argument(argument + 120ul);
  uint j = gl_LocalInvocationIndex, chunk = gl_WorkGroupID.x % t.chunks, stride = t.kv_heads * DIM;
  place_of at;
  at.head = gl_WorkGroupID.x / t.chunks;
  at.kv = at.head / (t.heads / t.kv_heads);
  at.position = words(t.step).at[0];
  at.begin = seen_from(t.window, at.position) + chunk * CHUNK;
  if (at.begin > at.position) return;
  at.count = min(at.position + 1u - at.begin, CHUNK);
  at.newest = at.begin + at.count > at.position;
  uint old = at.count - (at.newest ? 1u : 0u), first = at.begin * stride + at.kv * DIM, key = j / SHARES;
  uint share = j % SHARES;
  float b[OWN][EIGHTS], v[CHUNK];
  bool cached = key < old;
  [[unroll]] for (uint k = 0u; k < EIGHTS; k++)
    [[unroll]] for (uint l = 0u; l < OWN; l++)
      b[l][k] = cached ? floats(t.keys).at[first + key * stride + NARROW_LANES * k + share * OWN + l] : 0.0;
  [[unroll]] for (uint i = 0u; i < CHUNK; i++) v[i] = 0.0;
  [[unroll]] for (uint n = 0u; n < BATCHES; n++)
    if (n * AHEAD < at.count && j < DIM)
      [[unroll]] for (uint k = n * AHEAD; k < (n + 1u) * AHEAD; k++)
        v[k] = k < old ? floats(t.values).at[first + k * stride + j]
                       : floats(h.v).at[at.kv * DIM + j];
  turn(h, at);
  if (key < at.count) {
    [[unroll]] for (uint l = 0u; l < OWN; l++) {
      if (!cached)
        [[unroll]] for (uint k = 0u; k < EIGHTS; k++) b[l][k] = fresh[NARROW_LANES * k + share * OWN + l];
      narrow[key * APART + share * OWN + l] = narrow_lane(share * OWN + l, b[l]);
    }
  }
  barrier();
  if (j < at.count) {
    float lane[NARROW_LANES];
    [[unroll]] for (uint l = 0u; l < NARROW_LANES; l++) lane[l] = narrow[j * APART + l];
    scores[j] = product(folded_narrow(lane, NARROW_LANES), t.scale);
  }
  barrier();
  float top = top_of(at.count);
  if (j < CHUNK) parts[j] = j < at.count ? exponential(difference(scores[j], top)) : 0.0;
  barrier();
  float total = folded_parts(at.count), value = j < DIM ? weighted(v, at.count) : 0.0;
  if (step_argument(argument).is_whole != 0u) {
    finish(t, at, top, total, value);
    return;
  }
  uint part = at.head * t.chunks + chunk;
  if (j == 0u) {
    floats(t.top).at[part] = top;
    floats(t.sum).at[part] = total;
  }
  if (j < DIM) floats(t.value).at[part * DIM + j] = value;
}
