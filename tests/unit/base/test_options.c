/* Options of a command: what is taken, what is refused and with which words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "tests/unit/testing.h"

static bool flag, help;
static const char *text, *rest[2];
static pv_error err;
static const pv_option list[] = {
    {.name = "--quick", .about = "be quick", .flag = &flag},
    {.name = "--out", .value = "FOLDER", .about = "write there", .text = &text},
    {0}};
static pv_options options;

/* Up to three arguments. */
static pv_code parse(const char *a, const char *b, const char *c) {
  char *argv[5] = {0};
  const char *given[] = {a, b, c};
  static char kept[4][32];
  int argc = 1;
  snprintf(kept[0], sizeof kept[0], "do");
  argv[0] = kept[0];
  for (int i = 0; i < 3 && given[i] != NULL; i++) {
    snprintf(kept[argc], sizeof kept[argc], "%s", given[i]);
    argv[argc] = kept[argc];
    argc++;
  }
  flag = help = false;
  text = NULL;
  err = PV_ERROR_INIT;
  options = (pv_options){.command = "do",
                         .positional = "FILE",
                         .summary = "Does it.",
                         .examples = "  pv do\n",
                         .list = list,
                         .rest = rest,
                         .rest_max = 2};
  return pv_options_parse(&options, argc, argv, &help, &err);
}

static void test_taken(void) {
  EXPECT_I64(parse("--quick", "--out", "a"), PV_OK);
  EXPECT(flag && !help);
  EXPECT_STR(text, "a");
  EXPECT_I64(parse("--out=b=c", "x", "-"), PV_OK); /* a dash alone is an argument */
  EXPECT_STR(text, "b=c");
  EXPECT_U64(options.rest_count, 2);
  EXPECT_STR(rest[0], "x");
  EXPECT_STR(rest[1], "-");
  EXPECT_I64(parse("--out=", NULL, NULL), PV_OK);
  EXPECT_STR(text, "");
}

static void test_refused(void) {
  EXPECT_I64(parse("--quikc", NULL, NULL), PV_ERR_INPUT);
  EXPECT_STR(err.message, "pv do has no option '--quikc'");
  EXPECT_STR(err.hint, "did you mean --quick?");
  EXPECT_I64(parse("--elsewhere", NULL, NULL), PV_ERR_INPUT);
  EXPECT_STR(err.hint, "see: pv do --help");
  EXPECT_I64(parse("--qvick", NULL, NULL), PV_ERR_INPUT); /* as long as an option, and another */
  EXPECT_I64(parse("--quick=1", NULL, NULL), PV_ERR_INPUT);
  EXPECT_STR(err.message, "--quick takes no value");
  EXPECT_I64(parse("--out", NULL, NULL), PV_ERR_INPUT);
  EXPECT_STR(err.message, "--out needs a value: FOLDER");
  EXPECT_I64(parse("a", "b", "c"), PV_ERR_INPUT);
  EXPECT_STR(err.message, "pv do takes no argument 'c'");
}

/* What `--help` or `-h` prints. */
static const char *helped(const char *how, bool positional) {
  static char said[1024];
  char *argv[] = {said, (char *)(uintptr_t)how, NULL};
  FILE *file = tmpfile();
  if (file == NULL) return "";
  fflush(stdout);
  const int kept = dup(1);
  dup2(fileno(file), 1);
  options = (pv_options){.command = "do",
                         .positional = positional ? "FILE" : NULL,
                         .summary = "Does it.",
                         .examples = "  pv do\n",
                         .list = list};
  EXPECT_I64(pv_options_parse(&options, 2, argv, &help, &err), PV_OK);
  fflush(stdout);
  dup2(kept, 1);
  close(kept);
  rewind(file);
  said[fread(said, 1, sizeof said - 1, file)] = '\0';
  fclose(file);
  return said;
}

