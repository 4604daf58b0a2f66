/* The pattern alone: where text is cut into pieces. */
#include <stdio.h>
#include <string.h>

#include "runtime/tokenizer/internal.h"
#include "tests/unit/testing.h"

static pcre2_code *pattern;

/* The pieces of `text`, each followed by a bar. */
static void expect_pieces(const char *text, const char *want) {
  char got[256] = "";
  size_t used = 0, at = 0;
  const size_t length = strlen(text);
  pv_error err = PV_ERROR_INIT;
  if (pattern == NULL && !EXPECT(pv_split_compile(&pattern, &err) == PV_OK)) return;
  pcre2_match_data *match = pcre2_match_data_create(1, NULL);
  while (at < length) {
    if (!EXPECT(pcre2_match(pattern, (PCRE2_SPTR)text, length, at, PCRE2_ANCHORED, match, NULL) >
                0))
      break;
    const size_t end = pcre2_get_ovector_pointer(match)[1];
    if (!EXPECT(end > at) || used + (end - at) + 2 > sizeof got) break;
    memcpy(got + used, text + at, end - at);
    used += end - at;
    got[used++] = '|';
    got[used] = '\0';
    at = end;
  }
  pcre2_match_data_free(match);
  EXPECT_STR(got, want);
}

static void test_words(void) {
  expect_pieces("hello world", "hello| world|");
  expect_pieces("a  b", "a| | b|");
  expect_pieces("(pi", "(pi|");
  expect_pieces("((pi", "((|pi|");
  expect_pieces("\tx", "\tx|");
  expect_pieces("caf\xc3\xa9 \xe4\xbd\xa0\xe5\xa5\xbd", "caf\xc3\xa9| \xe4\xbd\xa0\xe5\xa5\xbd|");
  expect_pieces("\xf0\x9f\x98\x80x", "\xf0\x9f\x98\x80x|");
}

static void test_short_forms(void) {
  expect_pieces("it's", "it|'s|");
  expect_pieces("it'sx", "it|'s|x|");
  expect_pieces("a'tx", "a|'t|x|");
  expect_pieces("a'rex", "a|'re|x|");
  expect_pieces("a'vex", "a|'ve|x|");
  expect_pieces("a'mx", "a|'m|x|");
  expect_pieces("a'llx", "a|'ll|x|");
  expect_pieces("a'dx", "a|'d|x|");
  expect_pieces("A'SX A'TX", "A|'S|X| A|'T|X|");
  expect_pieces("A'REX A'VeX", "A|'RE|X| A|'Ve|X|");
  expect_pieces("A'MX A'lLX A'DX", "A|'M|X| A|'lL|X| A|'D|X|");
  expect_pieces("a'lx", "a|'lx|");
}

static void test_numbers_stand_alone(void) {
  expect_pieces("1234", "1|2|3|4|");
  expect_pieces("a1b", "a|1|b|");
  expect_pieces(" 12", " |1|2|");
  expect_pieces("\xc2\xbd\xd9\xa3", "\xc2\xbd|\xd9\xa3|"); /* U+00BD, U+0663 are numbers too */
}

static void test_punctuation(void) {
  expect_pieces("x == y", "x| ==| y|");
  expect_pieces("x);\n\ny", "x|);\n\n|y|");
  expect_pieces("x );\r\n y", "x| );\r\n| y|");
  expect_pieces("  ==", " | ==|");
  expect_pieces("...a", "...|a|");
}

static void test_white_space(void) {
  expect_pieces("a\n\n  b", "a|\n\n| | b|");
  expect_pieces("a  \n  \n b", "a|  \n  \n| b|");
  expect_pieces("a   ", "a|   |");
  expect_pieces("   a", "  | a|");
  expect_pieces("  1", " | |1|");
  expect_pieces("\r\nx", "\r\n|x|");
  expect_pieces("a \t b", "a| \t| b|");
}

/* Two white-space characters before a letter: the second goes with the letter. Were they not white
 * space, they would stay together. */
static void test_which_characters_are_white_space(void) {
  static const char *const space[] = {
      "\t",           "\x0b",         "\x0c",         " ",
      "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80",
      "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf",
      "\xe2\x81\x9f", "\xe3\x80\x80"};
  static const char *const other[] = {"\xe1\xa0\x8e", "\xe2\x80\x8b", "\xe2\x81\xa0",
                                      "\xef\xbb\xbf", "\x1f",         "\xc2\x84"};
  char text[32], want[32];
  for (size_t i = 0; i < sizeof space / sizeof space[0]; i++) {
    snprintf(text, sizeof text, "%s%sx", space[i], space[i]);
    snprintf(want, sizeof want, "%s|%sx|", space[i], space[i]);
    expect_pieces(text, want);
  }
  for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
    snprintf(text, sizeof text, "%s%sx", other[i], other[i]);
    snprintf(want, sizeof want, "%s%s|x|", other[i], other[i]);
    expect_pieces(text, want);
  }
}

static void test_free(void) {
  pcre2_code_free(pattern);
  EXPECT(true);
}

int main(void) {
  return pv_testing_main("tokenizer/split",
                         (pv_case[]){PV_CASE(test_words),
                                     PV_CASE(test_short_forms),
                                     PV_CASE(test_numbers_stand_alone),
                                     PV_CASE(test_punctuation),
                                     PV_CASE(test_white_space),
                                     PV_CASE(test_which_characters_are_white_space),
                                     PV_CASE(test_free),
                                     {0}});
}
