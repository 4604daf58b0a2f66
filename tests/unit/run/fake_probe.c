/* A probe that computes nothing and misbehaves by request: what it does with a falsifier stands in
 * the falsifier's id, from the second letter group on ("F_SEGV", "F_SEGV_2"). What it does at the
 * start stands in PV_FAKE_START. PV_FAKE_LOG names a file that gets the pid of every process. */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/sha256.h"
#include "base/text.h"
#include "runtime/probe/frame.h"

enum { CHANNEL = 3 };

static const char *nonce = "";

static const char *setting(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value == NULL ? otherwise : value;
}

static void note_pid(void) {
  const char *path = getenv("PV_FAKE_LOG");
  FILE *log = path == NULL ? NULL : fopen(path, "ab");
  if (log == NULL) return;
  fprintf(log, "%ld\n", (long)getpid());
  fclose(log);
}

static void hang(void) {
  signal(SIGTERM, SIG_IGN);
  for (;;) pause();
}

static void send_as(json_t *object, const char *with_nonce) {
  json_object_set_new(object, "nonce", json_string(with_nonce));
  char *text = json_dumps(object, JSON_COMPACT);
  if (text == NULL || pv_frame_write(CHANNEL, text, strlen(text), NULL) != PV_OK) _exit(90);
  free(text);
  json_decref(object);
}
static void send_object(json_t *object) {
  send_as(object, nonce);
}

static json_t *result(const char *id, const char *verdict, const char *reason, int compared) {
  return json_pack("{s:s, s:s, s:s, s:s, s:i, s:{s:f, s:f}, s:n, s:n, s:f, s:[], s:[s]}", "type",
                   "result", "id", id, "verdict", verdict, "reason", reason, "compared", compared,
                   "metrics", "worst_cosine", 0.99999994039535522, "largest_ulp", 1.0, "worst",
                   "needed_tolerance", "duration_s", 0.001, "series", "backends",
                   setting("PV_FAKE_BACKEND", "cpu"));
}

static void flood(void) {
  char block[4096];
  memset(block, 'x', sizeof block);
  for (int i = 0; i < 2500; i++)
    if (write(STDERR_FILENO, block, sizeof block) < 0 || write(STDOUT_FILENO, block, 1) < 0) return;
}

static void raw(const char *bytes, size_t length) {
  if (write(CHANNEL, bytes, length) != (ssize_t)length) _exit(91);
}

/* What happens to a probe whose model somebody shortens. */
static void read_a_shortened_file(void) {
  const int fd = memfd_create("model", MFD_CLOEXEC);
  signal(SIGBUS, SIG_DFL);
  if (fd < 0 || ftruncate(fd, 4096) != 0) _exit(94);
  const volatile char *data = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED || ftruncate(fd, 0) != 0) _exit(94);
  _exit(data[0]);
}

/* A process in a session of its own, without a parent, that holds every pipe and hangs. */
static void leave_one_behind(void) {
  int ready[2];
  char byte = 0;
  if (pipe(ready) != 0) _exit(95);
  if (fork() == 0) {
    if (fork() != 0) _exit(0);
    setsid();
    note_pid();
    if (write(ready[1], "x", 1) != 1) _exit(95);
    hang();
  }
  if (read(ready[0], &byte, 1) != 1) _exit(95);
}

/* Ways to end without an answer. */
static void end_early(const char *mode) {
  if (strcmp(mode, "SEGV") == 0) {
    signal(SIGSEGV, SIG_DFL);
    fputs("about to fall\n", stderr);
    raise(SIGSEGV);
  }
  if (strcmp(mode, "ABRT") == 0) {
    signal(SIGABRT, SIG_DFL);
    raise(SIGABRT);
  }
  if (strcmp(mode, "BUS") == 0) read_a_shortened_file();
  if (strcmp(mode, "OOM") == 0) raise(SIGKILL);
  if (strcmp(mode, "EXIT3") == 0) _exit(3);
  if (strcmp(mode, "EXIT0") == 0) _exit(0);
  if (strcmp(mode, "SAYPASS") == 0) {
    if (write(STDOUT_FILENO, "PASS\n", 5) == 5) _exit(0);
  }
  if (strcmp(mode, "HANG") == 0) hang();
  if (strcmp(mode, "FORKHANG") == 0) {
    if (fork() == 0) note_pid();
    hang();
  }
  if (strncmp(mode, "ORPHAN", 6) == 0) leave_one_behind();
  if (strcmp(mode, "ORPHANHANG") == 0) hang();
  if (strcmp(mode, "ORPHANEXIT3") == 0) _exit(3);
  if (strcmp(mode, "ORPHANSEGV") == 0) raise(SIGSEGV);
}

