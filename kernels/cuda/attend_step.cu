/* Every block norms and turns the query heads that it needs, and the newest key, for itself. A
 * block works on `group` query heads that share a KV head and on every a.blocks-th chunk of the
 * cache; keys and values come through shared memory, the keys of the next chunk while this one's
 * values are used and the other way round. Blocks of chunks that do not exist come last.
 *
 * Where a block has all chunks (`whole`) it has them at once, side by side, and the last step too:
 * then no combination follows.
 *
 * Of the cache this kernel asks for rows before the kernel before it has ended: they belong to
 * earlier positions, and between two positions lies a copy of the step, which waits for all. */
#include "kernels/cuda/attend_step.h"

#include "kernels/cuda/attend.cuh"
#include "kernels/cuda/heads.cuh"

namespace {

constexpr unsigned CHUNK = PV_ATTENTION_CHUNK, WARPS = PV_CUDA_WARPS;

/* Rows of the cache are read once in a position: what the chunks leave for their combination stays
 * in the L2 cache instead of them. */
__device__ __forceinline__ uint64_t soon_evicted() {
  uint64_t policy;
  asm("createpolicy.fractional.L2::evict_first.b64 %0, 0f3f800000;" : "=l"(policy));
  return policy;
}

__device__ __forceinline__ void copy_ahead(float *to, const float *from,
                                           uint64_t policy) { /* 16 bytes */
  asm volatile("cp.async.cg.shared.global.L2::cache_hint [%0], [%1], 16, %2;" ::"r"(
                   static_cast<unsigned>(__cvta_generic_to_shared(to))),
               "l"(from), "l"(policy)
               : "memory");
}

__device__ __forceinline__ void commit_copies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}

/* Rows of dim floats, `stride` apart, to rows `width` apart. */
__device__ __forceinline__ void copy_rows(float *to, unsigned width, const float *from,
                                          unsigned stride, unsigned rows, unsigned dim) {
  const unsigned warp = threadIdx.x / 32;
  const uint64_t policy = soon_evicted();
  for (unsigned i = threadIdx.x % 32 * 4; i < dim; i += 128) {
    const float *p = from + static_cast<size_t>(warp) * stride + i;
    float *place = to + warp * width + i;
#pragma unroll 2
    for (unsigned r = warp; r < rows; r += WARPS) {
      copy_ahead(place, p, policy);
      p += WARPS * stride;
      place += WARPS * width;
    }
  }
  commit_copies();
}

template <int copies> /* that may still be under way */
__device__ __forceinline__ void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(copies) : "memory");
  __syncthreads();
}

/* Values of up to four heads, side by side: read from shared memory at once. */
template <int heads>
struct alignas(sizeof(float) * heads) abreast {
  float of[heads];
};

/* How many heads a thread takes together, and how often a block needs so many. */
template <int group>
constexpr int TOGETHER = group < 4 ? group : 4;
template <int group>
constexpr unsigned SIDES = group / TOGETHER<group>;

/* Shared memory of a block. */
struct parts {
  unsigned dim, wide; /* eight lanes of each of four keys: different banks */
  float *key, *value; /* [keys][wide], [keys][dim] */
  float *q, *score;   /* [sides][dim][together], [sides][keys][together] */
  float *newest_key;  /* [dim]; before there are scores, they have [WARPS][dim] */
  float *weighted;    /* [chunks][dim]: weighted values of each chunk of several */
  /* For `keys` keys at once, which are whole chunks. */
  __device__ __forceinline__ parts(float *memory, unsigned dim, unsigned group, unsigned keys)
      : dim(dim),
        wide(dim + PV_STEP_PADDING),
        key(memory),
        value(key + keys * wide),
        q(value + keys * dim),
        score(q + group * dim),
        newest_key(score + max(WARPS * dim, group * keys)),
        weighted(newest_key + dim) {}
};

/* The scores of the first `count` keys of `chunks` chunks, of which there are several where the
 * group is one head. */
