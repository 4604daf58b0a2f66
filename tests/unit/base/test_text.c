#include <math.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "base/text.h"
#include "tests/unit/testing.h"

static void test_grows(void) {
  pv_text text = PV_TEXT_INIT;
  for (int i = 0; i < 10000; i++) pv_text_printf(&text, "%04d,", i);
  EXPECT(!text.failed);
  EXPECT_U64(text.length, 50000);
  EXPECT_U64(strlen(text.data), 50000);
  EXPECT_BYTES(text.data, "0000,0001,", 10);
  EXPECT_BYTES(text.data + 49990, "9998,9999,", 11);
  pv_text_free(&text);
  EXPECT(text.data == NULL && text.length == 0 && text.capacity == 0);
}

static void test_adds(void) {
  pv_text text = PV_TEXT_INIT;
  pv_text_add(&text, NULL, 0);
  EXPECT_STR(text.data, "");
  pv_text_puts(&text, "ab");
  pv_text_add(&text, "c\0d", 3);
  EXPECT_U64(text.length, 5);
  EXPECT_BYTES(text.data, "abc\0d", 6);
  pv_text_free(&text);
}

static void test_failure_is_sticky(void) {
  pv_text text = PV_TEXT_INIT;
  pv_text_puts(&text, "kept");
  pv_text_add(&text, "x", SIZE_MAX); /* no such size: refused before any copy */
  EXPECT(text.failed);
  pv_text_puts(&text, "more");
  pv_text_printf(&text, "%d", 1);
  EXPECT_STR(text.data, "kept");
  EXPECT_U64(text.length, 4);
  pv_text_free(&text);
  EXPECT(!text.failed);
}

static const char *escaped(const char *bytes, size_t length) {
  static char copy[1024];
  pv_text text = PV_TEXT_INIT;
  pv_text_escape(&text, bytes, length);
  snprintf(copy, sizeof copy, "%s", text.data == NULL ? "" : text.data);
  pv_text_free(&text);
  return copy;
}
#define ESCAPED(literal) escaped(literal, sizeof(literal) - 1)

static void test_escape_control(void) {
  EXPECT_STR(ESCAPED("plain \"text\" \\ 1"), "plain \"text\" \\ 1");
  EXPECT_STR(ESCAPED("\x1b[31m\r\n\t\a\b"), "\\x1b[31m\\x0d\\x0a\\x09\\x07\\x08");
  EXPECT_STR(ESCAPED("a\0b\x7f"), "a\\x00b\\x7f");
  EXPECT_STR(ESCAPED("\xc2\x9b"
                     "31m"),
             "\\xc2\\x9b31m"); /* C1: an 8-bit CSI */
  for (int c = 0; c < 0x20; c++) {
    char byte = (char)c, want[8];
    snprintf(want, sizeof want, "\\x%02x", c);
    EXPECT_STR(escaped(&byte, 1), want);
  }
}

static void test_escape_bidi(void) {
  /* U+202A..E, U+2066..9, U+200E, U+200F, U+061C, U+2028, U+2029, U+FEFF */
  static const char *const harmful[] = {
      "\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad", "\xe2\x80\xae",
      "\xe2\x81\xa6", "\xe2\x81\xa7", "\xe2\x81\xa8", "\xe2\x81\xa9", "\xe2\x80\x8e",
      "\xe2\x80\x8f", "\xd8\x9c",     "\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbb\xbf"};
  for (size_t i = 0; i < sizeof harmful / sizeof harmful[0]; i++) {
    const char *out = escaped(harmful[i], strlen(harmful[i]));
    EXPECT_U64(strlen(out), 4 * strlen(harmful[i]));
    EXPECT_BYTES(out, "\\x", 2);
  }
  EXPECT_STR(ESCAPED("\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa"), /* their neighbours */
             "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa");
}

static void test_escape_utf8(void) {
  EXPECT_STR(ESCAPED("gr\xc3\xbc\xc3\x9f \xe4\xb8\xad \xf0\x9f\x98\x80"),
             "gr\xc3\xbc\xc3\x9f \xe4\xb8\xad \xf0\x9f\x98\x80");
  EXPECT_STR(ESCAPED("\xff\xc3"), "\\xff\\xc3");
  EXPECT_STR(ESCAPED("\xc3z"), "\\xc3z");        /* the z is not swallowed */
  EXPECT_STR(ESCAPED("\xe2\x80"), "\\xe2\\x80"); /* cut short */
  EXPECT_STR(ESCAPED("\xc0\xaf"), "\\xc0\\xaf"); /* overlong '/' */
}

static bool valid(const char *bytes) {
  return pv_utf8_valid(bytes, strlen(bytes));
}

