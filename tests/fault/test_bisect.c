/* Every allocation and every system call fails while two sides are bisected, while one of them is
 * read from a trace folder, and while the state of a bisection is kept: the result is the one that
 * no failure makes, or an error; the state is the old one or a newer one, and can be gone on from.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "runtime/bisect/parts.h"
#include "runtime/model/arch/qwen3moe.h"
#include "runtime/synth/synth.h"
#include "runtime/trace/folder.h"
#include "tests/fault/each.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/bisect/same.h"
#include "tests/unit/testing.h"

enum { IDS = 2, LAYER_STEPS = 1 + 9, STEPS = LAYER_STEPS + 2, IN_FOLDER = 4 };

static pv_model *model;
static pv_recorded_model of; /* what traces are of */
static const uint32_t ids[IDS] = {65, 200};
static char state[600], key[PV_SHA256_HEX], sound[600], unsound[600];
static pv_bisect_spec spec;   /* what is bisected */
static pv_bisect_result want; /* what no failure makes of it */
static pv_bytes half;         /* the state behind the first layer */
static bool in_calls;         /* system calls fail, else allocations */
static unsigned of_allocations;

/* No failure is any other thing than that: not a state of something else, not a wrong trace. */
static bool ended(pv_code code, const pv_error *err) {
  if (code == PV_OK) return true;
  EXPECT(err->code == code && err->message[0] != '\0');
  if (!in_calls)
    EXPECT_I64(code, PV_ERR_NOMEM);
  else if (code == PV_ERR_INTERNAL)
    EXPECT_HAS(err->message, "libcrypto");
  else
    EXPECT(code == PV_ERR_IO || code == PV_ERR_NOMEM);
  return false;
}

static void each_failure(each_work work, unsigned allocations, unsigned calls) {
  const unsigned before = each_injected();
  each_allocation(work, allocations);
  of_allocations += each_injected() - before;
  in_calls = true;
  if (calls > 0) each_call(work, calls);
  in_calls = false;
}

static void side(int i, pv_numerics numerics, const char *fault) {
  spec.side[i] = (pv_walker){i == 0 ? "left" : "right",
                             {pv_side_kind_find("cpu"), numerics, {NULL, -1}, NULL, NULL, ""},
                             NULL};
  if (fault != NULL) EXPECT_I64(pv_fault_parse(fault, &spec.side[i].who.planted, NULL), PV_OK);
}

static bool bisect_work(void) {
  pv_bisect_result out;
  pv_error err = PV_ERROR_INIT;
  const bool good = ended(pv_bisect(&spec, &out, &err), &err);
  if (good) same_result(&out, &want);
  if (!good) EXPECT(out.stages == NULL && out.router == NULL);
  pv_bisect_free(&out);
  return good;
}

static bool undisturbed(void) {
  pv_error err = PV_ERROR_INIT;
  const bool good = EXPECT_I64(pv_bisect(&spec, &want, &err), PV_OK);
  if (!good) pv_error_print(&err, stdout);
  return good && EXPECT(want.compared > 1000);
}

/* Two sides that run. */
static void bisected(pv_numerics left, pv_numerics right, const char *fault,
                     pv_bisect_verdict verdict, unsigned allocations) {
  side(0, left, NULL);
  side(1, right, fault);
  REQUIRE(undisturbed());
  EXPECT_I64(want.verdict, verdict);
  each_failure(bisect_work, allocations, 0); /* they call nobody */
  pv_bisect_free(&want);
}

static void test_running(void) {
  bisected(PV_NUMERICS_I16, PV_NUMERICS_I8, NULL, PV_BISECT_FUNCTIONS, 200);
  bisected(PV_NUMERICS_F64, PV_NUMERICS_F32_F64ACC, NULL, PV_BISECT_FUNCTIONS, 200);
}

/* Of the weights' place, of the shape, of an operation. */
static void test_planted(void) {
  bisected(PV_NUMERICS_I16, PV_NUMERICS_I16, "expert_stride_off_by_one", PV_BISECT_RIGHT, 200);
  bisected(PV_NUMERICS_I16, PV_NUMERICS_I16, "wrong_rope_base", PV_BISECT_RIGHT, 200);
  bisected(PV_NUMERICS_I16, PV_NUMERICS_I16, "nan_in_one_element:layer=0", PV_BISECT_RIGHT, 200);
}

