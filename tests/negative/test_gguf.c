/* One wrong file for each class of damage: the right rule, a place, a cure, and nothing opened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/gguf/build.h"
#include "tests/unit/testing.h"

/* The file is copied to a block of exactly its size, so that a sanitizer sees every over-read. */
static pv_code parse(const pv_text *file, pv_error *err) {
  pv_gguf *gguf = NULL;
  unsigned char *copy = malloc(file->length == 0 ? 1 : file->length);
  if (!EXPECT(copy != NULL && !file->failed)) return PV_OK;
  if (file->length > 0) memcpy(copy, file->data, file->length);
  const pv_code code = pv_gguf_parse(copy, file->length, "wrong.gguf", &gguf, err);
  EXPECT((code == PV_OK) == (gguf != NULL));
  pv_gguf_close(gguf);
  free(copy);
  return code;
}

/* Parses, frees `file`, and expects a refusal: rule, words of the message, byte offset. */
static void refused(pv_text *file, const char *rule, const char *words, int64_t byte) {
  pv_error err = PV_ERROR_INIT;
  EXPECT(parse(file, &err) != PV_OK);
  EXPECT_STR(err.rule, rule);
  EXPECT_HAS(err.message, words);
  EXPECT_STR(err.file, "wrong.gguf");
  EXPECT_I64(err.byte, byte);
  EXPECT(err.hint[0] != '\0');
  pv_text_free(file);
}

static void patch(pv_text *file, uint64_t at, uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes && at + i < file->length; i++)
    file->data[at + i] = (char)(unsigned char)(value >> (8 * i));
}

static pv_text sound(void) {
  pv_text file = PV_TEXT_INIT;
  gb_sound(&file);
  return file;
}

static void test_sound_is_sound(void) { /* else every refusal below could have another cause */
  pv_text file = sound();
  pv_error err = PV_ERROR_INIT;
  EXPECT(parse(&file, &err) == PV_OK);
  pv_text_free(&file);
}

static void test_magic(void) {
  static const struct {
    const char *bytes, *words;
  } cases[] = {{"FUGG....", "byte-swapped"},      {"lmgg....", "older than GGUF"},
               {"PK\003\004....", "zip archive"}, {"version https://", "Git LFS pointer"},
               {"ggufxxxx", "not a GGUF file"},   {"<!DOCTYPE html>", "HTML"}};
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    pv_text file = PV_TEXT_INIT;
    pv_text_puts(&file, cases[i].bytes);
    refused(&file, "PV-GGUF-MAGIC", cases[i].words, 0);
  }
}

static void test_version(void) {
  static const struct {
    uint32_t version;
    const char *rule, *words;
  } cases[] = {{0, "PV-GGUF-VERSION", "version 0"},
               {1, "PV-GGUF-VERSION", "version 1; only version 3"},
               {2, "PV-GGUF-VERSION", "version 2"},
               {4, "PV-GGUF-VERSION", "version 4"},
               {0x03000000u, "PV-GGUF-BIG-ENDIAN", "big-endian GGUF file (version 3)"},
               {UINT32_MAX, "PV-GGUF-VERSION", "version 4294967295"}};
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    pv_text file = sound();
    patch(&file, 4, cases[i].version, 4);
    refused(&file, cases[i].rule, cases[i].words, 4);
  }
}

static void test_counts(void) {
  static const uint64_t counts[] = {PV_GGUF_MAX_KEYS + 1ull, 1ull << 32, UINT64_MAX / 14 + 2,
                                    UINT64_MAX};
  for (unsigned i = 0; i < 4; i++) {
    pv_text file = sound();
    patch(&file, 16, counts[i], 8);
    refused(&file, "PV-GGUF-COUNT", "metadata keys; at most 1000000", 16);
    file = sound();
    patch(&file, 8, counts[i], 8);
    refused(&file, "PV-GGUF-COUNT", "tensors; at most 1000000", 8);
  }
  /* Within the limit, but more than the file can hold: refused before anything is allocated. */
  pv_text file = sound();
  patch(&file, 16, PV_GGUF_MAX_KEYS, 8);
  refused(&file, "PV-GGUF-TRUNCATED", "the metadata: 14000000 bytes", 24);
  file = PV_TEXT_INIT;
  gb_header(&file, 1000, 0);
  refused(&file, "PV-GGUF-TRUNCATED", "the tensor directory: 33000 bytes", 24);
}

