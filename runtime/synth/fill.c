/* The weights. Each row has its own random stream that starts from the seed, the tensor's name and
 * the row's number, so rows can be made in any order by any thread.
 *
 * The stream is a 64-bit counter with an odd step through a mixing function of two multiplications
 * (the finaliser known from SplitMix64): 8 bytes in about a nanosecond, no state to carry. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "runtime/synth/internal.h"

enum { SCALES = 16 };

struct synth_maker {
  const pv_synth_options *options;
  const synth_tensor *tensor;
  uint16_t d[SCALES], dmin[SCALES]; /* block scales to choose from, binary16 */
  float step;                       /* F32, F16, BF16: weight of one unit of the random integer */
  uint16_t half[65536];             /* F16, BF16: the bits for each 16-bit random number */
};

/* The standard deviation of scale * integer for d = 1: random scales times uniform integers. */
static double unit_deviation(pv_type type) {
  const double scale = sqrt(47.5 * 47.5 + (32.0 * 32.0 - 1.0) / 12.0); /* uniform in 32..63 */
  switch (type) {
    case PV_TYPE_Q4_K:
      return scale * sqrt((16.0 * 16.0 - 1.0) / 12.0);
    case PV_TYPE_Q5_K:
      return scale * sqrt((32.0 * 32.0 - 1.0) / 12.0);
    case PV_TYPE_Q6_K:
      return scale * sqrt((64.0 * 64.0 - 1.0) / 12.0);
    default:
      return sqrt((256.0 * 256.0 - 1.0) / 12.0); /* Q8_0 */
  }
}

/* Scales from 3/4 to 5/4 of the one that gives the wanted deviation; the minimum of Q4_K and Q5_K
 * puts the middle of the integers' range at zero. */
static void make_scales(synth_maker *m) {
  const pv_type type = m->tensor->type;
  const double base = m->tensor->deviation / unit_deviation(type);
  const float middle = type == PV_TYPE_Q5_K ? 15.5f : 7.5f;
  for (unsigned i = 0; i < SCALES; i++) {
    m->d[i] = pv_f32_to_f16((float)(base * (0.75 + 0.5 * i / (SCALES - 1))));
    if (m->d[i] == 0) m->d[i] = 1; /* the smallest there is: never all zeros */
    m->dmin[i] = pv_f32_to_f16(middle * pv_f16_to_f32(m->d[i]));
  }
}

static void make_plain(synth_maker *m) {
  const synth_tensor *t = m->tensor;
  const double reach = t->deviation * sqrt(3.0); /* uniform in [-reach, reach) */
  m->step = (float)(reach / (t->type == PV_TYPE_F32 ? 8388608.0 : 32768.0));
  if (t->type == PV_TYPE_F32) return;
  for (int i = 0; i < 65536; i++) {
    const float value = (float)(i - 32768) * m->step;
    m->half[i] = t->type == PV_TYPE_F16 ? pv_f32_to_f16(value) : pv_f32_to_bf16(value);
  }
}

static void fill_f32(const synth_maker *m, uint64_t *state, uint64_t count, unsigned char *out) {
  for (uint64_t i = 0; i < count; i += 2) {
    const uint64_t r = pv_random_next(state);
    float pair[2];
    pair[0] = (float)((int32_t)(r & 0xffffffu) - 8388608) * m->step;
    pair[1] = (float)((int32_t)(r >> 40) - 8388608) * m->step;
    memcpy(out + 4 * i, pair, i + 1 < count ? 8 : 4);
  }
}

static void fill_half(const synth_maker *m, uint64_t *state, uint64_t count, unsigned char *out) {
  for (uint64_t i = 0; i < count; i += 4) {
    const uint64_t r = pv_random_next(state);
    uint16_t four[4];
    for (unsigned j = 0; j < 4; j++) four[j] = m->half[(r >> (16 * j)) & 0xffffu];
    memcpy(out + 2 * i, four, count - i < 4 ? 2 * (size_t)(count - i) : 8);
  }
}

static void fill_random(uint64_t *state, void *out, size_t bytes) {
  unsigned char *to = out;
  for (size_t i = 0; i < bytes; i += 8) {
    const uint64_t r = pv_random_next(state);
    memcpy(to + i, &r, 8);
  }
}

