/* How blocks are written: what the inverses in types/NAME.h share. For the host. */
#ifndef PV_QUANT_PACK_H
#define PV_QUANT_PACK_H

#include <stdint.h>

float pv_f16_to_f32(uint16_t bits);  /* exact */
uint16_t pv_f32_to_f16(float value); /* round to nearest even */

/* The eight (sc, m) pairs of a Q4_K or Q5_K super-block; every value is below 64. */
void pv_k4_pack(const uint8_t sc[8], const uint8_t m[8], uint8_t scales[12]);

/* 16 bytes from 32 integers of 0..15: byte l holds l in its low nibble and 16 + l in its high one.
 */
void pv_pack_nibbles(const int8_t *integers, uint8_t q[16]);
/* The bits above the fourth, bit i for integer i. */
void pv_pack_fifth(const int8_t *integers, uint8_t high[4]);
/* 64 bytes from 256 integers of which the lowest two bits are kept. */
void pv_pack_crumbs(const int8_t *integers, uint8_t q[64]);
/* The number of the table's value that is nearest to `value`: `words` as pv_lookup takes them. */
unsigned pv_nearest(const uint32_t words[4], int value);

#endif
