/* Every allocation fails while pv-probe answers a request: it ends with an error, or every answer
 * is there and is the right one or an ERROR that says what was missing. */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/probe/frame.h"
#include "runtime/probe/probe.h"
#include "runtime/reference/reference.h"
#include "tests/fault/each.h"
#include "tests/fault/failing.h"
#include "tests/fault/small.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/testing.h"

static const struct {
  const char *check, *with, *verdict;
} asked[] = {{"names.resolve", "{}", "PASS"},
             {"types.dispatch", "{\"min_types\": 2}", "PASS"},
             {"gemv.bound", "{\"type\": \"Q8_0\"}", "PASS"},
             {"quant.blocks", "{\"type\": \"Q8_0\"}", "PASS"},
             {"router.weights_sum", "{\"tolerance\": 0}", "FAIL"},
             {"router.topk_rule", "{}", "PASS"},
             {"forward.finite", "{}", "PASS"},
             {"forward.shape", "{}", "PASS"},
             {"forward.batch_split", "{}", "PASS"},
             {"forward.arbiter", "{\"min_cosine\": 1}", "FAIL"},
             {"experts.dispatch", "{\"numerics\": \"f64\", \"tolerance\": 1e-9}", "PASS"}};
enum { CHANNEL = 3, ROOM = 1 << 20, ANSWERS = sizeof asked / sizeof *asked };

static const uint32_t ids[] = {65, 200, 7};
static const pv_reference_prompt prompt = {.name = "p0", .text = "", .ids = ids, .count = 3};
static char request[4096], frames[ROOM];

/* The command with `request` on standard input, and what it wrote to its channel. */
static int serve(size_t *length) {
  char name[] = "serve", *argv[] = {name, NULL};
  failing_pause();
  const int in = memfd_create("request", MFD_CLOEXEC), out = memfd_create("frames", MFD_CLOEXEC);
  const int error = open("/dev/null", O_WRONLY | O_CLOEXEC);
  const int kept[] = {dup(STDIN_FILENO), dup(STDERR_FILENO)};
  EXPECT(write(in, request, strlen(request)) == (ssize_t)strlen(request));
  lseek(in, 0, SEEK_SET);
  dup2(in, STDIN_FILENO);
  dup2(error, STDERR_FILENO);
  dup2(out, CHANNEL);
  failing_resume();
  const int code = pv_probe_serve(1, argv);
  failing_pause();
  fflush(stderr);
  dup2(kept[0], STDIN_FILENO);
  dup2(kept[1], STDERR_FILENO);
  const ssize_t n = pread(CHANNEL, frames, ROOM, 0);
  *length = n < 0 ? 0 : (size_t)n;
  for (size_t i = 0; i < 2; i++) close(kept[i]);
  close(in);
  close(out);
  close(error);
  failing_resume();
  return code;
}

/* An answer is right, or an ERROR for want of memory; true when it is right. */
static bool is_right(const json_t *result, size_t index) {
  const char *verdict = json_string_value(json_object_get(result, "verdict"));
  if (!EXPECT(verdict != NULL && index < ANSWERS)) return false;
  if (strcmp(verdict, "ERROR") == 0) {
    EXPECT_HAS(json_string_value(json_object_get(result, "reason")), "memory");
    return false;
  }
  EXPECT_STR(verdict, asked[index].verdict);
  EXPECT(json_integer_value(json_object_get(result, "compared")) > 0);
  return true;
}

static bool work(void) {
  size_t length = 0, at = 0, answers = 0, right = 0;
  bool ended = false;
  const int code = serve(&length);
  failing_pause();
  while (at < length) {
    size_t used = 0, size = 0;
    const char *json = NULL;
    if (!EXPECT_I64(pv_frame_next(frames + at, length - at, &used, &json, &size, NULL), PV_OK) ||
        !EXPECT(used > 0))
      break;
    json_t *message = json_loadb(json, size, JSON_REJECT_DUPLICATES, NULL);
    const char *type = json_string_value(json_object_get(message, "type"));
    if (type != NULL && strcmp(type, "result") == 0) right += is_right(message, answers++);
    ended = ended || (type != NULL && strcmp(type, "end") == 0);
    json_decref(message);
    at += used;
  }
  EXPECT((code == 0) == ended);
  EXPECT(code == 0 ? answers == ANSWERS : code == 4);
  failing_resume();
  return code == 0 && right == ANSWERS;
}

static void test_allocations(void) {
  each_allocation(work, 100);
}

static bool prepare(void) {
  pv_error err = PV_ERROR_INIT;
  pv_synth_options small = small_model();
  if (folder_make() == NULL) return false;
  const char *path = folder_path("small.gguf");
  pv_code code = pv_synth_write(&small, path, NULL, NULL, &err);
  if (code == PV_OK)
    code = pv_reference_write(folder_path("small.reference"), small.shape.vocab, &prompt, 1, &err);
  if (code != PV_OK) {
    pv_error_print(&err, stderr);
    return false;
  }
  const int length = snprintf(request, sizeof request,
                              "{\"protocol\": 1, \"nonce\": \"n\", \"threads\": 1, \"model\": "
                              "\"%s\", \"reference\": \"%s\", "
                              "\"falsifiers\": [",
                              path, folder_path("small.reference"));
  size_t at = (size_t)length;
  for (size_t i = 0; i < ANSWERS; i++)
    at += (size_t)snprintf(request + at, sizeof request - at,
                           "%s{\"id\": \"F_%zu\", \"check\": \"%s\", \"with\": %s}",
                           i == 0 ? "" : ", ", i, asked[i].check, asked[i].with);
  snprintf(request + at, sizeof request - at, "]}");
  return true;
}

int main(void) {
  const int channel = open("/dev/null", O_WRONLY); /* nobody else gets number 3 */
  if (channel != CHANNEL && dup2(channel, CHANNEL) != CHANNEL) return 1;
  if (!prepare()) return 1;
  const int code = pv_testing_main("fault serve", (pv_case[]){PV_CASE(test_allocations), {0}});
  printf("%u failures injected\n", each_injected());
  folder_remove();
  return code;
}
