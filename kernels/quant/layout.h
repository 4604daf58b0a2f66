/* The numbers of tensor types and the layouts of their blocks, as in GGUF files: the same for the
 * host and for the device. */
#ifndef PV_QUANT_LAYOUT_H
#define PV_QUANT_LAYOUT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers as stored in a GGUF file. Only these are computed with. */
typedef enum pv_type {
  PV_TYPE_F32 = 0,
  PV_TYPE_F16 = 1,
  PV_TYPE_Q8_0 = 8,
  PV_TYPE_Q4_K = 12,
  PV_TYPE_Q5_K = 13,
  PV_TYPE_Q6_K = 14,
  PV_TYPE_BF16 = 30
} pv_type;

/* Every byte of the file has its place here. Scales are IEEE binary16 bits. */
typedef struct pv_block_q8_0 {
  uint16_t d;
  int8_t q[32];
} pv_block_q8_0;

typedef struct pv_block_q4_k { /* value = d * sc[j] * q - dmin * m[j], j = sub-block of 32 */
  uint16_t d, dmin;
  uint8_t scales[12]; /* 8 six-bit sc and 8 six-bit m, packed */
  uint8_t q[128];     /* per 64 weights: 32 bytes, low nibbles first 32, high nibbles next 32 */
} pv_block_q4_k;

typedef struct pv_block_q5_k { /* as Q4_K with a fifth bit */
  uint16_t d, dmin;
  uint8_t scales[12];
  uint8_t high[32]; /* bit j of byte l: fifth bit of weight 32 * j + l */
  uint8_t q[128];
} pv_block_q5_k;

typedef struct pv_block_q6_k { /* value = d * sc[j] * (q - 32), j = sub-block of 16 */
  uint8_t low[128];
  uint8_t high[64];
  int8_t scales[16];
  uint16_t d;
} pv_block_q6_k;

static_assert(sizeof(pv_block_q8_0) == 34 && offsetof(pv_block_q8_0, q) == 2, "Q8_0 block");
static_assert(sizeof(pv_block_q4_k) == 144 && offsetof(pv_block_q4_k, scales) == 4 &&
                  offsetof(pv_block_q4_k, q) == 16,
              "Q4_K block");
static_assert(sizeof(pv_block_q5_k) == 176 && offsetof(pv_block_q5_k, scales) == 4 &&
                  offsetof(pv_block_q5_k, high) == 16 && offsetof(pv_block_q5_k, q) == 48,
              "Q5_K block");
static_assert(sizeof(pv_block_q6_k) == 210 && offsetof(pv_block_q6_k, high) == 128 &&
                  offsetof(pv_block_q6_k, scales) == 192 && offsetof(pv_block_q6_k, d) == 208,
              "Q6_K block");

#endif