template <int group, unsigned chunks>
__device__ __forceinline__ void scores_of(const parts &my, unsigned count, float scale) {
  constexpr int together = TOGETHER<group>;
  constexpr unsigned sides = SIDES<group>;
  using heads_abreast = abreast<together>;
  const unsigned warp = threadIdx.x / 32, last = count - 1;
  /* Four keys to a warp, neighbours in it so that they read q together, and the fours that lie
   * half a chunk further each. */
  constexpr unsigned keys = 32 / PV_NARROW_LANES, halves = 2 * chunks;
  const unsigned narrow = threadIdx.x % 32 / keys, i = warp * keys + threadIdx.x % keys;
  if (warp * keys < count) {
    const float *k[halves];
#pragma unroll
    for (unsigned h = 0; h < halves; h++)
      k[h] = my.key + min(i + h * CHUNK / 2, last) * my.wide + narrow;
    const heads_abreast *x = reinterpret_cast<const heads_abreast *>(my.q) + narrow;
    float dot[halves][group];
#pragma unroll
    for (unsigned side = 0; side < sides; side++) {
      const heads_abreast part = x[side * my.dim];
#pragma unroll
      for (unsigned g = 0; g < together; g++)
#pragma unroll
        for (unsigned h = 0; h < halves; h++) dot[h][side * together + g] = part.of[g] * k[h][0];
    }
#pragma unroll 4
    for (unsigned j = 8; j < my.dim; j += 8)
#pragma unroll
      for (unsigned side = 0; side < sides; side++) {
        const heads_abreast part = x[side * my.dim + j];
#pragma unroll
        for (unsigned g = 0; g < together; g++)
#pragma unroll
          for (unsigned h = 0; h < halves; h++) {
            float *sum = &dot[h][side * together + g];
            *sum = pv_fma_f32(part.of[g], k[h][j], *sum);
          }
      }
#pragma unroll
    for (unsigned half = 0; half < halves; half++)
#pragma unroll
      for (unsigned g = 0; g < group; g++) {
#pragma unroll
        for (unsigned s = PV_NARROW_LANES / 2; s > 0; s /= 2)
          dot[half][g] += __shfl_down_sync(every_lane, dot[half][g], s * keys);
        const unsigned of = i + half * CHUNK / 2;
        if (narrow == 0 && of < count)
          my.score[(g / together * CHUNK + of) * together + g % together] = dot[half][g] * scale;
      }
  }
}

/* The fold of the narrow sums over chunks, of which n lanes have something. */
template <unsigned lanes>
__device__ __forceinline__ void fold_chunks(float (&total)[lanes], float (&value)[lanes],
                                            unsigned n) {
#pragma unroll
  for (unsigned s = lanes / 2; s > 0; s /= 2) {
#pragma unroll
    for (unsigned l = 0; l < s; l++)
      if (l + s < n) {
        total[l] += total[l + s];
        value[l] += value[l + s];
      }
    n = n < s ? n : s;
  }
}

/* Of each chunk that a block has at once, and of each head. */
template <int group>
struct chunk_sums {
  float top[PV_STEP_WHOLE(group)][group], sum[PV_STEP_WHOLE(group)][group];
};

/* Of the scores of `count` keys; a warp works on one head and chunk. */
template <int group>
__device__ __forceinline__ void exponentials_of(const parts &my, unsigned count,
                                                chunk_sums<group> &sums) {
  constexpr unsigned together = TOGETHER<group>;
  constexpr bool several = PV_STEP_WHOLE(group) > 1; /* chunks, then of one head */
  const unsigned all = several ? (count + CHUNK - 1) / CHUNK : group;
  for (unsigned n = threadIdx.x / 32; n < all; n += WARPS) {
    const unsigned of = several ? n : 0, g = several ? 0 : n;
    float *first = my.score + of * CHUNK + g / together * CHUNK * together + g % together;
    exponentials(first, together, min(count - of * CHUNK, CHUNK), &sums.top[of][g],
                 &sums.sum[of][g]);
  }
}

