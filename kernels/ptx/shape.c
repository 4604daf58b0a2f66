#include "base/ck.h"
#include "kernels/ptx/ptx.h"

bool pv_ptx_shared_bytes(const pv_ptx_function *function, uint64_t *out) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < function->variable_count; i++) {
    const pv_ptx_variable *v = function->variables[i];
    if (v->space != PV_PTX_SHARED) continue;
    if (!pv_ck_align(bytes, v->align, &bytes) || !pv_ck_add(bytes, v->bytes, &bytes)) return false;
  }
  *out = bytes;
  return true;
}
