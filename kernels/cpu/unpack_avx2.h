/* 256 weights in the order of pv_act_slot. */
#ifndef PV_CPU_UNPACK_AVX2_H
#define PV_CPU_UNPACK_AVX2_H

#include <string.h>

#include "kernels/cpu/general_avx2.h"

PV_INLINE int32_t word_at(const uint8_t *p) {
  return (int32_t)pv_word(p);
}

/* How the products of one activation row are made. Only the types that are named here have code of
 * their own below: any other is taken apart by what its header says, and so are all of them where a
 * test asks for it. */
typedef enum way { BY_HEADER, BY_HAND, BY_PLANES, BY_CRUMBS, BY_ROWS } way;
PV_INLINE way way_of(pv_type type) {
#ifndef PV_ALL_BY_HEADER
  switch ((uint32_t)type) {
    case PV_TYPE_Q4_0:
    case PV_TYPE_Q4_1:
    case PV_TYPE_Q8_0:
    case PV_TYPE_IQ4_NL:
    case PV_TYPE_IQ4_XS:
    case PV_TYPE_MXFP4:
      return BY_HAND;
    case PV_TYPE_Q5_0:
    case PV_TYPE_Q5_1:
      return BY_PLANES;
    case PV_TYPE_Q2_K:
    case PV_TYPE_Q3_K:
    case PV_TYPE_TQ2_0:
    case PV_TYPE_Q5_K:
    case PV_TYPE_Q6_K:
      return BY_CRUMBS;
    case PV_TYPE_Q4_K:
      return BY_ROWS;
    default:
      break;
  }
#else
  (void)type;
#endif
  return BY_HEADER;
}

PV_INLINE bool keeps_signs(pv_type type) {
  return type == PV_TYPE_Q8_0 || way_of(type) == BY_HEADER;
}

/* What the integers of a type are too large by as they are unpacked, bytes from 0 on. */
PV_INLINE int offset_of(pv_type type) {
  if (way_of(type) == BY_HEADER) return 0;
  switch (type) {
    case PV_TYPE_TQ2_0:
      return 1;
    case PV_TYPE_Q3_K:
      return 4;
    case PV_TYPE_Q4_0:
      return 8;
    case PV_TYPE_MXFP4:
      return 12;
    case PV_TYPE_Q5_0:
      return 16;
    case PV_TYPE_IQ4_NL:
    case PV_TYPE_IQ4_XS:
      return 128;
    default:
      return 0;
  }
}

/* Bytes to 16 bits without a shuffle: bytes 0 and 2 of each four, and bytes 1 and 3. */
PV_INLINE __m256i widen_even(pv_type type, __m256i r) {
  if (keeps_signs(type)) return _mm256_srai_epi16(_mm256_slli_epi16(r, 8), 8);
  return _mm256_and_si256(r, _mm256_set1_epi16(255));
}
PV_INLINE __m256i widen_odd(pv_type type, __m256i r) {
  return keeps_signs(type) ? _mm256_srai_epi16(r, 8) : _mm256_srli_epi16(r, 8);
}

PV_INLINE __m256i q6(__m256i low, __m256i high) {
  const __m256i four = _mm256_and_si256(low, _mm256_set1_epi8(15));
  return _mm256_or_si256(four, _mm256_and_si256(high, _mm256_set1_epi8(0x30)));
}

/* Eight blocks of 32: their scales, in the order of pv_segment_slot. */
#define EIGHT(b, member)                                                                           \
  _mm256_cvtph_ps(_mm_setr_epi16((short)(b)[0].member, (short)(b)[4].member, (short)(b)[2].member, \
                                 (short)(b)[6].member, (short)(b)[1].member, (short)(b)[5].member, \
                                 (short)(b)[3].member, (short)(b)[7].member))

PV_INLINE void unpack_q8_0(const pv_block_q8_0 *b, __m256i r[8], pv_scale8 *s) {
  __m256i row[8];
#pragma GCC unroll 8
  for (size_t j = 0; j < 8; j++) row[j] = load256(b[j].q);
  transpose8(row, r);
  s->d = EIGHT(b, d);
}

