/* Encoders: the plain min/max or amax choice of scales, rounding to nearest, ties away from zero.
 * A value that its block cannot carry (NaN, infinity, a scale beyond binary16) is refused. */
#include <string.h>

#include "base/ck.h"
#include "kernels/quant/quant.h"

static int round_near(float value, int low, int high) {
  const float moved = value < 0.0f ? value - 0.5f : value + 0.5f;
  if (!(moved > (float)low)) return low;
  if (moved >= (float)high) return high;
  return (int)moved;
}

static float quotient(float value, float scale) {
  return scale == 0.0f ? 0.0f : value / scale;
}

static float largest(const float *x, unsigned count) {
  float amax = 0.0f;
  for (unsigned i = 0; i < count; i++) {
    const float a = x[i] < 0.0f ? -x[i] : x[i];
    if (a > amax) amax = a;
  }
  return amax;
}

/* A block to be written: its values, and what was chosen for each group with scales of its own. */
typedef struct choice {
  const pv_type_info *type;
  const float *x;
  unsigned group, groups; /* weights in one, and how many */
  float top;              /* the largest integer that has a negative, or the largest of all */
  int8_t sc[PV_GROUPS_MAX];
  uint8_t lo[PV_GROUPS_MAX];
} choice;

/* Writes the scales. False when what is stored of them is not finite. */
static bool store(const choice *c, float d, float m, void *block, pv_scales *stored) {
  pv_block_set(c->type->type, block, d, m, c->sc, c->lo);
  *stored = pv_block_scales(c->type->type, block, 0);
  return stored->d - stored->d == 0.0f && stored->m - stored->m == 0.0f;
}

/* Nothing is added: the largest magnitude decides. */
static bool scale_plain(choice *c, void *block) {
  const pv_type_info *type = c->type;
  pv_scales s;
  if (!store(c, largest(c->x, type->block_elements) / (c->top * (float)type->sc_high), 0.0f, block,
             &s))
    return false;
  if (type->form == PV_FORM_D) return true;
  for (unsigned j = 0; j < c->groups; j++)
    c->sc[j] = (int8_t)round_near(quotient(largest(c->x + c->group * j, c->group) / c->top, s.d), 0,
                                  type->sc_high);
  return store(c, s.d, 0.0f, block, &s);
}

static void ends(const float *x, unsigned count, float *min, float *max) {
  for (unsigned i = 0; i < count; i++) {
    if (x[i] < *min) *min = x[i];
    if (x[i] > *max) *max = x[i];
  }
}

/* Minima are taken away and stored as magnitudes, so a group of positive values keeps one of 0. */
static bool scale_less(choice *c, void *block) {
  const pv_type_info *type = c->type;
  float scale[PV_GROUPS_MAX], low[PV_GROUPS_MAX], max_scale = 0.0f, max_low = 0.0f;
  pv_scales s;
  for (unsigned j = 0; j < c->groups; j++) {
    float min = 0.0f, max = c->x[c->group * j];
    ends(c->x + c->group * j, c->group, &min, &max);
    scale[j] = max > min ? max / c->top - min / c->top : 0.0f;
    low[j] = -min;
    if (scale[j] > max_scale) max_scale = scale[j];
    if (low[j] > max_low) max_low = low[j];
  }
  if (!store(c, max_scale / (float)type->sc_high, max_low / (float)type->lo_high, block, &s))
    return false;
  for (unsigned j = 0; j < c->groups; j++) {
    c->sc[j] = (int8_t)round_near(quotient(scale[j], s.d), 0, type->sc_high);
    c->lo[j] = (uint8_t)round_near(quotient(low[j], s.m), 0, type->lo_high);
  }
  return store(c, s.d, s.m, block, &s);
}

/* One minimum of either sign is added. */
static bool scale_more(choice *c, void *block) {
  float min = c->x[0], max = c->x[0];
  pv_scales s;
  ends(c->x, c->type->block_elements, &min, &max);
  return store(c, max / c->top - min / c->top, min, block, &s);
}

static bool encode_block(const pv_type_info *type, const float *x, void *block) {
  int8_t q[PV_BLOCK_MAX];
  const unsigned group = pv_form_group(type->form);
  choice c = {.type = type, .x = x, .group = group, .groups = type->block_elements / group};
  c.top = (float)(type->low < 0 && -type->low < type->high ? -type->low : type->high);
  memset(block, 0, type->block_bytes);
  if (!(type->form == PV_FORM_D_M         ? scale_more(&c, block)
        : pv_form_has_minimum(type->form) ? scale_less(&c, block)
                                          : scale_plain(&c, block)))
    return false;
  for (unsigned i = 0; i < type->block_elements; i++) {
    const pv_scales s = pv_block_scales(type->type, block, i / 32);
    const unsigned half = i / 16 % 2;
    const float step = s.d * (float)s.sc[half], minimum = s.m * (float)s.lo[half];
    const float moved = type->form == PV_FORM_D_M ? x[i] - minimum : x[i] + minimum;
    q[i] = (int8_t)round_near(quotient(moved, step), type->low, type->high);
  }
  pv_block_pack(type->type, q, block);
  return true;
}

static bool encode_plain(pv_type type, float x, void *out) {
  const uint16_t half = type == PV_TYPE_F16 ? pv_f32_to_f16(x) : pv_f32_to_bf16(x);
  const uint16_t infinity = type == PV_TYPE_F16 ? 0x7c00u : 0x7f80u;
  memcpy(out, type == PV_TYPE_F32 ? (const void *)&x : &half, type == PV_TYPE_F32 ? 4 : 2);
  return type == PV_TYPE_F32 || (half & infinity) != infinity;
}

pv_code pv_quantise_row(pv_type type, const float *values, uint64_t count, void *out,
                        pv_error *err) {
  const pv_type_info *info = pv_type_get((uint32_t)type);
  if (info == NULL)
    return pv_error_set(err, PV_ERR_INPUT, "no encoder for tensor type %u", (unsigned)type);
  if (count % info->block_elements != 0)
    return pv_error_set(err, PV_ERR_INPUT, "%llu values are not whole blocks of %u (%s)",
                        (unsigned long long)count, (unsigned)info->block_elements, info->name);
  unsigned char *to = out;
  for (uint64_t at = 0; at < count; at += info->block_elements, to += info->block_bytes) {
    bool ok = true;
    for (uint32_t i = 0; i < info->block_elements; i++)
      ok = ok && values[at + i] - values[at + i] == 0.0f; /* false for NaN and infinities */
    if (!ok || !(info->quantised ? encode_block(info, values + at, to)
                                 : encode_plain(type, values[at], to)))
      return pv_error_set(
          err, PV_ERR_INPUT, "values %llu to %llu cannot be stored as %s: not finite or too large",
          (unsigned long long)at, (unsigned long long)(at + info->block_elements - 1), info->name);
  }
  return PV_OK;
}
