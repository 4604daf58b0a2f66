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
shared float normed[256u], values[512u];
#include "kernels/vulkan/attend.glsl"
#include "kernels/vulkan/norm.glsl"
#include "kernels/vulkan/heads.glsl"

layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer step_argument {
  heads_of heads;
  uint64_t attend[19]; // attend_argument
  uint is_whole, blocks;
};

const uint SHARES = 4u, OWN = NARROW_LANES / SHARES, APART = NARROW_LANES + 1u; // banks are apart
const uint AHEAD = 16u, BATCHES = CHUNK / AHEAD;

shared float query[DIM], fresh[DIM], narrow[CHUNK * APART], result[256u];
shared vec4 scores[CHUNK / 4u], parts[CHUNK / 4u];

struct place_of {
  uint head, kv, position, count, old; // positions of the chunk, and those of them that are in the cache
  uint first, stride;                  // where it begins in the cache, for this head
  bool newest;                         // it has the new position
};

// Query and new key, normed and turned; where a side is a head's elements.
element_of load_head(heads_of t, place_of at, bool is_q) {
  uint i = gl_LocalInvocationIndex % SIDE, of = (is_q ? at.head : at.kv) * DIM + i;
  return load_element(t, is_q ? t.q : t.k, is_q ? t.q_weight : t.k_weight, of, i, DIM, at.position);
}

void turn(heads_of t, place_of at, bool is_q, element_of e) {
  float y = turned(t, e, (is_q ? t.q_weight : t.k_weight) != 0ul, gl_LocalInvocationIndex - e.i);
  if (!e.lives) return;
  if (is_q)
    query[e.i] = y;
  else
    fresh[e.i] = y;
  bool keeps = is_q || at.head % (t.heads / t.kv_heads) == 0u;
  if (!at.newest || !keeps) return;
  uint of = (is_q ? at.head : at.kv) * DIM + e.i, place = at.position * t.kv_heads * DIM + of;
  floats(is_q ? t.q_out : t.k_out).at[of] = y;
  if (is_q) return;
  floats(t.keys).at[place] = y;
  floats(t.values).at[place] = floats(t.v).at[of];
}

// A narrow lane of the product of the query and a key, whose elements are b, and those from `from` on in memory.
float narrow_lane(uint l, float b[EIGHTS], uint64_t from, bool cached) {
  bool turns = false;
  float own = product(query[l], b[0]);
  [[unroll]] for (uint k = 1u; k < EIGHTS; k++) own = fused_or(query[NARROW_LANES * k + l], b[k], own, turns);
  if (!turns) return own;
  own = product(query[l], b[0]);
  [[dont_unroll]] for (uint e = NARROW_LANES + l; e < DIM; e += NARROW_LANES)
    own = fused(query[e], cached ? floats(from).at[e] : fresh[e], own);
  return own;
}

float top_of(uint count) {
  float top = scores[0].x;
  [[dont_unroll]] for (uint b = 0u; b * AHEAD < count; b++)
    [[unroll]] for (uint k = 0u; k < AHEAD; k++) {
      float score = scores[b * AHEAD / 4u + k / 4u][k % 4u];
      if (b * AHEAD + k < count) top = larger(top, score);
    }
  return top;
}

// By all threads.
float folded_parts(uint count) {
  float x[CHUNK];
  uint left = count;
  [[unroll]] for (uint i = 0u; i < CHUNK; i++) x[i] = parts[i / 4u][i % 4u];
  [[unroll]] for (uint reach = CHUNK / 2u; reach > 0u; reach /= 2u) {
    [[unroll]] for (uint i = 0u; i < reach; i++)
      if (i + reach < left) x[i] = sum(x[i], x[i + reach]);
    left = min(left, reach);
  }
  return x[0];
}

// Element j of value k of the chunk.
float value_at(heads_of h, place_of at, uint k) {
  uint j = min(gl_LocalInvocationIndex, DIM - 1u);
  return k < at.old ? floats(h.values).at[at.first + k * at.stride + j] : floats(h.v).at[at.kv * DIM + j];
}