/* Other experts are chosen, so the right side runs once more. */
static void test_routing(void) {
  bisected(PV_NUMERICS_I16, PV_NUMERICS_I16, "tie_rule_reversed", PV_BISECT_RIGHT, 200);
}

/* Faults of rows, whose types need wider ones than the model above has. */
static pv_model *wide;

static bool rows_work(void) {
  pv_planted planted = {NULL, -1};
  pv_model *changed = NULL, *tied = NULL;
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(pv_fault_parse("q4k_read_as_q6k:layer=0", &planted, NULL), PV_OK);
  pv_code code = pv_fault_model(wide, &planted, &changed, &err);
  EXPECT((code == PV_OK) == (changed != NULL));
  if (code == PV_OK) code = pv_fault_tied_model(wide, &tied, &err);
  EXPECT((code == PV_OK) == (tied != NULL));
  if (code == PV_OK) EXPECT(changed->layers[0].weight[PV_STAGE_Q]->type == PV_TYPE_Q6_K);
  pv_fault_model_free(changed);
  pv_fault_model_free(tied);
  return ended(code, &err);
}

static void test_rows(void) {
  REQUIRE(EXPECT_I64(pv_model_open("models/tiny-coder-moe-Q4_K_M.gguf", &wide, NULL), PV_OK));
  each_failure(rows_work, 15, 0);
  pv_model_close(wide);
}

/* Writes a trace of the CPU as pv trace does. */
static bool record(const char *folder, const char *fault) {
  const pv_backend_config config = {PV_NUMERICS_I16, IDS, IDS, 1, NULL};
  const char *const about[] = {
      "backend", "elsewhere", "numerics", pv_numerics_identity(config.numerics),
      "ids",     "65,200",    NULL};
  pv_fault_side made = {0};
  pv_planted planted = {NULL, -1};
  pv_trace_writer *writer = NULL;
  pv_trace_filter filter;
  pv_error err = PV_ERROR_INIT;
  pv_code code = fault != NULL ? pv_fault_parse(fault, &planted, &err) : PV_OK;
  if (code == PV_OK) code = pv_fault_open(model, "cpu", &config, &planted, &made, &err);
  if (code == PV_OK)
    code = pv_trace_filter_parse(NULL, NULL, model->plan, model->shape.layers, &filter, &err);
  if (code == PV_OK) code = pv_trace_begin(folder, &filter, false, &writer, &err);
  if (code == PV_OK) {
    const pv_source source = pv_source_of(made.forward);
    const pv_visitor visitor = pv_trace_visitor(writer);
    const pv_walk_spec walk = {model->plan, source.layers, &source, 1, ids, IDS, IDS, NULL, NULL};
    code = pv_walk(&walk, &visitor, &err);
  }
  if (code == PV_OK) code = pv_trace_finish(writer, about, &err);
  if (code != PV_OK) pv_error_print(&err, stdout);
  pv_trace_free(writer);
  pv_fault_close(&made);
  return code == PV_OK;
}

static bool recorded_work(void) {
  pv_recorded *recorded = NULL;
  pv_error err = PV_ERROR_INIT;
  const pv_code code = pv_recorded_open(unsound, &of, &recorded, &err);
  EXPECT((code == PV_OK) == (recorded != NULL));
  spec.side[1].recorded = recorded;
  const bool good = ended(code, &err) && bisect_work();
  pv_recorded_close(recorded);
  return good;
}

static char want_digest[PV_SHA256_HEX];

static bool digest_work(void) {
  pv_recorded *recorded = NULL;
  pv_error err = PV_ERROR_INIT;
  char digest[PV_SHA256_HEX] = "untouched";
  pv_code code = pv_recorded_open(unsound, &of, &recorded, &err);
  if (code == PV_OK) code = pv_recorded_digest(recorded, digest, &err);
  EXPECT_STR(digest, code == PV_OK ? want_digest : "untouched");
  pv_recorded_close(recorded);
  return ended(code, &err);
}