static void test_help(void) {
  EXPECT_HAS(helped("--help", true), "Usage: pv do FILE [options]");
  EXPECT(help);
  EXPECT_HAS(helped("-h", false), "Usage: pv do [options]");
  EXPECT_HAS(helped("-h", false), "--out        FOLDER    write there");
  EXPECT_HAS(helped("-h", false), "--quick                be quick");
}

static void test_numbers(void) {
  uint64_t n = 7;
  double x = 7;
  EXPECT_I64(pv_option_u64("--n", NULL, 1, 9, &n, &err), PV_OK);
  EXPECT_I64(pv_option_real("--x", NULL, 1, 9, &x, &err), PV_OK);
  static const char *const wrong[] = {"0", "10", "two", ""};
  for (size_t i = 0; i < 4; i++) {
    EXPECT_I64(pv_option_u64("--n", wrong[i], 1, 9, &n, &err), PV_ERR_INPUT);
    EXPECT_HAS(err.message, "is not a whole number from 1 to 9");
    EXPECT_I64(pv_option_real("--x", wrong[i], 1, 9, &x, &err), PV_ERR_INPUT);
    EXPECT_HAS(err.message, "is not a number from 1 to 9");
  }
  EXPECT_U64(n, 7);
  EXPECT_F64(x, 7, 0);
  EXPECT_I64(pv_option_u64("--n", "9", 1, 9, &n, &err), PV_OK);
  EXPECT_I64(pv_option_real("--x", "1.5", 1, 9, &x, &err), PV_OK);
  EXPECT_U64(n, 9);
  EXPECT_F64(x, 1.5, 0);
}

static void test_ids(void) {
  uint32_t *ids = NULL;
  size_t count = 0;
  static const char *const wrong[] = {"", "1,", "1, 2", "4294967296",
                                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
  for (size_t i = 0; i < 5; i++) {
    EXPECT_I64(pv_option_ids("--ids", wrong[i], &ids, &count, &err), PV_ERR_INPUT);
    EXPECT_HAS(err.hint, "1,2,3");
  }
  EXPECT(ids == NULL && count == 0);
  EXPECT_I64(pv_option_ids("--ids", "1,0,4294967295", &ids, &count, &err), PV_OK);
  EXPECT_U64(count, 3);
  EXPECT(ids != NULL && ids[0] == 1 && ids[1] == 0 && ids[2] == UINT32_MAX);
  free(ids);
}

static void test_bytes(void) {
  static const char *const wrong[] = {"",
                                      "0",
                                      "0G",
                                      "G",
                                      "-1",
                                      "1.5G",
                                      "8GB",
                                      "8g",
                                      "8 G",
                                      "1e9",
                                      "18446744073709551616",
                                      "18446744073709552K"};
  uint64_t bytes = 7;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    EXPECT_I64(pv_option_bytes("--memory", wrong[i], &bytes, &err), PV_ERR_INPUT);
    EXPECT_HAS(err.message, "is no number of bytes");
    EXPECT_HAS(err.hint, "8G is 8,000,000,000");
    EXPECT_U64(bytes, 7);
  }
  static const struct {
    const char *text;
    uint64_t bytes;
  } right[] = {
      {"1", 1}, {"12K", 12000}, {"3M", 3000000}, {"8G", 8000000000}, {"2T", 2000000000000}};
  for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
    EXPECT_I64(pv_option_bytes("--memory", right[i].text, &bytes, &err), PV_OK);
    EXPECT_U64(bytes, right[i].bytes);
  }
  EXPECT_I64(pv_option_bytes("--memory", NULL, &bytes, &err), PV_OK); /* not given */
  EXPECT_U64(bytes, 2000000000000);
}

int main(void) {
  return pv_testing_main("options", (pv_case[]){PV_CASE(test_taken),
                                                PV_CASE(test_refused),
                                                PV_CASE(test_help),
                                                PV_CASE(test_numbers),
                                                PV_CASE(test_ids),
                                                PV_CASE(test_bytes),
                                                {0}});
}