/* Q4_K and Q5_K: 16 bytes of scales 32..63 and minima within one of them, then integers. */
static void fill_k4(const synth_maker *m, uint64_t *state, unsigned bytes, unsigned char *out) {
  pv_block_q4_k head;
  const uint64_t r = pv_random_next(state);
  uint8_t sc[8], low[8];
  for (unsigned j = 0; j < 8; j++) {
    const unsigned near = (unsigned)(r >> (40 + 2 * j)) & 3u; /* 0, 1, 2, 3: 0, 0, +1, -1 */
    sc[j] = (uint8_t)(32u + ((r >> (5 * j)) & 31u));
    low[j] = (uint8_t)(near < 2 ? sc[j] : near == 2 ? sc[j] + 1u : sc[j] - 1u);
    if (low[j] > 63) low[j] = 63;
  }
  const unsigned choice = (unsigned)(r >> 56) % SCALES;
  head.d = m->d[choice];
  head.dmin = m->dmin[choice];
  pv_k4_pack(sc, low, head.scales);
  memcpy(out, &head, offsetof(pv_block_q4_k, q));
  fill_random(state, out + offsetof(pv_block_q4_k, q), bytes - offsetof(pv_block_q4_k, q));
}

/* Scales of either sign, as real files have them. */
static void fill_q6_k(const synth_maker *m, uint64_t *state, unsigned char *out) {
  pv_block_q6_k block;
  fill_random(state, block.low, sizeof block.low);
  fill_random(state, block.high, sizeof block.high);
  uint8_t r[16];
  fill_random(state, r, sizeof r);
  for (unsigned j = 0; j < 16; j++) {
    const int size = 32 + (r[j] & 31);
    block.scales[j] = (int8_t)((r[j] & 128) != 0 ? -size : size);
  }
  block.d = m->d[((r[0] >> 5) & 3u) << 2 | ((r[1] >> 5) & 3u)];
  memcpy(out, &block, sizeof block);
}

static void fill_q8_0(const synth_maker *m, uint64_t *state, unsigned char *out) {
  memcpy(out, &m->d[pv_random_next(state) % SCALES], sizeof m->d[0]);
  fill_random(state, out + offsetof(pv_block_q8_0, q), 32);
}

/* One block of integers -4..3, exact in every type. The offsets of Q4_K and Q5_K are their middle,
 * so that the integers lie on both sides of the highest bit. */
static void fill_small(pv_type type, uint64_t *state, unsigned count, unsigned char *out) {
  const uint16_t one = 0x3c00;
  const uint8_t ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};
  const int8_t middle = type == PV_TYPE_Q4_K ? 8 : type == PV_TYPE_Q5_K ? 16 : 0;
  uint8_t low[8];
  int8_t v[256];
  for (unsigned i = 0; i < count; i += 16) {
    const uint64_t r = pv_random_next(state);
    for (unsigned j = 0; j < 16 && i + j < count; j++)
      v[i + j] = (int8_t)((int)((r >> (4 * j)) & 7u) - 4 + middle);
  }
  memset(low, middle, sizeof low);
  if (type == PV_TYPE_Q4_K || type == PV_TYPE_Q5_K) {
    pv_block_q4_k head = {.d = one, .dmin = one};
    pv_k4_pack(ones, low, head.scales);
    memcpy(out, &head, 16);
  } else if (type == PV_TYPE_Q6_K) {
    memset(((pv_block_q6_k *)(void *)out)->scales, 1, 16);
    memcpy(&((pv_block_q6_k *)(void *)out)->d, &one, 2);
  } else if (type == PV_TYPE_Q8_0) {
    memcpy(out, &one, 2);
  } else {
    for (unsigned i = 0; i < count; i++) {
      const float value = (float)v[i];
      const uint16_t half = type == PV_TYPE_F16 ? pv_f32_to_f16(value) : pv_f32_to_bf16(value);
      if (type == PV_TYPE_F32)
        memcpy(out + 4 * i, &value, 4);
      else
        memcpy(out + 2 * i, &half, 2);
    }
    return;
  }
  pv_block_pack(type, v, out);
}

static void fill_integers(const synth_maker *m, uint64_t *state, unsigned char *out) {
  const pv_type_info *info = pv_type_get((uint32_t)m->tensor->type);
  const uint64_t count = m->tensor->dims[0];
  const uint64_t step = info->quantised ? info->block_elements : 256;
  for (uint64_t at = 0; at < count; at += step) {
    const uint64_t here = count - at < step ? count - at : step;
    fill_small(info->type, state, (unsigned)here,
               out + at / info->block_elements * info->block_bytes);
  }
}

