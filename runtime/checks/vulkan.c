/* Checks of Vulkan: what the shaders leave to a driver, and whether a device gives the CPU's bits.
 */
#include <string.h>

#include "kernels/spirv/spirv.h"
#include "kernels/vulkan/prove.h"
#include "runtime/checks/check.h"

/* The shader with the defect that stands for what is planted; NULL: nothing is, or no shader has
 * it. */
static const pv_vulkan_module *defective(const pv_fault *fault) {
  static const char *const pairs[][2] = {{"approximate_exp", "proof@root_loose"},
                                         {"contraction", "proof@contracted"},
                                         {"flushed_subnormals", "proof@flushed"},
                                         {"sum_in_other_order", "proof@other_tree"}};
  for (size_t i = 0; fault != NULL && i < sizeof pairs / sizeof *pairs; i++)
    if (strcmp(fault->name, pairs[i][0]) == 0) return pv_vulkan_module_find(pairs[i][1]);
  return NULL;
}

static pv_code judge_module(pv_check *check, const pv_vulkan_module *module, size_t *found,
                            pv_error *err) {
  pv_code code = PV_OK;
  for (int k = 0; code == PV_OK && k < PV_VULKAN_SUBNORMALS; k++) {
    const pv_vulkan_code *spirv = &module->code[k];
    pv_arena arena = PV_ARENA_INIT;
    pv_spirv_report report;
    code = pv_spirv_check(&arena, spirv->words, spirv->bytes, &report, err);
    if (code == PV_OK) {
      check->compared += report.instructions;
      *found += report.count;
      for (size_t i = 0; i < report.count; i++)
        pv_check_fail(check, "%s, byte %zu of its SPIR-V: %s: %s", module->name,
                      report.findings[i].byte, report.findings[i].rule, report.findings[i].text);
    }
    pv_arena_free(&arena);
  }
  return code;
}

static pv_code run_spirv_rules(pv_check *check, pv_error *err) {
  size_t count = 0, shaders = 0, found = 0;
  const pv_vulkan_module *all = pv_vulkan_modules(&count);
  const pv_vulkan_module *planted = defective(check->planted.fault);
  pv_code code = PV_OK;
  if (count == 0)
    return pv_check_verdict(check, "NOT_RUN",
                            "this build has no shaders: it was made without glslangValidator");
  for (size_t i = 0; code == PV_OK && i < count; i++) {
    if (planted == NULL ? all[i].fault != NULL : &all[i] != planted) continue;
    code = judge_module(check, &all[i], &found, err);
    shaders++;
  }
  if (code != PV_OK) return code;
  pv_check_metric(check, "shaders", (double)shaders);
  pv_check_metric(check, "findings_against", (double)found);
  return pv_check_pass(check);
}

const pv_check_spec pv_check_spirv_rules = {
    .name = "spirv.rules",
    .about =
        "The SPIR-V that a Vulkan driver is given leaves it no choice about floats: the rules of "
        "pv "
        "spirv check, over every shader. NOT_RUN in a build without shaders.",
    .subject = "ptx",
    .timeout_s = 30,
    .run = run_spirv_rules};

/* A device that fails computes something else, and has no verdict; but a shader with a defect does.
 */
static pv_code conclude(pv_check *check, const pv_proof *proof) {
  char why[PV_PROOF_ROOM];
  for (size_t i = 0; i < proof->count; i++) check->compared += proof->results[i].compared;
  pv_check_metric(check, "operations", (double)proof->count);
  if (proof->failed == NULL) return pv_check_pass(check);
  pv_proof_describe(proof->failed, why);
  if (defective(check->planted.fault) == NULL) return pv_check_verdict(check, "NOT_RUN", "%s", why);
  pv_check_fail(check, "%s", why);
  return pv_check_pass(check);
}

static pv_code prove(pv_check *check, pv_vulkan *vulkan, size_t index, pv_error *err) {
  static pv_proof proof;
  const pv_vulkan_module *planted = defective(check->planted.fault);
  const pv_vulkan_module *module = planted != NULL ? planted : pv_vulkan_module_find("proof");
  if (module == NULL) return pv_error_set(err, PV_ERR_INTERNAL, "there is no such shader");
  pv_code code = pv_vulkan_prove(vulkan, index, module, &proof, err);
  if (code == PV_OK && proof.failed == NULL) { /* so that evidence has its name and its proof */
    code = pv_vulkan_prove_once(vulkan, index, err);
    pv_check_note_vulkan(check);
  }
  return code == PV_OK ? conclude(check, &proof) : code;
}

static pv_code run_vulkan_prove(pv_check *check, pv_error *err) {
  pv_vulkan *vulkan = NULL;
  pv_error why = PV_ERROR_INIT;
  size_t index = 0;
  if (!pv_check_on_device(check, "vulkan")) return PV_OK;
  pv_code code = pv_vulkan_open(&vulkan, &why);
  if (code == PV_OK) code = pv_vulkan_choose(vulkan, PV_VULKAN_ANY, &index, &why);
  if (code == PV_OK) code = prove(check, vulkan, index, &why);
  pv_vulkan_close(vulkan);
  if (code == PV_ERR_UNSUPPORTED) return pv_check_verdict(check, "NOT_RUN", "%s", why.message);
  if (code != PV_OK && err != NULL) *err = why;
  return code;
}

const pv_check_spec pv_check_vulkan_prove = {
    .name = "vulkan.prove",
    .about =
        "The Vulkan device gives the bits of the CPU for each operation that shaders rest on: pv "
        "vulkan "
        "prove. NOT_RUN without a device, and with the operation's name of one that fails.",
    .subject = "device",
    .timeout_s = 120,
    .params = PV_PARAMS(PV_TAKES_DEVICE),
    .run = run_vulkan_prove};