/* Ways to break the protocol; each leaves something else than one sound result. */
static bool break_protocol(const char *mode, const char *id) {
  if (strcmp(mode, "GARBAGE") == 0) {
    raw("PASS\n", 5);
  } else if (strcmp(mode, "BIG") == 0) {
    raw("PVF1\x01\x00\x40\x00________", 16);
  } else if (strcmp(mode, "DIGEST") == 0) {
    raw("PVF1\x02\x00\x00\x00________{}", 18);
  } else if (strcmp(mode, "NOTJSON") == 0) {
    if (pv_frame_write(CHANNEL, "[1", 2, NULL) != PV_OK) _exit(92);
  } else if (strcmp(mode, "SHORT") == 0) {
    raw("PVF1\x40\x00\x00\x00", 8);
    _exit(0);
  } else if (strcmp(mode, "NONCE") == 0) {
    send_as(result(id, "PASS", "", 10), "00000000000000000000000000000000");
  } else if (strcmp(mode, "UNKNOWN") == 0) {
    send_object(result("F_SOMEBODY", "PASS", "", 10));
  } else if (strcmp(mode, "TWICE") == 0) {
    send_object(result(id, "PASS", "", 10));
    send_object(result(id, "PASS", "", 10));
  } else if (strcmp(mode, "VERDICT") == 0) {
    send_object(result(id, "STALE", "", 10));
  } else if (strcmp(mode, "HELLO") == 0) {
    send_object(json_pack("{s:s}", "type", "hello"));
  } else if (strcmp(mode, "EARLYEND") == 0) {
    send_object(json_pack("{s:s, s:i}", "type", "end", "count", 1));
  } else if (strcmp(mode, "FRAMES") == 0) {
    for (;;)
      send_object(
          json_pack("{s:s, s:s, s:i, s:i}", "type", "progress", "id", id, "done", 1, "total", 2));
  } else {
    return false;
  }
  return true;
}

static bool has_device(void) {
  return strcmp(setting("PV_FAKE_DEVICE", "none"), "none") != 0;
}

/* PV_FAKE_NEEDED: the tolerance that F_NEEDED needs, and with a '!' it fails.
 * PV_FAKE_FAULTS=caught: a sound falsifier; late: it never answers with a fault planted; anything
 * else passes over every fault. */