/* Element j of the result of head `g` of the group, from `chunks` chunks whose weighted values are
 * `weighted(chunk)`; as attend_step_combine makes it, where a lane of the narrow sums has one chunk
 * at most. */
template <int group, unsigned known, class Weighted>
__device__ __forceinline__ float together_of(const pv_cuda_attend &t, unsigned head, unsigned g,
                                             const chunk_sums<group> &of, unsigned chunks,
                                             const Weighted &weighted) {
  constexpr unsigned most = PV_STEP_WHOLE(group);
  const bool sinks = known == 0 && t.sinks != nullptr;
  float m = of.top[0][g], total[most] = {}, value[most] = {};
#pragma unroll
  for (unsigned c = 1; c < most; c++)
    if (c < chunks) m = larger(m, of.top[c][g]);
  const float sink = sinks ? t.sinks[head + g] : m;
  m = larger(m, sink);
#pragma unroll
  for (unsigned c = 0; c < most; c++) {
    if (c >= chunks) break;
    const float f = pv_exp_f32(of.top[c][g] - m);
    total[c] = f * of.sum[c][g];
    value[c] = f * weighted(c);
  }
  fold_chunks(total, value, chunks);
  return pv_div_f32(value[0], sinks ? total[0] + pv_exp_f32(sink - m) : total[0]);
}

/* Element j of the result of a head. */
__device__ __forceinline__ void store_whole(const pv_cuda_attend &t, unsigned dim, unsigned head,
                                            unsigned j, float y) {
  const unsigned width = t.heads * dim, i = head * dim + j;
  t.out[i] = y;
  if (t.acts.q != nullptr && i / PV_SEGMENT < width / PV_SEGMENT)
    store_rounded(round_segment(y, t.max), threadIdx.x % 32, t.acts, 0, i / PV_SEGMENT);
}

/* The weighted values of `count` keys: of a chunk, which store(head, element, value) takes, or of
 * each of several. */
template <int group, class Store>
__device__ __forceinline__ void values_of(const parts &my, unsigned chunks, unsigned count,
                                          const Store &store) {
  constexpr int together = TOGETHER<group>;
  constexpr unsigned sides = SIDES<group>;
  using heads_abreast = abreast<together>;
  const unsigned dim = my.dim;
  /* A thread has one element of `together` heads. */
  const unsigned threads = blockDim.x / sides, side = threadIdx.x / threads;
  for (unsigned n = threadIdx.x % threads; n < chunks * dim; n += threads) {
    const unsigned chunk = chunks > 1 ? n / dim : 0, j = n - chunk * dim, first = chunk * CHUNK;
    if (chunks > 1 && first >= count) break;
    const unsigned keys = chunks > 1 ? min(count - first, CHUNK) : count;
    const heads_abreast *p =
        reinterpret_cast<const heads_abreast *>(my.score) + side * CHUNK + first;
    const float *value = my.value + first * dim + j;
    float mean[together];
#pragma unroll
    for (unsigned g = 0; g < together; g++) mean[g] = -0.0f; /* which adds nothing to a product */
    const auto add = [&](unsigned i) {
      const heads_abreast part = p[i];
#pragma unroll
      for (unsigned g = 0; g < together; g++)
        mean[g] = pv_fma_f32(part.of[g], value[i * dim], mean[g]);
    };
    constexpr unsigned at_once = 8; /* of which a whole chunk is made */
    unsigned i = 0;
#pragma unroll 1
    for (; i + at_once <= keys; i += at_once)
#pragma unroll
      for (unsigned k = 0; k < at_once; k++) add(i + k);
#pragma unroll 1
    for (; i < keys; i++) add(i);
#pragma unroll
    for (unsigned g = 0; g < together; g++) store(side * together + g, chunk, j, mean[g]);
  }
}

