/* JSON is built and written whole, or not at all. Memory that runs out: tests/fault/test_json.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "tests/unit/testing.h"

static void test_write(void) {
  pv_text text = PV_TEXT_INIT;
  json_t *value = json_pack("{s:i, s:[b, n, s]}", "b", 2, "a", 1, "x");
  pv_text_puts(&text, "> ");
  EXPECT(pv_json_write(value, JSON_SORT_KEYS | JSON_COMPACT, &text, NULL) == PV_OK);
  EXPECT_STR(text.data, "> {\"a\":[true,null,\"x\"],\"b\":2}");
  json_decref(value);
  pv_text_free(&text);
}

/* Half of it was written when it was found that the rest can not be: that half is taken back. */
static void test_what_is_no_json(void) {
  pv_text text = PV_TEXT_INIT;
  pv_error err = PV_ERROR_INIT;
  json_t *inner = json_array(), *outer = json_pack("[i, O]", 1, inner);
  pv_text_puts(&text, "before");
  EXPECT(pv_json_write(NULL, 0, &text, &err) == PV_ERR_NOMEM);
  EXPECT_STR(err.message, "out of memory for JSON");
  EXPECT(json_array_append(inner, outer) == 0); /* a circle */
  EXPECT(pv_json_write(outer, 0, &text, &err) == PV_ERR_NOMEM);
  EXPECT_STR(text.data, "before");
  EXPECT_U64(text.length, 6);
  EXPECT(json_array_clear(inner) == 0);
  EXPECT(pv_json_write(outer, JSON_COMPACT, &text, &err) == PV_OK);
  EXPECT_STR(text.data, "before[1,[]]");
  json_decref(outer);
  json_decref(inner);
  pv_text_free(&text);
}

/* What could not be made takes the whole with it, and stays nothing. */
static void test_nothing_is_left_out(void) {
  json_t *array = json_array(), *object = json_object();
  pv_json_append(&array, json_integer(1));
  pv_json_set(&object, "one", json_integer(1));
  EXPECT(json_array_size(array) == 1 && json_object_size(object) == 1);
  pv_json_append(&array, json_string("\xff")); /* no UTF-8: NULL */
  pv_json_set(&object, "two", NULL);
  EXPECT(array == NULL && object == NULL);
  pv_json_append(&array, json_integer(2));
  pv_json_set(&object, "three", json_integer(3));
  EXPECT(array == NULL && object == NULL);
}

static void expect_string(const char *bytes, size_t length, const char *want) {
  json_t *value = pv_json_stringn(bytes, length);
  EXPECT_STR(json_string_value(value), want);
  json_decref(value);
}

/* Names that others gave: cut inside a character, with a NUL, in no encoding at all. */
static void test_strings(void) {
  json_t *value = pv_json_string("");
  EXPECT_STR(json_string_value(value), "");
  json_decref(value);
  expect_string("na\xc3\xafve", 6, "na\xc3\xafve");
  expect_string("na\xc3\xafve", 3, "na\\xc3");
  expect_string("a\0b", 3, "a\\x00b");
  expect_string("\xff\xfe", 2, "\\xff\\xfe");
}

static void test_words_for_numbers(void) {
  static const char *const none[] = {"", "NaN", "Inf", "-Infinity", "-nan", "0"};
  double value = 1.0;
  json_t *word = NULL;
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    word = json_string(none[i]);
    EXPECT(!pv_json_read_number(word, &value));
    json_decref(word);
  }
  EXPECT(!pv_json_read_number(NULL, &value));
  EXPECT_F64(value, 1.0, 0);
  word = pv_json_number(NAN);
  EXPECT_STR(json_string_value(word), "nan");
  EXPECT(pv_json_read_number(word, &value) && isnan(value));
  json_decref(word);
  const double huge = 1e308 * 10;
  for (int sign = -1; sign <= 1; sign += 2) {
    word = pv_json_number(sign * huge);
    EXPECT_STR(json_string_value(word), sign < 0 ? "-inf" : "inf");
    EXPECT(pv_json_read_number(word, &value) && value == sign * huge);
    json_decref(word);
  }
}

int main(void) {
  return pv_testing_main("json", (pv_case[]){PV_CASE(test_write),
                                             PV_CASE(test_what_is_no_json),
                                             PV_CASE(test_nothing_is_left_out),
                                             PV_CASE(test_strings),
                                             PV_CASE(test_words_for_numbers),
                                             {0}});
}
