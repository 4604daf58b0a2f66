/* What a quantised type is made of: the header of each (types/NAME.h) is read by gcc and nvcc, and
 * gives for its block, whose 32-element segments are numbered from 0,
 *
 *   pv_NAME_four(block, s, t)   integers 4 t .. 4 t + 3 of segment s, a signed byte each
 *   pv_NAME_scales(block, s)    what multiplies them
 *
 * and for the host their inverses, which `pv synth` and tests write blocks with:
 *
 *   pv_NAME_pack(integers, block)        the integers of a block; its scales stay
 *   pv_NAME_set(block, d, m, sc, lo)     its scales, sc and lo one for each group that has its own
 *
 * and weight i of a block a second time, from the description of the format alone (spec.h):
 *
 *   pv_NAME_spec(bytes, i)
 *
 * followed by its row, PV_TYPE_ROW(NAME, name, number in files, weights of a block, form, least and
 * largest integer, least and largest sub-scale, largest lo). list.h has all rows. */
#ifndef PV_QUANT_TYPE_H
#define PV_QUANT_TYPE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/arith/arith.h"

/* How a weight follows from its integer q and the scales of its group. kernels/arith/act.h has the
 * value of a segment for each. */
typedef enum pv_form {
  PV_FORM_PLAIN,   /* no integers */
  PV_FORM_D,       /* d q */
  PV_FORM_D_M,     /* d q + m */
  PV_FORM_SUB,     /* (d sc) q, a sub-scale for each 32 weights */
  PV_FORM_SUB_M,   /* (d sc) q - m lo, the same */
  PV_FORM_HALVES,  /* (d sc) q, a sub-scale for each 16 weights */
  PV_FORM_HALVES_M /* (d sc) q - m lo, the same */
} pv_form;

/* The scales of a segment, those of its halves apart. Where a form has no sub-scale sc is 1; lo is
 * 0 where it has no minimum, and 1 in PV_FORM_D_M. */
typedef struct pv_scales {
  float d, m;
  int sc[2], lo[2];
} pv_scales;

/* Weights that share a sub-scale. */
PV_ARITH unsigned pv_form_group(pv_form form) {
  return form == PV_FORM_HALVES || form == PV_FORM_HALVES_M ? 16 : 32;
}
/* Whether something is added to the products or taken away from them. */
PV_ARITH int pv_form_has_minimum(pv_form form) {
  return form == PV_FORM_D_M || form == PV_FORM_SUB_M || form == PV_FORM_HALVES_M;
}

