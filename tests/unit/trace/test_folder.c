/* Traces on disk: written, compared, refused. */
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "runtime/trace/folder.h"
#include "runtime/trace/recorded.h"
#include "tests/unit/testing.h"

#define MODEL "models/tiny-coder-moe-Q4_K_M.gguf"

static pv_model *model;
static char work[64];
static unsigned rows, rows_different;
static bool same_identity;

static void count_row(void *context, const pv_trace_row *row) {
  (void)context;
  rows++;
  rows_different += row->apart.different > 0;
}

static void path_of(char out[200], const char *name) {
  snprintf(out, 200, "%s/%s", work, name);
}

/* Traces three tokens in batches of `batch` into a new folder. */
static pv_code trace(const char *name, pv_numerics numerics, size_t batch, const char *stages,
                     const char *layers, pv_error *err) {
  static const uint32_t ids[] = {861, 1644, 198};
  const pv_backend_config config = {numerics, 3, batch, 1, NULL};
  pv_forward *forward = NULL;
  pv_trace_writer *writer = NULL;
  pv_trace_filter filter;
  char folder[200];
  path_of(folder, name);
  pv_code code =
      pv_trace_filter_parse(stages, layers, model->plan, model->shape.layers, &filter, err);
  if (code == PV_OK) code = pv_forward_open(model, "cpu", &config, &forward, err);
  if (code == PV_OK) code = pv_trace_begin(folder, &filter, false, &writer, err);
  if (code == PV_OK) {
    const pv_source source = pv_source_of(forward);
    const pv_visitor visitor = pv_trace_visitor(writer);
    const pv_walk_spec walk = {.plan = model->plan,
                               .layers = source.layers,
                               .sources = &source,
                               .source_count = 1,
                               .ids = ids,
                               .count = 3,
                               .batch = batch};
    code = pv_walk(&walk, &visitor, err);
  }
  const char *const about[] = {"numerics", pv_numerics_identity(numerics), NULL};
  if (code == PV_OK) code = pv_trace_finish(writer, about, err);
  pv_trace_free(writer);
  pv_forward_close(forward);
  return code;
}

static pv_code compare(const char *a, const char *b, pv_trace_comparison *out, pv_error *err) {
  const char *const names[] = {a, b};
  pv_recorded *recorded[2] = {NULL, NULL};
  pv_recorded_model of = {0};
  pv_trace_filter filter;
  pv_code code = PV_OK;
  *out = (pv_trace_comparison){0};
  rows = rows_different = 0;
  for (int i = 0; i < 2 && code == PV_OK; i++) {
    char folder[200];
    path_of(folder, names[i]);
    code = pv_recorded_open(folder, &of, &recorded[i], err);
  }
  if (code == PV_OK) {
    const pv_source sides[] = {recorded[0]->source, recorded[1]->source};
    const pv_walk_spec walk = {.plan = sides[0].plan,
                               .layers = model->shape.layers,
                               .count = sides[0].positions,
                               .batch = 2};
    code = pv_trace_filter_parse(NULL, NULL, walk.plan, walk.layers, &filter, err);
    if (code == PV_OK) code = pv_trace_compare(sides, &walk, &filter, count_row, NULL, out, err);
    same_identity = strcmp(sides[0].identity, sides[1].identity) == 0;
  }
  for (int i = 0; i < 2; i++) pv_recorded_close(recorded[i]);
  return code;
}

static void test_written_and_equal(void) {
  pv_trace_comparison c;
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(trace("a", PV_NUMERICS_I16, 3, NULL, NULL, &err), PV_OK);
  EXPECT_I64(trace("b", PV_NUMERICS_I16, 1, "all", "all", &err), PV_OK);
  EXPECT_I64(compare("a", "b", &c, &err), PV_OK);
  EXPECT_U64(c.tensors, 19 * 4 + 4);
  EXPECT_U64(rows, c.tensors);
  EXPECT_U64(c.different, 0);
  EXPECT(c.elements > 10000);
  EXPECT(same_identity);
}