static void test_keys(void) {
  pv_text file = PV_TEXT_INIT;
  gb_header(&file, 0, 1);
  gb_key_u32(&file, "", 1);
  gb_zeros(&file, 64);
  refused(&file, "PV-GGUF-EMPTY-NAME", "a metadata key is empty", 24);
  static const uint64_t lengths[] = {PV_GGUF_MAX_KEY_BYTES + 1ull, 1ull << 63, UINT64_MAX};
  for (unsigned i = 0; i < 3; i++) { /* UINT64_MAX + 1 wraps to 0 */
    file = sound();
    patch(&file, 24, lengths[i], 8);
    refused(&file, "PV-GGUF-NAME-LENGTH", "at most 65535", 24);
  }
  file = sound();
  patch(&file, 24, 60000, 8);
  refused(&file, "PV-GGUF-TRUNCATED", "ends inside a key", 32);
  file = sound();
  patch(&file, 34, 0, 1);
  refused(&file, "PV-GGUF-NAME-BYTES", "control character", 32);
  file = PV_TEXT_INIT;
  gb_header(&file, 0, 3);
  gb_key_u32(&file, "twice", 1);
  gb_key_u32(&file, "once", 1);
  const int64_t second = (int64_t)file.length + 8;
  gb_key_u32(&file, "twice", 1);
  refused(&file, "PV-GGUF-DUPLICATE-KEY", "key 'twice' occurs twice", second);
}

/* A key from a stranger must not reach the terminal as it is. */
static void test_escaped(void) {
  pv_text file = PV_TEXT_INIT;
  gb_header(&file, 0, 1);
  gb_key_u32(&file, "\033[2Jcleared", 1);
  refused(&file, "PV-GGUF-NAME-BYTES", "\\x1b[2Jcleared", 32);
}

static void test_value_types(void) {
  static const uint32_t types[] = {13, 14, 255, UINT32_MAX};
  for (unsigned i = 0; i < 4; i++) {
    char words[64];
    pv_text file = PV_TEXT_INIT;
    gb_header(&file, 0, 1);
    gb_key(&file, "key", types[i]);
    gb_zeros(&file, 64);
    snprintf(words, sizeof words, "'key' has the unknown value type %u", (unsigned)types[i]);
    refused(&file, "PV-GGUF-VALUE-TYPE", words, 35);
    file = PV_TEXT_INIT;
    gb_header(&file, 0, 1);
    gb_array(&file, "key", types[i], 1);
    gb_zeros(&file, 64);
    snprintf(words, sizeof words, "'key' has the unknown element type %u", (unsigned)types[i]);
    refused(&file, "PV-GGUF-VALUE-TYPE", words, 39);
  }
  pv_text file = PV_TEXT_INIT;
  gb_header(&file, 0, 1);
  gb_array(&file, "key", PV_GGUF_ARRAY, 0);
  refused(&file, "PV-GGUF-NESTED-ARRAY", "'key' is an array of arrays", 39);
}

static void test_bools(void) {
  for (unsigned value = 2; value < 256; value += 127) {
    pv_text file = PV_TEXT_INIT;
    gb_header(&file, 0, 1);
    gb_key(&file, "flag", PV_GGUF_BOOL);
    gb_u8(&file, (uint8_t)value);
    refused(&file, "PV-GGUF-BOOL", "'flag' is a bool with the value", 40);
    file = PV_TEXT_INIT;
    gb_header(&file, 0, 1);
    gb_array(&file, "flag", PV_GGUF_BOOL, 3);
    gb_u8(&file, 0), gb_u8(&file, 1), gb_u8(&file, (uint8_t)value);
    refused(&file, "PV-GGUF-BOOL", "'flag' is a bool with the value", 54);
  }
}

