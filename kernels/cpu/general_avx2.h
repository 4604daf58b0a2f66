/* 256 weights in the order of pv_act_slot, by the header of their type: the way of every type that
 * has none of its own in unpack_avx2.h. Headers write the words of a segment side by side, which a
 * compiler makes vectors of where no table is looked up. */
#ifndef PV_CPU_GENERAL_AVX2_H
#define PV_CPU_GENERAL_AVX2_H

#include <immintrin.h>

#include "kernels/cpu/cpu.h"

#define PV_INLINE static inline __attribute__((always_inline))

/* The most bytes of 256 weights, in blocks of fewer. */
enum { CHUNK_MAX = 8 * sizeof(pv_block_q8_0) };

PV_INLINE __m256i load256(const void *p) {
  return _mm256_loadu_si256(p);
}

PV_INLINE void store256(void *p, __m256i x) {
  _mm256_storeu_si256(p, x);
}

/* The float and integer scales of eight segments in the order of pv_segment_slot. */
typedef struct pv_scale8 {
  __m256 d, dmin;
  __m256i sc, sc1; /* of halves: those in the two eights of pv_half_slot */
  __m256i lo, lo1;
} pv_scale8;

/* NAME: lane p of each 128 bits of a, b, c, d, side by side. */
#define PV_TRANSPOSE4(NAME, type, OP)                                          \
  PV_INLINE void NAME(type a, type b, type c, type d, type out[4]) {           \
    const type ab0 = OP(unpacklo_epi32)(a, b), ab1 = OP(unpackhi_epi32)(a, b); \
    const type cd0 = OP(unpacklo_epi32)(c, d), cd1 = OP(unpackhi_epi32)(c, d); \
    out[0] = OP(unpacklo_epi64)(ab0, cd0);                                     \
    out[1] = OP(unpackhi_epi64)(ab0, cd0);                                     \
    out[2] = OP(unpacklo_epi64)(ab1, cd1);                                     \
    out[3] = OP(unpackhi_epi64)(ab1, cd1);                                     \
  }
#define PV_OP256(name) _mm256_##name
PV_TRANSPOSE4(transpose4, __m256i, PV_OP256)

/* Two times 16 bytes. */
PV_INLINE __m256i load_two(const uint8_t *low, const uint8_t *high) {
  return _mm256_inserti128_si256(
      _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)low)),
      _mm_loadu_si128((const __m128i *)(const void *)high), 1);
}

/* The same 16 bytes of eight rows: register i has their word i, row by row. */
PV_INLINE void words_of_rows(const unsigned char *const row[8], size_t at, __m256i out[4]) {
  transpose4(load_two(row[0] + at, row[4] + at), load_two(row[1] + at, row[5] + at),
             load_two(row[2] + at, row[6] + at), load_two(row[3] + at, row[7] + at), out);
}

/* Even and odd segments to the order of pv_half_slot. */
PV_INLINE void pair_halves(const __m256i even[4], const __m256i odd[4], __m256i r[8]) {
#pragma GCC unroll 4
  for (int p = 0; p < 4; p++) {
    r[p] = _mm256_blend_epi32(even[p], odd[p], 0xf0);
    r[4 + p] = _mm256_permute2x128_si256(even[p], odd[p], 0x21);
  }
}

/* Rows of 32 bytes, one for each segment, to the order of pv_act_slot. */
PV_INLINE void transpose8(const __m256i row[8], __m256i r[8]) {
  __m256i even[4], odd[4];
  transpose4(row[0], row[4], row[2], row[6], even);
  transpose4(row[1], row[5], row[3], row[7], odd);
  pair_halves(even, odd, r);
}

#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number)
#define PV_TYPE_ROW(NAME, name, number, elements, form, ...) \
  case PV_TYPE_##NAME:                                       \
    return form;
PV_INLINE pv_form form_of(pv_type type) {
  switch ((uint32_t)type) {
#include "kernels/quant/list.h"
  }
  return PV_FORM_PLAIN;
}

#undef PV_TYPE_ROW
#define PV_TYPE_ROW(NAME, name, number, elements, ...) \
  case PV_TYPE_##NAME:                                 \
    return 256 / (elements);
PV_INLINE size_t blocks_in_256(pv_type type) {
  switch ((uint32_t)type) {
#include "kernels/quant/list.h"
  }
  return 0;
}

/* Whether the sum of a segment, times its scale, stays below 2^31: activations are at most 32512.
 * Sums of half a segment always do (table.c). */
#undef PV_TYPE_ROW
#define PV_TYPE_ROW(NAME, name, number, elements, form, ...) \
  case PV_TYPE_##NAME:                                       \
    return PV_TYPE_LARGEST(__VA_ARGS__) * PV_ACT16_MAX < (1 << 26);
PV_INLINE bool whole_fits(pv_type type) {
  switch ((uint32_t)type) {
#include "kernels/quant/list.h"
  }
  return false;
}

/* Scales of segments 0 to 7 in the order of their slots. */
typedef struct slot_scales {
  float d[8], dmin[8];
  int32_t sc[16], lo[16];
} slot_scales;

PV_INLINE void put_scales(const pv_scales *by, size_t segment, slot_scales *out) {
  const size_t at = pv_segment_slot(segment);
  out->d[at] = by->d;
  out->dmin[at] = by->m;
  for (size_t h = 0; h < 2; h++) {
    out->sc[pv_half_slot(segment, h)] = by->sc[h];
    out->lo[pv_half_slot(segment, h)] = by->lo[h];
  }
}

#undef PV_TYPE_ROW
#define PV_TYPE_ROW(NAME, name, number, elements, ...)                                        \
  case PV_TYPE_##NAME:                                                                        \
    for (unsigned j = 0; j < 8; j++) {                                                        \
      const pv_block_##name *b = (const pv_block_##name *)blocks + 32 * j / (elements);       \
      const unsigned segment = j % ((elements) / 32);                                         \
      const pv_scales by = pv_##name##_scales(b, segment);                                    \
      for (unsigned t = 0; t < 8; t++) four[j][t] = (int32_t)pv_##name##_four(b, segment, t); \
      put_scales(&by, j, &scale);                                                             \
    }                                                                                         \
    break;
PV_INLINE void unpack_by_header(pv_type type, const void *blocks, __m256i r[8], pv_scale8 *s) {
  int32_t four[8][8];
  slot_scales scale;
  __m256i row[8];
  switch ((uint32_t)type) {
#include "kernels/quant/list.h"
  }
  for (size_t j = 0; j < 8; j++) row[j] = load256(four[j]);
  transpose8(row, r);
  *s = (pv_scale8){_mm256_loadu_ps(scale.d), _mm256_loadu_ps(scale.dmin), load256(scale.sc),
                   load256(scale.sc + 8),    load256(scale.lo),           load256(scale.lo + 8)};
}

#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number)
#define PV_TYPE_ROW(NAME, ...)

#endif
