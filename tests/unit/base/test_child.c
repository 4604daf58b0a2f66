/* One child: what it is given, what it may say, how it ends. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "tests/unit/testing.h"

static const size_t MANY = 1 << 20;
/* Nothing here takes that long, on any machine: the limit ends what hangs. */
static const double HANGS_S = 200;

static pv_child *start(const char *script, const void *input, size_t length, size_t limit) {
  const char *argv[] = {"/bin/sh", "-c", script, NULL};
  pv_error err = PV_ERROR_INIT;
  pv_child *child = NULL;
  const pv_child_spec spec = {argv, input, length, limit};
  if (!EXPECT(pv_child_start(&spec, &child, &err) == PV_OK)) pv_error_print(&err, stdout);
  return child;
}

/* Waits to the end. */
static bool finish(pv_child *child, pv_text *channel) {
  pv_child_event event = PV_CHILD_BYTES;
  while (event == PV_CHILD_BYTES)
    if (pv_child_wait(child, HANGS_S, channel, MANY, &event, NULL) != PV_OK) return false;
  return event == PV_CHILD_EXIT;
}

static void test_streams(void) {
  pv_text channel = PV_TEXT_INIT;
  pv_child *child = start("cat; echo oops >&2; printf frame >&3; exit 7", "input", 5, MANY);
  REQUIRE(child != NULL);
  EXPECT(finish(child, &channel));
  EXPECT_STR(channel.data, "frame");
  EXPECT_STR(pv_child_stdout(child)->data, "input");
  EXPECT_STR(pv_child_stderr(child)->data, "oops\n");
  EXPECT_I64(pv_child_result(child)->code, 7);
  EXPECT_I64(pv_child_result(child)->signal, 0);
  EXPECT(!pv_child_result(child)->output_dropped);
  EXPECT(!pv_child_result(child)->out_of_memory);
  pv_child_free(child);
  pv_text_free(&channel);
}

static void test_no_input_is_end_of_file(void) {
  pv_text channel = PV_TEXT_INIT;
  pv_child *child = start("cat; echo done", NULL, 5, MANY);
  REQUIRE(child != NULL);
  EXPECT(finish(child, &channel));
  EXPECT_STR(pv_child_stdout(child)->data, "done\n");
  pv_child_free(child);
  pv_text_free(&channel);
}

static void test_large_input_and_output(void) {
  enum { BYTES = 1000000 };
  static char input[BYTES];
  pv_text channel = PV_TEXT_INIT;
  for (int i = 0; i < BYTES; i++) input[i] = (char)('a' + i % 26);
  pv_child *child = start("tee /dev/fd/3", input, BYTES, BYTES);
  REQUIRE(child != NULL);
  EXPECT(finish(child, &channel));
  EXPECT_U64(channel.length, BYTES);
  EXPECT_U64(pv_child_stdout(child)->length, BYTES);
  EXPECT_BYTES(channel.data, input, BYTES);
  EXPECT_BYTES(pv_child_stdout(child)->data, input, BYTES);
  pv_child_free(child);
  pv_text_free(&channel);
}

static void test_input_nobody_reads(void) {
  static char input[1 << 20]; /* more than a pipe holds: writing it ends in EPIPE */
  pv_text channel = PV_TEXT_INIT;
  signal(SIGPIPE, SIG_DFL);
  pv_child *child = start("exec 0<&-; sleep 0.1; exit 3", input, MANY, MANY);
  REQUIRE(child != NULL);
  EXPECT(finish(child, &channel));
  EXPECT_I64(pv_child_result(child)->code, 3);
  pv_child_free(child);
  pv_text_free(&channel);
}

static void test_flood_is_cut(void) {
  pv_text channel = PV_TEXT_INIT;
  pv_child *child =
      start("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2", NULL, 0, 1000);
  REQUIRE(child != NULL);
  EXPECT(finish(child, &channel));
  EXPECT_U64(pv_child_stdout(child)->length, 1000);
  EXPECT_U64(pv_child_stderr(child)->length, 1000);
  EXPECT(pv_child_result(child)->output_dropped);
  EXPECT_I64(pv_child_result(child)->code, 0); /* it was not held up by our not keeping the rest */
  pv_child_free(child);
  pv_text_free(&channel);
}

static void test_channel_limit(void) {
  pv_text channel = PV_TEXT_INIT;
  pv_error err = PV_ERROR_INIT;
  pv_child_event event = PV_CHILD_BYTES;
  pv_code code = PV_OK;
  pv_child *child = start("exec cat /dev/zero >&3", NULL, 0, MANY);
  REQUIRE(child != NULL);
  while (code == PV_OK && event == PV_CHILD_BYTES)
    code = pv_child_wait(child, HANGS_S, &channel, 100000, &event, &err);
  EXPECT_I64(code, PV_ERR_LIMIT);
  EXPECT_HAS(err.message, "100000 bytes");
  pv_child_free(child);
  pv_text_free(&channel);
}

