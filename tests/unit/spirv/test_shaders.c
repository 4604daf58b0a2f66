/* The shaders of the program: sound ones hold, each planted fault is found where the rules can see
 * it, and so is each single NoContraction that is taken out. */
#include <stdlib.h>
#include <string.h>

#include "kernels/spirv/spirv.h"
#include "kernels/vulkan/modules.h"
#include "tests/unit/testing.h"

/* `rule` is what is first against it; NULL: nothing is. */
static size_t is_judged(const pv_vulkan_code *code, const char *rule) {
  pv_arena arena = PV_ARENA_INIT;
  pv_spirv_report r;
  if (!EXPECT(pv_spirv_check(&arena, code->words, code->bytes, &r, NULL) == PV_OK)) return 0;
  EXPECT(r.instructions > 100);
  EXPECT_U64(r.count > 0, rule != NULL);
  if (r.count > 0 && rule != NULL) EXPECT_STR(r.findings[0].rule, rule);
  pv_arena_free(&arena);
  return 1;
}

/* OpCapability DenormPreserve: what a device is given that can be told. */
static bool keeps_subnormals(const pv_vulkan_code *code) {
  enum { CAPABILITY = 17 | 2 << 16, DENORM_PRESERVE = 4464 };
  bool found = false;
  for (size_t at = 5; at + 1 < code->bytes / 4 && code->words[at] == CAPABILITY; at += 2)
    found |= code->words[at + 1] == DENORM_PRESERVE;
  return found;
}

static void test_each(void) {
  static const struct {
    const char *fault, *rule; /* NULL: the proof alone sees it (tests/unit/vulkan) */
  } faults[] = {
      {"contracted", "no_contraction"},
      {"fma_of_device", "no_fma"},
      {"division_loose", "chosen_form"},
      {"root_loose", "no_approximation"},
      {"fma_unfused", NULL},
      {"fma_twice", NULL},
      {"long_fma_unfused", NULL},
      {"long_fma_twice", NULL},
      {"planes_swapped", NULL},
      {"flushed", NULL},
      {"narrowed_to_zero", NULL},
      {"narrowed_flushed", NULL},
      {"conversion_rounds", NULL},
      {"half_flushed", NULL},
      {"other_tree", NULL},
  };
  size_t count = 0, looked_at = 0;
  const pv_vulkan_module *all = pv_vulkan_modules(&count);
  for (size_t i = 0; i < count; i++) {
    const char *rule = all[i].fault == NULL ? NULL : "not listed";
    for (size_t k = 0; all[i].fault != NULL && k < sizeof faults / sizeof *faults; k++)
      if (strcmp(all[i].fault, faults[k].fault) == 0) rule = faults[k].rule;
    EXPECT(!keeps_subnormals(&all[i].code[PV_VULKAN_UNSAID]));
    EXPECT(keeps_subnormals(&all[i].code[PV_VULKAN_KEPT]));
    for (int k = 0; k < PV_VULKAN_SUBNORMALS; k++) looked_at += is_judged(&all[i].code[k], rule);
  }
  if (count == 0) pv_testing_skip("a build without glslangValidator has no shaders");
  EXPECT_U64(looked_at, count * PV_VULKAN_SUBNORMALS);
}

/* What is against a shader in the module of that name. */
static size_t against(const char *name) {
  const pv_vulkan_module *module = pv_vulkan_module_find(name);
  pv_arena arena = PV_ARENA_INIT;
  pv_spirv_report r = {0};
  if (module != NULL)
    (void)pv_spirv_check(&arena, module->code[0].words, module->code[0].bytes, &r, NULL);
  pv_arena_free(&arena);
  return r.count;
}

/* glslang decorates more than arithmetic of floats: what is no such operation is not asked for it.
 */
static void test_one_decoration_less(void) {
  enum { DECORATE = 71, NO_CONTRACTION = 42, NOTHING = 0x10000 };
  const pv_vulkan_module *module = pv_vulkan_module_find("proof");
  if (module == NULL) {
    pv_testing_skip("a build without glslangValidator has no shaders");
    return;
  }
  const pv_vulkan_code *code = &module->code[PV_VULKAN_UNSAID];
  uint32_t *words = malloc(code->bytes);
  size_t found = 0;
  REQUIRE(words != NULL);
  memcpy(words, code->words, code->bytes);
  for (size_t at = 5; at < code->bytes / 4; at += code->words[at] >> 16) {
    if (code->words[at] != (DECORATE | 3 << 16) || code->words[at + 2] != NO_CONTRACTION) continue;
    pv_arena arena = PV_ARENA_INIT;
    pv_spirv_report r;
    for (size_t i = 0; i < 3; i++) words[at + i] = NOTHING;
    if (EXPECT(pv_spirv_check(&arena, words, code->bytes, &r, NULL) == PV_OK && r.count <= 1) &&
        r.count == 1) {
      EXPECT_STR(r.findings[0].rule, "no_contraction");
      found++;
    }
    pv_arena_free(&arena);
    memcpy(words + at, code->words + at, 3 * sizeof *words);
  }
  EXPECT(found > 20);
  EXPECT_U64(found, against("proof@contracted"));
  free(words);
}

int main(void) {
  return pv_testing_main("spirv shaders",
                         (pv_case[]){PV_CASE(test_each), PV_CASE(test_one_decoration_less), {0}});
}
