// A matrix of a quantised type times rounded activations, identities i16 and i8, or of a plain type times
// activations as they are: of pv_cuda_gemv, with one job or, of one type that is quantised, several, of which each
// has its groups behind those of the one before. The activations may be the norm of a row, which each
// group then makes for itself; the first one keeps it, where there is a place for it; or a row that nobody has rounded,
// which each group then rounds in blocks of 256. Groups: of rows, or
// as many as a grid has, each for every so many of them, and positions (slots, where there are experts).
// Of a quantised type a group has some rows at once (products.glsl); of a plain one it has a row, and
// thread j is wide lane j; behind the rows of a norm there is a group that keeps it.
// Reference: mm, rmsnorm, round_segment and add of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

#include "kernels/vulkan/blocks.glsl"
#include "kernels/vulkan/gemv.glsl"

layout(local_size_x = 256) in;
// As gpu_shaders.c has it: rows that a set of threads has one after the other before their values are added up. A row of
// any size is 2048 segments at most: PV_K_MAX / SEGMENT.
const uint OF_NORM = EIGHTS > 8u ? 2u : EIGHTS == 1u ? 4u : TYPE == Q5_K ? 4u : 5u, OF_ROUNDED = EIGHTS > 8u ? 1u : 2u;
const uint TURNS = EIGHTS == 0u ? 1u : NORMED ? OF_NORM : ROUNDS ? OF_ROUNDED : 2u;
const bool PIECED = EIGHTS == 0u || EIGHTS > 8u; // a set has a row in several pieces
const uint VALUES = WHOLE ? 512u : EIGHTS > 0u ? 2880u : 2304u;
const uint PLACES = EIGHTS == 0u ? 256u : EIGHTS > 8u ? 128u * TURNS : 64u * TURNS;
const uint MOST_SEGMENTS = 128u, CHUNKS = (EIGHTS + 7u) / 8u;
shared float values[VALUES];

#define AHEAD_OF (EIGHTS > 0u && EIGHTS < AHEAD_MOST ? EIGHTS : AHEAD_MOST)
#include "kernels/vulkan/norm.glsl"
#include "kernels/vulkan/products.glsl"
#include "kernels/vulkan/own.glsl"

act_segment acts_at(acts_of acts, uint row, uint s) { return OWN ? own_segment(s) : kept_segment(acts, row, s); }

void load_acts(acts_of acts, uint row, uint pair, uint n, out act_segment a, out act_segment b) {
  a = acts_at(acts, row, first_of(pair));
  b = acts_at(acts, row, min(second_of(pair), n - 1u));
}

// The pair of a thread in one of the steps of its set: all rows of a piece of them, `sets` apart, then those of the
// next.
raw_pair load_step(rows_of rows, uint64_t data, uint first, uint sets, uint width, uint lane, uint pairs, uint step) {
  uint row = min(first + step % TURNS * sets, rows.count - 1u);
  return load_pair(data + uint64_t(row) * rows.row_bytes, min(step / TURNS * width + lane, pairs - 1u));
}

// Of a row, where it is known when it is compiled.
uint size_of(gemv_argument t) { return EIGHTS > 0u ? 8u * EIGHTS * SEGMENT : t.acts.k; }

// The norm of a row, for the products of this group, and into memory.
void make_norm(norm_of t, uint row, uint n, float s, eight_of of, bool keeps) {
  float y[EACH];
  [[dont_unroll]] for (uint chunk = 0u; chunk < n; chunk += WIDE_LANES * EACH) {
    uint at = chunk + EACH * gl_LocalInvocationIndex;
    bool lives = at < n;
    if (chunk > 0u) of = load_eight(t, norm_from(t, row), at, n);
    norm_eight(n, at, s, of, y);
    if (!PLAIN || t.acts.q != 0ul) {
      quarter_of r = rounded_quarter(y, t.largest, PLAIN ? t.whole != 0u : WHOLE);
      if (!PLAIN && lives) keep_own(at / EACH, r);
      if (keeps && t.acts.q != 0ul) keep_quarter(t.acts, row, at / EACH, r, lives);
    }
    if (!keeps) continue;
    [[unroll]] for (uint e = 0u; e < EACH; e++)
      if (at + e < n) floats(t.result).at[row * n + at + e] = y[e];
  }
  barrier();
}