/* Eight times 16 bytes, `stride` apart, in whose low nibbles is the first half of a segment and in
 * whose high ones the second. Even segments lie in the lower half of a register, odd ones in the
 * upper: their nibbles are all that differs between the two eights of pv_half_slot. */
PV_INLINE void rows_nibbles(const uint8_t *q, size_t stride, __m256i r[8]) {
  const __m256i nibble = _mm256_set1_epi8(15);
  const __m256i first = _mm256_setr_epi32(0, 0, 0, 0, 4, 4, 4, 4);
  const __m256i second = _mm256_setr_epi32(4, 4, 4, 4, 0, 0, 0, 0);
  __m256i t[4];
  transpose4(load_two(q, q + stride), load_two(q + 4 * stride, q + 5 * stride),
             load_two(q + 2 * stride, q + 3 * stride), load_two(q + 6 * stride, q + 7 * stride), t);
#pragma GCC unroll 4
  for (int p = 0; p < 4; p++) {
    r[p] = _mm256_and_si256(_mm256_srlv_epi32(t[p], first), nibble);
    r[4 + p] = _mm256_and_si256(_mm256_srlv_epi32(t[p], second), nibble);
  }
}

/* Fifth bits of eight segments, 32 bits each in the order of pv_segment_slot: bits 16 h + 4 p .. of
 * half h belong to register p of its eight. */
PV_INLINE void add_fifth(__m256i high, __m256i r[8]) {
  const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12, 0, 0,
                                          0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12);
  const __m256i low_bits = _mm256_set1_epi32(0x08040201),
                high_bits = _mm256_set1_epi32((int)0x80402010);
  const __m256i bit = _mm256_set1_epi8(16);
  /* The 16 bits of the half that each eight has, in the low half of the lane. */
  const __m256i first = _mm256_srlv_epi32(high, _mm256_setr_epi32(0, 0, 0, 0, 16, 16, 16, 16));
  const __m256i second = _mm256_srlv_epi32(high, _mm256_setr_epi32(16, 16, 16, 16, 0, 0, 0, 0));
#pragma GCC unroll 4
  for (int p = 0; p < 4; p++) {
    const __m256i from = p < 2 ? spread : _mm256_add_epi8(spread, _mm256_set1_epi8(1));
    const __m256i mask = p % 2 == 0 ? low_bits : high_bits;
    const __m256i a = _mm256_and_si256(_mm256_shuffle_epi8(first, from), mask);
    const __m256i b = _mm256_and_si256(_mm256_shuffle_epi8(second, from), mask);
    r[p] = _mm256_or_si256(r[p], _mm256_and_si256(_mm256_cmpeq_epi8(a, mask), bit));
    r[4 + p] = _mm256_or_si256(r[4 + p], _mm256_and_si256(_mm256_cmpeq_epi8(b, mask), bit));
  }
}

PV_INLINE __m128i load_words(const uint8_t *p, size_t stride) {
  const __m128i a = _mm_unpacklo_epi32(_mm_loadu_si32(p), _mm_loadu_si32(p + 4 * stride));
  const __m128i b =
      _mm_unpacklo_epi32(_mm_loadu_si32(p + 2 * stride), _mm_loadu_si32(p + 6 * stride));
  return _mm_unpacklo_epi64(a, b);
}

/* Four bytes of each of eight blocks. Loaded one by one: where a compiler is left to put numbers
 * together, it does so in memory, and reads them before they are there. */
PV_INLINE __m256i eight_words(const uint8_t *p, size_t stride) {
  return _mm256_set_m128i(load_words(p + stride, stride), load_words(p, stride));
}

/* d and m of eight blocks that begin with them. */
PV_INLINE void scale_d_m(const void *blocks, size_t stride, pv_scale8 *s) {
  const __m256i apart = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15));
  const __m256i all =
      _mm256_permute4x64_epi64(_mm256_shuffle_epi8(eight_words(blocks, stride), apart), 0xd8);
  s->d = _mm256_cvtph_ps(_mm256_castsi256_si128(all));
  s->dmin = _mm256_cvtph_ps(_mm256_extracti128_si256(all, 1));
}

