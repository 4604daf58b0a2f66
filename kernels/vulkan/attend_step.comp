// Attention of one decoded position: RMSNorm and RoPE of its heads, keys and values into the cache, and one chunk of
// positions for one query head. Where no segment has parts of two heads, also what attend_combine makes of it: by
// the one group where there is one chunk, else by the group of a head that ends last, whichever that is; none
// waits for another. Of pv_cuda_attend_step, as attend_step_1. Groups: chunks * heads. The first of the query
// heads that share a KV head stores what is new of it. Keys and values of the cache are asked for before all else. Reference:
// rmsnorm, rope, rope_neighbours, attend and round_segment of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint VARIANT = 16u;
const uint EIGHTS = VARIANT % 64u; // of a head's elements: of 256 at most; as gpu_shaders.c has it
const bool SINKS = VARIANT >= 64u; // there are some
const bool WHOLE = EIGHTS % 4u == 0u; // heads have whole segments
const uint DIM = 8u * EIGHTS, SIDES = DIM <= 128u ? 2u : 1u, SIDE = 256u / SIDES; // q and k at once, or in turns
shared float normed[256u], values[512u];
#include "kernels/vulkan/attend.glsl"
#include "kernels/vulkan/norm.glsl"
#include "kernels/vulkan/heads.glsl"

layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer step_argument {
  heads_of heads;
  uint64_t attend[20]; // attend_argument
  uint is_whole, blocks;
};

const uint APART = NARROW_LANES + 1u; // banks are apart
const uint KEYS = 256u / NARROW_LANES; // at once: a thread has a narrow lane of one
const uint AHEAD = 16u;                // values that are asked for at once

// What is multiplied again and again is float64 once: the query, and the weights of the values.
shared double query[DIM];
shared dvec2 shares[CHUNK / 2u];
shared float fresh[DIM], narrow[CHUNK * APART];
shared vec4 scores[CHUNK / 4u], parts[CHUNK / 4u];
const uint TOPS = 8u;
shared float tops[TOPS];
shared uint before; // groups of this head that ended before this one

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
    query[e.i] = double(y);
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

// Narrow lane l of the product of the query and key k of the chunk, whose elements are b.
float narrow_lane(attend_argument t, place_of at, uint k, uint l, float b[EIGHTS]) {
  uint turns = 0u;
  double all = double(NOTHING);
  [[unroll]] for (uint e = 0u; e < EIGHTS; e++)
    all = chained(exact(query[NARROW_LANES * e + l], double(b[e])), all, turns);
  if (turns == 0u) return float(all);
  float own = NOTHING;
  [[dont_unroll]] for (uint e = l; e < DIM; e += NARROW_LANES)
    own = fused(float(query[e]), k < at.old ? floats(t.keys).at[at.first + k * at.stride + e] : fresh[e], own);
  return own;
}

// What is in the cache of key k of the chunk, for lane l; nothing counts past the end.
void load_key(attend_argument t, place_of at, uint k, uint l, out float b[EIGHTS]) {
  floats keys = floats(t.keys + 4ul * (at.first + min(k, max(at.old, 1u) - 1u) * at.stride));
  [[unroll]] for (uint e = 0u; e < EIGHTS; e++) b[e] = keys.at[NARROW_LANES * e + l];
}

// By all threads, of the scores; past the end there is what is below all. A NaN stays, whichever comes first.
float top_of() {
  uint j = gl_LocalInvocationIndex;
  if (j < TOPS) {
    float top = scores[2u * j].x;
    [[unroll]] for (uint k = 1u; k < CHUNK / TOPS; k++) top = larger(top, scores[2u * j + k / 4u][k % 4u]);
    tops[j] = top;
  }
  barrier();
  float top = tops[0];
  [[unroll]] for (uint k = 1u; k < TOPS; k++) top = larger(top, tops[k]);
  return top;
}

// By all threads. Past the end there is nothing, which changes no sum.
float folded_parts() {
  float x[CHUNK];
  [[unroll]] for (uint i = 0u; i < CHUNK; i++) x[i] = parts[i / 4u][i % 4u];
  [[unroll]] for (uint step = 0u; step < 6u; step++) {
    uint reach = 32u >> step;
    [[unroll]] for (uint i = 0u; i < 32u; i++)
      if (i < reach) x[i] = sum(x[i], x[i + reach]);
  }
  return x[0];
}

// Element j of so many values from value `first` of the chunk on; past the end there are zeros. `newest` is
// that of the new position.
void load_values(attend_argument t, place_of at, uint first, float newest, out float v[AHEAD]) {
  uint j = min(gl_LocalInvocationIndex, DIM - 1u);
  [[unroll]] for (uint k = 0u; k < AHEAD; k++) {
    float old = floats(t.values).at[at.first + min(first + k, max(at.old, 1u) - 1u) * at.stride + j];
    float past = first + k < at.count ? newest : 0.0;
    v[k] = first + k < at.old ? old : past;
  }
}

