/* Decoding of rows. Every float32 rounding is written out as its own assignment; together with
 * -ffp-contract=off this fixes the result bit for bit. */
#include "kernels/quant/quant.h"

/* The 32 weights of a segment from their integers, a form that the compiler knows. */
PV_ARITH void segment_f32(pv_form form, const pv_scales *s, const int8_t *q, float *out) {
  for (unsigned i = 0; i < 32; i++) {
    const float scale = s->d * (float)s->sc[i / 16];
    const float product = scale * (float)q[i];
    const float minimum = s->m * (float)s->lo[i / 16];
    /* Without a minimum nothing is subtracted: a -0 stays what it is. */
    out[i] = form == PV_FORM_D_M         ? product + minimum
             : pv_form_has_minimum(form) ? product - minimum
                                         : product;
  }
}

PV_ARITH void segment_f64(pv_form form, const pv_scales *s, const int8_t *q, double *out) {
  for (unsigned i = 0; i < 32; i++) {
    /* 11 + 8 + 7 significant bits: both products are exact. */
    const double product = (double)s->d * (double)(s->sc[i / 16] * q[i]);
    const double minimum = (double)s->m * (double)s->lo[i / 16];
    out[i] = form == PV_FORM_D_M         ? product + minimum
             : pv_form_has_minimum(form) ? product - minimum
                                         : product;
  }
}

/* A row of each type. */
typedef float *out_f32;
typedef double *out_f64;
#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number)                                              \
  static void name##_f32(const pv_block_##name *row, uint64_t count, float *out) {    \
    for (uint64_t i = 0; i < count; i++) out[i] = pv_##name##_value(row + i);         \
  }                                                                                   \
  static void name##_f64(const pv_block_##name *row, uint64_t count, double *out) {   \
    for (uint64_t i = 0; i < count; i++) out[i] = (double)pv_##name##_value(row + i); \
  }
#define PV_TYPE_ROW(NAME, name, number, elements, form, ...) \
  ROWS(name, f32, elements, form) ROWS(name, f64, elements, form)
#define ROWS(name, kind, elements, form)                                                  \
  static void name##_##kind(const pv_block_##name *row, uint64_t count, out_##kind out) { \
    for (uint64_t i = 0; i < count / 32; i++) {                                           \
      const pv_block_##name *block = row + i / ((elements) / 32);                         \
      const unsigned s = (unsigned)(i % ((elements) / 32));                               \
      const pv_scales scales = pv_##name##_scales(block, s);                              \
      int8_t q[32];                                                                       \
      for (unsigned t = 0; t < 8; t++) {                                                  \
        const uint32_t four = pv_##name##_four(block, s, t);                              \
        memcpy(q + 4 * (size_t)t, &four, sizeof four);                                    \
      }                                                                                   \
      segment_##kind(form, &scales, q, out + 32 * i);                                     \
    }                                                                                     \
  }
#include "kernels/quant/list.h"

#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number) PV_TYPE_ROW(NAME, name)
#define PV_TYPE_ROW(NAME, name, ...) \
  case PV_TYPE_##NAME:               \
    name##_f32(row, count, out);     \
    return;

void pv_dequant_f32(pv_type type, const void *row, uint64_t count, float *out) {
  switch (type) {
#include "kernels/quant/list.h"
  }
}

#undef PV_TYPE_ROW
#define PV_TYPE_ROW(NAME, name, ...) \
  case PV_TYPE_##NAME:               \
    name##_f64(row, count, out);     \
    return;

void pv_dequant_f64(pv_type type, const void *row, uint64_t count, double *out) {
  switch (type) {
#include "kernels/quant/list.h"
  }
}
