#include <string.h>

#include "kernels/quant/quant.h"
#include "runtime/checks/spec.h"

#define PV_CHECK(name) extern const pv_check_spec pv_check_##name;
#include "runtime/checks/list.h"
#undef PV_CHECK

#define PV_CHECK(name) &pv_check_##name,
static const pv_check_spec *const table[] = {
#include "runtime/checks/list.h"
};
enum { COUNT = sizeof table / sizeof *table };

/* All that compute; the arbiter is the CPU in the identity f64. */
#define COMPUTE                                                                           \
  "cpu", "scalar", "avx2", "vnni", "cuda", "cuda0+1", "cuda0+1/experts", "ptx", "ptx0+1", \
      "ptx0+1/experts", "vulkan", "vulkan0", "vulkan1", "definition"
const char *const pv_check_kinds[] = {COMPUTE, NULL};
const char *const pv_check_any_kinds[] = {
    COMPUTE, "trace:DIR", "llamacpp:", "huggingface:", "engine:PROGRAM", NULL};
const char *const pv_check_identities[] = {"i16", "f32-f64acc", "f64", "i8", NULL};
#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, ...) #NAME,
#define PV_TYPE_ROW(NAME, ...)  #NAME,
const char *const pv_check_types[] = {
#include "kernels/quant/list.h"
    NULL};

const pv_check_spec *const *pv_check_specs(size_t *count) {
  *count = COUNT;
  return table;
}

const pv_check_spec *pv_check_find(const char *name) {
  for (size_t i = 0; i < COUNT; i++)
    if (strcmp(table[i]->name, name) == 0) return table[i];
  return NULL;
}

const pv_param_spec *pv_check_param(const pv_check_spec *spec, const char *name) {
  for (const pv_param_spec *p = spec->params; p != NULL && p->name != NULL; p++)
    if (strcmp(p->name, name) == 0) return p;
  return NULL;
}
