#include "tests/unit/model/variant.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/unit/gguf/build.h"
#include "tests/unit/testing.h"

static pv_bytes file;
static uint64_t data_at; /* where tensor data begin in it */

bool variant_begin(void) {
  pv_gguf *gguf = NULL;
  if (pv_file_read("models/tiny-coder-moe-Q4_K_M.gguf", (size_t)64 << 20, &file, NULL) != PV_OK ||
      pv_gguf_parse(file.data, file.length, "sound.gguf", &gguf, NULL) != PV_OK)
    return false;
  data_at = pv_gguf_data_offset(gguf);
  pv_gguf_close(gguf);
  return true;
}

void variant_end(void) {
  pv_bytes_free(&file);
}

static bool is(const char *a, const char *b) {
  return strcmp(a, b) == 0;
}

pv_text variant_pair(const char *key, const char *type, const char *value) {
  pv_text out = PV_TEXT_INIT;
  if (is(type, "bools")) {
    gb_array(&out, key, PV_GGUF_BOOL, 4);
    gb_zeros(&out, 3);
    gb_u8(&out, is(value, "true"));
  } else if (is(type, "i32s")) {
    gb_array(&out, key, PV_GGUF_I32, 4);
    gb_zeros(&out, 12);
    gb_u32(&out, (uint32_t)strtoul(value, NULL, 10));
  } else if (is(type, "u32")) {
    gb_key_u32(&out, key, (uint32_t)strtoul(value, NULL, 10));
  } else if (is(type, "f32")) {
    gb_key(&out, key, PV_GGUF_F32);
    gb_f32(&out, strtof(value, NULL));
  } else if (is(type, "bool")) {
    gb_key(&out, key, PV_GGUF_BOOL);
    gb_u8(&out, is(value, "true"));
  } else {
    gb_key(&out, key, PV_GGUF_STRING);
    gb_string(&out, value);
  }
  return out;
}

/* The place of a name and its length in front of it; NULL when it does not occur. */
static char *name_in(const pv_text *bytes, size_t from, const char *name) {
  char key[2200];
  const uint64_t length = strlen(name);
  memcpy(key, &length, 8);
  memcpy(key + 8, name, length);
  char *at = memmem(bytes->data + from, bytes->length - from, key, 8 + length);
  return at == NULL ? NULL : at + 8;
}

/* The file with a pair and a directory entry more; what goes before the data is filled up to their
 * alignment of 32. */
static pv_text assemble(const pv_text *pair, const pv_text *entry) {
  enum { HEADER = 24, FILLER = 35 };
  pv_text out = PV_TEXT_INIT, whole = {(char *)file.data, file.length, file.length, false};
  uint64_t counts[2];
  memcpy(counts, file.data + 8, sizeof counts);
  const char *directory = name_in(&whole, HEADER, "token_embd.weight") - 8;
  pv_text_add(&out, (const char *)file.data, 8);
  gb_u64(&out, counts[0] + (entry->length > 0));
  gb_u64(&out, counts[1] + 1 + (pair->length > 0));
  const uint64_t room = (96 - (pair->length + entry->length + FILLER) % 32) % 32;
  gb_array(&out, "test.filler", PV_GGUF_U8, room);
  gb_zeros(&out, room);
  if (pair->length > 0) pv_text_add(&out, pair->data, pair->length);
  const size_t before = (size_t)(directory - whole.data) - HEADER;
  pv_text_add(&out, (const char *)file.data + HEADER, before);
  if (entry->length > 0) pv_text_add(&out, entry->data, entry->length);
  EXPECT_U64((out.length - before - HEADER) % 32, 0);
  pv_text_add(&out, directory, file.length - HEADER - before);
  EXPECT(!out.failed);
  return out;
}

pv_text variant_with(const char *key, const pv_text *pair) {
  pv_text out = assemble(pair, &PV_TEXT_INIT);
  const char *first = name_in(&out, 0, key);
  char *own = first == NULL ? NULL : name_in(&out, (size_t)(first - out.data), key);
  if (own != NULL) memset(own, 'x', strlen(key));
  return out;
}

pv_text variant_with_tensor(const char *name) {
  pv_text entry = PV_TEXT_INIT;
  gb_tensor(&entry, name, 8, 0, 0, PV_TYPE_F32, (file.length - data_at + 31) / 32 * 32);
  pv_text out = assemble(&PV_TEXT_INIT, &entry);
  gb_data(&out, 32, 32);
  pv_text_free(&entry);
  return out;
}

pv_text variant_with_names(unsigned count) {
  pv_text pair = PV_TEXT_INIT;
  gb_array(&pair, "tokenizer.ggml.tokens", PV_GGUF_STRING, count);
  for (unsigned i = 0; i < count; i++) gb_string(&pair, "a");
  pv_text out = variant_with("tokenizer.ggml.tokens", &pair);
  pv_text_free(&pair);
  return out;
}

pv_text variant_renamed(const char *name, const char *other) {
  pv_text out = PV_TEXT_INIT;
  EXPECT_U64(strlen(other), strlen(name));
  pv_text_add(&out, (const char *)file.data, file.length);
  char *at = out.failed ? NULL : name_in(&out, 0, name);
  if (EXPECT(at != NULL)) memcpy(at, other, strlen(name));
  return out;
}

void variant_retype(pv_text *bytes, const char *name, uint32_t type) {
  uint32_t dims = 0;
  char *at = bytes->failed ? NULL : name_in(bytes, 0, name);
  if (!EXPECT(at != NULL)) return;
  at += strlen(name);
  memcpy(&dims, at, sizeof dims);
  memcpy(at + 4 + (size_t)8 * dims, &type, sizeof type);
}

pv_text variant_typed(const char *name, uint32_t type) {
  pv_text out = PV_TEXT_INIT;
  pv_text_add(&out, (const char *)file.data, file.length);
  variant_retype(&out, name, type);
  return out;
}

pv_code variant_open(pv_text *bytes, pv_error *err) {
  pv_gguf *gguf = NULL;
  pv_model *model = NULL;
  pv_code code = pv_gguf_parse(bytes->data, bytes->length, "variant.gguf", &gguf, err);
  if (code == PV_OK) code = pv_model_from_gguf(gguf, &model, err);
  EXPECT((code == PV_OK) == (model != NULL));
  if (model == NULL) pv_gguf_close(gguf); /* else it is the model's */
  pv_model_close(model);
  pv_text_free(bytes);
  return code;
}

void variant_refused(pv_text *bytes, const char *rule, const char *words) {
  pv_error err = PV_ERROR_INIT;
  EXPECT(variant_open(bytes, &err) != PV_OK);
  EXPECT_HAS(err.message, words);
  EXPECT_STR(err.rule, rule);
  EXPECT_STR(err.file, "variant.gguf");
  EXPECT(err.hint[0] != '\0');
}
