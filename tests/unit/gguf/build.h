/* Writes GGUF files into memory, byte by byte and without any check, so that tests can write wrong
 * ones too. Everything is appended to `out` in file order. */
#ifndef PV_TESTS_GGUF_BUILD_H
#define PV_TESTS_GGUF_BUILD_H

#include <stdint.h>

#include "base/text.h"
#include "runtime/gguf/gguf.h"

void gb_u8(pv_text *out, uint8_t value);
void gb_u16(pv_text *out, uint16_t value);
void gb_u32(pv_text *out, uint32_t value);
void gb_u64(pv_text *out, uint64_t value);
void gb_f32(pv_text *out, float value);
void gb_f64(pv_text *out, double value);
void gb_zeros(pv_text *out, uint64_t count);
/* A length and the bytes. */
void gb_string(pv_text *out, const char *string);

/* "GGUF", version 3, the two counts. */
void gb_header(pv_text *out, uint64_t tensors, uint64_t keys);
/* A key and the type of its value, which the caller appends. */
void gb_key(pv_text *out, const char *key, uint32_t type);
/* A key, "array", the element type and the count; the caller appends the elements. */
void gb_array(pv_text *out, const char *key, uint32_t element, uint64_t count);
void gb_key_u32(pv_text *out, const char *key, uint32_t value);
/* A directory entry with up to four dimensions; a 0 ends them early. */
void gb_tensor(pv_text *out, const char *name, uint64_t d0, uint64_t d1, uint64_t d2, uint32_t type,
               uint64_t offset);
/* Zeros up to a multiple of `alignment`, then `bytes` zeros of data. */
void gb_data(pv_text *out, uint64_t alignment, uint64_t bytes);

/* A small sound file: 3 keys, tensors a.weight (F32, 4 x 2) and b.weight (Q8_0, 32 x 3). */
void gb_sound(pv_text *out);

#endif