/* Lengths times sizes that wrap, and lengths that lie. */
static void test_lengths(void) {
  static const struct {
    uint32_t element;
    uint64_t count;
  } arrays[] = {
      {PV_GGUF_U64, 1ull << 61},    {PV_GGUF_U64, (1ull << 61) + 1}, {PV_GGUF_F32, 1ull << 62},
      {PV_GGUF_U16, 1ull << 63},    {PV_GGUF_U8, UINT64_MAX},        {PV_GGUF_STRING, 1ull << 61},
      {PV_GGUF_STRING, UINT64_MAX}, {PV_GGUF_BOOL, UINT64_MAX},      {PV_GGUF_U8, 65},
      {PV_GGUF_STRING, 9}};
  for (unsigned i = 0; i < sizeof arrays / sizeof *arrays; i++) {
    pv_text file = PV_TEXT_INIT;
    gb_header(&file, 0, 1);
    gb_array(&file, "key", arrays[i].element, arrays[i].count);
    gb_zeros(&file, 64);
    refused(&file, "PV-GGUF-TRUNCATED", "ends inside the value of 'key'", 51);
  }
  static const uint64_t strings[] = {65, 1ull << 63, UINT64_MAX - 7, UINT64_MAX};
  for (unsigned i = 0; i < 4; i++) {
    pv_text file = PV_TEXT_INIT;
    gb_header(&file, 0, 1);
    gb_key(&file, "key", PV_GGUF_STRING);
    gb_u64(&file, strings[i]);
    gb_zeros(&file, 64);
    refused(&file, "PV-GGUF-TRUNCATED", "ends inside a string value", 47);
  }
}

static void test_alignment(void) {
  static const uint32_t wrong[] = {0, 1, 3, 4, 7, 33, 48, 65535, 131072, 0x80000000u, UINT32_MAX};
  for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    pv_text file = PV_TEXT_INIT;
    gb_header(&file, 0, 1);
    gb_key_u32(&file, "general.alignment", wrong[i]);
    refused(&file, "PV-GGUF-ALIGNMENT", "not a power of two from 8 to 65536", 53);
  }
  static const uint32_t types[] = {PV_GGUF_U64, PV_GGUF_I32, PV_GGUF_F32, PV_GGUF_U8};
  for (unsigned i = 0; i < 4; i++) {
    pv_text file = PV_TEXT_INIT;
    gb_header(&file, 0, 1);
    gb_key(&file, "general.alignment", types[i]);
    gb_u64(&file, 32);
    refused(&file, "PV-GGUF-ALIGNMENT", "not u32", 53);
  }
}

/* A file with one tensor entry and `bytes` of data. */
static pv_text one(const char *name, uint64_t d0, uint64_t d1, uint64_t d2, uint32_t type,
                   uint64_t offset, uint64_t bytes) {
  pv_text file = PV_TEXT_INIT;
  gb_header(&file, 1, 0);
  gb_tensor(&file, name, d0, d1, d2, type, offset);
  gb_data(&file, 32, bytes);
  return file;
}

static void test_tensor_names(void) {
  pv_text file = one("", 1, 0, 0, PV_TYPE_F32, 0, 64);
  refused(&file, "PV-GGUF-EMPTY-NAME", "a tensor's name is empty", 24);
  char name[PV_GGUF_MAX_NAME_BYTES + 2];
  memset(name, 'n', sizeof name);
  name[sizeof name - 1] = '\0';
  file = one(name, 1, 0, 0, PV_TYPE_F32, 0, 64);
  refused(&file, "PV-GGUF-NAME-LENGTH", "name of 129 bytes; at most 128", 24);
  name[sizeof name - 2] = '\0'; /* the longest that is allowed */
  file = one(name, 1, 0, 0, PV_TYPE_F32, 0, 64);
  EXPECT(parse(&file, NULL) == PV_OK);
  pv_text_free(&file);
  file = one("a\nb", 1, 0, 0, PV_TYPE_F32, 0, 64);
  refused(&file, "PV-GGUF-NAME-BYTES", "control character", 32);
  file = PV_TEXT_INIT;
  gb_header(&file, 2, 0);
  gb_tensor(&file, "same", 8, 0, 0, PV_TYPE_F32, 0);
  const int64_t second = (int64_t)file.length + 8;
  gb_tensor(&file, "same", 8, 0, 0, PV_TYPE_F32, 32);
  gb_data(&file, 32, 64);
  refused(&file, "PV-GGUF-DUPLICATE-TENSOR", "tensor 'same' occurs twice", second);
}

