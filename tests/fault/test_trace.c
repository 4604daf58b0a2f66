/* Every allocation and every system call fails while traces of both containers are opened, mapped,
 * read and compared by their digests: the numbers are those that lie there, or there is an error.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/trace/hashes.h"
#include "tests/fault/each.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/testing.h"

static char folder[600], file[600], map_path[600];
static bool in_calls; /* system calls fail, else allocations */

static bool ended(pv_code code, const pv_error *err) {
  if (code == PV_OK) return true;
  EXPECT(err->code == code && err->message[0] != '\0');
  if (!in_calls) EXPECT_I64(code, PV_ERR_NOMEM);
  return false;
}

static void each_of_both(each_work work, unsigned allocations, unsigned calls) {
  each_allocation(work, allocations);
  in_calls = true;
  each_call(work, calls);
  in_calls = false;
}

static pv_code read_q(const pv_recorded *r, float out[4], pv_error *err) {
  const pv_stage_id q = (pv_stage_id)pv_plan_stage(r->source.plan, "q");
  return r->source.read(&r->source, q, 0, 0, 2, out, err);
}

/* One row from each of two pieces, which are float16. */
static pv_code open_and_read(const char *path, const pv_trace_map *map, float out[4],
                             pv_error *err) {
  pv_recorded_model any = {.map = map};
  pv_recorded *r = NULL;
  pv_code code = pv_recorded_open(path, &any, &r, err);
  EXPECT((code == PV_OK) == (r != NULL));
  if (code == PV_OK) code = read_q(r, out, err);
  pv_recorded_close(r);
  return code;
}

static bool is_right(const float q[4]) {
  return EXPECT(q[0] == 1.0f && q[1] == 2.0f && q[2] == -2.0f && q[3] == 1.5f);
}

static bool folder_work(void) {
  float q[4] = {0};
  pv_trace_map *map = NULL;
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_trace_map_open(map_path, &map, &err);
  EXPECT((code == PV_OK) == (map != NULL));
  if (code == PV_OK) code = open_and_read(folder, map, q, &err);
  pv_trace_map_close(map);
  return ended(code, &err) && is_right(q);
}

static bool file_work(void) {
  float q[4] = {0};
  pv_error err = PV_ERROR_INIT;
  return ended(open_and_read(file, NULL, q, &err), &err) && is_right(q);
}

static void no_report(void *context, pv_stage_id stage, uint32_t layer, bool equal) {
  (void)context;
  (void)stage;
  (void)layer;
  (void)equal;
}

static bool digests_work(void) {
  pv_recorded_model any = {0};
  pv_recorded *r = NULL;
  pv_trace_digests d = {0};
  pv_trace_filter filter;
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_recorded_open(file, &any, &r, &err);
  if (code == PV_OK)
    code = pv_trace_filter_parse(NULL, NULL, r->source.plan, r->source.layers, &filter, &err);
  if (code == PV_OK) code = pv_trace_compare_digests(r, r, &filter, no_report, NULL, &d, &err);
  if (code == PV_OK) EXPECT(d.equal == 2 && d.different == 0 && !d.cut);
  pv_recorded_close(r);
  return ended(code, &err);
}

static void test_folder(void) {
  each_of_both(folder_work, 10, 20);
}

static void test_file(void) {
  each_of_both(file_work, 10, 15);
}

static void test_digests(void) {
  each_of_both(digests_work, 15, 20);
}

static bool put(const char *path, const void *data, size_t length) {
  FILE *f = fopen(path, "ab");
  const bool good = f != NULL && fwrite(data, 1, length, f) == length;
  return f != NULL && fclose(f) == 0 && good;
}

static bool prepare(void) {
  static const char map[] = "{\"schema\": \"pv/map/v1\", \"nodes\": {\"Q-{layer}\": \"q\"}}";
  static const char manifest[] =
      "{\"schema\": \"pv/trace/v2\", \"ids\": [5, 6], \"engine\": \"e\", \"tensors\": ["
      "{\"node\": \"Q-0\", \"file\": \"q\", \"offset\": 0, \"dtype\": \"f16\", \"shape\": [1, 2]},"
      "{\"node\": \"Q-0\", \"file\": \"q\", \"offset\": 4, \"dtype\": \"f16\", \"shape\": [1, 2], "
      "\"position\": 1}, {\"node\": \"mask\", \"file\": \"q\", \"dtype\": \"u8\", \"shape\": "
      "[8]}]}";
  static const char header[] =
      "{\"__metadata__\": {\"engine\": \"e\", \"ids\": \"5,6\"},"
      "\"q.0\": {\"dtype\": \"F16\", \"shape\": [1, 2], \"data_offsets\": [0, 4]},"
      "\"q.0@1\": {\"dtype\": \"F16\", \"shape\": [1, 2], \"data_offsets\": [4, 8]},"
      "\"k.0\": {\"dtype\": \"F16\", \"shape\": [1, 4], \"data_offsets\": [8, 16]}}";
  static const uint16_t halves[] = {0x3c00, 0x4000, 0xc000, 0x3e00};
  const uint64_t length = sizeof header - 1;
  char path[700];
  if (folder_make() == NULL) return false;
  snprintf(folder, sizeof folder, "%s", folder_path("t"));
  snprintf(file, sizeof file, "%s", folder_path("one.safetensors"));
  snprintf(map_path, sizeof map_path, "%s", folder_path("map.json"));
  snprintf(path, sizeof path, "%s/q", folder);
  if (mkdir(folder, 0777) != 0 || !put(path, halves, sizeof halves)) return false;
  snprintf(path, sizeof path, "%s/manifest.json", folder);
  return put(path, manifest, sizeof manifest - 1) && put(map_path, map, sizeof map - 1) &&
         put(file, &length, sizeof length) && put(file, header, length) &&
         put(file, halves, sizeof halves) && put(file, halves, sizeof halves);
}

int main(void) {
  if (!prepare()) return 1;
  const int code = pv_testing_main(
      "fault trace",
      (pv_case[]){PV_CASE(test_folder), PV_CASE(test_file), PV_CASE(test_digests), {0}});
  printf("%u failures injected\n", each_injected());
  folder_remove();
  return code;
}
