#include "tests/unit/gguf/build.h"

#include <string.h>

static void little(pv_text *out, uint64_t value, unsigned bytes) {
  char buffer[8];
  for (unsigned i = 0; i < bytes; i++) buffer[i] = (char)(unsigned char)(value >> (8 * i));
  pv_text_add(out, buffer, bytes);
}

void gb_u8(pv_text *out, uint8_t value) {
  little(out, value, 1);
}
void gb_u16(pv_text *out, uint16_t value) {
  little(out, value, 2);
}
void gb_u32(pv_text *out, uint32_t value) {
  little(out, value, 4);
}
void gb_u64(pv_text *out, uint64_t value) {
  little(out, value, 8);
}

void gb_f32(pv_text *out, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  gb_u32(out, bits);
}

void gb_f64(pv_text *out, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  gb_u64(out, bits);
}

void gb_zeros(pv_text *out, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) gb_u8(out, 0);
}

void gb_string(pv_text *out, const char *string) {
  gb_u64(out, strlen(string));
  pv_text_puts(out, string);
}

void gb_header(pv_text *out, uint64_t tensors, uint64_t keys) {
  pv_text_puts(out, "GGUF");
  gb_u32(out, 3);
  gb_u64(out, tensors);
  gb_u64(out, keys);
}

void gb_key(pv_text *out, const char *key, uint32_t type) {
  gb_string(out, key);
  gb_u32(out, type);
}

void gb_array(pv_text *out, const char *key, uint32_t element, uint64_t count) {
  gb_key(out, key, PV_GGUF_ARRAY);
  gb_u32(out, element);
  gb_u64(out, count);
}

void gb_key_u32(pv_text *out, const char *key, uint32_t value) {
  gb_key(out, key, PV_GGUF_U32);
  gb_u32(out, value);
}

void gb_tensor(pv_text *out, const char *name, uint64_t d0, uint64_t d1, uint64_t d2, uint32_t type,
               uint64_t offset) {
  const uint64_t dims[3] = {d0, d1, d2};
  const unsigned count = d1 == 0 ? 1 : d2 == 0 ? 2 : 3;
  gb_string(out, name);
  gb_u32(out, count);
  for (unsigned i = 0; i < count; i++) gb_u64(out, dims[i]);
  gb_u32(out, type);
  gb_u64(out, offset);
}

void gb_data(pv_text *out, uint64_t alignment, uint64_t bytes) {
  while (out->length % alignment != 0) gb_u8(out, 0);
  gb_zeros(out, bytes);
}

void gb_sound(pv_text *out) {
  gb_header(out, 2, 3);
  gb_key(out, "general.architecture", PV_GGUF_STRING);
  gb_string(out, "qwen3moe");
  gb_key_u32(out, "general.alignment", 32);
  gb_array(out, "words", PV_GGUF_STRING, 2);
  gb_string(out, "one");
  gb_string(out, "");
  gb_tensor(out, "a.weight", 4, 2, 0, PV_TYPE_F32, 0);
  gb_tensor(out, "b.weight", 32, 3, 0, PV_TYPE_Q8_0, 32);
  gb_data(out, 32, 32 + 3 * 34);
}
