/* Every allocation fails, and where files are written every system call, while a model is made, run
 * and traced: the bits are those of an undisturbed run or there is an error, and no part of a file
 * is left behind. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sha256.h"
#include "runtime/forward/gpu_state.h"
#include "runtime/model/arch/qwen3moe.h"
#include "runtime/noise/noise.h"
#include "runtime/perplexity/perplexity.h"
#include "runtime/trace/capture.h"
#include "runtime/trace/folder.h"
#include "runtime/trace/recorded.h"
#include "tests/fault/each.h"
#include "tests/fault/small.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/testing.h"

enum { IDS = 3 };

static const uint32_t ids[IDS] = {65, 200, 7};
static pv_synth_options small;
static pv_model *model;
static char model_path[600], made_folder[600], made_path[700], trace_path[600],
    model_digest[PV_SHA256_HEX];
static bool in_calls; /* system calls fail, else allocations */

/* Takes the files out of a folder, and says how many there were. */
static size_t clear(const char *folder) {
  char path[1100];
  size_t count = 0;
  DIR *dir = opendir(folder);
  if (dir == NULL) return 0;
  for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
    if (e->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
    unlink(path);
    count++;
  }
  closedir(dir);
  return count;
}

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

/* A capture of every stage, in two batches. */
static pv_numerics numerics;
static char bits[65];

static pv_code capture(char digest[65], pv_error *err) {
  static const size_t batches[] = {2, 1};
  const pv_capture_spec spec = {"cpu", numerics, "scalar", 1, ids, IDS, batches, 2, 0, 0};
  pv_capture *c = NULL;
  pv_code code = pv_capture_run(model, &spec, &c, err);
  EXPECT((code == PV_OK) == (c != NULL));
  if (code == PV_OK) code = pv_capture_digest(c, digest, err);
  pv_capture_free(c);
  return code;
}

static bool capture_work(void) {
  char digest[65] = "";
  pv_error err = PV_ERROR_INIT;
  const bool good = ended(capture(digest, &err), &err);
  if (good) EXPECT_STR(digest, bits);
  return good;
}

static void test_capture(void) {
  static const pv_numerics all[] = {PV_NUMERICS_I16, PV_NUMERICS_I8, PV_NUMERICS_F32_F64ACC,
                                    PV_NUMERICS_F64};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    numerics = all[i];
    REQUIRE(EXPECT_I64(capture(bits, NULL), PV_OK));
    each_allocation(capture_work, 40);
  }
}

static void no_row(void *context, const pv_trace_row *row) {
  (void)context;
  (void)row;
}

/* A trace folder, as pv trace writes it: whole, or without a manifest and then without a file. */
static bool trace_work(void) {
  const pv_backend_config config = {PV_NUMERICS_I16, IDS, IDS, 1, NULL};
  pv_trace_filter filter;
  pv_trace_writer *writer = NULL;
  pv_forward *forward = NULL;
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_trace_filter_parse(NULL, NULL, model->plan, model->shape.layers, &filter, &err);
  if (code == PV_OK) code = pv_forward_open(model, "cpu", &config, &forward, &err);
  if (code == PV_OK) code = pv_trace_begin(trace_path, &filter, false, &writer, &err);
  if (code == PV_OK) {
    const pv_source source = pv_source_of(forward);
    const pv_visitor visitor = pv_trace_visitor(writer);
    const pv_walk_spec walk = {model->plan, source.layers, &source, 1, ids, IDS, IDS, NULL, NULL};
    code = pv_walk(&walk, &visitor, &err);
  }
  if (code == PV_OK)
    code = pv_trace_finish(writer, (const char *[]){"ids", "65,200,7", NULL}, &err);
  pv_trace_free(writer);
  pv_forward_close(forward);
  each_rest();
  char manifest[700];
  snprintf(manifest, sizeof manifest, "%s/manifest.json", trace_path);
  EXPECT((code == PV_OK) == (access(manifest, F_OK) == 0));
  if (code == PV_OK) {
    pv_trace_comparison same = {0};
    pv_recorded_model of = {.model = model};
    pv_recorded *trace = NULL;
    if (!EXPECT_I64(pv_recorded_open(trace_path, &of, &trace, NULL), PV_OK)) return false;
    const pv_source both[] = {trace->source, trace->source};
    const pv_walk_spec walk = {
        .plan = model->plan, .layers = model->shape.layers, .count = IDS, .batch = IDS};
    EXPECT_I64(pv_trace_compare(both, &walk, &filter, no_row, NULL, &same, NULL), PV_OK);
    EXPECT(same.tensors > 20 && same.different == 0);
    pv_recorded_close(trace);
  }
  const size_t files = clear(trace_path);
  EXPECT(code == PV_OK ? files > 20 : files == 0);
  each_go_on();
  return ended(code, &err);
}

static void test_trace(void) {
  each_of_both(trace_work, 40, 40);
}