struct lane_of { // numbers of a lane of a plain row, and the activations; past the end nothing times 0
  float w[AHEAD_MOST], x[AHEAD_MOST], weight[AHEAD_MOST];
};

lane_of load_lane(uint64_t row, gemv_argument t, uint from, uint begin) {
  uint n = size_of(t);
  bool even = EIGHTS > 0u && EIGHTS % AHEAD_OF == 0u;
  lane_of r;
  [[unroll]] for (uint e = 0u; e < AHEAD_OF; e++) {
    uint i = begin + e * WIDE_LANES, of = even ? i : min(i, n - 1u);
    bool lives = even || i < n;
    float w = plain_at(row, of), x = floats(NORMED ? t.norm.x : t.acts.x).at[from + of];
    r.w[e] = lives ? w : NOTHING;
    r.x[e] = lives ? x : 0.0;
    if (NORMED) r.weight[e] = lives ? floats(t.norm.weight).at[of] : 0.0;
  }
  return r;
}

// Lane j of a wide sum, of weights that are not quantised and of activations as they were, or as a norm has them.
float plain_lane(uint64_t row, gemv_argument t, uint from, lane_of of, float s) {
  uint j = gl_LocalInvocationIndex, n = size_of(t), turns = 0u;
  double all = double(NOTHING);
  [[dont_unroll]] for (uint begin = j; begin < n; begin += WIDE_LANES * AHEAD_OF) {
    if (begin > j) of = load_lane(row, t, from, begin);
    [[unroll]] for (uint e = 0u; e < AHEAD_OF; e++) {
      float x = NORMED ? product(product(of.x[e], s), of.weight[e]) : of.x[e];
      all = chained(exact(double(of.w[e]), double(x)), all, turns);
    }
  }
  if (turns == 0u) return float(all);
  float own = NOTHING;
  [[dont_unroll]] for (uint i = j; i < n; i += WIDE_LANES) {
    float x = floats(NORMED ? t.norm.x : t.acts.x).at[from + i];
    if (NORMED) x = product(product(x, s), floats(t.norm.weight).at[i]);
    own = fused(plain_at(row, i), x, own);
  }
  return own;
}

// What a row's result of the first job is added to; it is asked for before it is needed.
float addend(gemv_argument t, uint job, uint y, uint row) {
  uint count = t.job[0].rows.count;
  return t.add != 0ul && job == 0u ? floats(t.add).at[y * count + min(row, count - 1u)] : 0.0;
}

void store(gemv_argument t, uint job, uint y, uint row, float result, float other) {
  uint place = y * t.job[job].rows.count + row;
  floats(t.job[job].result).at[place] = result;
  if (t.add != 0ul && job == 0u) floats(t.total).at[place] = sum(other, result);
}

void plain_rows(gemv_argument t, uint64_t data, uint y, uint at) {
  rows_of rows = t.job[0].rows;
  uint from = NORMED ? norm_from(t.norm, at) : at * t.acts.stride, j = gl_LocalInvocationIndex;
  bool keeps = NORMED && gl_WorkGroupID.x == rows.count;
  uint64_t row = data + uint64_t(min(gl_WorkGroupID.x, rows.count - 1u)) * rows.row_bytes;
  lane_of of = load_lane(row, t, from, j);
  float s = NORMED ? norm_scale(t.norm, from, size_of(t)) : 1.0;
  if (keeps) {
    make_norm(t.norm, at, size_of(t), s, load_eight(t.norm, from, EACH * j, size_of(t)), true);
    return;
  }
  [[dont_unroll]] for (uint r = gl_WorkGroupID.x; r < rows.count; r += gl_NumWorkGroups.x) {
    row = data + uint64_t(r) * rows.row_bytes;
    if (r > gl_WorkGroupID.x) of = load_lane(row, t, from, j);
    float own = plain_lane(row, t, from, of, s);
    uint lanes = min(size_of(t), WIDE_LANES);
    if (NORMED) {
      own = wide_folded(own, lanes);
    } else { // by fewer threads: there may be many rows
      barrier();
      values[j] = own;
      barrier();
      if (j < LANES) fold_lane(0u, j, lanes);
      barrier();
      if (j == 0u) own = folded(0u, lanes);
    }
    if (j == 0u) store(t, 0u, y, r, own, addend(t, 0u, y, r));
  }
}

