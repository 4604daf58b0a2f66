/* Sound files: what was written is what is read. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/gguf/build.h"
#include "tests/unit/testing.h"

static pv_gguf *parse(const pv_text *file) {
  pv_gguf *gguf = NULL;
  pv_error err = PV_ERROR_INIT;
  if (!EXPECT(!file->failed)) return NULL;
  if (pv_gguf_parse(file->data, file->length, "memory", &gguf, &err) != PV_OK)
    EXPECT_STR(err.message, "");
  return gguf;
}

static void test_sound(void) {
  pv_text file = PV_TEXT_INIT;
  gb_sound(&file);
  pv_gguf *g = parse(&file);
  REQUIRE(g != NULL);
  uint64_t length = 0;
  EXPECT(pv_gguf_part_bytes(g, 0, &length) == (const unsigned char *)file.data);
  EXPECT_U64(length, file.length);
  EXPECT_STR(pv_gguf_path(g), "memory");
  EXPECT_U64(pv_gguf_value_count(g), 3);
  EXPECT_U64(pv_gguf_tensor_count(g), 2);
  EXPECT_U64(pv_gguf_alignment(g), 32);
  EXPECT_U64(pv_gguf_data_offset(g) + 32 + 3 * 34, file.length);
  const pv_gguf_tensor *b = pv_gguf_tensor_find(g, "b.weight");
  REQUIRE(b != NULL);
  EXPECT(b == pv_gguf_tensor_at(g, 1));
  EXPECT(b->type == PV_TYPE_Q8_0);
  EXPECT_U64(b->dim_count, 2);
  EXPECT_U64(b->dims[0], 32);
  EXPECT_U64(b->dims[1], 3);
  EXPECT_U64(b->dims[2], 1);
  EXPECT_U64(b->dims[3], 1);
  EXPECT_U64(b->elements, 96);
  EXPECT_U64(b->row_bytes, 34);
  EXPECT_U64(b->bytes, 102);
  EXPECT_U64(b->offset, pv_gguf_data_offset(g) + 32);
  EXPECT(b->data == (const unsigned char *)file.data + b->offset);
  EXPECT(pv_gguf_tensor_find(g, "b.weigh") == NULL);
  EXPECT(pv_gguf_tensor_find(g, "b.weightx") == NULL);
  EXPECT(pv_gguf_find(g, "") == NULL);
  EXPECT(pv_gguf_value_at(g, 3) == NULL);
  EXPECT(pv_gguf_tensor_at(g, 2) == NULL);
  pv_gguf_close(g);
  pv_gguf_close(NULL);
  pv_text_free(&file);
}

/* One key of each type, in the order of the enum: key "k<number>". */
static void all_types(pv_text *out) {
  gb_header(out, 0, 15);
  gb_key(out, "k0", PV_GGUF_U8), gb_u8(out, 200);
  gb_key(out, "k1", PV_GGUF_I8), gb_u8(out, 0xfe);
  gb_key(out, "k2", PV_GGUF_U16), gb_u16(out, 60000);
  gb_key(out, "k3", PV_GGUF_I16), gb_u16(out, 0xfffe);
  gb_key(out, "k4", PV_GGUF_U32), gb_u32(out, 4000000000u);
  gb_key(out, "k5", PV_GGUF_I32), gb_u32(out, 7);
  gb_key(out, "k6", PV_GGUF_F32), gb_f32(out, 1e-6f);
  gb_key(out, "k7", PV_GGUF_BOOL), gb_u8(out, 1);
  gb_key(out, "k8", PV_GGUF_STRING), gb_string(out, "text\nof any bytes");
  gb_array(out, "k9", PV_GGUF_I32, 3), gb_u32(out, 1), gb_u32(out, 0xffffffffu), gb_u32(out, 3);
  gb_key(out, "k10", PV_GGUF_U64), gb_u64(out, UINT64_MAX);
  gb_key(out, "k11", PV_GGUF_I64), gb_u64(out, 1ull << 40);
  gb_key(out, "k12", PV_GGUF_F64), gb_f64(out, -0.5);
  gb_array(out, "reals", PV_GGUF_F32, 2), gb_f32(out, 2.5f), gb_f32(out, -1.0f);
  gb_array(out, "empty", PV_GGUF_STRING, 0);
}