/* The result of a block that has all chunks, of `count` keys together. */
template <int group, unsigned known>
__device__ __forceinline__ void whole_of(const pv_cuda_attend &t, const parts &my, unsigned head,
                                         unsigned chunks, unsigned count,
                                         const chunk_sums<group> &sums) {
  const unsigned dim = my.dim;
  if (chunks == 1) {
    values_of<group>(my, 1, count, [&](unsigned g, unsigned, unsigned j, float mean) {
      store_whole(t, dim, head + g, j,
                  together_of<group, known>(t, head, g, sums, 1, [&](unsigned) { return mean; }));
    });
    return;
  }
  if constexpr (PV_STEP_WHOLE(group) > 1) {
    values_of<group>(my, chunks, count, [&](unsigned, unsigned chunk, unsigned j, float mean) {
      my.weighted[chunk * dim + j] = mean;
    });
    __syncthreads();
    for (unsigned j = threadIdx.x; j < dim; j += blockDim.x)
      store_whole(t, dim, head, j,
                  together_of<group, known>(t, head, 0, sums, chunks, [&](unsigned chunk) {
                    return my.weighted[chunk * dim + j];
                  }));
  }
}

/* The block's query heads, and the newest key where it `has_newest`, normed and turned; kept by the
 * first block that has them. */
template <int group, unsigned known>
__device__ __forceinline__ void turn_heads(const pv_cuda_heads &h, const usual_turn<known / 32> &by,
                                           const parts &my, unsigned position, unsigned head,
                                           size_t stride, size_t at, bool has_newest,
                                           bool keeps_key, bool keeps_q) {
  constexpr unsigned together = TOGETHER<group>;
  const unsigned dim = my.dim, warp = threadIdx.x / 32;
  const size_t table = static_cast<size_t>(position) * (dim / 2);
  for (unsigned w = warp; w < group + (has_newest ? 1 : 0); w += WARPS) {
    const bool is_q = w < group;
    const size_t place = is_q ? static_cast<size_t>(head + w) * dim : at;
    const head_turn turn = {h.cos + table, h.sin + table, dim, h.eps, h.neighbours != 0};
    const auto store = [&](unsigned i, float v) {
      if (is_q)
        my.q[(w / together * dim + i) * together + w % together] = v;
      else
        my.newest_key[i] = v;
      if (is_q ? keeps_q : keeps_key) (is_q ? h.q_out : h.k_out)[place + i] = v;
      if (!is_q && keeps_key) h.keys[position * stride + at + i] = v;
    };
    const float *from = (is_q ? h.q : h.k) + place, *weight = is_q ? h.q_weight : h.k_weight;
    if constexpr (known > 0)
      turn_usual_head<known / 32>(by, h.eps, is_q, from, store);
    else if (dim <= 128)
      turn_head<4>(turn, from, weight, my.score + warp * dim, store);
    else
      turn_head<8>(turn, from, weight, my.score + warp * dim, store);
  }
}