static void test_recorded(void) {
  pv_recorded *right = NULL;
  side(0, PV_NUMERICS_I16, NULL);
  side(1, PV_NUMERICS_I16, NULL);
  REQUIRE(EXPECT_I64(pv_recorded_open(unsound, &of, &right, NULL), PV_OK));
  spec.side[1].recorded = right;
  REQUIRE(undisturbed());
  EXPECT_I64(want.verdict, PV_BISECT_RIGHT);
  EXPECT_I64(want.culprit[1].stage, PV_STAGE_MOE_ROUTER_INDICES);
  EXPECT_I64(pv_recorded_digest(right, want_digest, NULL), PV_OK);
  pv_recorded_close(right);
  each_failure(recorded_work, 170, 150);
  each_failure(digest_work, 40, 200);
  pv_bisect_free(&want);
}

/* Both sides from folders: the right one runs once more with the experts of the left one. */
static void test_both_recorded(void) {
  pv_recorded *left = NULL, *right = NULL;
  REQUIRE(EXPECT_I64(pv_recorded_open(unsound, &of, &left, NULL), PV_OK));
  REQUIRE(EXPECT_I64(pv_recorded_open(sound, &of, &right, NULL), PV_OK));
  side(0, PV_NUMERICS_I16, NULL);
  side(1, PV_NUMERICS_I16, NULL);
  spec.side[0].recorded = left;
  spec.side[1].recorded = right;
  if (undisturbed()) {
    EXPECT_I64(want.verdict, PV_BISECT_LEFT);
    EXPECT(want.routing.replayed);
    each_failure(bisect_work, 200, 180);
  }
  pv_bisect_free(&want);
  pv_recorded_close(left);
  pv_recorded_close(right);
}

/* What lies at the state's place, without the code under test. */
static bool state_is(const pv_bytes *bytes) {
  static unsigned char now[1 << 16];
  FILE *file = fopen(state, "rb");
  const size_t n = file == NULL ? 0 : fread(now, 1, sizeof now, file);
  if (file != NULL) fclose(file);
  return n == bytes->length && memcmp(now, bytes->data, n) == 0;
}

static void put_half(void) {
  FILE *file = fopen(state, "wb");
  EXPECT(file != NULL && fwrite(half.data, 1, half.length, file) == half.length);
  if (file != NULL) fclose(file);
}

static void keep_half(void *context, size_t done, size_t total) {
  (void)context;
  (void)total;
  if (done == LAYER_STEPS) EXPECT_I64(pv_file_read(state, 1 << 16, &half, NULL), PV_OK);
}

/* A state: progress and a result of the model's one layer. */
typedef struct loaded {
  pv_progress at;
  pv_bisect_result result;
  pv_bisect_stage stages[1][PV_STAGES_MAX];
  pv_bisect_router router[1];
} loaded;

static void prepare(loaded *l) {
  memset(l, 0xa5, sizeof *l);
  l->result.layers = 1;
  l->result.stages = l->stages;
  l->result.router = l->router;
}

static bool load_work(void) {
  static loaded out, marked;
  pv_error err = PV_ERROR_INIT;
  prepare(&marked);
  prepare(&out);
  marked.result.stages = out.stages;
  marked.result.router = out.router;
  const bool good = ended(pv_bisect_load(state, key, &out.at, &out.result, &err), &err);
  if (!good) EXPECT_BYTES(&out, &marked, sizeof out);
  if (good) EXPECT(out.at.done == LAYER_STEPS && !out.at.finished);
  return good;
}

/* Whole, and `done` steps far; behind a failure also less far, down to the first layer. Returns how
 * far it is. */
static uint64_t expect_state(uint64_t done, bool good) {
  static loaded now;
  each_rest();
  prepare(&now);
  EXPECT_U64(folder_count(), IN_FOLDER);
  EXPECT_I64(pv_bisect_load(state, key, &now.at, &now.result, NULL), PV_OK);
  EXPECT(now.at.done == done || (!good && now.at.done == LAYER_STEPS));
  EXPECT(!good || now.at.finished);
  each_go_on();
  return now.at.done;
}

static bool save_work(void) {
  const pv_progress at = {.done = STEPS + 1, .finished = true, .bits = "bits"};
  pv_error err = PV_ERROR_INIT;
  put_half();
  const bool good = ended(pv_bisect_save(state, key, &at, &want, &err), &err);
  EXPECT(expect_state(at.done, good) == at.done || state_is(&half));
  return good;
}