static void answer(const char *mode, const char *id, const char *fault) {
  const bool planted = fault != NULL && strcmp(fault, "none") != 0;
  send_object(json_pack("{s:s, s:s}", "type", "begin", "id", id));
  end_early(planted && strcmp(setting("PV_FAKE_FAULTS", ""), "late") == 0 ? "HANG" : mode);
  if (break_protocol(mode, id)) return;
  send_object(
      json_pack("{s:s, s:s, s:i, s:i}", "type", "progress", "id", id, "done", 1, "total", 2));
  if (strcmp(mode, "FLOOD") == 0) flood();
  json_t *r = strcmp(mode, "FAIL") == 0 ? result(id, "FAIL", "3 of 10 elements differ", 10)
              : planted && strcmp(setting("PV_FAKE_FAULTS", ""), "caught") == 0
                  ? result(id, "FAIL", "the fault is seen", 10)
              : strcmp(mode, "NOTRUN") == 0 || (strcmp(mode, "DEVICE") == 0 && !has_device())
                  ? result(id, "NOT_RUN", "there is no CUDA device", 0)
              : strcmp(mode, "APART") == 0  ? result(id, "NOT_APPLICABLE", "no experts", 0)
              : strcmp(mode, "ERROR") == 0  ? result(id, "ERROR", "it could not be computed", 0)
              : strcmp(mode, "INCOMP") == 0 ? result(id, "INCOMPARABLE", "i16 against f64", 0)
              : strcmp(mode, "ZERO") == 0   ? result(id, "PASS", "", 0)
              : strcmp(mode, "MUTE") == 0   ? result(id, "FAIL", "", 10)
                                            : result(id, "PASS", "", 10);
  if (strcmp(mode, "NAN") == 0)
    json_object_set_new(json_object_get(r, "metrics"), "worst_cosine", json_string("nan"));
  if (strcmp(mode, "NULLMETRIC") == 0)
    json_object_set_new(json_object_get(r, "metrics"), "worst_cosine", json_null());
  if (strcmp(mode, "NOBACKEND") == 0) json_object_set_new(r, "backends", json_array());
  if (strcmp(mode, "RICH") == 0) {
    json_object_set_new(r, "needed_tolerance", json_real(0.1));
    json_object_set_new(r, "worst",
                        json_pack("{s:s, s:i, s:i, s:i, s:f, s:s}", "stage", "moe_ffn_out", "layer",
                                  3, "position", 17, "index", 5, "left", 0.5, "right", "inf"));
    json_object_set_new(r, "series",
                        json_pack("[{s:s, s:s, s:s, s:s, s:b, s:[f,f], s:[f,s]}]", "picture",
                                  "stage-error", "name", "moe", "x_label", "layer", "y_label",
                                  "error", "log_y", 1, "x", 0.0, 1.0, "y", 1e-9, "nan"));
  }
  if (strcmp(mode, "NEEDED") == 0) {
    const char *needed = setting("PV_FAKE_NEEDED", "0.5");
    json_object_set_new(r, "needed_tolerance", json_real(strtod(needed, NULL)));
    if (strchr(needed, '!') != NULL) {
      json_object_set_new(r, "verdict", json_string("FAIL"));
      json_object_set_new(r, "reason", json_string("it is not within the gate"));
    }
  }
  send_object(r);
  if (strcmp(mode, "NOEND") == 0) _exit(0);
  if (strcmp(mode, "LATERSEGV") == 0) raise(SIGSEGV);
}

static void start(void) {
  const char *mode = setting("PV_FAKE_START", "");
  if (strcmp(mode, "refuse") == 0) {
    fputs("model.gguf: error: 'model.gguf' is no GGUF file\n  name a GGUF file\n", stderr);
    _exit(2);
  }
  if (strcmp(mode, "saypass") == 0 && write(STDOUT_FILENO, "PASS\n", 5) == 5) _exit(0);
  if (strcmp(mode, "segv") == 0) raise(SIGSEGV);
  if (strcmp(mode, "hang") == 0) hang();
  if (strcmp(mode, "garbage") == 0) raw("hello!", 6);
}

/* PV_FAKE_DIGEST=late: the digest of the model is told in a message of its own, behind the first
 * answer; twice, odd: not as it should be; never: not at all. */
static const char *digest_mode(void) {
  return setting("PV_FAKE_DIGEST", "");
}

static void tell_digest(const json_t *request) {
  char digest[PV_SHA256_HEX];
  const char *path = json_string_value(json_object_get(request, "model"));
  if (path == NULL || pv_sha256_file(path, digest, NULL) != PV_OK) strcpy(digest, "none");
  if (strcmp(digest_mode(), "odd") == 0) digest[5] = 'X';
  const int times = strcmp(digest_mode(), "") == 0 || strcmp(digest_mode(), "never") == 0 ? 0
                    : strcmp(digest_mode(), "twice") == 0                                 ? 2
                                                                                          : 1;
  for (int i = 0; i < times; i++)
    send_object(json_pack("{s:s, s:s}", "type", "model", "sha256", digest));
}