static void test_integers(void) {
  static const struct {
    const char *key;
    uint64_t want;
    bool ok;
  } cases[] = {
      {"k0", 200, true},         {"k1", 0, false},          {"k2", 60000, true}, {"k3", 0, false},
      {"k4", 4000000000u, true}, {"k5", 7, true},           {"k6", 0, false},    {"k7", 0, false},
      {"k8", 0, false},          {"k10", UINT64_MAX, true}, {"k9", 0, false},    {"k12", 0, false},
      {"k11", 1ull << 40, true}, {"absent", 0, false},
  };
  pv_text file = PV_TEXT_INIT;
  all_types(&file);
  pv_gguf *g = parse(&file);
  REQUIRE(g != NULL);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint64_t value = 12345;
    pv_error err = PV_ERROR_INIT;
    const pv_code code = pv_gguf_get_u64(g, cases[i].key, &value, &err);
    EXPECT(code == (cases[i].ok ? PV_OK : PV_ERR_INPUT));
    EXPECT_U64(value, cases[i].ok ? cases[i].want : 12345);
    if (!cases[i].ok) EXPECT_HAS(err.message, cases[i].key);
  }
  pv_gguf_close(g);
  pv_text_free(&file);
}

static void test_typed(void) {
  pv_text file = PV_TEXT_INIT;
  all_types(&file);
  pv_gguf *g = parse(&file);
  REQUIRE(g != NULL);
  double real = 0.0;
  bool flag = false;
  pv_gguf_string text = {0};
  pv_error err = PV_ERROR_INIT;
  EXPECT(pv_gguf_get_f64(g, "k6", &real, &err) == PV_OK);
  EXPECT_F64(real, (double)1e-6f, 0.0);
  EXPECT(pv_gguf_get_f64(g, "k12", &real, &err) == PV_OK);
  EXPECT_F64(real, -0.5, 0.0);
  EXPECT(pv_gguf_get_f64(g, "k4", &real, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "is of type u32, not a real number");
  EXPECT_STR(err.rule, "PV-GGUF-KEY-TYPE");
  EXPECT(pv_gguf_get_bool(g, "k7", &flag, &err) == PV_OK);
  EXPECT(flag);
  EXPECT(pv_gguf_get_bool(g, "k0", &flag, &err) == PV_ERR_INPUT);
  EXPECT(pv_gguf_get_string(g, "k8", &text, &err) == PV_OK);
  EXPECT_U64(text.length, 17);
  EXPECT_BYTES(text.data, "text\nof any bytes", 17);
  EXPECT(pv_gguf_get_string(g, "k9", &text, NULL) == PV_ERR_INPUT);
  const pv_gguf_value *array = pv_gguf_find(g, "k9");
  REQUIRE(array != NULL);
  EXPECT_U64(array->count, 3);
  EXPECT(array->element == PV_GGUF_I32);
  EXPECT_I64(pv_gguf_array_int(array, 1), -1);
  EXPECT_I64(pv_gguf_array_int(array, 2), 3);
  EXPECT_I64(pv_gguf_array_int(array, 3), 0);
  EXPECT_F64(pv_gguf_array_real(pv_gguf_find(g, "reals"), 0), 2.5, 0.0);
  EXPECT_F64(pv_gguf_array_real(pv_gguf_find(g, "reals"), 1), -1.0, 0.0);
  EXPECT_STR(pv_gguf_value_type_name(PV_GGUF_F64), "f64");
  EXPECT_STR(pv_gguf_value_type_name((pv_gguf_value_type)13), "unknown");
  pv_gguf_close(g);
  pv_text_free(&file);
}

static void test_not_finite(void) {
  pv_text file = PV_TEXT_INIT;
  gb_header(&file, 0, 2);
  gb_key(&file, "nan", PV_GGUF_F32), gb_u32(&file, 0x7fc00000u);
  gb_key(&file, "inf", PV_GGUF_F64), gb_u64(&file, 0x7ff0000000000000u);
  pv_gguf *g = parse(&file);
  REQUIRE(g != NULL);
  double real = 3.0;
  EXPECT(pv_gguf_get_f64(g, "nan", &real, NULL) == PV_ERR_INPUT);
  EXPECT(pv_gguf_get_f64(g, "inf", &real, NULL) == PV_ERR_INPUT);
  EXPECT_F64(real, 3.0, 0.0);
  pv_gguf_close(g);
  pv_text_free(&file);
}

static void test_strings(void) {
  pv_text file = PV_TEXT_INIT;
  gb_sound(&file);
  pv_gguf *g = parse(&file);
  REQUIRE(g != NULL);
  const pv_gguf_string *words = NULL, *again = NULL;
  uint64_t count = 0;
  pv_error err = PV_ERROR_INIT;
  EXPECT(pv_gguf_get_strings(g, "words", &words, &count, &err) == PV_OK);
  REQUIRE(count == 2);
  EXPECT_U64(words[0].length, 3);
  EXPECT_BYTES(words[0].data, "one", 3);
  EXPECT_U64(words[1].length, 0);
  EXPECT(pv_gguf_get_strings(g, "words", &again, &count, &err) == PV_OK);
  EXPECT(again == words);
  EXPECT(pv_gguf_get_strings(g, "general.alignment", &again, &count, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "not an array of strings");
  pv_gguf_close(g);
  pv_text_free(&file);
}

/* Every alignment that is allowed, with data after a gap and not in the order of the directory. */
static void test_alignments(void) {
  for (uint32_t alignment = 8; alignment <= 65536; alignment *= 2) {
    pv_text file = PV_TEXT_INIT;
    gb_header(&file, 2, 1);
    gb_key_u32(&file, "general.alignment", alignment);
    gb_tensor(&file, "late", 2, 0, 0, PV_TYPE_F32, 3 * (uint64_t)alignment);
    gb_tensor(&file, "early", 2, 0, 0, PV_TYPE_F32, alignment);
    gb_data(&file, alignment, 3 * (uint64_t)alignment + 8);
    pv_gguf *g = parse(&file);
    REQUIRE(g != NULL);
    EXPECT_U64(pv_gguf_alignment(g), alignment);
    EXPECT_U64(pv_gguf_tensor_find(g, "late")->offset % alignment, 0);
    EXPECT_U64(pv_gguf_tensor_find(g, "late")->offset + 8, file.length);
    pv_gguf_close(g);
    pv_text_free(&file);
  }
}

static void test_open(void) {
  pv_text file = PV_TEXT_INIT;
  char path[] = "/tmp/pv-test-gguf-XXXXXX";
  gb_sound(&file);
  const int fd = mkstemp(path);
  REQUIRE(fd >= 0);
  EXPECT(write(fd, file.data, file.length) == (ssize_t)file.length);
  close(fd);
  pv_gguf *g = NULL;
  pv_error err = PV_ERROR_INIT;
  EXPECT(pv_gguf_open(path, &g, &err) == PV_OK);
  if (g != NULL) {
    uint64_t length = 0;
    EXPECT_STR(pv_gguf_path(g), path);
    EXPECT_BYTES(pv_gguf_part_bytes(g, 0, &length), file.data, file.length);
    EXPECT_U64(length, file.length);
  }
  pv_gguf_close(g);
  g = NULL;
  unlink(path);
  EXPECT(pv_gguf_open(path, &g, &err) == PV_ERR_IO);
  EXPECT(g == NULL);
  EXPECT_HAS(err.message, path);
  pv_text_free(&file);
}

int main(void) {
  return pv_testing_main("gguf", (pv_case[]){PV_CASE(test_sound),
                                             PV_CASE(test_integers),
                                             PV_CASE(test_typed),
                                             PV_CASE(test_not_finite),
                                             PV_CASE(test_strings),
                                             PV_CASE(test_alignments),
                                             PV_CASE(test_open),
                                             {0}});
}
