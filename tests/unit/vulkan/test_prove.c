/* The start-up proof over a device of this machine: sound, it holds for every operation;
 * with each fault planted, the operation that has it fails, and no other but those made of it. */
#include "kernels/vulkan/prove.h"

#include <string.h>

#include "tests/unit/testing.h"
#include "tests/unit/vulkan/bench.h"

static pv_vulkan *vulkan;
static size_t device; /* that is tested */

static void test_sound(void) {
  static pv_proof proof;
  pv_error err = PV_ERROR_INIT;
  size_t count = 0;
  const pv_operation *all = pv_operations(&count);
  const pv_vulkan_module *module = pv_vulkan_module_find("proof");
  REQUIRE(module != NULL && module->fault == NULL);
  if (!EXPECT(pv_vulkan_prove(vulkan, device, module, &proof, &err) == PV_OK))
    pv_error_print(&err, stderr);
  EXPECT_STR(proof.failed == NULL ? "none" : proof.failed->operation->name, "none");
  REQUIRE(EXPECT_U64(proof.count, count) && count <= PV_PROOF_MAX);
  for (size_t i = 0; i < count; i++) {
    const pv_proof_result *r = &proof.results[i];
    const uint64_t least = all[i].inputs == PV_INPUTS_EVERY ? all[i].length
                           : all[i].code == PV_OP_TREE      ? PV_OP_CASES / PV_OP_GROUP
                                                            : PV_OP_CASES * 98 / 100;
    if (!EXPECT(r->compared >= least)) fprintf(stderr, "%s\n", all[i].name);
    EXPECT(r->seconds > 0); /* Mesa's device has a clock */
  }
}

static void test_faults(void) {
  static const struct {
    const char *module, *operations; /* those that fail, of which the first names it */
  } faults[] = {
      {"proof@fma_unfused", "fma subnormal-fma "},
      {"proof@fma_twice", "fma "},
      {"proof@long_fma_unfused", "fma-float64 "},
      {"proof@long_fma_twice", "fma-float64 "},
      {"proof@division_loose", "divide subnormal-divide "},
      {"proof@root_loose", "sqrt "},
      {"proof@planes_swapped", "fma-256 "},
      {"proof@flushed", "subnormal-multiply "},
      {"proof@narrowed_to_zero", "float64-to-float32 subnormal-narrowing "},
      {"proof@narrowed_flushed", "subnormal-narrowing "},
      {"proof@conversion_rounds", "float32-to-int32 "},
      {"proof@half_flushed", "float16-unpacking "},
      {"proof@other_tree", "shared-memory-tree "},
  };
  for (size_t k = 0; k < sizeof faults / sizeof *faults; k++) {
    static pv_proof proof;
    char failed[512] = "";
    const pv_vulkan_module *module = pv_vulkan_module_find(faults[k].module);
    REQUIRE(module != NULL && module->fault != NULL && module->about != NULL);
    REQUIRE(pv_vulkan_prove(vulkan, device, module, &proof, NULL) == PV_OK);
    for (size_t i = 0; i < proof.count; i++) {
      if (proof.results[i].differing == 0) continue;
      strncat(failed, proof.results[i].operation->name, sizeof failed - strlen(failed) - 2);
      strcat(failed, " ");
      EXPECT(!pv_op_same(proof.results[i].operation, proof.results[i].got, proof.results[i].want));
    }
    EXPECT_STR(failed, faults[k].operations);
    REQUIRE(proof.failed != NULL);
    EXPECT_U64(
        strncmp(failed, proof.failed->operation->name, strlen(proof.failed->operation->name)), 0);
  }
}

/* A driver need not contract where it may, so what becomes of it is its own; Mesa's folds the magic
 * rounding away. The rules of kernels/spirv find it on any machine. */
static void test_contracted(void) {
  static pv_proof proof;
  pv_vulkan_about about;
  pv_vulkan_describe(vulkan, device, &about);
  if (strstr(about.driver, "llvmpipe") == NULL) {
    pv_testing_skip("the driver is not Mesa's of software");
    return;
  }
  REQUIRE(pv_vulkan_prove(vulkan, device, pv_vulkan_module_find("proof@contracted"), &proof,
                          NULL) == PV_OK);
  REQUIRE(proof.failed != NULL);
  EXPECT_STR(proof.failed->operation->name, "magic-rounding");
}

static void test_modules(void) {
  size_t count = 0;
  const pv_vulkan_module *all = pv_vulkan_modules(&count);
  REQUIRE(count > 1);
  EXPECT_STR(all[0].name, "proof");
  for (size_t i = 0; i < count * PV_VULKAN_SUBNORMALS; i++) {
    const pv_vulkan_code *code = &all[i / PV_VULKAN_SUBNORMALS].code[i % PV_VULKAN_SUBNORMALS];
    EXPECT_U64((uintptr_t)code->words % 4 + code->bytes % 4, 0);
    EXPECT_U64(code->words[0], 0x07230203);
  }
  EXPECT(pv_vulkan_module_find("proo") == NULL);
  EXPECT(pv_vulkan_module_find("proof@") == NULL);
  EXPECT(pv_vulkan_module_find("proof@flushe") == NULL);
}

static void test_about(void) {
  pv_vulkan_about about;
  pv_vulkan_describe(vulkan, device, &about);
  EXPECT(about.name[0] != '\0' && about.driver[0] != '\0');
  EXPECT(about.major == 1 && about.minor >= 2);
}

int main(void) {
  pv_error err = PV_ERROR_INIT;
  if (pv_vulkan_open(&vulkan, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    return 1;
  }
  const int code = pv_testing_main("vulkan", (pv_case[]){PV_CASE(test_sound),
                                                         PV_CASE(test_faults),
                                                         PV_CASE(test_contracted),
                                                         PV_CASE(test_modules),
                                                         PV_CASE(test_about),
                                                         {0}});
  pv_vulkan_close(vulkan);
  return code;
}