static void test_dims(void) {
  static const uint32_t counts[] = {0, 5, 1000, UINT32_MAX};
  for (unsigned i = 0; i < 4; i++) {
    pv_text file = one("t", 1, 0, 0, PV_TYPE_F32, 0, 64);
    patch(&file, 33, counts[i], 4);
    refused(&file, "PV-GGUF-DIMS", "dimensions; 1 to 4 are read", 33);
  }
  pv_text file = one("t", 0, 0, 0, PV_TYPE_F32, 0, 64);
  refused(&file, "PV-GGUF-DIMS", "dimension 0 of tensor 't' is 0", 37);
  file = one("t", 4, 2, 0, PV_TYPE_F32, 0, 64);
  patch(&file, 45, 0, 8);
  refused(&file, "PV-GGUF-DIMS", "dimension 1 of tensor 't' is 0", 45);
}

static void test_tensor_types(void) {
  static const uint32_t types[] = {4, 5, 43, 99, 142, 256, UINT32_MAX};
  for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
    char words[64];
    pv_text file = one("blk.0.x", 256, 0, 0, types[i], 0, 1024);
    snprintf(words, sizeof words, "tensor 'blk.0.x' is of type %u,", (unsigned)types[i]);
    refused(&file, "PV-GGUF-TENSOR-TYPE", words, 51);
  }
}

/* A type that is only listed is held to the same walls. */
static void test_listed_types(void) {
  pv_text file = one("t", 128, 2, 0, 23, 0, 1024);
  refused(&file, "PV-GGUF-BLOCKS", "128 weights, not whole blocks of 256 (IQ4_XS)", 53);
  file = one("t", 256, 8, 0, 23, 0, 8 * 136 - 1);
  refused(&file, "PV-GGUF-OUTSIDE", "tensor 't' needs 1088 bytes", 32);
  file = one("t", 256, 1ull << 56, 0, 23, 0, 1024);
  refused(&file, "PV-GGUF-SIZE", "does not fit 63 bits", 53);
}

static void test_blocks(void) {
  pv_text file = one("t", 33, 2, 0, PV_TYPE_Q8_0, 0, 1024);
  refused(&file, "PV-GGUF-BLOCKS", "33 weights, not whole blocks of 32 (Q8_0)", 53);
  file = one("t", 128, 2, 0, PV_TYPE_Q4_K, 0, 1024); /* whole blocks in all, but not in a row */
  refused(&file, "PV-GGUF-BLOCKS", "128 weights, not whole blocks of 256 (Q4_K)", 53);
}

static void test_sizes(void) {
  static const uint64_t dims[][3] = {{1ull << 32, 1ull << 32, 1},
                                     {1ull << 63, 2, 1},
                                     {1ull << 31, 1ull << 31, 4},
                                     {UINT64_MAX, 1, 1},
                                     {1ull << 61, 1, 1}};
  for (unsigned i = 0; i < sizeof dims / sizeof *dims; i++) {
    pv_text file = one("t", dims[i][0], dims[i][1], dims[i][2], PV_TYPE_F32, 0, 64);
    refused(&file, "PV-GGUF-SIZE", "the size of tensor 't' does not fit", 61);
  }
}