static void test_timeout(void) {
  pv_text channel = PV_TEXT_INIT;
  pv_child_event event = PV_CHILD_EXIT;
  pv_child *child = start("exec sleep 1000", NULL, 0, MANY);
  REQUIRE(child != NULL);
  EXPECT_I64(pv_child_wait(child, 0.05, &channel, MANY, &event, NULL), PV_OK);
  EXPECT_I64(event, PV_CHILD_TIMEOUT);
  EXPECT_I64(pv_child_wait(child, 0, &channel, MANY, &event, NULL), PV_OK);
  EXPECT_I64(event, PV_CHILD_TIMEOUT);
  pv_child_kill(child, 5);
  EXPECT_I64(pv_child_result(child)->signal, SIGTERM);
  EXPECT_I64(pv_child_result(child)->code, -1);
  EXPECT(!pv_child_result(child)->out_of_memory);
  pv_child_kill(child, 5);
  EXPECT_I64(pv_child_wait(child, 5, &channel, MANY, &event, NULL), PV_OK);
  EXPECT_I64(event, PV_CHILD_EXIT);
  pv_child_free(child);
  pv_text_free(&channel);
}

static void test_crash(void) {
  static const struct {
    const char *script;
    int signal;
    bool out_of_memory;
  } cases[] = {{"kill -SEGV $$", SIGSEGV, false},
               {"kill -ABRT $$", SIGABRT, false},
               {"kill -KILL $$", SIGKILL, true}}; /* by nobody we know of */
  for (size_t i = 0; i < 3; i++) {
    pv_text channel = PV_TEXT_INIT;
    pv_child *child = start(cases[i].script, NULL, 0, MANY);
    REQUIRE(child != NULL);
    EXPECT(finish(child, &channel));
    EXPECT_I64(pv_child_result(child)->signal, cases[i].signal);
    EXPECT_I64(pv_child_result(child)->code, -1);
    EXPECT(pv_child_result(child)->out_of_memory == cases[i].out_of_memory);
    pv_child_free(child);
    pv_text_free(&channel);
  }
}

static void test_last_words_are_kept(void) {
  /* Bytes written just before a crash arrive before PV_CHILD_EXIT. */
  for (int i = 0; i < 30; i++) {
    pv_text channel = PV_TEXT_INIT;
    pv_child *child = start("printf 12345 >&3; echo last; kill -KILL $$", NULL, 0, MANY);
    REQUIRE(child != NULL);
    EXPECT(finish(child, &channel));
    EXPECT_STR(channel.data, "12345");
    EXPECT_STR(pv_child_stdout(child)->data, "last\n");
    pv_child_free(child);
    pv_text_free(&channel);
  }
}

static void test_cannot_start(void) {
  static const char *const wrong[] = {"/no/such/program", "/etc/passwd", "/tmp", "sh"};
  for (size_t i = 0; i < 4; i++) {
    const char *argv[] = {wrong[i], NULL};
    pv_child *child = NULL;
    pv_error err = PV_ERROR_INIT;
    EXPECT_I64(pv_child_start(&(pv_child_spec){argv, NULL, 0, 10}, &child, &err), PV_ERR_IO);
    EXPECT_HAS(err.message, wrong[i]);
    EXPECT(child == NULL);
  }
  EXPECT(waitpid(-1, NULL, WNOHANG) == -1); /* no child is left, not even a zombie */
}

static void test_signals_and_mask_are_plain(void) {
  sigset_t mask, before;
  pv_text channel = PV_TEXT_INIT;
  sigemptyset(&mask);
  sigaddset(&mask, SIGTERM);
  sigprocmask(SIG_BLOCK, &mask, &before);
  pv_child *child = start("grep -E '^Sig(Blk|Ign)' /proc/self/status", NULL, 0, MANY);
  sigprocmask(SIG_SETMASK, &before, NULL);
  REQUIRE(child != NULL);
  EXPECT(finish(child, &channel));
  EXPECT_STR(pv_child_stdout(child)->data,
             "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  pv_child_free(child);
  pv_text_free(&channel);
}

int main(void) {
  return pv_testing_main("child", (pv_case[]){PV_CASE(test_streams),
                                              PV_CASE(test_no_input_is_end_of_file),
                                              PV_CASE(test_large_input_and_output),
                                              PV_CASE(test_input_nobody_reads),
                                              PV_CASE(test_flood_is_cut),
                                              PV_CASE(test_channel_limit),
                                              PV_CASE(test_timeout),
                                              PV_CASE(test_crash),
                                              PV_CASE(test_last_words_are_kept),
                                              PV_CASE(test_cannot_start),
                                              PV_CASE(test_signals_and_mask_are_plain),
                                              {0}});
}
