#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "tests/unit/testing.h"

static char *printed;

/* What pv_error_print writes; valid until the next call. */
static const char *print(const pv_error *err) {
  size_t length = 0;
  free(printed);
  printed = NULL;
  FILE *file = open_memstream(&printed, &length);
  pv_error_print(err, file);
  fclose(file);
  return printed;
}

static void test_set_fills(void) {
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(err.byte, -1);
  EXPECT_I64(pv_error_set(&err, PV_ERR_INPUT, "bad %d", 7), PV_ERR_INPUT);
  EXPECT_I64(err.code, PV_ERR_INPUT);
  EXPECT_STR(err.message, "bad 7");
  EXPECT_I64(err.byte, -1);
}

static void test_set_resets_place_and_hint(void) {
  pv_error err = PV_ERROR_INIT;
  pv_error_set(&err, PV_ERR_INPUT, "first");
  pv_error_at(&err, "a.yaml", 3, 4, 50);
  pv_error_rule(&err, "PV-X-001");
  pv_error_hint(&err, "do %s", "this");
  pv_error_set(&err, PV_ERR_IO, "second");
  EXPECT_STR(err.file, "");
  EXPECT_STR(err.rule, "");
  EXPECT_STR(err.hint, "");
  EXPECT_I64(err.line, 0);
  EXPECT_I64(err.byte, -1);
}

static void test_old_texts_as_arguments(void) {
  pv_error err = PV_ERROR_INIT;
  pv_error_set(&err, PV_ERR_IO, "inner");
  pv_error_hint(&err, "try");
  pv_error_hint(&err, "%s again", err.hint);
  EXPECT_STR(err.hint, "try again");
  pv_error_set(&err, PV_ERR_IO, "outer: %s", err.message);
  EXPECT_STR(err.message, "outer: inner");
  pv_error_errno(&err, ENOENT, "most: %s", err.message);
  EXPECT_STR(err.message, "most: outer: inner: No such file or directory");
}

static void test_null_is_allowed(void) {
  EXPECT_I64(pv_error_set(NULL, PV_ERR_LIMIT, "x"), PV_ERR_LIMIT);
  EXPECT_I64(pv_error_errno(NULL, ENOMEM, "x"), PV_ERR_NOMEM);
  pv_error_at(NULL, "f", 1, 1, 1);
  pv_error_rule(NULL, "r");
  pv_error_hint(NULL, "h");
  pv_error_print(NULL, stderr);
  pv_error_print(&PV_ERROR_INIT, NULL);
}

static void test_errno(void) {
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(pv_error_errno(&err, EACCES, "cannot open '%s'", "x"), PV_ERR_IO);
  EXPECT_STR(err.message, "cannot open 'x': Permission denied");
  EXPECT_I64(pv_error_errno(&err, ENOMEM, "cannot"), PV_ERR_NOMEM);
}

static void test_long_texts_are_cut(void) {
  pv_error err = PV_ERROR_INIT;
  char text[2000];
  memset(text, 'a', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  pv_error_set(&err, PV_ERR_INPUT, "%s", text);
  EXPECT_U64(strlen(err.message), sizeof err.message - 1);
  pv_error_at(&err, text, 1, 1, 0);
  EXPECT_U64(strlen(err.file), sizeof err.file - 1);
  pv_error_rule(&err, text);
  EXPECT_U64(strlen(err.rule), sizeof err.rule - 1);
  pv_error_hint(&err, "%s", text);
  EXPECT_U64(strlen(err.hint), sizeof err.hint - 1);
  pv_error_errno(&err, EIO, "%s", text);
  EXPECT_HAS(err.message, ": Input/output error");
}

static void test_print(void) {
  pv_error err = PV_ERROR_INIT;
  pv_error_set(&err, PV_ERR_INPUT, "unknown key");
  EXPECT_STR(print(&err), "error: unknown key\n");
  pv_error_at(&err, "c.yaml", 3, 7, 40);
  EXPECT_STR(print(&err), "c.yaml:3:7: error: unknown key\n");
  pv_error_rule(&err, "PV-YAML-004");
  pv_error_hint(&err, "remove it");
  EXPECT_STR(print(&err), "c.yaml:3:7: error: unknown key [PV-YAML-004]\n  remove it\n");
  pv_error_at(&err, "c.yaml", 3, 0, 40);
  EXPECT_HAS(print(&err), "c.yaml:3: error");
  pv_error_at(&err, "m.gguf", 0, 0, 24);
  EXPECT_HAS(print(&err), "m.gguf: error: unknown key (at byte 24) [PV");
}

static void test_print_escapes(void) {
  pv_error err = PV_ERROR_INIT;
  pv_error_set(&err, PV_ERR_INPUT, "key '\x1b[2J\xe2\x80\xae'");
  pv_error_at(&err, "a\nb", 1, 1, 0);
  pv_error_hint(&err, "\a");
  EXPECT_STR(print(&err), "a\\x0ab:1:1: error: key '\\x1b[2J\\xe2\\x80\\xae'\n  \\x07\n");
}

static void test_exit_codes(void) {
  EXPECT_I64(pv_code_exit(PV_OK), 0);
  EXPECT_I64(pv_code_exit(PV_ERR_INPUT), 2);
  EXPECT_I64(pv_code_exit(PV_ERR_LIMIT), 2);
  EXPECT_I64(pv_code_exit(PV_ERR_INTERNAL), 4);
  EXPECT_I64(pv_code_exit(PV_ERR_NOMEM), 4);
  EXPECT_I64(pv_code_exit(PV_ERR_CANCELLED), 130);
  for (int s = PV_ERR_INPUT; s <= PV_ERR_INTERNAL; s++) EXPECT(pv_code_exit((pv_code)s) != 0);
}

static void test_short_ways(void) {
  pv_error err = PV_ERROR_INIT;
  EXPECT(pv_error_nomem(&err, "a list") == PV_ERR_NOMEM && err.code == PV_ERR_NOMEM);
  EXPECT_STR(print(&err), "error: out of memory for a list\n");
  EXPECT(pv_error_refuse(&err, "write 1", "there is no %d", 2) == PV_ERR_INPUT);
  EXPECT_STR(print(&err), "error: there is no 2\n  write 1\n");
  EXPECT(pv_error_refuse(NULL, "write 1", "there is no %d", 2) == PV_ERR_INPUT);
}

static void test_without_place_and_text(void) {
  pv_error err = PV_ERROR_INIT;
  EXPECT_STR(print(&err), "error: \n");
  pv_error_at(&err, "a", 1, 2, 3);
  pv_error_at(&err, NULL, 4, 5, 6); /* the file stays */
  EXPECT_STR(print(&err), "a:4:5: error: \n");
  (void)pv_error_set(&err, PV_ERR_IO, "%s", ""); /* nobody is there to be told */
  EXPECT_STR(print(&err), "");
}

int main(void) {
  const int failed = pv_testing_main("error", (pv_case[]){PV_CASE(test_set_fills),
                                                          PV_CASE(test_set_resets_place_and_hint),
                                                          PV_CASE(test_old_texts_as_arguments),
                                                          PV_CASE(test_null_is_allowed),
                                                          PV_CASE(test_errno),
                                                          PV_CASE(test_long_texts_are_cut),
                                                          PV_CASE(test_print),
                                                          PV_CASE(test_print_escapes),
                                                          PV_CASE(test_exit_codes),
                                                          PV_CASE(test_short_ways),
                                                          PV_CASE(test_without_place_and_text),
                                                          {0}});
  free(printed);
  return failed;
}
