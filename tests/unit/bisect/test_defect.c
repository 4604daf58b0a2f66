/* A defect that nobody planted: the backend of the right side has it, the rerun of the second pass
 * would not. The linker puts this file between the sides and the forward. */
#include <string.h>

#include "runtime/bisect/bisect.h"
#include "runtime/model/arch/qwen3moe.h"
#include "tests/unit/testing.h"

pv_code __real_pv_forward_open(const pv_model *model, const char *backend,
                               const pv_backend_config *config, pv_forward **out, pv_error *err);
pv_code __wrap_pv_forward_open(const pv_model *model, const char *backend,
                               const pv_backend_config *config, pv_forward **out, pv_error *err);

static const char *defect = "wrong_head_group";

/* "kernel": a backend with the bits of the plain one, but for its defect. */
pv_code __wrap_pv_forward_open(const pv_model *model, const char *backend,
                               const pv_backend_config *config, pv_forward **out, pv_error *err) {
  pv_planted planted = {NULL, -1};
  pv_backend *made = NULL;
  if (strcmp(backend, "kernel") != 0)
    return __real_pv_forward_open(model, backend, config, out, err);
  pv_code code = pv_fault_parse(defect, &planted, err);
  pv_defect planned = planted.fault != NULL ? planted.fault->defect : (pv_defect){0};
  planned.layer = planted.layer;
  if (code == PV_OK) code = pv_definition_open(model, config, &planned, &made, err);
  return code == PV_OK ? pv_forward_adopt(made, out, err) : code;
}

static pv_model *model;
static const uint32_t ids[] = {861, 1644, 198, 17, 5, 3000, 12, 700};
enum { IDS = sizeof ids / sizeof *ids };

static const pv_side_kind kernel = {.name = "kernel", .backend = "kernel"};

static pv_bisect_result bisect(const pv_side_kind *kind, const char *fault) {
  pv_bisect_result out = {0};
  pv_bisect_spec spec = {
      .model = model,
      .side = {{"left",
                {pv_side_kind_find("cpu"), PV_NUMERICS_I16, {NULL, -1}, NULL, NULL, ""},
                NULL},
               {"right", {kind, PV_NUMERICS_I16, {NULL, -1}, NULL, NULL, ""}, NULL}},
      .ids = ids,
      .count = IDS,
      .batch = 4,
      .threads = 2};
  pv_error err = PV_ERROR_INIT;
  if (fault != NULL) EXPECT_I64(pv_fault_parse(fault, &spec.side[1].who.planted, NULL), PV_OK);
  if (!EXPECT_I64(pv_bisect(&spec, &out, &err), PV_OK)) pv_error_print(&err, stderr);
  return out;
}

/* It changes which experts are chosen, and is named; no cause is invented beside it. */
static void test_no_invented_cause(void) {
  pv_bisect_result r = bisect(&kernel, NULL);
  EXPECT_I64(r.culprit[1].stage, PV_STAGE_ATTN_OUT);
  EXPECT_U64(r.culprit[1].layer, 0);
  EXPECT(r.routing.present && r.routing.different > 0);
  EXPECT(!r.routing.replayed);
  pv_bisect_free(&r);
}

/* The same defect planted in the backend that runs again is in the rerun: then it is said. */
static void test_planted(void) {
  pv_bisect_result r = bisect(pv_side_kind_find("cpu"), "wrong_head_group");
  EXPECT(r.routing.different > 0 && r.routing.replayed);
  pv_bisect_free(&r);
  /* In the weights the side itself computes with them: nobody can say that the rerun is the same.
   */
  r = bisect(pv_side_kind_find("cpu"), "superblock_short");
  EXPECT(r.routing.different > 0 && r.culprit[1].present);
  EXPECT(!r.routing.replayed);
  pv_bisect_free(&r);
}

int main(void) {
  pv_error err = PV_ERROR_INIT;
  if (pv_model_open("models/tiny-coder-moe-Q4_K_M.gguf", &model, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    return 1;
  }
  const int code = pv_testing_main(
      "defect", (pv_case[]){PV_CASE(test_no_invented_cause), PV_CASE(test_planted), {0}});
  pv_model_close(model);
  return code;
}
