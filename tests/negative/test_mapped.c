/* Files as they lie on a disk: an expert's bytes beyond 2^31 and 2^32, and a file that somebody
 * shortens while it is mapped. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/model/model.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/gguf/build.h"
#include "tests/unit/testing.h"

/* Writes the header in `head`, then as many zeros as make `length`, which take no space. */
static bool write_sparse(const char *path, const pv_text *head, uint64_t length) {
  const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  const bool good = fd >= 0 && !head->failed &&
                    write(fd, head->data, head->length) == (ssize_t)head->length &&
                    ftruncate(fd, (off_t)length) == 0;
  if (fd >= 0) close(fd);
  return good;
}

static void test_far_experts(void) {
  enum { EXPERTS = 3 };
  static const uint64_t row = 65536, rows = 32768; /* 8 GiB for each expert, in F32 */
  const uint64_t stride = row * 4 * rows;
  pv_text head = PV_TEXT_INIT;
  pv_gguf *gguf = NULL;
  pv_error err = PV_ERROR_INIT;
  char path[600];
  gb_header(&head, 1, 0);
  gb_tensor(&head, "experts", row, rows, EXPERTS, PV_TYPE_F32, 0);
  gb_data(&head, 32, 0);
  snprintf(path, sizeof path, "%s", folder_path("far.gguf"));
  if (!write_sparse(path, &head, head.length + EXPERTS * stride)) {
    pv_testing_skip("this file system has no file of 24 GiB");
    pv_text_free(&head);
    return;
  }
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  for (uint64_t e = 0; e < EXPERTS; e++) { /* the first byte of each and the very last */
    const char mark = (char)('A' + e);
    EXPECT(pwrite(fd, &mark, 1, (off_t)(head.length + e * stride)) == 1);
  }
  EXPECT(pwrite(fd, "Z", 1, (off_t)(head.length + EXPERTS * stride - 1)) == 1);
  close(fd);
  if (EXPECT(pv_gguf_open(path, &gguf, &err) == PV_OK)) {
    const pv_gguf_tensor *t = pv_gguf_tensor_at(gguf, 0);
    EXPECT_U64(t->bytes, EXPERTS * stride);
    for (uint32_t e = 0; e < EXPERTS; e++) EXPECT_U64(*pv_model_expert(t, e), (uint64_t)'A' + e);
    EXPECT_U64(pv_model_expert(t, 2)[stride - 1], 'Z');
  }
  pv_gguf_close(gguf);
  /* One byte less, and the last expert is not whole. */
  EXPECT(truncate(path, (off_t)(head.length + EXPERTS * stride - 1)) == 0);
  gguf = NULL;
  EXPECT(pv_gguf_open(path, &gguf, &err) == PV_ERR_INPUT);
  EXPECT_STR(err.rule, "PV-GGUF-OUTSIDE");
  pv_text_free(&head);
  unlink(path);
}

/* Opens the file, says so, waits, and reads every page of the tensor. Comes to its end only if
 * the file is whole. */
static void read_it(const char *path, int told, int wait) {
  pv_gguf *gguf = NULL;
  char byte = 0;
  unsigned sum = 0;
  signal(SIGBUS, SIG_DFL); /* the sanitizer's handler would turn it into an exit code */
  if (pv_gguf_open(path, &gguf, NULL) != PV_OK) _exit(90);
  if (write(told, "o", 1) != 1 || read(wait, &byte, 1) != 1) _exit(91);
  const pv_gguf_tensor *t = pv_gguf_tensor_at(gguf, 0);
  for (uint64_t i = 0; i < t->bytes; i += 512) sum += t->data[i];
  _exit(sum == 0 ? 0 : 92);
}

/* How the reader ended, when the file has `left` bytes by the time it reads. */
static int ended_with(const char *path, const pv_text *file, uint64_t left) {
  int to_us[2], to_it[2], ended = -1;
  char byte = 0;
  if (!EXPECT(write_sparse(path, file, file->length))) return -1;
  if (!EXPECT(pipe2(to_us, O_CLOEXEC) == 0 && pipe2(to_it, O_CLOEXEC) == 0)) return -1;
  const pid_t pid = fork();
  if (pid == 0) read_it(path, to_us[1], to_it[0]);
  EXPECT(read(to_us[0], &byte, 1) == 1 && truncate(path, (off_t)left) == 0);
  EXPECT(write(to_it[1], "g", 1) == 1);
  EXPECT(waitpid(pid, &ended, 0) == pid);
  for (int i = 0; i < 2; i++) close(to_us[i]), close(to_it[i]);
  return ended;
}

/* Nothing can be checked against that, so it must end the process, and only the probe's: what a
 * shortened file gives is never a number. That the runner calls it CRASH is test_run's. */
static void test_shortened_while_mapped(void) {
  pv_text file = PV_TEXT_INIT;
  char path[600];
  gb_header(&file, 1, 0);
  gb_tensor(&file, "t", 65536, 0, 0, PV_TYPE_F32, 0);
  gb_data(&file, 32, 65536 * 4);
  snprintf(path, sizeof path, "%s", folder_path("short.gguf"));
  const int whole = ended_with(path, &file, file.length);
  EXPECT(WIFEXITED(whole) && WEXITSTATUS(whole) == 0);
  static const uint64_t left[] = {0, 4096, 65536};
  for (size_t i = 0; i < 3; i++) {
    const int ended = ended_with(path, &file, left[i]);
    EXPECT(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGBUS);
  }
  pv_text_free(&file);
}

int main(void) {
  if (folder_make() == NULL) return 1;
  const int code = pv_testing_main(
      "negative mapped",
      (pv_case[]){PV_CASE(test_far_experts), PV_CASE(test_shortened_while_mapped), {0}});
  folder_remove();
  return code;
}