/* A model that is made: its bytes are those that the same options gave before, or there is none. */
static bool synth_work(void) {
  char digest[PV_SHA256_HEX] = "";
  pv_error err = PV_ERROR_INIT;
  const pv_code code = pv_synth_write(&small, made_path, NULL, NULL, &err);
  each_rest();
  EXPECT((code == PV_OK) == (access(made_path, F_OK) == 0));
  if (code == PV_OK) {
    EXPECT_I64(pv_sha256_file(made_path, digest, NULL), PV_OK);
    EXPECT_STR(digest, model_digest);
  }
  EXPECT_U64(clear(made_folder), code == PV_OK ? 1 : 0);
  each_go_on();
  return ended(code, &err);
}

static void test_synth(void) {
  each_of_both(synth_work, 5, 5);
}

/* float64 with its input changed, and an identity's roundings. */
static pv_noise_result noise;

static bool noise_work(void) {
  static const pv_sequence prompt = {ids, IDS};
  const pv_noise_source sources[] = {
      {.kind = PV_NOISE_PERTURBED, .stages = UINT64_C(1) << PV_STAGE_EMBEDDING},
      {.kind = PV_NOISE_ROUNDED,
       .side = {pv_side_kind_find("cpu"), PV_NUMERICS_I16, {NULL, -1}, NULL, NULL, ""}}};
  const pv_noise_spec spec = {.model = model,
                              .prompts = &prompt,
                              .prompt_count = 1,
                              .batch = 2,
                              .threads = 1,
                              .sources = sources,
                              .source_count = 2,
                              .repeats = 1,
                              .seed = 1,
                              .amount = PV_NOISE_LAST_BIT};
  pv_noise_result out;
  pv_error err = PV_ERROR_INIT;
  const bool good = ended(pv_noise(&spec, &out, &err), &err);
  if (good && noise.source_count == 0) noise = out; /* the undisturbed one, asked for first */
  if (!good || noise.of[0].stages == out.of[0].stages) return good;
  for (size_t i = 0; i < 2; i++) {
    const pv_noise_spread *a = &noise.of[i].stages[0][PV_STAGE_LOGITS].total;
    const pv_noise_spread *b = &out.of[i].stages[0][PV_STAGE_LOGITS].total;
    EXPECT(a->error == b->error && a->angle == b->angle);
  }
  pv_noise_free(&out);
  return good;
}

static void test_noise(void) {
  REQUIRE(noise_work());
  EXPECT(noise.of[1].stages[0][PV_STAGE_LOGITS].total.error > 0.0);
  each_allocation(noise_work, 40);
  pv_noise_free(&noise);
}

/* Two sides over two chunks, and what one of them says saved: figures and file are those of an
 * undisturbed run, or there is no file. */
static pv_cost cost; /* of the undisturbed run */
static char saved_digest[PV_SHA256_HEX];

static pv_code measure(pv_base_writer *writer, pv_cost *out, pv_error *err) {
  static const uint32_t text[] = {65, 200, 7, 9, 1, 2, 3, 4};
  pv_recorded_model of = {.model = model, .path = model_path};
  const pv_perplexity_side sides[] = {
      {.walker = {.who = {pv_side_kind_find("cpu"), PV_NUMERICS_I16, {NULL, -1}, NULL, NULL, ""}},
       .of = &of},
      {.walker = {.who = {pv_side_kind_find("f64"), PV_NUMERICS_F64, {NULL, -1}, NULL, NULL, ""}},
       .of = &of}};
  const pv_perplexity_spec spec = {.sides = sides,
                                   .side_count = 2,
                                   .ids = text,
                                   .context = 4,
                                   .chunks = 2,
                                   .save = writer,
                                   .threads = 1};
  pv_perplexity_result result;
  const pv_code code = pv_perplexity(&spec, &result, err);
  if (code != PV_OK) return code;
  EXPECT(result.finite);
  EXPECT_U64(result.scores.count, 2);
  *out = pv_scores_cost(&result.scores);
  pv_perplexity_free(&result);
  return PV_OK;
}

static bool perplexity_work(void) {
  static const uint32_t text[8];
  const pv_base_logits head = {
      .context = 4, .vocab = model->shape.vocab, .chunks = 2, .ids = (uint32_t *)(uintptr_t)text};
  char digest[PV_SHA256_HEX] = "";
  pv_base_writer *writer = NULL;
  pv_cost out;
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_base_writer_open(made_path, &head, &writer, &err);
  if (code == PV_OK) code = measure(writer, &out, &err);
  code = pv_base_writer_close(writer, code, &err);
  each_rest();
  EXPECT((code == PV_OK) == (access(made_path, F_OK) == 0));
  if (code == PV_OK) {
    EXPECT_I64(pv_sha256_file(made_path, digest, NULL), PV_OK);
    if (saved_digest[0] == '\0') {
      memcpy(saved_digest, digest, sizeof digest);
      cost = out;
    }
    EXPECT_STR(digest, saved_digest);
    EXPECT_F64(out.divergence.value, cost.divergence.value, 0);
    EXPECT_F64(out.base.perplexity.value, cost.base.perplexity.value, 0);
  }
  EXPECT_U64(clear(made_folder), code == PV_OK ? 1 : 0);
  each_go_on();
  return ended(code, &err);
}