// An element of the values, each times its weight, in the order of the keys.
float weighted(heads_of h, place_of at, float v[CHUNK]) {
  bool turns = false;
  float value = product(parts[0].x, v[0]);
  [[unroll]] for (uint b = 0u; b < BATCHES; b++)
    if (b * AHEAD < at.count)
      [[unroll]] for (uint k = b * AHEAD; k < (b + 1u) * AHEAD; k++) {
        bool turned = false;
        float more = fused_or(parts[k / 4u][k % 4u], v[k], value, turned);
        if (k == 0u || k >= at.count) continue;
        value = more;
        turns = turns || turned;
      }
  if (!turns) return value;
  value = product(parts[0].x, v[0]);
  [[dont_unroll]] for (uint k = 1u; k < at.count; k++) value = fused(parts[k / 4u][k % 4u], value_at(h, at, k), value);
  return value;
}

// One chunk put together, as attend_combine does, and the rounding.
void finish(attend_argument t, place_of at, float top, float total, float value) {
  uint j = gl_LocalInvocationIndex, of = at.head * DIM;
  float sink = t.sinks != 0ul ? floats(t.sinks).at[at.head] : top, m = larger(top, sink), f = 1.0;
  float extra = 0.0, y[EACH];
  if (t.sinks != 0ul) { // else exp(0) is 1
    f = exponential(difference(top, m));
    extra = exponential(difference(sink, m));
  } else if (is_nan(difference(top, m))) {
    f = uintBitsToFloat(NOT_A_NUMBER);
  }
  float all = product(f, total);
  if (t.sinks != 0ul) all = sum(all, extra);
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
  uint j = gl_LocalInvocationIndex, chunk = gl_WorkGroupID.x % t.chunks, key = j / SHARES, share = j % SHARES;
  place_of at;
  at.head = gl_WorkGroupID.x / t.chunks;
  at.kv = at.head / (t.heads / t.kv_heads);
  at.position = words(t.step).at[0];
  at.stride = t.kv_heads * DIM;
  uint begin = seen_from(t.window, at.position) + chunk * CHUNK;
  if (begin > at.position) return;
  at.first = begin * at.stride + at.kv * DIM;
  at.count = min(at.position + 1u - begin, CHUNK);
  at.newest = begin + at.count > at.position;
  at.old = at.count - (at.newest ? 1u : 0u);
  bool cached = key < at.old, is_q = SIDES == 1u || j < SIDE;
  element_of element = load_head(h, at, is_q), other;
  if (SIDES == 1u) other = load_head(h, at, false);
  uint64_t keys = t.keys + 4ul * (at.first + min(key, at.count - 1u) * at.stride);
  float b[OWN][EIGHTS], v[CHUNK];
  [[unroll]] for (uint k = 0u; k < EIGHTS; k++)
    [[unroll]] for (uint l = 0u; l < OWN; l++)
      b[l][k] = cached ? floats(keys).at[NARROW_LANES * k + share * OWN + l] : 0.0;
  [[unroll]] for (uint n = 0u; n < BATCHES; n++)
    [[unroll]] for (uint k = n * AHEAD; k < (n + 1u) * AHEAD; k++) {
      v[k] = 0.0;
      if (n * AHEAD < at.count) v[k] = value_at(h, at, k);
    }
  turn(h, at, is_q, element);
  if (SIDES == 1u) turn(h, at, false, other);
  barrier();
  if (key < at.count) {
    [[unroll]] for (uint l = 0u; l < OWN; l++) {
      if (!cached)
        [[unroll]] for (uint k = 0u; k < EIGHTS; k++) b[l][k] = fresh[NARROW_LANES * k + share * OWN + l];
      narrow[key * APART + share * OWN + l] = narrow_lane(share * OWN + l, b[l], keys, cached);
    }
  }
  barrier();
  if (j < at.count) {
    float lane[NARROW_LANES];
    [[unroll]] for (uint l = 0u; l < NARROW_LANES; l++) lane[l] = narrow[j * APART + l];
    scores[j / 4u][j % 4u] = product(folded_narrow(lane, NARROW_LANES), t.scale);
  }
  barrier();
  float top = top_of(at.count);
  if (j < CHUNK) parts[j / 4u][j % 4u] = j < at.count ? exponential(difference(scores[j / 4u][j % 4u], top)) : 0.0;
  barrier();
  float total = folded_parts(at.count), value = j < DIM ? weighted(h, at, v) : 0.0;
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
