/* The table of tensor types and their block formats, as in GGUF files. A tensor is read by its
 * own type, never by its name. */
#ifndef PV_QUANT_QUANT_H
#define PV_QUANT_QUANT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "kernels/quant/layout.h"

typedef struct pv_type_info {
  pv_type type;
  const char *name;        /* "Q4_K" */
  uint32_t block_elements; /* 1, or a divisor of 256 from 32 on */
  uint32_t block_bytes;
  bool quantised; /* small integers with block scales */
  pv_form form;   /* and what follows of the integers and of their scales */
  int low, high, sc_low, sc_high, lo_high;
} pv_type_info;

extern const pv_type_info pv_type_table[PV_TYPE_COUNT];
/* Their names, in the order of the table, with a space between. */
const char *pv_type_names(void);

/* NULL for a number that is not in the table. */
const pv_type_info *pv_type_get(uint32_t type);
/* The same, and the other types that GGUF files hold, which can be listed but not computed with: of
 * those `type` is a number outside the enumeration. Every number is below PV_TYPE_NUMBERS. */
const pv_type_info *pv_type_known(uint32_t type);
#define PV_TYPE_NUMBERS 43
const pv_type_info *pv_type_by_name(const char *name);

/* The one function that computes a tensor's size, of any known type: `dims[0]` is the row length.
 * False when a dimension is 0, the row is not a whole number of blocks, or anything overflows 2^63
 * - 1. */
bool pv_tensor_size(pv_type type, const uint64_t *dims, unsigned dim_count, uint64_t *elements,
                    uint64_t *row_bytes, uint64_t *bytes);

/* The eight (sc, m) pairs of a Q4_K or Q5_K super-block. */
void pv_k4_scales(const uint8_t scales[12], uint8_t sc[8], uint8_t m[8]);

/* The most of them in a block, and of groups with a sub-scale of their own. */
enum { PV_BLOCK_MAX = 256, PV_GROUPS_MAX = 16 };

/* Integer weights of one block as signed bytes, in row order; nothing of a type that has none. */
void pv_block_integers(pv_type type, const void *block, int8_t *out);
/* What multiplies those of segment s (32 weights) of a block. */
pv_scales pv_block_scales(pv_type type, const void *block, unsigned s);
/* Weight i of a block, written a second time from the description of the format: what decoders are
 * held against. A NaN for a number that is not in the table. */
double pv_block_spec(pv_type type, const unsigned char *block, size_t i);
/* The inverses. Integers, each in the range of the type, leave the scales of the block alone; of
 * types with a table of values the nearest of them is taken. Scales leave the integers alone: `sc`
 * and `lo` are those of the groups that have their own (pv_form_group), and d and m are rounded to
 * what the type stores. */
void pv_block_pack(pv_type type, const int8_t *integers, void *block);
void pv_block_set(pv_type type, void *block, float d, float m, const int8_t *sc, const uint8_t *lo);

/* Decodes `count` weights of a row (count a whole number of blocks) into float32 exactly as the
 * reference implementation does (d * sc and m * lo rounded to float32, then the product with the
 * integer, then sum or difference), and into float64 without any rounding but the last. */
void pv_dequant_f32(pv_type type, const void *row, uint64_t count, float *out);
void pv_dequant_f64(pv_type type, const void *row, uint64_t count, double *out);

float pv_bf16_to_f32(uint16_t bits);  /* exact */
uint16_t pv_f32_to_bf16(float value); /* round to nearest even */

/* Encoders for `pv synth` and tests: simple, deterministic, not tuned for quality. */
pv_code pv_quantise_row(pv_type type, const float *values, uint64_t count, void *out,
                        pv_error *err);

#endif
