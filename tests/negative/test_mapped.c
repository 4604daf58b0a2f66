/* Files as they lie on a disk: an expert's bytes beyond 2^31 and 2^32, and a file that somebody
 * shortens while it is mapped. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
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

/* A set of 104 GiB, each part far above 4 GiB: what is at the far end of each is found, and opening
 * it reads no weights. */
static void test_far_parts(void) {
  enum { PARTS = 4 };
  static const uint64_t row = 65536, rows = 106496; /* 26 GiB in F32 */
  const uint64_t bytes = row * 4 * rows;
  char path[PARTS][600];
  uint64_t end[PARTS];
  bool good = true;
  pv_error err = PV_ERROR_INIT;
  for (uint32_t i = 0; i < PARTS && good; i++) {
    pv_text head = PV_TEXT_INIT;
    char name[16];
    snprintf(path[i], sizeof path[i], "%s/far-%05u-of-%05u.gguf", folder_path("."), i + 1,
             (unsigned)PARTS);
    snprintf(name, sizeof name, "t%u", i);
    gb_header(&head, 1, 3);
    gb_key_u32(&head, "split.no", i);
    gb_key_u32(&head, "split.count", PARTS);
    gb_key_u32(&head, "split.tensors.count", PARTS);
    gb_tensor(&head, name, row, rows, 0, PV_TYPE_F32, 0);
    gb_data(&head, 32, 0);
    end[i] = head.length + bytes;
    good = write_sparse(path[i], &head, end[i]);
    pv_text_free(&head);
  }
  if (!good) {
    pv_testing_skip("this file system has no files of 26 GiB");
    return;
  }
  for (uint32_t i = 0; i < PARTS; i++) { /* the very last byte of each */
    const int fd = open(path[i], O_WRONLY | O_CLOEXEC);
    const char mark = (char)('A' + i);
    EXPECT(pwrite(fd, &mark, 1, (off_t)end[i] - 1) == 1);
    close(fd);
  }
  pv_gguf *gguf = NULL;
  const double began = pv_clock_now();
  const pv_code code = pv_gguf_open(path[2], &gguf, &err);
  const double took = pv_clock_now() - began;
  printf("a set of %d GiB was opened in %.1f ms\n", 26 * PARTS, 1e3 * took);
  EXPECT(took < 1.0);
  if (EXPECT(code == PV_OK)) {
    EXPECT(pv_gguf_length(gguf) > (100ull << 30));
    for (uint32_t i = 0; i < PARTS; i++) {
      const pv_gguf_tensor *t = pv_gguf_tensor_at(gguf, i);
      EXPECT_U64(t->part, i);
      EXPECT_U64(t->bytes, bytes);
      EXPECT_U64(t->data[bytes - 1], (uint64_t)'A' + i);
    }
  }
  pv_gguf_close(gguf);
  gguf = NULL; /* one byte less */
  EXPECT(truncate(path[3], (off_t)end[3] - 1) == 0);
  EXPECT(pv_gguf_open(path[0], &gguf, &err) == PV_ERR_INPUT);
  EXPECT_STR(err.rule, "PV-GGUF-OUTSIDE");
  EXPECT_STR(err.file, path[3]);
  for (uint32_t i = 0; i < PARTS; i++) unlink(path[i]);
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
  const int code =
      pv_testing_main("negative mapped", (pv_case[]){PV_CASE(test_far_experts),
                                                     PV_CASE(test_far_parts),
                                                     PV_CASE(test_shortened_while_mapped),
                                                     {0}});
  folder_remove();
  return code;
}
