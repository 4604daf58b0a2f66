/* Lines that fit a width: prose, commands and tables. */
#include <stdlib.h>
#include <string.h>

#include "screen/fold.h"
#include "tests/unit/testing.h"

static const char *folded(const char *text, unsigned width) {
  static pv_text out;
  pv_text_free(&out);
  out = PV_TEXT_INIT;
  pv_fold(text, strlen(text), width, &out);
  return out.failed ? "failed" : out.data == NULL ? "" : out.data;
}

static void test_what_fits_stays(void) {
  static const char *const texts[] = {"",
                                      "\n",
                                      "\n\n",
                                      "a\n\nb\n",
                                      "a  b     c\n",
                                      "no end",
                                      "a\nno end",
                                      "äöü äöü äöü äöü\n",
                                      "\x1b[1;31m01234567890123456789\x1b[0m\n"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    EXPECT_STR(folded(texts[i], 20), texts[i]);
}

static void test_prose(void) {
  EXPECT_STR(folded("one two three four five six\n", 20), "one two three four\nfive six\n");
  EXPECT_STR(folded("  one two three four five\n", 20), "  one two three four\n  five\n");
  /* A word that is too long stays whole: it may be a path. */
  EXPECT_STR(folded("see /a/path/that/is/too/long here\n", 20),
             "see\n/a/path/that/is/too/long\nhere\n");
  /* A sentence that was broken by hand goes on, one that ended does not. */
  EXPECT_STR(folded("one two three four five\nsix seven.\n", 20),
             "one two three four\nfive six seven.\n");
  EXPECT_STR(folded("one two three four five.\nSix.\n", 20), "one two three four\nfive.\nSix.\n");
  EXPECT_STR(folded("ä ö ü ä ö ü ä ö ü ä ö\n", 20), "ä ö ü ä ö ü ä ö ü ä\nö\n");
}

static void test_commands(void) {
  EXPECT_STR(folded("  pv run m.gguf 'def main():' --seed 7\n", 24),
             "  pv run m.gguf \\\n      'def main():' \\\n      --seed 7\n");
  /* Within quotes a line end would be part of the word. */
  EXPECT_STR(folded("  pv run 'a b c d e f g h i j k'\n", 20),
             "  pv run \\\n      'a b c d e f g h i j k'\n");
}

static void test_tables(void) {
  /* Blanks that all rows have in common shrink, and nothing else. */
  EXPECT_STR(folded("name           1.5          22\n"
                    "other         11.5           3\n",
                    20),
             "name    1.5  22\n"
             "other  11.5   3\n");
  /* The last column is wrapped beside the others. */
  EXPECT_STR(folded("  --a    N     the first of them all\n"
                    "  --bcd  FILE  more\n",
                    30),
             "  --a    N     the first of\n"
             "               them all\n"
             "  --bcd  FILE  more\n");
  /* Columns without room go on below, the same in every row. */
  EXPECT_STR(folded("aaaaaaaa  bbbbbbbb  cccccccc\n"
                    "1         2         3\n",
                    20),
             "aaaaaaaa  bbbbbbbb\n"
             "    cccccccc\n"
             "1         2\n"
             "    3\n");
  /* Prose between rows is none of the table. */
  EXPECT_STR(folded("aaaa             bbbb\n"
                    "a sentence between the rows\n"
                    "cccc             dddd\n",
                    20),
             "aaaa  bbbb\na sentence between\nthe rows\ncccc  dddd\n");
  /* Markdown, between its cells; within one that is too long for a line. */
  EXPECT_STR(folded("| a | b c | d e f |\n|---|---|---|\n| aa aa | bb bb | cc cc |\n", 20),
             "| a | b c | d e f |\n|---|---|---|\n| aa aa | bb bb\n    | cc cc |\n");
  EXPECT_STR(folded("| a word and two words more | b |\n", 20),
             "| a word and two\n    words more | b |\n");
  EXPECT_STR(folded("\x1b[31mFAIL\x1b[0m              one two three four\n", 20),
             "\x1b[31mFAIL\x1b[0m  one two three\n      four\n");
}

/* Of anything at all: no word is lost or torn apart, and a line is longer for one word alone. */
static void test_any_text(void) {
  static const char alphabet[] = "aab  |'\"\n- .";
  unsigned state = 1;
  for (int round = 0; round < 3000; round++) {
    char text[200];
    size_t n = 0;
    while (n < sizeof text - 1) {
      state = state * 1103515245u + 12345u;
      text[n++] = alphabet[state / 65536u % (sizeof alphabet - 1)];
    }
    text[n] = '\0';
    const char *got = folded(text, 24), *a = text, *b = got;
    for (;;) {
      while (*a == ' ' || *a == '\n') a++;
      while (*b == ' ' || *b == '\n') b++;
      if (*a == '\0' || *a != *b) break;
      a++, b++;
    }
    if (!EXPECT(*a == '\0' && *b == '\0')) return;
    for (b = got; *b != '\0';) {
      const size_t length = strcspn(b, "\n");
      size_t last = length; /* where the last word begins */
      while (last > 0 && b[last - 1] != ' ') last--;
      if (length > 24 && !EXPECT_STR(last < 24 ? "" : text, "")) return;
      b += length + (b[length] == '\n');
    }
  }
}

int main(void) {
  return pv_testing_main("screen fold", (pv_case[]){PV_CASE(test_what_fits_stays),
                                                    PV_CASE(test_prose),
                                                    PV_CASE(test_commands),
                                                    PV_CASE(test_tables),
                                                    PV_CASE(test_any_text),
                                                    {0}});
}