static json_t *model_facts(const json_t *request) {
  char digest[PV_SHA256_HEX];
  const char *path = json_string_value(json_object_get(request, "model"));
  const char *reference = json_string_value(json_object_get(request, "reference"));
  if (path == NULL || pv_sha256_file(path, digest, NULL) != PV_OK) return json_null();
  json_t *model = json_pack("{s:s, s:s}", "path", path, "arch", "fake");
  if (digest_mode()[0] == '\0') json_object_set_new(model, "sha256", json_string(digest));
  if (reference != NULL && pv_sha256_file(reference, digest, NULL) == PV_OK)
    json_object_set_new(model, "reference_sha256", json_string(digest));
  return model;
}

static json_t *read_request(void) {
  pv_text text = PV_TEXT_INIT;
  char buffer[4096];
  for (ssize_t n = 1; n > 0 || (n < 0 && errno == EINTR);) {
    n = read(STDIN_FILENO, buffer, sizeof buffer);
    if (n > 0) pv_text_add(&text, buffer, (size_t)n);
  }
  json_t *request = text.data == NULL ? NULL : json_loadb(text.data, text.length, 0, NULL);
  pv_text_free(&text);
  return request;
}

/* What can be asked for: what the real probe says, unless PV_FAKE_DESCRIBE names another way: a
 * file to print, or one of these words. */
static int describe(void) {
  static char self[4096];
  char real[] = "describe", *argv[] = {self, real, NULL}, buffer[4096];
  const char *mode = setting("PV_FAKE_DESCRIBE", "");
  if (strcmp(mode, "exit3") == 0) return 3;
  if (strcmp(mode, "hang") == 0) hang();
  if (strcmp(mode, "frames") == 0) raw("hello!", 6);
  if (strcmp(mode, "segv") == 0) raise(SIGSEGV);
  FILE *file = mode[0] == '\0' ? NULL : fopen(mode, "rb");
  for (size_t n = 1; file != NULL && n > 0;) {
    n = fread(buffer, 1, sizeof buffer, file);
    if (fwrite(buffer, 1, n, stdout) != n) return 96;
  }
  if (file != NULL || mode[0] != '\0') return fflush(stdout) == 0 ? 0 : 96;
  const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 16);
  if (n <= 0) return 97;
  strcpy(strrchr(self, '/'), "/pv-probe"); /* both are built into one folder */
  execv(self, argv);
  return 97;
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "describe") == 0) return describe();
  note_pid();
  start();
  json_t *request = read_request();
  const char *given = json_string_value(json_object_get(request, "nonce"));
  if (given == NULL) return 93;
  nonce = given;
  json_t *environment =
      json_pack("{s:s, s:s, s:s, s:s, s:i}", "device", setting("PV_FAKE_DEVICE", "none"), "cpu",
                "fake processor", "kernels_sha256",
                setting("PV_FAKE_KERNELS",
                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
                "builtin_prompts_sha256",
                setting("PV_FAKE_PROMPTS",
                        "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"),
                "threads", (int)json_integer_value(json_object_get(request, "threads")));
  if (getenv("PV_FAKE_DEVICE") != NULL) /* by CUDA */
    json_object_set_new(environment, "cuda_code", json_string("sm_90"));
  if (getenv("PV_FAKE_PTX") != NULL)
    json_object_set_new(environment, "ptx_sha256", json_string(getenv("PV_FAKE_PTX")));
  send_object(json_pack("{s:s, s:o, s:o, s:{s:s}}", "type", "hello", "environment", environment,
                        "model", model_facts(request), "numerics", "i16",
                        setting("PV_FAKE_NUMERICS", "i16-v1")));
  const json_t *list = json_object_get(request, "falsifiers");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *id = json_string_value(json_object_get(json_array_get(list, i), "id"));
    char mode[64] = "";
    if (id != NULL && strncmp(id, "F_", 2) == 0)
      snprintf(mode, sizeof mode, "%.*s", (int)strcspn(id + 2, "_ "), id + 2);
    answer(mode, id, json_string_value(json_object_get(json_array_get(list, i), "fault")));
    if (i == 0) tell_digest(request);
  }
  send_object(json_pack("{s:s, s:i}", "type", "end", "count", (int)json_array_size(list)));
  json_decref(request);
  return 0;
}
