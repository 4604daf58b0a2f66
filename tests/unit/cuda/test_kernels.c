/* What the headers beside the kernels say is what is in the PTX: every kernel has a row and every
 * row a kernel, with the same argument and block. And a launch that does not fit is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/images.h"
#include "kernels/cuda/kernels.h"
#include "kernels/ptx/ptx.h"
#include "tests/unit/testing.h"

/* The directive stands between the kernel's head and its body. */
static unsigned block_of(const char *ptx, const char *kernel) {
  char entry[128];
  snprintf(entry, sizeof entry, ".entry %s(", kernel);
  const char *head = strstr(ptx, entry);
  const char *directive = head != NULL ? strstr(head, ".maxntid ") : NULL;
  return directive != NULL && directive < strchr(head, '{')
             ? (unsigned)strtoul(directive + 9, NULL, 10)
             : 0;
}

static void expect_row(const pv_cuda_module *module, const pv_ptx_function *f) {
  char header[128];
  uint64_t shared = 0;
  const pv_kernel *k = pv_kernel_find(f->name);
  if (!EXPECT(k != NULL)) {
    fprintf(stderr, "  %s has no row\n", f->name);
    return;
  }
  snprintf(header, sizeof header, "%s.h", module->name);
  EXPECT(strcmp(pv_kernel_header(k), header) == 0);
  EXPECT(f->param_count == 1 && f->params[0]->bytes == k->arg_bytes);
  EXPECT_I64(block_of(module->ptx, f->name), k->block);
  EXPECT(pv_ptx_shared_bytes(f, &shared));
  if (strcmp(f->name, "gemv") == 0) EXPECT(shared <= PV_GEMV_DECLARED);
}

static void test_rows(void) {
  size_t count = 0, entries = 0;
  const pv_cuda_module *modules = pv_cuda_modules(&count);
  pv_arena arena = PV_ARENA_INIT;
  for (size_t i = 0; i < count; i++) {
    pv_ptx_module *m = NULL;
    REQUIRE(pv_ptx_parse(&arena, modules[i].name, modules[i].ptx, modules[i].ptx_bytes, &m, NULL) ==
            PV_OK);
    for (size_t f = 0; f < m->function_count; f++)
      if (m->functions[f]->is_entry) {
        expect_row(&modules[i], m->functions[f]);
        entries++;
      }
  }
  EXPECT_I64((int64_t)entries, 2 * PV_GPU_KERNEL_COUNT); /* for 8.0 and for 9.0 */
  pv_arena_free(&arena);
}

static void test_table(void) {
  for (int i = 0; i < PV_GPU_KERNEL_COUNT; i++) {
    const pv_kernel *k = pv_kernel_get((pv_gpu_kernel)i);
    EXPECT(pv_kernel_find(k->name) == k);
    EXPECT(k->operation[0] != 0 && k->limit[0] != 0 && k->writes[0].name != NULL);
    for (const pv_kernel_write *w = k->writes; w->name != NULL; w++)
      EXPECT(w->at % 8 == 0 && w->at + sizeof(uint64_t) <= k->arg_bytes);
  }
  EXPECT(pv_kernel_find("gem") == NULL);
}

static void test_limits(void) {
  pv_error err = PV_ERROR_INIT;
  pv_gpu_launch l = {.block = 7};
  pv_cuda_route a = {.experts = PV_EXPERTS_MAX, .used = 8};
  const pv_kernel *route = pv_kernel_get(PV_GPU_route), *gate_up = pv_kernel_get(PV_GPU_gate_up);
  EXPECT(pv_kernel_launch(route, 3, &a, 5, &l, &err) == PV_OK);
  EXPECT(l.kernel == 3 && l.grid[0] == 5 && l.grid[1] == 1 && l.block == PV_ROUTE_BLOCK);
  a.experts++;
  l.block = 7;
  EXPECT(pv_kernel_launch(route, 3, &a, 5, &l, &err) == PV_ERR_LIMIT && l.block == 7);
  EXPECT(strstr(err.hint, "a->experts <= 1024") != NULL);
  const pv_cuda_gate_up g = {.route = {.experts = 8, .used = 2}, .in = {.k = 64}};
  EXPECT(pv_kernel_launch(gate_up, 0, &g, PV_CUDA_GRID_MAX, &l, &err) == PV_OK);
  EXPECT(pv_kernel_launch(gate_up, 0, &g, PV_CUDA_GRID_MAX + 1, &l, &err) == PV_ERR_LIMIT);
}

static void test_outputs(void) {
  const pv_cuda_norm a = {.out = 512, .acts = {.q = 0, .d = 1024}};
  uint64_t out[PV_KERNEL_WRITES_MAX];
  size_t count = 9;
  EXPECT(pv_kernel_outputs("rmsnorm", &a, sizeof a, out, &count, NULL) == PV_OK && count == 2);
  EXPECT(out[0] == 512 && out[1] == 1024);
  EXPECT(pv_kernel_outputs("rmsnorm", &a, 8, out, &count, NULL) == PV_ERR_INTERNAL);
  EXPECT(pv_kernel_outputs("nobody", &a, sizeof a, out, &count, NULL) == PV_ERR_UNSUPPORTED);
}

int main(void) {
  return pv_testing_main("cuda_kernels", (pv_case[]){PV_CASE(test_rows),
                                                     PV_CASE(test_table),
                                                     PV_CASE(test_limits),
                                                     PV_CASE(test_outputs),
                                                     {0}});
}
