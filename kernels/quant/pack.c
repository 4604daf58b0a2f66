/* What the headers of the types share when a block is written. */
#include "kernels/quant/pack.h"

#include <stdlib.h>
#include <string.h>

void pv_k4_pack(const uint8_t sc[8], const uint8_t m[8], uint8_t scales[12]) {
  for (unsigned j = 0; j < 4; j++) {
    scales[j] = (uint8_t)(sc[j] | (sc[4 + j] >> 4) << 6);
    scales[4 + j] = (uint8_t)(m[j] | (m[4 + j] >> 4) << 6);
    scales[8 + j] = (uint8_t)((sc[4 + j] & 15u) | (m[4 + j] & 15u) << 4);
  }
}

void pv_pack_nibbles(const int8_t *integers, uint8_t q[16]) {
  for (unsigned i = 0; i < 16; i++)
    q[i] = (uint8_t)((integers[i] & 15) | (integers[16 + i] & 15) << 4);
}

void pv_pack_fifth(const int8_t *integers, uint8_t high[4]) {
  memset(high, 0, 4);
  for (unsigned i = 0; i < 32; i++)
    high[i / 8] = (uint8_t)(high[i / 8] | (integers[i] >> 4 & 1) << (i % 8));
}

void pv_pack_crumbs(const int8_t *integers, uint8_t q[64]) {
  memset(q, 0, 64);
  for (unsigned i = 0; i < 256; i++) {
    uint8_t *to = &q[i / 128 * 32 + i % 32];
    *to = (uint8_t)(*to | (integers[i] & 3) << (i % 128 / 32 * 2));
  }
}

unsigned pv_nearest(const uint32_t words[4], int value) {
  unsigned best = 0;
  int least = 1024;
  for (unsigned n = 0; n < 16; n++) {
    const int away = abs((int8_t)(words[n / 4] >> n % 4 * 8 & 255u) - value);
    if (away < least) {
      least = away;
      best = n;
    }
  }
  return best;
}