static void test_places(void) {
  pv_text file = one("t", 8, 0, 0, PV_TYPE_F32, 16, 64);
  refused(&file, "PV-GGUF-OFFSET", "offset 16 of tensor 't' is not a multiple of 32", 49);
  static const uint64_t offsets[] = {32, 64, 1ull << 40, 1ull << 63, UINT64_MAX - 31};
  for (unsigned i = 0; i < sizeof offsets / sizeof *offsets; i++) {
    file = one("t", 9, 0, 0, PV_TYPE_F32, offsets[i], 64);
    refused(&file, "PV-GGUF-OUTSIDE", "tensor 't' needs 36 bytes at offset", 32);
  }
  file = one("t", 17, 0, 0, PV_TYPE_F32, 0, 64);
  refused(&file, "PV-GGUF-OUTSIDE", "needs 68 bytes", 32);
  file = PV_TEXT_INIT; /* the second begins inside the first; the third is fine */
  gb_header(&file, 3, 0);
  gb_tensor(&file, "second", 8, 0, 0, PV_TYPE_F32, 32);
  gb_tensor(&file, "first", 9, 0, 0, PV_TYPE_F32, 0);
  gb_tensor(&file, "third", 8, 0, 0, PV_TYPE_F32, 64);
  gb_data(&file, 32, 96);
  refused(&file, "PV-GGUF-OVERLAP", "tensors 'first' and 'second' overlap",
          (int64_t)file.length - 64);
  file = PV_TEXT_INIT;
  gb_header(&file, 2, 0);
  gb_tensor(&file, "a", 8, 0, 0, PV_TYPE_F32, 0);
  gb_tensor(&file, "b", 8, 0, 0, PV_TYPE_F32, 0);
  gb_data(&file, 32, 64);
  refused(&file, "PV-GGUF-OVERLAP", "tensors 'a' and 'b' overlap", (int64_t)file.length - 64);
}

/* Every prefix of a sound file is refused with a place inside it. */
static void test_truncated(void) {
  pv_text file = sound();
  const size_t length = file.length;
  for (file.length = 0; file.length < length; file.length++) {
    pv_error err = PV_ERROR_INIT;
    EXPECT(parse(&file, &err) == PV_ERR_INPUT);
    EXPECT(strcmp(err.rule, "PV-GGUF-TRUNCATED") == 0 || strcmp(err.rule, "PV-GGUF-OUTSIDE") == 0);
    EXPECT(err.byte >= 0 && (uint64_t)err.byte <= file.length);
    EXPECT(err.hint[0] != '\0');
  }
  pv_text_free(&file);
}

/* Names chosen alike must not make opening quadratic: 200,000 keys that differ in their last
 * characters open in well under the time limit of the test. */
static void test_many_keys(void) {
  pv_text file = PV_TEXT_INIT;
  pv_error err = PV_ERROR_INIT;
  gb_header(&file, 0, 200000);
  for (unsigned i = 0; i < 200000; i++) {
    char key[48];
    snprintf(key, sizeof key, "a.rather.long.common.prefix.%06u", i);
    gb_key(&file, key, PV_GGUF_U8);
    gb_u8(&file, 1);
  }
  EXPECT(parse(&file, &err) == PV_OK);
  pv_text_free(&file);
}

int main(void) {
  return pv_testing_main("negative gguf",
                         (pv_case[]){PV_CASE(test_sound_is_sound), PV_CASE(test_magic),
                                     PV_CASE(test_version),        PV_CASE(test_counts),
                                     PV_CASE(test_keys),           PV_CASE(test_escaped),
                                     PV_CASE(test_value_types),    PV_CASE(test_bools),
                                     PV_CASE(test_lengths),        PV_CASE(test_alignment),
                                     PV_CASE(test_tensor_names),   PV_CASE(test_dims),
                                     PV_CASE(test_tensor_types),   PV_CASE(test_listed_types),
                                     PV_CASE(test_blocks),         PV_CASE(test_sizes),
                                     PV_CASE(test_places),         PV_CASE(test_truncated),
                                     PV_CASE(test_many_keys),      {0}});
}