/* binary16, exactly. */
PV_ARITH float pv_half_f32(uint16_t bits) {
#ifdef __CUDA_ARCH__
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
#else
  const uint32_t sign = (uint32_t)(bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 31u;
  uint32_t fraction = bits & 0x3ffu;
  if (exponent == 31) return pv_f32_bits(sign | 0x7f800000u | fraction << 13);
  if (exponent != 0) return pv_f32_bits(sign | (exponent + 112) << 23 | fraction << 13);
  if (fraction == 0) return pv_f32_bits(sign);
  /* A subnormal is fraction * 2^-24: shift its first one into the hidden place (bit 10). */
  const unsigned shift = (unsigned)__builtin_clz(fraction) - 21u;
  fraction = (fraction << shift) & 0x3ffu;
  return pv_f32_bits(sign | (113u - shift) << 23 | fraction << 13);
#endif
}

/* Four bytes at any address, the first the lowest. */
PV_ARITH uint32_t pv_word(const uint8_t *p) {
  uint32_t word;
  memcpy(&word, p, sizeof word);
  return word;
}

/* In each byte: the four bits, or the lowest two, that begin at bit `shift`. */
PV_ARITH uint32_t pv_nibbles(uint32_t word, unsigned shift) {
  return word >> shift & 0x0f0f0f0fu;
}
PV_ARITH uint32_t pv_crumbs(uint32_t word, unsigned shift) {
  return word >> shift & 0x03030303u;
}

/* Each byte, of 0..127, less `by`, of 0..127: the top bit keeps the borrow within its byte. */
PV_ARITH uint32_t pv_bytes_less(uint32_t bytes, uint32_t by) {
  return ((bytes | 0x80808080u) - by * 0x01010101u) ^ 0x80808080u;
}

/* Bit i of four as bit 4 of byte i. */
PV_ARITH uint32_t pv_fifth_bits(uint32_t four) {
  return (four * 0x00204081u & 0x01010101u) << 4;
}

#define PV_FOUR_BYTES(a, b, c, d)                                                        \
  ((uint32_t)(uint8_t)(a) | (uint32_t)(uint8_t)(b) << 8 | (uint32_t)(uint8_t)(c) << 16 | \
   (uint32_t)(uint8_t)(d) << 24)

/* Sixteen signed bytes; each byte of `nibbles`, of 0..15, is replaced by the one that it counts. */
PV_ARITH uint32_t pv_lookup(uint32_t nibbles, uint32_t t0, uint32_t t1, uint32_t t2, uint32_t t3) {
#ifdef __CUDA_ARCH__
  const uint32_t pairs = (nibbles & 0x07070707u) | (nibbles & 0x07070707u) >> 4;
  const uint32_t select = __byte_perm(pairs, 0, 0x4420);
  const uint32_t upper = (nibbles >> 3 & 0x01010101u) * 255u;
  return (__byte_perm(t0, t1, select) & ~upper) | (__byte_perm(t2, t3, select) & upper);
#else
  const uint32_t table[4] = {t0, t1, t2, t3};
  uint32_t out = 0;
  for (unsigned i = 0; i < 32; i += 8) {
    const uint32_t n = nibbles >> i & 15u;
    out |= (table[n / 4] >> n % 4 * 8 & 255u) << i;
  }
  return out;
#endif
}

/* The values of IQ4_NL and IQ4_XS. */
#define PV_IQ4_TABLE                                                      \
  PV_FOUR_BYTES(-127, -104, -83, -65), PV_FOUR_BYTES(-49, -35, -22, -10), \
      PV_FOUR_BYTES(1, 13, 25, 38), PV_FOUR_BYTES(53, 69, 89, 113)
/* The values of MXFP4, doubled. */
#define PV_MXFP4_TABLE                                                                 \
  PV_FOUR_BYTES(0, 1, 2, 3), PV_FOUR_BYTES(4, 6, 8, 12), PV_FOUR_BYTES(0, -1, -2, -3), \
      PV_FOUR_BYTES(-4, -6, -8, -12)

/* Sub-scale and sub-minimum j of Q4_K and Q5_K. Pairs 0..3 take the low six bits of bytes 0..3 and
 * 4..7. The top two bits of those bytes are the top two bits of pairs 4..7, whose low four bits are
 * the nibbles of bytes 8..11. */
PV_ARITH void pv_k4_scale(const uint8_t scales[12], unsigned j, int *sc, int *lo) {
  *sc = j < 4 ? scales[j] & 63 : (scales[j + 4] & 15) | (scales[j - 4] >> 6) << 4;
  *lo = j < 4 ? scales[j + 4] & 63 : (scales[j + 4] >> 4) | (scales[j] >> 6) << 4;
}

#ifndef __CUDACC__
#include "kernels/quant/pack.h"
#include "kernels/quant/spec.h"
#endif

/* Of a row, from its least integer on: the largest integer times the largest sub-scale. At most
 * 4096, so that the sums of a segment with each plane of an activation, times their scales, are
 * exact in float32 (2^24), and those of half a segment with both stay below 2^31. */
#define PV_TYPE_LARGEST(low, high, sc_low, sc_high, lo_high) \
  (PV_TYPE_LARGER(low, high) * PV_TYPE_LARGER(sc_low, sc_high))
#define PV_TYPE_LARGER(low, high) (-(low) > (high) ? -(low) : (high))

/* What the rows mean to who includes nothing but a type. */
#define PV_PLAIN_ROW(NAME, name, number)
#define PV_TYPE_ROW(NAME, name, number, elements, form, low, high, sc_low, sc_high, lo_high)

#endif
