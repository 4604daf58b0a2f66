/* The embedded kernels: whole, for both targets, and those for 9.0 wait before they touch memory.
 */
#include <stdlib.h>
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
 * writes (ld.global.nc) may be read, and rows of the cache be copied, which earlier positions
 * wrote; only kernels that are meant to do. */
static bool touches_memory(const char *kernel, const char *opcode) {
  const bool steps = starts(kernel, "attend_step_");
  if (starts(opcode, "ld.global.nc")) return !steps && !starts(kernel, "gemv_");
  return starts(opcode, "ld.global") || starts(opcode, "st.global") || starts(opcode, "atom.") ||
         starts(opcode, "red.") || (starts(opcode, "cp.async.cg") && !steps);
}

/* What there is on the ways from the first instruction to the first wait of each. */
typedef struct way {
  size_t waits, early;
} way;

/* Marks in `seen`, of which 1 is to be followed and 2 was. */
static void follow(const pv_ptx_function *f, char *seen, way *out) {
  for (size_t n = 0; n < f->instruction_count;) {
    if (seen[n] != 1) {
      n++;
      continue;
    }
    const pv_ptx_instruction *i = &f->instructions[n];
    const bool jumps = strcmp(i->parts[0], "bra") == 0,
               waits = starts(i->opcode, "griddepcontrol.w");
    const bool ends = strcmp(i->parts[0], "ret") == 0 || strcmp(i->parts[0], "exit") == 0;
    const size_t to = jumps ? f->labels[i->operands[0].index].at : n + 1;
    EXPECT(strcmp(i->parts[0], "brx") != 0); /* none is followed here */
    seen[n] = 2;
    out->waits += waits;
    out->early += touches_memory(f->name, i->opcode);
    if (!waits && !ends && to < f->instruction_count && seen[to] == 0) seen[to] = 1;
    if ((jumps || ends) && i->guarded && n + 1 < f->instruction_count && seen[n + 1] == 0)
      seen[n + 1] = 1;
    n = to < n ? to : n;
  }
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
      if (!kernel->is_entry) continue;
      char *seen = calloc(kernel->instruction_count + 1, 1);
      way of = {0};
      REQUIRE(seen != NULL);
      seen[0] = 1;
      follow(kernel, seen, &of);
      free(seen);
      EXPECT((of.waits > 0) == (modules[i].target == 90));
      EXPECT(modules[i].target == 80 || of.early == 0);
    }
    pv_arena_free(&arena);
  }
}

int main(void) {
  return pv_testing_main(
      "cuda_images",
      (pv_case[]){PV_CASE(test_whole), PV_CASE(test_targets), PV_CASE(test_wait), {0}});
}
