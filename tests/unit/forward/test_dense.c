/* Dense Qwen3 against the float64 outputs of other implementations (data/qwen3.txt): the arbiter to
 * the last digits, each identity within its rounding. With the argument "shared" over the forms of
 * the model that a user does not have. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/trace/capture.h"
#include "tests/unit/testing.h"

#define FOLDER "tests/unit/forward/data/"

enum { VOCAB = 389, LONGEST = 32 };

typedef struct known { /* a line of the list */
  char type[16];
  size_t count;
  uint32_t ids[LONGEST];
  double logits[VOCAB], largest;
} known;

static bool read_known(char *line, known *out) {
  char *rest = NULL;
  const char *word = strtok_r(line, " \n", &rest);
  *out = (known){.count = 0};
  if (word == NULL || word[0] == '#') return false;
  snprintf(out->type, sizeof out->type, "%s", word);
  out->count = strtoul(rest, &rest, 10);
  if (!EXPECT(out->count > 0 && out->count <= LONGEST)) return false;
  for (size_t i = 0; i < out->count; i++) out->ids[i] = (uint32_t)strtoul(rest, &rest, 10);
  for (size_t i = 0; i < VOCAB; i++) {
    char *end = rest;
    out->logits[i] = strtod(rest, &end);
    if (!EXPECT(end != rest)) return false;
    rest = end;
    out->largest = fmax(out->largest, fabs(out->logits[i]));
  }
  return EXPECT(strtok_r(NULL, " \n", &rest) == NULL);
}

static void check(const pv_model *model, const known *k, pv_numerics numerics, double tolerance) {
  const pv_capture_spec spec = {
      .backend = "cpu", .numerics = numerics, .threads = 2, .ids = k->ids, .count = k->count};
  const pv_stage_id logits = pv_model_stage(model, PV_ROLE_LOGITS);
  pv_error err = PV_ERROR_INIT;
  pv_capture *c = NULL;
  double worst = 0.0;
  size_t top = 0;
  if (!EXPECT_I64(pv_capture_run(model, &spec, &c, &err), PV_OK)) {
    pv_error_print(&err, stderr);
    return;
  }
  for (size_t i = 0; i < VOCAB; i++) {
    const double got = pv_capture_at(c, logits, 0, k->count - 1, i);
    if (!(fabs(got - k->logits[i]) <= worst)) worst = fabs(got - k->logits[i]);
    if (k->logits[i] > k->logits[top]) top = i;
  }
  if (!EXPECT(worst <= tolerance * k->largest))
    fprintf(stderr, "  %s %s, %zu tokens: %.3g of %.3g\n", k->type, pv_numerics_name(numerics),
            k->count, worst, k->largest);
  EXPECT(pv_capture_at(c, pv_model_stage(model, PV_ROLE_TOP), 0, k->count - 1, 0) == (double)top);
  pv_capture_free(c);
}

/* The file at `path` against the lines of a type. */
static void check_file(const char *path, const char *type) {
  char *line = NULL;
  size_t room = 0, found = 0;
  pv_model *model = NULL;
  pv_error err = PV_ERROR_INIT;
  FILE *list = fopen(FOLDER "qwen3.txt", "r");
  REQUIRE(list != NULL);
  if (!EXPECT_I64(pv_model_open(path, &model, &err), PV_OK)) pv_error_print(&err, stderr);
  while (model != NULL && getline(&line, &room, list) > 0) {
    known k;
    if (!read_known(line, &k) || strcmp(k.type, type) != 0) continue;
    check(model, &k, PV_NUMERICS_F64, 1e-12);
    check(model, &k, PV_NUMERICS_F32_F64ACC, 3e-6);
    check(model, &k, PV_NUMERICS_I16, 5e-4);
    found++;
  }
  EXPECT_U64(found, 2);
  EXPECT(model == NULL || model->shape.tied);
  free(line);
  (void)fclose(list);
  pv_model_close(model);
}

static void test_file(void) {
  check_file(FOLDER "qwen3-Q8_0.gguf", "Q8_0");
}

static void test_shared(void) {
  static const char *const forms[][2] = {
      {"Q8_0", "Q8_0"}, {"BF16", "Q8_0"}, {"Q4_K_M", "Q4_K_M"}, {"Q6_K", "Q6_K"}};
  const char *folder = pv_testing_shared();
  char path[512];
  if (folder == NULL) {
    pv_testing_skip("the golden folder is not here");
    return;
  }
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    snprintf(path, sizeof path, "%s/arch/models/qwen3-%s.gguf", folder, forms[i][0]);
    check_file(path, forms[i][1]);
  }
}

int main(int argc, char **argv) {
  const bool shared = argc == 2 && strcmp(argv[1], "shared") == 0;
  return pv_testing_main("dense", shared ? (pv_case[]){PV_CASE(test_shared), {0}}
                                         : (pv_case[]){PV_CASE(test_file), {0}});
}