// An element of the values, each times its weight, in the order of the keys.
float weighted(attend_argument t, place_of at, float v[AHEAD], float newest) {
  uint j = gl_LocalInvocationIndex, turns = 0u;
  double all = double(NOTHING);
  [[dont_unroll]] for (uint first = 0u; first < at.count; first += AHEAD) {
    float next[AHEAD];
    load_values(t, at, first + AHEAD, newest, next);
    [[unroll]] for (uint k = 0u; k < AHEAD; k++) {
      all = chained_even(exact(shares[(first + k) / 2u][k % 2u], double(v[k])), all, turns);
      v[k] = next[k];
    }
  }
  if (turns == 0u) return float(all);
  float value = NOTHING;
  [[dont_unroll]] for (uint k = 0u; k < at.count; k++)
    value = fused(parts[k / 4u][k % 4u], k < at.old ? floats(t.values).at[at.first + k * at.stride + j] : newest, value);
  return value;
}

// An element of the head, and the rounding.
void keep_result(attend_argument t, place_of at, float y) {
  uint j = gl_LocalInvocationIndex, of = at.head * DIM;
  if (j < DIM) floats(t.result).at[of + j] = y;
  if (t.acts.q != 0ul) round_group(t.acts, 0u, of / EACH, EIGHTS, y, t.largest, false);
}

// One chunk put together, as attend_combine does.
void finish(attend_argument t, place_of at, float top, float total, float value) {
  uint j = gl_LocalInvocationIndex;
  float f = is_nan(difference(top, top)) ? uintBitsToFloat(NOT_A_NUMBER) : 1.0, all = product(f, total);
  if (SINKS) { // else it is exp(0)
    float sink = floats(t.sinks).at[at.head], m = larger(top, sink);
    f = exponential(difference(top, m));
    all = sum(product(f, total), exponential(difference(sink, m)));
  }
  keep_result(t, at, j < DIM ? divided(product(f, value), all) : 0.0);
}

// One of several; the last one puts them together. What a group wrote is there for all before it is counted.
void keep_chunk(attend_argument t, place_of at, uint chunk, uint chunks, float top, float total, float value) {
  uint j = gl_LocalInvocationIndex, first = at.head * t.chunks, part = first + chunk;
  if (j == 0u) {
    parts_of(t.top).at[part] = top;
    parts_of(t.sum).at[part] = total;
  }
  if (j < DIM) parts_of(t.value).at[part * DIM + j] = value;
  if (!WHOLE) return;
  memoryBarrierBuffer();
  barrier();
  if (j == 0u) before = atomicAdd(counts_of(counters).at[at.head], 1u);
  barrier();
  if (before + 1u < chunks) return;
  memoryBarrierBuffer();
  if (j == 0u) counts_of(counters).at[at.head] = 0u;
  keep_result(t, at, j < DIM ? combined(t, first, chunks, at.head, j) : 0.0);
}

void main() {
  heads_of h = step_argument(argument).heads;
  attend_argument t = attend_argument(argument + 120ul);
  uint j = gl_LocalInvocationIndex, chunk = gl_WorkGroupID.x % t.chunks, key = j / NARROW_LANES;
  uint lane = j % NARROW_LANES;
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
  bool is_q = SIDES == 1u || j < SIDE;
  element_of element = load_head(h, at, is_q), other;
  if (SIDES == 1u) other = load_head(h, at, false);
  float b[EIGHTS], more[EIGHTS], v[AHEAD], newest = floats(h.v).at[at.kv * DIM + min(j, DIM - 1u)];
  load_key(t, at, key, lane, b);
  load_key(t, at, key + KEYS, lane, more);
  load_values(t, at, 0u, newest, v);
  turn(h, at, is_q, element);
  if (SIDES == 1u) turn(h, at, false, other);
  barrier();
  [[dont_unroll]] for (uint k = key; k < at.count; k += KEYS) {
    [[unroll]] for (uint e = 0u; e < EIGHTS; e++)
      if (k >= at.old) b[e] = fresh[NARROW_LANES * e + lane];
    narrow[k * APART + lane] = narrow_lane(t, at, k, lane, b);
    [[unroll]] for (uint e = 0u; e < EIGHTS; e++) b[e] = more[e];
  }
  barrier();
  float score = uintBitsToFloat(SIGN | INFINITE);
  if (j < at.count) {
    float x[NARROW_LANES];
    [[unroll]] for (uint l = 0u; l < NARROW_LANES; l++) x[l] = narrow[j * APART + l];
    score = product(folded_narrow(x, NARROW_LANES), t.scale);
  }
  if (j < CHUNK) scores[j / 4u][j % 4u] = score;
  barrier();
  float top = top_of();
  if (j < CHUNK) {
    float share = j < at.count ? exponential(difference(score, top)) : NOTHING;
    parts[j / 4u][j % 4u] = share;
    shares[j / 2u][j % 2u] = double(share);
  }
  barrier();
  float total = folded_parts(), value = 0.0;
  if (j < DIM) value = weighted(t, at, v, newest);
  uint chunks = (at.position - seen_from(t.window, at.position)) / CHUNK + 1u;
  if (WHOLE && chunks == 1u)
    finish(t, at, top, total, value);
  else
    keep_chunk(t, at, chunk, chunks, top, total, value);
}