/* Nibbles to the entries of a table, larger by `offset`. */
PV_INLINE void look_up(const uint32_t words[4], int offset, __m256i r[8]) {
  const __m256i table = _mm256_add_epi8(
      _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)words)),
      _mm256_set1_epi8((char)offset));
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) r[i] = _mm256_shuffle_epi8(table, r[i]);
}

/* 2^(e - 128) of eight blocks. */
PV_INLINE __m256 scale_mxfp4(const pv_block_mxfp4 *b) {
  const __m256i e =
      _mm256_setr_epi32(b[0].e, b[4].e, b[2].e, b[6].e, b[1].e, b[5].e, b[3].e, b[7].e);
  const __m256i normal = _mm256_slli_epi32(_mm256_sub_epi32(e, _mm256_set1_epi32(1)), 23);
  const __m256i tiny = _mm256_sllv_epi32(_mm256_set1_epi32(0x00200000), e);
  const __m256i small = _mm256_cmpgt_epi32(_mm256_set1_epi32(2), e);
  return _mm256_castsi256_ps(_mm256_blendv_epi8(normal, tiny, small));
}

/* 64 bytes with two bits of each weight: of 128 weights, four segments, in 32 bytes. Those of the
 * second 128 are put beside those of the first, and each lane shifts out its own segment's. */
PV_INLINE void rows_crumbs(const uint8_t *q, __m256i r[8]) {
  const __m256i crumb = _mm256_set1_epi8(3);
  const __m256i shift = _mm256_setr_epi32(0, 0, 4, 4, 2, 2, 6, 6);
  const __m256i a = load256(q), b = load256(q + 32);
  const __m256i low = _mm256_unpacklo_epi32(a, b), high = _mm256_unpackhi_epi32(a, b);
  const __m256i half[4] = {low, high, _mm256_permute4x64_epi64(low, 0x4e),
                           _mm256_permute4x64_epi64(high, 0x4e)};
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    const __m256i even = _mm256_shuffle_epi32(half[i], 0x44),
                  odd = _mm256_shuffle_epi32(half[i], 0xee);
    r[2 * i] = _mm256_and_si256(_mm256_srlv_epi32(even, shift), crumb);
    r[2 * i + 1] = _mm256_and_si256(_mm256_srlv_epi32(odd, shift), crumb);
  }
}

/* The third bits of Q3_K: bit j of 32 bytes belongs to segment j. */
PV_INLINE void add_third(const uint8_t *high, __m256i r[8]) {
  const __m256i bit = _mm256_set1_epi8(4);
  const __m256i a = load256(high), swapped = _mm256_permute4x64_epi64(a, 0x4e);
  /* Lanes take segments 0 4 2 6 and 1 5 3 7: the first two are moved up to bit 2, or down. */
  const __m256i left = _mm256_setr_epi32(2, 0, 0, 0, 1, 0, 0, 0);
  const __m256i right = _mm256_setr_epi32(0, 2, 0, 4, 0, 3, 1, 5);
#pragma GCC unroll 4
  for (int p = 0; p < 4; p++) {
    const __m256i first = p == 0   ? _mm256_shuffle_epi32(a, 0x00)
                          : p == 1 ? _mm256_shuffle_epi32(a, 0x55)
                          : p == 2 ? _mm256_shuffle_epi32(a, 0xaa)
                                   : _mm256_shuffle_epi32(a, 0xff);
    const __m256i second = p == 0   ? _mm256_shuffle_epi32(swapped, 0x00)
                           : p == 1 ? _mm256_shuffle_epi32(swapped, 0x55)
                           : p == 2 ? _mm256_shuffle_epi32(swapped, 0xaa)
                                    : _mm256_shuffle_epi32(swapped, 0xff);
    r[p] = _mm256_or_si256(
        r[p], _mm256_and_si256(_mm256_srlv_epi32(_mm256_sllv_epi32(first, left), right), bit));
    r[4 + p] = _mm256_or_si256(
        r[4 + p], _mm256_and_si256(_mm256_srlv_epi32(_mm256_sllv_epi32(second, left), right), bit));
  }
}

