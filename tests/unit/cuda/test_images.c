/* The embedded kernels: whole, for both targets, and those for 9.0 wait before they touch memory.
 */
#include <string.h>

#include "kernels/cuda/images.h"
#include "kernels/ptx/ptx.h"
#include "tests/unit/testing.h"

static const pv_cuda_module *modules;
static size_t count;

static void test_whole(void) {
  modules = pv_cuda_modules(&count);
  EXPECT(count > 0);
  for (size_t i = 0; i < count; i++) {
    EXPECT_I64((int64_t)strlen(modules[i].ptx), (int64_t)modules[i].ptx_bytes);
    EXPECT(modules[i].binary_count > 0);
    for (size_t b = 0; b < modules[i].binary_count; b++) {
      const pv_cuda_binary *binary = &modules[i].binaries[b];
      EXPECT(binary->sm >= modules[i].target && binary->bytes > 64);
      EXPECT(memcmp(binary->data, "\177ELF", 4) == 0);
    }
  }
}

static void test_targets(void) {
  for (size_t i = 0; i < count; i++) {
    size_t found = 0;
    for (size_t j = 0; j < count; j++)
      found += strcmp(modules[i].name, modules[j].name) == 0 &&
               modules[i].target + modules[j].target == 170;
    EXPECT(found == 1); /* 80 has its 90, and 90 its 80 */
    EXPECT(strstr(modules[i].ptx, modules[i].target == 80 ? ".target sm_80" : ".target sm_90") !=
           NULL);
  }
}

static bool starts(const char *text, const char *with) {
  return strncmp(text, with, strlen(with)) == 0;
}

/* Asking for bytes ahead of time reads nothing, and so may come before the wait. What no kernel
 * writes may be read (ld.global.nc), and rows of the cache be copied, which earlier positions
 * wrote; only kernels that are meant to do. */
static bool touches_memory(const char *kernel, const char *opcode) {
  if (starts(kernel, "attend_step_") && starts(opcode, "ld.global.nc")) return false;
  return starts(opcode, "ld.global") || starts(opcode, "st.global") || starts(opcode, "atom.") ||
         starts(opcode, "red.") ||
         (starts(opcode, "cp.async.cg") && !starts(kernel, "attend_step_"));
}

static void test_wait(void) {
  for (size_t i = 0; i < count; i++) {
    pv_arena arena = PV_ARENA_INIT;
    pv_ptx_module *module = NULL;
    pv_error err = PV_ERROR_INIT;
    EXPECT_I64(
        pv_ptx_parse(&arena, modules[i].name, modules[i].ptx, modules[i].ptx_bytes, &module, &err),
        PV_OK);
    for (size_t f = 0; module != NULL && f < module->function_count; f++) {
      const pv_ptx_function *kernel = module->functions[f];
      size_t waits = 0, early = 0;
      for (size_t n = 0; n < kernel->instruction_count; n++) {
        const char *opcode = kernel->instructions[n].opcode;
        waits += strcmp(opcode, "griddepcontrol.wait") == 0;
        early += waits == 0 && touches_memory(kernel->name, opcode);
      }
      if (!kernel->is_entry) continue;
      EXPECT_I64((int64_t)waits, modules[i].target == 90 ? 1 : 0);
      EXPECT(modules[i].target == 80 || early == 0);
    }
    pv_arena_free(&arena);
  }
}

int main(void) {
  return pv_testing_main(
      "cuda_images",
      (pv_case[]){PV_CASE(test_whole), PV_CASE(test_targets), PV_CASE(test_wait), {0}});
}