static void test_utf8_valid(void) {
  EXPECT(valid(""));
  EXPECT(valid("ascii"));
  EXPECT(valid("\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xef\xbf\xbf \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"));
  EXPECT(valid("\xed\x9f\xbf\xee\x80\x80")); /* around the surrogates */
  EXPECT(pv_utf8_valid("a\0b", 3));
  static const char *const wrong[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2z",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xe2\x82",
                                      "\xe2\x82z",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xf0\x90\x80",
                                      "\xfe",
                                      "\xff"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    if (!EXPECT(!valid(wrong[i]))) printf("  case %zu\n", i);
  EXPECT(!pv_utf8_valid("\xe2\x82\xac", 2)); /* the length cuts it */
}

static void test_what_can_not_be_printed(void) {
  static const wchar_t wrong[] = {0x110000, 0};
  pv_text text = PV_TEXT_INIT;
  pv_text_puts(&text, "a");
  pv_text_printf(&text, "%ls", wrong);
  EXPECT(text.failed);
  EXPECT_STR(text.data, "a");
  pv_text_free(&text);
}

static void test_distance_of_long_words(void) {
  char word[66];
  memset(word, 'a', 65);
  word[65] = '\0';
  EXPECT_U64(pv_text_distance(word, "a"), 64);
  EXPECT_U64(pv_text_distance("a", word), 64);
  EXPECT_U64(pv_text_distance(word + 1, word + 1), 0);
}

/* The first of the nearest, and nothing that is too far. */
static void test_nearest(void) {
  static const struct {
    const char *name;
    int other;
  } table[] = {{"cpu", 1}, {"cuda", 2}, {"cude", 3}};
  EXPECT_STR(pv_text_nearest("cudb", table, 3, sizeof *table, 3), "cuda");
  EXPECT_STR(pv_text_nearest("cu", table, 3, sizeof *table, 3), "cpu");
  EXPECT(pv_text_nearest("vulkan", table, 3, sizeof *table, 3) == NULL);
  EXPECT(pv_text_nearest("cpu", table, 0, sizeof *table, 3) == NULL);
}

/* One word for what is no number, whatever the sign of a NaN; and as printf for what is one. */
static void test_reals(void) {
  EXPECT_STR(PV_REAL('g', 9, (double)NAN), "nan");
  EXPECT_STR(PV_REAL('e', 2, copysign((double)NAN, -1.0)), "nan");
  EXPECT_STR(PV_REAL('f', 10, (double)INFINITY), "inf");
  EXPECT_STR(PV_REAL('g', 3, -(double)INFINITY), "-inf");
  EXPECT_STR(PV_REAL('g', 3, 1234.5), "1.23e+03");
  EXPECT_STR(PV_REAL('e', 1, 0.0), "0.0e+00");
  EXPECT_STR(PV_REAL('f', 4, -0.5), "-0.5000");
  EXPECT_STR(PV_REAL('f', 4, 1e300), "1e+300"); /* not three hundred digits */
  EXPECT(pv_real_word(-0.0) == NULL && pv_real_word(1e308) == NULL);
}

/* A shell gives back each word as it was. */
static void test_shell(void) {
  char *const words[] = {(char[]){"a"},  (char[]){""},        (char[]){"b c"},      (char[]){"d'e"},
                         (char[]){"$f"}, (char[]){"cpu:i16"}, (char[]){"\xc3\xa4"}, (char[]){"\\"}};
  pv_text text = PV_TEXT_INIT;
  pv_text_command(&text, "pv", sizeof words / sizeof *words, words);
  EXPECT_STR(text.data, "pv a '' 'b c' 'd'\\''e' '$f' cpu:i16 '\xc3\xa4' '\\'");
  pv_text_free(&text);
}

static void test_find(void) {
  static const struct pet {
    const char *name;
    int legs;
  } pets[] = {{NULL, 0}, {"cat", 4}, {"bird", 2}, {"cat", 3}};
  const struct pet *found = pv_text_find("cat", pets, 4, sizeof *pets);
  EXPECT(found == &pets[1]);
  EXPECT(pv_text_find("ca", pets, 4, sizeof *pets) == NULL);
  EXPECT(pv_text_find("bird", pets, 2, sizeof *pets) == NULL);
}

int main(void) {
  return pv_testing_main("text", (pv_case[]){PV_CASE(test_grows),
                                             PV_CASE(test_adds),
                                             PV_CASE(test_failure_is_sticky),
                                             PV_CASE(test_escape_control),
                                             PV_CASE(test_escape_bidi),
                                             PV_CASE(test_escape_utf8),
                                             PV_CASE(test_utf8_valid),
                                             PV_CASE(test_what_can_not_be_printed),
                                             PV_CASE(test_distance_of_long_words),
                                             PV_CASE(test_nearest),
                                             PV_CASE(test_reals),
                                             PV_CASE(test_shell),
                                             PV_CASE(test_find),
                                             {0}});
}