static void test_other_numerics_differ(void) {
  pv_trace_comparison c;
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(trace("f64", PV_NUMERICS_F64, 3, NULL, NULL, &err), PV_OK);
  EXPECT_I64(trace("i8", PV_NUMERICS_I8, 3, NULL, NULL, &err), PV_OK);
  EXPECT_I64(compare("f64", "i8", &c, &err), PV_OK);
  EXPECT(c.different > 0 && rows_different > 70);
  EXPECT(!same_identity);
}

static void test_filter(void) {
  pv_trace_comparison c;
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(trace("some", PV_NUMERICS_I16, 3, "logits,moe_ffn_out", "0,3", &err), PV_OK);
  EXPECT_I64(compare("some", "a", &c, &err), PV_OK);
  EXPECT_U64(c.tensors, 3);
  EXPECT_U64(c.only_right, 19 * 4 + 4 - 3);
  EXPECT_I64(compare("a", "some", &c, &err), PV_OK);
  EXPECT_U64(c.only_left, 19 * 4 + 4 - 3);
  EXPECT_I64(trace("x", PV_NUMERICS_I16, 3, "logit", NULL, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "'logit'");
  EXPECT_I64(trace("x", PV_NUMERICS_I16, 3, NULL, "4", &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "layer");
}

/* One flipped bit in one file is found; an old trace is never overwritten. */
static void test_flip_and_refusals(void) {
  char file[240], folder[200];
  pv_trace_comparison c;
  pv_error err = PV_ERROR_INIT;
  pv_bytes bytes;
  EXPECT_I64(trace("flip", PV_NUMERICS_I16, 3, NULL, NULL, &err), PV_OK);
  EXPECT_I64(trace("flip", PV_NUMERICS_I16, 3, NULL, NULL, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "not empty");
  path_of(folder, "flip");
  snprintf(file, sizeof file, "%s/expert_up.2.bin", folder);
  REQUIRE(pv_file_read(file, 1u << 20, &bytes, &err) == PV_OK);
  bytes.data[100] ^= 1;
  EXPECT_I64(pv_file_replace(file, bytes.data, bytes.length, &err), PV_OK);
  EXPECT_I64(compare("a", "flip", &c, &err), PV_OK);
  EXPECT_U64(c.different, 1);
  EXPECT_U64(rows_different, 1);
  EXPECT_I64(pv_file_replace(file, bytes.data, bytes.length - 4, &err), PV_OK);
  EXPECT_I64(compare("a", "flip", &c, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "manifest says");
  pv_bytes_free(&bytes);
  snprintf(file, sizeof file, "%s/manifest.json", folder);
  EXPECT_I64(pv_file_replace(file, "{\"tensors\":[{\"file\":\"../a\"}]}", 29, &err), PV_OK);
  EXPECT_I64(compare("flip", "a", &c, &err), PV_ERR_INPUT);
  EXPECT_I64(pv_file_replace(file, "{", 1, &err), PV_OK);
  EXPECT_I64(compare("flip", "a", &c, &err), PV_ERR_INPUT);
  EXPECT_I64(compare("nowhere", "a", &c, &err), PV_ERR_IO);
}

static int drop(const char *path, const struct stat *info, int kind, struct FTW *at) {
  (void)info;
  (void)kind;
  (void)at;
  return remove(path);
}

int main(void) {
  pv_error err = PV_ERROR_INIT;
  snprintf(work, sizeof work, "/tmp/pv-trace-XXXXXX");
  if (mkdtemp(work) == NULL || pv_model_open(MODEL, &model, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    return 1;
  }
  const int code = pv_testing_main("trace", (pv_case[]){PV_CASE(test_written_and_equal),
                                                        PV_CASE(test_other_numerics_differ),
                                                        PV_CASE(test_filter),
                                                        PV_CASE(test_flip_and_refusals),
                                                        {0}});
  pv_model_close(model);
  return nftw(work, drop, 8, FTW_DEPTH | FTW_PHYS) == 0 ? code : 1;
}