/* Goes on from the state behind the first layer; what a failure leaves can be gone on from. */
static bool resume_work(void) {
  put_half();
  const bool good = bisect_work();
  const bool old = expect_state(STEPS, good) == LAYER_STEPS;
  each_rest();
  EXPECT(old ? state_is(&half) : good || bisect_work());
  each_go_on();
  return good;
}

/* Without a state; before the first layer there is none, and nothing else. */
static bool begin_work(void) {
  unlink(state);
  const bool good = bisect_work();
  each_rest();
  const bool kept = access(state, F_OK) == 0;
  EXPECT(kept || (!good && folder_count() == IN_FOLDER - 1));
  each_go_on();
  if (kept) expect_state(STEPS, good);
  return good;
}

/* The state of something else is refused, whatever fails, and stays. */
static bool foreign_work(void) {
  pv_bisect_result out;
  pv_error err = PV_ERROR_INIT;
  const pv_code code = pv_bisect(&spec, &out, &err);
  EXPECT(out.stages == NULL && state_is(&half));
  if (code == PV_ERR_INPUT) return EXPECT_HAS(err.message, "of other sides");
  EXPECT(!ended(code, &err));
  return false;
}

static void test_state(void) {
  side(0, PV_NUMERICS_I16, NULL);
  side(1, PV_NUMERICS_I8, "mask_off_by_one");
  spec.state = state;
  spec.key = key;
  spec.progress = keep_half;
  REQUIRE(undisturbed());
  spec.progress = NULL;
  REQUIRE(half.data != NULL);
  put_half();
  each_failure(load_work, 2, 8);
  each_failure(save_work, 3, 13);
  each_failure(resume_work, 250, 200);
  each_failure(begin_work, 250, 200);
  put_half();
  key[0] = 'b';
  each_failure(foreign_work, 3, 5);
  key[0] = 'a';
  pv_bisect_free(&want);
  pv_bytes_free(&half);
}

/* The smallest that has all stages; its experts' logits tie in pairs. */
static bool make(void) {
  pv_synth_options o = pv_synth_defaults();
  pv_error err = PV_ERROR_INIT;
  char path[600];
  snprintf(path, sizeof path, "%s", folder_path("model.gguf"));
  snprintf(state, sizeof state, "%s", folder_path("state"));
  snprintf(sound, sizeof sound, "%s", folder_path("sound"));
  snprintf(unsound, sizeof unsound, "%s", folder_path("unsound"));
  memset(key, 'a', sizeof key - 1);
  o.shape = (pv_shape){.layers = 1,
                       .hidden = 32,
                       .heads = 2,
                       .kv_heads = 1,
                       .head_dim = 8,
                       .experts = 4,
                       .used = 1,
                       .ffn = 8,
                       .vocab = PV_SYNTH_VOCAB_MIN,
                       .context = 16,
                       .rope.base = 1e6,
                       .eps = 1e-6f};
  o.threads = 1;
  o.near_tie = 0.0;
  pv_code code = pv_synth_write(&o, path, NULL, NULL, &err);
  if (code == PV_OK) code = pv_model_open(path, &model, &err);
  if (code != PV_OK) pv_error_print(&err, stdout);
  of.model = model;
  spec = (pv_bisect_spec){.model = model, .ids = ids, .count = IDS, .batch = IDS, .threads = 1};
  return code == PV_OK && record(sound, NULL) && record(unsound, "tie_rule_reversed");
}

int main(void) {
  /* Thousands of states are written and synced. */
  if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 0);
  if (folder_make() == NULL || !make()) return 1;
  const int code = pv_testing_main("fault bisect", (pv_case[]){PV_CASE(test_running),
                                                               PV_CASE(test_planted),
                                                               PV_CASE(test_routing),
                                                               PV_CASE(test_rows),
                                                               PV_CASE(test_recorded),
                                                               PV_CASE(test_both_recorded),
                                                               PV_CASE(test_state),
                                                               {0}});
  printf("%u failures injected, %u of them in allocations\n", each_injected(), of_allocations);
  pv_model_close(model);
  folder_remove();
  return code;
}