static void fill_matrix(const synth_maker *m, uint64_t *state, unsigned char *out) {
  const pv_type type = m->tensor->type;
  const pv_type_info *info = pv_type_get((uint32_t)type);
  const uint64_t count = m->tensor->dims[0];
  if (type == PV_TYPE_F32) {
    fill_f32(m, state, count, out);
    return;
  }
  if (!info->quantised) {
    fill_half(m, state, count, out);
    return;
  }
  for (uint64_t at = 0; at < count; at += info->block_elements, out += info->block_bytes) {
    if (type == PV_TYPE_Q4_K || type == PV_TYPE_Q5_K)
      fill_k4(m, state, info->block_bytes, out);
    else if (type == PV_TYPE_Q6_K)
      fill_q6_k(m, state, out);
    else
      fill_q8_0(m, state, out);
  }
}

/* Norm weights of about 1. */
static void fill_norm(const synth_maker *m, uint64_t *state, unsigned char *out) {
  for (uint64_t i = 0; i < m->tensor->dims[0]; i++) {
    const float value =
        m->options->integers ? 1.0f : 0.75f + (float)(pv_random_next(state) >> 48) / 131072.0f;
    memcpy(out + 4 * i, &value, 4);
  }
}

/* The channel that shall stick out, measured against what the row's other channels really are. */
static void plant_outlier(const synth_maker *m, uint64_t row, unsigned char *out) {
  const pv_synth_options *o = m->options;
  const uint64_t count = m->tensor->dims[0];
  double sum = 0.0;
  float value;
  if (o->outlier_token >= 0 && (uint64_t)o->outlier_token != row) return;
  for (uint64_t i = 0; i < count; i++) {
    if (i == o->outlier_channel) continue;
    memcpy(&value, out + 4 * i, 4);
    sum += (double)value * (double)value;
  }
  value = (float)(o->outlier * sqrt(sum / (double)(count - 1)));
  memcpy(out + 4 * (uint64_t)o->outlier_channel, &value, 4);
}

static void plant_tie(const synth_maker *m, uint64_t row, unsigned char *out) {
  const uint64_t channel = row / 2 % m->tensor->dims[0];
  const float value = row % 2 == 0 ? 0.0f : (float)m->options->near_tie;
  memcpy(out + 4 * channel, &value, 4);
}

/* Two experts whose logits shall differ by their rows alone have the same bias. */
static void tie_biases(const synth_maker *m, unsigned char *out) {
  for (uint64_t i = 1; i < m->tensor->dims[0]; i += 2) memcpy(out + 4 * i, out + 4 * i - 4, 4);
}

static void fill_row(const synth_maker *m, uint64_t row, unsigned char *out) {
  const pv_synth_options *o = m->options;
  const synth_tensor *t = m->tensor;
  /* An odd number of experts leaves the last one without a partner. */
  const bool tied = t->kind == SYNTH_ROUTER && o->near_tie >= 0.0 && (row | 1u) < t->rows;
  uint64_t state = pv_random_mix(t->stream ^ pv_random_mix((tied ? row & ~UINT64_C(1) : row) + 1));
  if (t->kind == SYNTH_NORM)
    fill_norm(m, &state, out);
  else if (o->integers)
    fill_integers(m, &state, out);
  else
    fill_matrix(m, &state, out);
  if (tied) plant_tie(m, row, out);
  if (t->kind == SYNTH_ROUTER_BIAS && o->near_tie >= 0.0) tie_biases(m, out);
  if (t->kind == SYNTH_EMBEDDING && o->outlier > 0.0) plant_outlier(m, row, out);
}

synth_maker *synth_maker_new(const synth_plan *plan) {
  synth_maker *m = calloc(1, sizeof *m);
  if (m != NULL) m->options = plan->options;
  return m;
}

void synth_maker_free(synth_maker *maker) {
  free(maker);
}

void synth_fill(synth_maker *maker, const synth_tensor *tensor, uint64_t first, uint64_t count,
                unsigned char *out) {
  if (maker->tensor != tensor) {
    maker->tensor = tensor;
    if (pv_type_get((uint32_t)tensor->type)->quantised)
      make_scales(maker);
    else
      make_plain(maker);
  }
  for (uint64_t i = 0; i < count; i++) fill_row(maker, first + i, out + i * tensor->row_bytes);
}