/* `known` is the size of usual heads (pv_step_usual), or 0 for any. */
template <int group, unsigned known>
__device__ __forceinline__ void step(const pv_cuda_attend_step &a) {
  extern __shared__ __align__(16) float memory[];
  const pv_cuda_heads &h = a.heads;
  const pv_cuda_attend &t = a.attend;
  const unsigned dim = known > 0 ? known : t.dim, position = __ldg(&h.step->position);
  const unsigned seen = known > 0 ? 0 : seen_from(t, position);
  const unsigned chunks = (position - seen) / CHUNK + 1;
  unsigned chunk = blockIdx.y;
  if (chunk >= chunks) return;
  const unsigned share = t.heads / t.kv_heads, head = blockIdx.x * group, kv = head / share;
  const size_t stride = static_cast<size_t>(t.kv_heads) * dim, at = static_cast<size_t>(kv) * dim;
  /* How many keys the block has at once. */
  const unsigned room = PV_STEP_WHOLE(group) > 1 && a.whole ? t.chunks * CHUNK : CHUNK;
  const parts my(memory, dim, group, room);
  /* The newest position is the last of the last chunk, and is in no cache yet. */
  const auto begin_of = [&](unsigned of) { return seen + of * CHUNK; };
  const auto old_in = [&](unsigned of) { return min(position - begin_of(of), room); };
  const auto copy = [&](float *to, unsigned width, const float *cache, unsigned of) {
    if (of < chunks)
      copy_rows(to, width, cache + begin_of(of) * stride + at, stride, old_in(of), dim);
    else
      commit_copies(); /* of nothing: so that as many are under way */
  };
  copy(my.key, my.wide, t.keys, chunk);
  copy(my.value, dim, t.values, chunk);
  const usual_turn<known / 32> by(h, static_cast<size_t>(position) * (dim / 2));
  begin_kernel();
  const bool has_newest = (chunks - 1 - chunk) % a.blocks == 0,
             keeps_key = has_newest && head % share == 0;
  turn_heads<group, known>(h, by, my, position, head, stride, at, has_newest, keeps_key,
                           chunk == 0);
#pragma unroll 1
  for (; chunk < chunks; chunk += a.blocks) {
    const unsigned old = old_in(chunk), count = min(old + 1, room), last = count - 1;
    if (old < room) { /* the newest is among them */
      __syncthreads();
      for (unsigned i = threadIdx.x; i < dim; i += blockDim.x) {
        const float v = h.v[at + i];
        my.key[last * my.wide + i] = my.newest_key[i];
        my.value[last * dim + i] = v;
        if (keeps_key) h.values[position * stride + at + i] = v;
      }
    }
    wait_for_copies<1>();
    if (PV_STEP_WHOLE(group) > 1 && count > CHUNK)
      scores_of<group, PV_STEP_WHOLE(group)>(my, count, t.scale);
    else
      scores_of<group, 1>(my, count, t.scale);
    __syncthreads();
    __shared__ chunk_sums<group> sums;
    if (!a.whole) copy(my.key, my.wide, t.keys, chunk + a.blocks);
    exponentials_of(my, count, sums);
    if (a.whole) {
      wait_for_copies<0>();
      whole_of<group, known>(t, my, head, chunks, count, sums);
      return;
    }
    wait_for_copies<1>();
    values_of<group>(my, 1, count, [&](unsigned g, unsigned, unsigned j, float mean) {
      const size_t part = static_cast<size_t>(head + g) * t.chunks + chunk;
      t.value[part * dim + j] = mean;
      if (j > 0) return;
      t.top[part] = sums.top[0][g];
      t.sum[part] = sums.sum[0][g];
    });
    if (chunk + a.blocks >= chunks) return;
    __syncthreads();
    copy(my.value, dim, t.values, chunk + a.blocks);
  }
}

/* What a warp, a lane of the narrow sums, asks for at once of its chunks, which are PV_NARROW_LANES
 * apart; a question whether there are more is for a few of them. */
struct some_chunks {
  static constexpr unsigned batch = 32, few = 8;
  float value[batch], top, sum; /* lane j has those of chunk j */
  __device__ __forceinline__ void ask(const float *tops, const float *sums, const float *values,
                                      unsigned first, unsigned chunks, unsigned dim) {
    const unsigned last = chunks - 1, mine = min(first + threadIdx.x % 32 * PV_NARROW_LANES, last);
    top = tops[mine];
    sum = sums[mine];
#pragma unroll
    for (unsigned j = 0; j < batch; j += few) {
      if (first + j * PV_NARROW_LANES >= chunks) break;
#pragma unroll
      for (unsigned i = j; i < j + few; i++)
        value[i] = values[static_cast<size_t>(min(first + i * PV_NARROW_LANES, last)) * dim];
    }
  }
  /* To the sums of exponentials and of values, which these begin where `begins`. */
  __device__ __forceinline__ void add(unsigned first, unsigned chunks, float m, bool begins,
                                      float &total, float &mean) const {
    const float factor = pv_exp_f32(top - m);
#pragma unroll
    for (unsigned j = 0; j < batch; j += few) {
      if (first + j * PV_NARROW_LANES >= chunks) break;
#pragma unroll
      for (unsigned i = j; i < j + few; i++) {
        const float f = __shfl_sync(every_lane, factor, i), n = __shfl_sync(every_lane, sum, i);
        if (first + i * PV_NARROW_LANES >= chunks) continue;
        const bool is_first = begins && i == 0;
        total = is_first ? f * n : pv_fma_f32(f, n, total);
        mean = is_first ? f * value[i] : pv_fma_f32(f, value[i], mean);
      }
    }
  }
};

}  // namespace

