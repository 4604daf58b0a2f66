#include "runtime/forward/gpu_outputs.h"

#include <stddef.h>
#include <string.h>

#include "kernels/cuda/params.h"

/* NOLINTBEGIN(bugprone-macro-parentheses): fields are no expressions */
/* Where in a kernel's argument the addresses stand that it may write to. */
#define AT(type, field)   ((uint16_t)offsetof(type, field))
#define ACTS(type, field) AT(type, field.q), AT(type, field.d), AT(type, field.sum)
#define ATTEND            AT(pv_cuda_attend, top), AT(pv_cuda_attend, sum), AT(pv_cuda_attend, value)
#define JOBS(type)        AT(type, job[0].out), AT(type, job[1].out), AT(type, job[2].out)
#define GEMV              JOBS(pv_cuda_gemv), AT(pv_cuda_gemv, total)
#define ATTEND_STEP                                                               \
  AT(pv_cuda_attend_step, heads.q_out), AT(pv_cuda_attend_step, heads.k_out),     \
      AT(pv_cuda_attend_step, heads.keys), AT(pv_cuda_attend_step, heads.values), \
      AT(pv_cuda_attend_step, attend.top), AT(pv_cuda_attend_step, attend.sum),   \
      AT(pv_cuda_attend_step, attend.value), AT(pv_cuda_attend_step, attend.out), \
      ACTS(pv_cuda_attend_step, attend.acts)
#define NONE UINT16_MAX
/* NOLINTEND(bugprone-macro-parentheses) */

static const struct {
  const char *kernel;
  uint16_t at[PV_GPU_OUTPUTS_MAX + 1]; /* ends with NONE */
} table[] = {
    {"embed", {AT(pv_cuda_embed, out), NONE}},
    {"rmsnorm", {AT(pv_cuda_norm, out), ACTS(pv_cuda_norm, acts), NONE}},
    {"heads",
     {AT(pv_cuda_heads, q_out), AT(pv_cuda_heads, k_out), AT(pv_cuda_heads, keys),
      AT(pv_cuda_heads, values), NONE}},
    {"attend_1", {ATTEND, NONE}},
    {"attend_4", {ATTEND, NONE}},
    {"attend_8", {ATTEND, NONE}},
    {"attend_combine", {AT(pv_cuda_attend, out), ACTS(pv_cuda_attend, acts), NONE}},
    {"attend_step_1", {ATTEND_STEP, NONE}},
    {"attend_step_4", {ATTEND_STEP, NONE}},
    {"attend_step_8", {ATTEND_STEP, NONE}},
    {"attend_step_combine", {AT(pv_cuda_attend, out), ACTS(pv_cuda_attend, acts), NONE}},
    {"route", {AT(pv_cuda_route, indices), AT(pv_cuda_route, weights), NONE}},
    {"gemv", {GEMV, AT(pv_cuda_gemv, norm.out), ACTS(pv_cuda_gemv, norm.acts), NONE}},
    {"gemm_4", {JOBS(pv_cuda_gemm), NONE}},
    {"gemm_5", {JOBS(pv_cuda_gemm), NONE}},
    {"gemm_6", {JOBS(pv_cuda_gemm), NONE}},
    {"group",
     {AT(pv_cuda_group, order), AT(pv_cuda_group, tiles), AT(pv_cuda_group, tile_count), NONE}},
    {"gate_up",
     {AT(pv_cuda_gate_up, route.indices), AT(pv_cuda_gate_up, route.weights),
      AT(pv_cuda_gate_up, gate_out), AT(pv_cuda_gate_up, up_out), AT(pv_cuda_gate_up, out),
      ACTS(pv_cuda_gate_up, acts), NONE}},
    {"swiglu", {AT(pv_cuda_gate_up, out), ACTS(pv_cuda_gate_up, acts), NONE}},
    {"down", {AT(pv_cuda_down, out), AT(pv_cuda_down, sum), AT(pv_cuda_down, total), NONE}},
    {"combine", {AT(pv_cuda_down, sum), AT(pv_cuda_down, total), NONE}},
    {"add", {AT(pv_cuda_add, out), NONE}},
    {"argmax_parts", {AT(pv_cuda_argmax, part), NONE}},
    {"argmax", {AT(pv_cuda_argmax, out), NONE}},
    {"scan", {AT(pv_cuda_scan, out), NONE}},
    {"f32_gemv_f64acc", {GEMV, NONE}},
    {"f16_gemv_f64acc", {GEMV, NONE}},
    {"bf16_gemv_f64acc", {GEMV, NONE}},
    {"q8_0_gemv_f64acc", {GEMV, NONE}},
    {"q4k_gemv_f64acc", {GEMV, NONE}},
    {"q5k_gemv_f64acc", {GEMV, NONE}},
    {"q6k_gemv_f64acc", {GEMV, NONE}},
};

pv_code pv_gpu_outputs(const char *kernel, const void *args, size_t arg_bytes,
                       uint64_t out[PV_GPU_OUTPUTS_MAX], size_t *count, pv_error *err) {
  *count = 0;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (strcmp(table[i].kernel, kernel) != 0) continue;
    for (const uint16_t *at = table[i].at; *at != NONE; at++) {
      uint64_t address = 0;
      if (*at + sizeof address > arg_bytes)
        return pv_error_set(err, PV_ERR_INTERNAL, "the argument of '%.60s' is too short", kernel);
      memcpy(&address, (const char *)args + *at, sizeof address);
      if (address != 0) out[(*count)++] = address;
    }
    return PV_OK;
  }
  pv_error_set(err, PV_ERR_UNSUPPORTED, "nobody says what the kernel '%.60s' may write", kernel);
  pv_error_hint(err, "add a row to runtime/forward/gpu_outputs.c");
  return PV_ERR_UNSUPPORTED;
}