/* Sixteen bytes, one for each half of a segment, to the two eights of pv_half_slot. */
PV_INLINE __m128i half_order(__m128i packed) {
  return _mm_shuffle_epi8(packed,
                          _mm_setr_epi8(0, 8, 4, 12, 3, 11, 7, 15, 1, 9, 5, 13, 2, 10, 6, 14));
}

PV_INLINE void scale_q2_k(const pv_block_q2_k *b, pv_scale8 *s) {
  const __m128i nibble = _mm_set1_epi8(15);
  const __m128i all = half_order(_mm_loadu_si128((const __m128i *)(const void *)b->scales));
  const __m128i sc = _mm_and_si128(all, nibble), lo = _mm_and_si128(_mm_srli_epi16(all, 4), nibble);
  const __m128 d = _mm_cvtph_ps(_mm_cvtsi32_si128(word_at((const uint8_t *)&b->d)));
  s->d = _mm256_broadcastss_ps(d);
  s->dmin = _mm256_broadcastss_ps(_mm_movehdup_ps(d));
  s->sc = _mm256_cvtepu8_epi32(sc);
  s->sc1 = _mm256_cvtepu8_epi32(_mm_srli_si128(sc, 8));
  s->lo = _mm256_cvtepu8_epi32(lo);
  s->lo1 = _mm256_cvtepu8_epi32(_mm_srli_si128(lo, 8));
}

/* Bytes 0..7 have the low four bits of sub-scales 0..7 and 8..15, bytes 8..11 two bits of each
 * fourth. */
PV_INLINE __m128i scales_q3_k(const pv_block_q3_k *b) {
  const __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)b->scales);
  const __m128i low = _mm_and_si128(
      _mm_srlv_epi64(_mm_broadcastq_epi64(bytes), _mm_set_epi64x(4, 0)), _mm_set1_epi8(15));
  const __m128i high = _mm_and_si128(
      _mm_srlv_epi32(_mm_set1_epi32(word_at(b->scales + 8)), _mm_setr_epi32(0, 2, 4, 6)),
      _mm_set1_epi8(3));
  const __m128i sixteens = _mm_set1_epi32(PV_FOUR_BYTES(-32, -16, 0, 16));
  return _mm_add_epi8(low, _mm_shuffle_epi8(sixteens, high));
}

PV_INLINE void scale_q3_k(const pv_block_q3_k *b, pv_scale8 *s) {
  const __m128i all = half_order(scales_q3_k(b));
  s->d = _mm256_set1_ps(_cvtsh_ss(b->d));
  s->sc = _mm256_cvtepi8_epi32(all);
  s->sc1 = _mm256_cvtepi8_epi32(_mm_srli_si128(all, 8));
}

PV_INLINE void scale_iq4_xs(const pv_block_iq4_xs *b, pv_scale8 *s) {
  const __m256i slots = _mm256_setr_epi32(0, 4, 2, 6, 1, 5, 3, 7);
  const __m256i twice = _mm256_slli_epi32(slots, 1), four = _mm256_slli_epi32(slots, 2);
  const __m256i low = _mm256_and_si256(_mm256_srlv_epi32(_mm256_set1_epi32(word_at(b->low)), four),
                                       _mm256_set1_epi32(15));
  const __m256i high =
      _mm256_and_si256(_mm256_srlv_epi32(_mm256_set1_epi32(b->high), twice), _mm256_set1_epi32(3));
  s->d = _mm256_set1_ps(_cvtsh_ss(b->d));
  s->sc = s->sc1 =
      _mm256_sub_epi32(_mm256_or_si256(low, _mm256_slli_epi32(high, 4)), _mm256_set1_epi32(32));
}

static const uint32_t iq4_table[4] = {PV_IQ4_TABLE}, mxfp4_table[4] = {PV_MXFP4_TABLE};

