/* The suite covers what the kernels use. */
#include <stdio.h>
#include <stdlib.h>

#include "kernels/cuda/images.h"
#include "tests/unit/ptx/conform/shape.h"
#include "tests/unit/ptx/conform/suite.h"
#include "tests/unit/testing.h"

static void add_text(pv_conform_shapes *shapes, pv_arena *arena, const char *name, const char *text,
                     size_t length) {
  pv_ptx_module *module = NULL;
  pv_error err = PV_ERROR_INIT;
  if (!EXPECT(pv_ptx_parse(arena, name, text, length, &module, &err) == PV_OK))
    pv_error_print(&err, stdout);
  else
    EXPECT(pv_conform_shapes_add(shapes, arena, module));
}

/* By what the interpreter takes: what it refuses covers nothing. */
static void test_each_form_of_the_kernels_is_covered(void) {
  pv_conform_runner *interpreter = NULL;
  pv_arena arena = PV_ARENA_INIT;
  pv_conform_shapes used = {0}, covered = {0};
  const pv_conform_form *form;
  size_t count = 0;
  const pv_cuda_module *modules = pv_cuda_modules(&count);
  for (size_t i = 0; i < count; i++)
    add_text(&used, &arena, modules[i].name, modules[i].ptx, modules[i].ptx_bytes);
  REQUIRE(pv_conform_interpreter_open(&interpreter, NULL) == PV_OK);
  for (size_t i = 0; (form = pv_conform_form_at(i)) != NULL; i++) {
    pv_conform_kernel kernel;
    EXPECT(pv_conform_kernel_make(form, &kernel, NULL) == PV_OK);
    uint64_t *out = calloc(kernel.cases, 8 * kernel.out_slots);
    if (out != NULL && interpreter->run(interpreter, &kernel, out, NULL) == PV_OK)
      add_text(&covered, &arena, kernel.name, kernel.text.data, kernel.text.length);
    free(out);
    pv_conform_kernel_free(&kernel);
  }
  interpreter->close(interpreter);
  for (size_t i = 0; i < used.count; i++)
    pv_expect(pv_conform_shapes_has(&covered, used.list[i]), used.list[i], __FILE__, __LINE__);
  EXPECT(used.count > 100);
  pv_arena_free(&arena);
}

int main(void) {
  return pv_testing_main("ptx kernels",
                         (pv_case[]){PV_CASE(test_each_form_of_the_kernels_is_covered), {0}});
}