void main() {
  gemv_argument t = gemv_argument(argument);
  acts_of acts = t.acts;
  uint j = gl_LocalInvocationIndex, y = gl_WorkGroupID.y, at = y / max(acts.share, 1u);
  uint64_t expert = t.experts != 0ul ? uint64_t(words(t.experts).at[y]) : 0ul;
  if (PLAIN) {
    plain_rows(t, t.job[0].rows.data + expert * t.job[0].rows.expert_bytes, y, at);
    return;
  }
  uint from = NORMED ? norm_from(t.norm, at) : 0u, size = size_of(t);
  eight_of of;
  own_of as_is;
  if (NORMED) of = load_eight(t.norm, from, EACH * j, size);
  uint64_t x = acts.x + 4ul * (at * acts.stride);
  if (ROUNDS) as_is = load_own(x, size / EACH);
  uint n = EIGHTS > 0u ? 8u * EIGHTS : acts.k / SEGMENT, width = width_of(n), pairs = (n + 1u) / 2u;
  uint sets = EIGHTS > 0u ? 256u / width : min(256u / width, max(2048u / n, 1u)), together = sets * TURNS;
  uint own = j / width, lane = j % width, steps = (pairs + width - 1u) / width * TURNS;
  uint group = gl_WorkGroupID.x, groups = gl_NumWorkGroups.x, job = 0u;
  if (t.jobs > 1u)
    for (;; job++) {
      groups = (t.job[job].rows.count + together - 1u) / together;
      if (group < groups || job + 1u == t.jobs) break;
      group -= groups;
    }
  rows_of rows = t.job[job].rows;
  uint64_t data = rows.data + expert * rows.expert_bytes;
  bool lacks_acts = OWN;
  for (uint first = group * together; first < rows.count; first += groups * together) {
    float other = addend(t, job, y, first + j % together);
    raw_pair r[UNDER_WAY];
    act_segment a, b;
    [[unroll]] for (uint u = 0u; u < UNDER_WAY; u++)
      if (u < steps) r[u] = load_step(rows, data, first + own, sets, width, lane, pairs, u);
    if (lacks_acts && NORMED)
      make_norm(t.norm, at, size, norm_scale(t.norm, from, size), of, gl_WorkGroupID.x == 0u && t.norm.result != 0ul);
    if (lacks_acts && ROUNDS) round_own(as_is, x, size / EACH, t.norm.largest);
    lacks_acts = false;
    if (!PIECED) load_acts(acts, at, min(lane, pairs - 1u), n, a, b);
    [[dont_unroll]] for (uint begin = 0u; begin < steps; begin += UNDER_WAY)
      [[unroll]] for (uint u = 0u; u < UNDER_WAY; u++) {
        uint step = begin + u, turn = step % TURNS, of_row = step / TURNS * width + lane, pair = min(of_row, pairs - 1u);
        if (step >= steps) continue;
        if (PIECED && turn == 0u) load_acts(acts, at, pair, n, a, b);
        if (own < sets && of_row < pairs) put_pair(r[u], pair, n, a, b, turn * sets + own);
        if (step + UNDER_WAY < steps)
          r[u] = load_step(rows, data, first + own, sets, width, lane, pairs, step + UNDER_WAY);
      }
    barrier();
    if (WHOLE) meet(together, n);
    if (values_of(n) > LANES) { // then 32 threads have a row
      for (uint turn = 0u; turn < TURNS; turn++)
        if (own < sets) fold_lane((turn * sets + own) * stride_of(n), lane, values_of(n));
      barrier();
    }
    if (j < together && first + j < rows.count)
      store(t, job, y, first + j, folded(j * stride_of(n), values_of(n)), other);
    barrier(); // the values have been read
  }
}