/* Eight blocks of 32. */
PV_INLINE void unpack_eight(pv_type type, const void *blocks, __m256i r[8], pv_scale8 *s) {
#define NIBBLES(name) rows_nibbles(((const pv_block_##name *)blocks)->q, sizeof(pv_block_##name), r)
#define FIFTH(name) \
  add_fifth(eight_words(((const pv_block_##name *)blocks)->high, sizeof(pv_block_##name)), r)
#define SCALE(name) s->d = EIGHT((const pv_block_##name *)blocks, d)
  switch ((uint32_t)type) {
    case PV_TYPE_Q8_0:
      unpack_q8_0(blocks, r, s);
      break;
    case PV_TYPE_Q4_0:
      NIBBLES(q4_0);
      SCALE(q4_0);
      break;
    case PV_TYPE_Q4_1:
      NIBBLES(q4_1);
      scale_d_m(blocks, sizeof(pv_block_q4_1), s);
      break;
    case PV_TYPE_Q5_0:
      NIBBLES(q5_0);
      FIFTH(q5_0);
      SCALE(q5_0);
      break;
    case PV_TYPE_Q5_1:
      NIBBLES(q5_1);
      FIFTH(q5_1);
      scale_d_m(blocks, sizeof(pv_block_q5_1), s);
      break;
    case PV_TYPE_IQ4_NL:
      NIBBLES(iq4_nl);
      look_up(iq4_table, offset_of(type), r);
      SCALE(iq4_nl);
      break;
    case PV_TYPE_MXFP4:
      NIBBLES(mxfp4);
      look_up(mxfp4_table, offset_of(type), r);
      s->d = scale_mxfp4(blocks);
      break;
  }
#undef NIBBLES
#undef FIFTH
#undef SCALE
}

/* One block of 256. */
PV_INLINE void unpack_one(pv_type type, const void *block, __m256i r[8], pv_scale8 *s) {
  if (type == PV_TYPE_Q2_K) {
    const pv_block_q2_k *b = block;
    rows_crumbs(b->q, r);
    scale_q2_k(block, s);
  }
  if (type == PV_TYPE_Q3_K) {
    const pv_block_q3_k *b = block;
    rows_crumbs(b->q, r);
    add_third(b->high, r);
    scale_q3_k(block, s);
  }
  if (type == PV_TYPE_TQ2_0) {
    const pv_block_tq2_0 *b = block;
    rows_crumbs(b->q, r);
    s->d = _mm256_set1_ps(_cvtsh_ss(b->d));
  }
  if (type == PV_TYPE_IQ4_XS) {
    rows_nibbles(((const pv_block_iq4_xs *)block)->q, 16, r);
    look_up(iq4_table, offset_of(type), r);
    scale_iq4_xs(block, s);
  }
}

/* 256 weights as eight registers of bytes, register i for registers 2 i and 2 i + 1 of the
 * activations. `segments` of them are there: 8 but at the end of a row in smaller blocks, where
 * what is missing is zeros, which meet activations that are zero too. */
PV_INLINE void unpack(pv_type type, size_t chunk_bytes, const void *block, size_t segments,
                      __m256i r[8], pv_scale8 *s) {
  unsigned char whole[CHUNK_MAX];
  if (blocks_in_256(type) > 1 && segments < 8) {
    memset(whole, 0, sizeof whole);
    memcpy(whole, block, chunk_bytes * segments / 8);
    block = whole;
  }
  if (way_of(type) == BY_HEADER)
    unpack_by_header(type, block, r, s);
  else if (blocks_in_256(type) == 8)
    unpack_eight(type, block, r, s);
  else
    unpack_one(type, block, r, s);
}

/* Activations q = 256 high + low as signed bytes: for each register of bytes of the weights 32 of
 * high and 32 of low. */
PV_INLINE void split_planes(const int16_t *q, size_t k, int8_t *planes) {
  const __m256i byte = _mm256_set1_epi16(255), half = _mm256_set1_epi16(128);
  for (size_t i = 0; i < pv_act_padded(k); i += 32) {
    const __m256i even = load256(q + i), odd = load256(q + i + 16);
    const __m256i high = _mm256_srli_epi16(_mm256_add_epi16(even, half), 8);
    const __m256i high_odd = _mm256_andnot_si256(byte, _mm256_add_epi16(odd, half));
    const __m256i low = _mm256_or_si256(_mm256_and_si256(even, byte), _mm256_slli_epi16(odd, 8));
    __m256i *to = (__m256i *)(void *)(planes + 2 * i);
    _mm256_storeu_si256(to, _mm256_or_si256(high, high_odd));
    _mm256_storeu_si256(to + 1, low);
  }
}

#endif
