/* Unpacking of block integers and of the packed six-bit scales. */
#include <string.h>

#include "kernels/quant/quant.h"

void pv_k4_scales(const uint8_t scales[12], uint8_t sc[8], uint8_t m[8]) {
  /* Pairs 0..3 take the low six bits of bytes 0..3 and 4..7. The top two bits of those bytes are
   * the top two bits of pairs 4..7, whose low four bits are the nibbles of bytes 8..11. */
  for (unsigned j = 0; j < 4; j++) {
    sc[j] = scales[j] & 63u;
    m[j] = scales[4 + j] & 63u;
    sc[4 + j] = (uint8_t)((scales[8 + j] & 15u) | (scales[j] >> 6) << 4);
    m[4 + j] = (uint8_t)((scales[8 + j] >> 4) | (scales[4 + j] >> 6) << 4);
  }
}

static void q4_k(const pv_block_q4_k *block, int8_t *out) {
  for (unsigned i = 0; i < 256; i++) {
    const uint8_t byte = block->q[i / 64 * 32 + i % 32];
    out[i] = (int8_t)(i % 64 < 32 ? byte & 15u : byte >> 4);
  }
}

static void q5_k(const pv_block_q5_k *block, int8_t *out) {
  for (unsigned i = 0; i < 256; i++) {
    const uint8_t byte = block->q[i / 64 * 32 + i % 32];
    const unsigned fifth = (block->high[i % 32] >> (i / 32)) & 1u;
    out[i] = (int8_t)((i % 64 < 32 ? byte & 15u : byte >> 4) | fifth << 4);
  }
}

static void q6_k(const pv_block_q6_k *block, int8_t *out) {
  /* Each half of 128 weights is four quarters of 32: 64 low bytes hold quarters 0, 1 in their low
   * nibbles and 2, 3 in their high ones; 32 high bytes hold two bits for each quarter. */
  for (unsigned i = 0; i < 256; i++) {
    const unsigned half = i / 128, quarter = i % 128 / 32, lane = i % 32;
    const uint8_t byte = block->low[half * 64 + quarter % 2 * 32 + lane];
    const unsigned low = quarter < 2 ? byte & 15u : (unsigned)(byte >> 4);
    const unsigned high = (block->high[half * 32 + lane] >> (2 * quarter)) & 3u;
    out[i] = (int8_t)((int)(low | high << 4) - 32);
  }
}

void pv_block_integers(pv_type type, const void *block, int8_t *out) {
  switch (type) {
    case PV_TYPE_Q8_0:
      for (unsigned i = 0; i < 32; i++) out[i] = ((const pv_block_q8_0 *)block)->q[i];
      break;
    case PV_TYPE_Q4_K:
      q4_k(block, out);
      break;
    case PV_TYPE_Q5_K:
      q5_k(block, out);
      break;
    case PV_TYPE_Q6_K:
      q6_k(block, out);
      break;
    case PV_TYPE_F32:
    case PV_TYPE_F16:
    case PV_TYPE_BF16:
      break; /* no integers */
  }
}

void pv_k4_pack(const uint8_t sc[8], const uint8_t m[8], uint8_t scales[12]) {
  for (unsigned j = 0; j < 4; j++) {
    scales[j] = (uint8_t)(sc[j] | (sc[4 + j] >> 4) << 6);
    scales[4 + j] = (uint8_t)(m[j] | (m[4 + j] >> 4) << 6);
    scales[8 + j] = (uint8_t)((sc[4 + j] & 15u) | (m[4 + j] & 15u) << 4);
  }
}

/* The nibbles of Q4_K and Q5_K. */
static void pack_nibbles(const int8_t *integers, uint8_t q[128]) {
  for (unsigned i = 0; i < 128; i++) {
    const int8_t *low = &integers[i / 32 * 64 + i % 32];
    q[i] = (uint8_t)((low[0] & 15) | (low[32] & 15) << 4);
  }
}

static void pack_q6_k(const int8_t *integers, pv_block_q6_k *block) {
  memset(block->low, 0, sizeof block->low);
  memset(block->high, 0, sizeof block->high);
  for (unsigned i = 0; i < 256; i++) {
    const unsigned half = i / 128, quarter = i % 128 / 32, lane = i % 32;
    const unsigned q = (unsigned)(integers[i] + 32) & 63u;
    uint8_t *low = &block->low[half * 64 + quarter % 2 * 32 + lane];
    uint8_t *high = &block->high[half * 32 + lane];
    *low = (uint8_t)(*low | (q & 15u) << (quarter < 2 ? 0 : 4));
    *high = (uint8_t)(*high | (q >> 4) << (2 * quarter));
  }
}

void pv_block_pack(pv_type type, const int8_t *integers, void *block) {
  pv_block_q5_k *q5 = block;
  switch (type) {
    case PV_TYPE_Q8_0:
      memcpy(((pv_block_q8_0 *)block)->q, integers, 32);
      break;
    case PV_TYPE_Q4_K:
      pack_nibbles(integers, ((pv_block_q4_k *)block)->q);
      break;
    case PV_TYPE_Q5_K:
      pack_nibbles(integers, q5->q);
      memset(q5->high, 0, sizeof q5->high);
      for (unsigned i = 0; i < 256; i++)
        q5->high[i % 32] = (uint8_t)(q5->high[i % 32] | ((integers[i] >> 4) & 1) << (i / 32));
      break;
    case PV_TYPE_Q6_K:
      pack_q6_k(integers, block);
      break;
    case PV_TYPE_F32:
    case PV_TYPE_F16:
    case PV_TYPE_BF16:
      break; /* no integers */
  }
}