static void test_perplexity(void) {
  REQUIRE(perplexity_work());
  EXPECT(cost.divergence.value > 0.0);
  each_allocation(perplexity_work, 40);
}

/* A device that holds nothing and computes nothing: what fails is the backend's own. */
static pv_code no_open(unsigned number, pv_gpu **out, pv_error *err);
static void no_close(pv_gpu *gpu) {
  free(gpu);
}
static pv_code no_info(pv_gpu *gpu, pv_gpu_info *out, pv_error *err) {
  (void)gpu, (void)err;
  *out = (pv_gpu_info){.processors = 1, .shared = 1 << 16, .memory = 1 << 30, .free_ = 1 << 30};
  return PV_OK;
}
static pv_code no_alloc(pv_gpu *gpu, uint64_t bytes, uint64_t *out, pv_error *err) {
  (void)gpu, (void)err;
  *out = 256 * bytes;
  return PV_OK;
}
static pv_code no_upload(pv_gpu *gpu, uint64_t to, const void *from, uint64_t bytes,
                         pv_error *err) {
  (void)gpu, (void)to, (void)from, (void)bytes, (void)err;
  return PV_OK;
}
static pv_code no_download(pv_gpu *gpu, void *to, uint64_t from, uint64_t bytes, pv_error *err) {
  (void)gpu, (void)from, (void)err;
  memset(to, 0, bytes); /* expert 0 for all */
  return PV_OK;
}
static pv_code no_find(pv_gpu *gpu, const char *kernel, unsigned *out, pv_error *err) {
  (void)gpu, (void)kernel, (void)err;
  *out = 0;
  return PV_OK;
}
static pv_code no_launch(pv_gpu *gpu, const pv_gpu_launch *l, pv_error *err) {
  (void)gpu, (void)l, (void)err;
  return PV_OK;
}
static pv_code no_finish(pv_gpu *gpu, pv_error *err) {
  (void)gpu, (void)err;
  return PV_OK;
}
static const pv_gpu_ops no_device = {.name = "none",
                                     .open = no_open,
                                     .close = no_close,
                                     .info = no_info,
                                     .alloc = no_alloc,
                                     .upload = no_upload,
                                     .download = no_download,
                                     .find = no_find,
                                     .launch = no_launch,
                                     .finish = no_finish};
static pv_code no_open(unsigned number, pv_gpu **out, pv_error *err) {
  pv_gpu *gpu = calloc(1, sizeof *gpu);
  (void)number;
  if (gpu == NULL) return pv_error_nomem(err, "a device");
  gpu->ops = &no_device;
  *out = gpu;
  return PV_OK;
}

/* Layers, or experts, over devices: opened and run, or an error and nothing left. */
static bool over_experts;

static bool devices_work(void) {
  const pv_devices devices = {{0, 1, 2}, over_experts ? 3 : 1, over_experts};
  const pv_backend_config config = {PV_NUMERICS_I16, IDS, IDS, 1, NULL};
  const pv_batch batch = {ids, IDS, 0, 1};
  pv_backend *b = NULL;
  pv_step step = {0};
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_split_open(&no_device, &pv_backend_cuda, &devices, model, &config, &b, &err);
  EXPECT((code == PV_OK) == (b != NULL));
  if (code == PV_OK) code = b->ops->begin(b, &batch, &err);
  while (code == PV_OK && pv_plan_next(model->plan, model->shape.layers, &step))
    code = b->ops->run(b, &step, &err);
  if (b != NULL) b->ops->close(b);
  return ended(code, &err);
}

static void test_devices(void) {
  for (int experts = 0; experts < 2; experts++) {
    over_experts = experts == 1;
    REQUIRE(devices_work());
    each_allocation(devices_work, over_experts ? 20 : 3);
  }
}

static bool prepare(void) {
  pv_error err = PV_ERROR_INIT;
  if (folder_make() == NULL) return false;
  snprintf(model_path, sizeof model_path, "%s", folder_path("model.gguf"));
  snprintf(trace_path, sizeof trace_path, "%s", folder_path("trace"));
  snprintf(made_folder, sizeof made_folder, "%s", folder_path("made"));
  snprintf(made_path, sizeof made_path, "%s/made.gguf", made_folder);
  small = small_model();
  pv_code code = pv_synth_write(&small, model_path, NULL, NULL, &err);
  if (code == PV_OK) code = pv_sha256_file(model_path, model_digest, &err);
  if (code == PV_OK) code = pv_model_open(model_path, &model, &err);
  if (code != PV_OK) pv_error_print(&err, stderr);
  return code == PV_OK && mkdir(made_folder, 0777) == 0;
}

int main(void) {
  if (!prepare()) return 1;
  const int code = pv_testing_main("fault forward", (pv_case[]){PV_CASE(test_capture),
                                                                PV_CASE(test_trace),
                                                                PV_CASE(test_synth),
                                                                PV_CASE(test_noise),
                                                                PV_CASE(test_perplexity),
                                                                PV_CASE(test_devices),
                                                                {0}});
  printf("%u failures injected\n", each_injected());
  pv_model_close(model);
  folder_remove();
  return code;
}
