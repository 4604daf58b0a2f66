/* The integers and the scales of a block, read and written, and single weights, by the headers of
 * the types. */
#include <math.h>

#include "kernels/quant/quant.h"

void pv_k4_scales(const uint8_t scales[12], uint8_t sc[8], uint8_t m[8]) {
  for (unsigned j = 0; j < 8; j++) {
    int scale, lo;
    pv_k4_scale(scales, j, &scale, &lo);
    sc[j] = (uint8_t)scale;
    m[j] = (uint8_t)lo;
  }
}

#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number) case PV_TYPE_##NAME:
#define PV_TYPE_ROW(NAME, name, number, elements, ...)             \
  case PV_TYPE_##NAME:                                             \
    for (unsigned i = 0; i < (elements) / 4; i++) {                \
      const uint32_t four = pv_##name##_four(block, i / 8, i % 8); \
      memcpy(out + 4 * (size_t)i, &four, sizeof four);             \
    }                                                              \
    return;

void pv_block_integers(pv_type type, const void *block, int8_t *out) {
  switch (type) {
#include "kernels/quant/list.h"
  }
}

#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number)
#define PV_TYPE_ROW(NAME, name, ...) \
  case PV_TYPE_##NAME:               \
    return pv_##name##_scales(block, s);

pv_scales pv_block_scales(pv_type type, const void *block, unsigned s) {
  switch ((uint32_t)type) {
#include "kernels/quant/list.h"
  }
  return (pv_scales){1.0f, 0.0f, {1, 1}, {0, 0}};
}

#undef PV_TYPE_ROW
#define PV_TYPE_ROW(NAME, name, ...)   \
  case PV_TYPE_##NAME:                 \
    pv_##name##_pack(integers, block); \
    return;

void pv_block_pack(pv_type type, const int8_t *integers, void *block) {
  switch ((uint32_t)type) {
#include "kernels/quant/list.h"
  }
}

#undef PV_TYPE_ROW
#define PV_TYPE_ROW(NAME, name, ...)      \
  case PV_TYPE_##NAME:                    \
    pv_##name##_set(block, d, m, sc, lo); \
    return;

void pv_block_set(pv_type type, void *block, float d, float m, const int8_t *sc,
                  const uint8_t *lo) {
  switch ((uint32_t)type) {
#include "kernels/quant/list.h"
  }
}

#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number) PV_TYPE_ROW(NAME, name)
#define PV_TYPE_ROW(NAME, name, ...) \
  case PV_TYPE_##NAME:               \
    return pv_##name##_spec(block, i);

double pv_block_spec(pv_type type, const unsigned char *block, size_t i) {
  switch ((uint32_t)type) {
#include "kernels/quant/list.h"
  }
  return (double)NAN;
}