/* One block where it may have several chunks: two would not fit. */
#define STEP(group, name, known)                                              \
  PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, PV_STEP_WHOLE(group) > 1 ? 1 : 2) \
      name(const pv_cuda_attend_step a) {                                     \
    step<group, known>(a);                                                    \
  }
STEP(1, attend_step_1, 0)
STEP(4, attend_step_4, 0)
STEP(8, attend_step_8, 0)
STEP(1, attend_step_1_128, 128)
STEP(4, attend_step_4_128, 128)
STEP(8, attend_step_8_128, 128)

/* The combination of chunks for one position: a block takes 32 elements of one head, and a warp one
 * lane of the narrow sums. */
PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) attend_step_combine(const pv_cuda_attend a) {
  const unsigned position = __ldg(&a.step->position);
  begin_kernel();
  __shared__ float totals[PV_NARROW_LANES], means[PV_NARROW_LANES][32];
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const unsigned i = blockIdx.x * 32 + lane, head = i / a.dim;
  const unsigned chunks = (position - seen_from(a, position)) / CHUNK + 1;
  const size_t part = static_cast<size_t>(head) * a.chunks;
  const float *top = a.top + part, *sum = a.sum + part, *value = a.value + part * a.dim + i % a.dim;
  const auto ask = [&](unsigned first, some_chunks &of) {
    of.ask(top, sum, value, first, chunks, a.dim);
  };
  some_chunks now, next;
  ask(warp, now);
  float m = top[min(lane, chunks - 1)], total = 0.0f, mean = 0.0f;
  constexpr unsigned few = 8; /* that are asked for at once */
#pragma unroll 1
  for (unsigned begin = lane + 32; begin < chunks; begin += 32 * few) {
    float t[few];
#pragma unroll
    for (unsigned i = 0; i < few; i++) t[i] = top[min(begin + 32 * i, chunks - 1)];
#pragma unroll
    for (unsigned i = 0; i < few; i++) m = larger(m, t[i]);
  }
  m = larger_of_warp(m);
  const float sink = a.sinks != nullptr ? a.sinks[head] : m;
  m = larger(m, sink);
  constexpr unsigned step = some_chunks::batch * PV_NARROW_LANES;
  for (unsigned first = warp; first < chunks; first += step) {
    const bool more = first + step < chunks;
    if (more) ask(first + step, next);
    now.add(first, chunks, m, first == warp, total, mean);
    if (more) now = next;
  }
  means[warp][lane] = mean;
  if (lane == 0) totals[warp] = total;
  __syncthreads();
  if (warp > 0) return;
  float t[PV_NARROW_LANES], v[PV_NARROW_LANES];
#pragma unroll
  for (unsigned l = 0; l < PV_NARROW_LANES; l++) {
    t[l] = totals[l];
    v[l] = means[l][lane];
  }
  fold_chunks(t, v, chunks);
  if (a.sinks != nullptr) t[0] += pv_exp_f32(sink - m);
  const float y = pv_div_f32(v[0], t[0]);
  a.out[i] = y;
  if (a.acts.q != nullptr) store_rounded(round_segment(y, a.max), lane, a.acts, 0, blockIdx.x);
}
