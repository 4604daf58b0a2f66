/* Which kernel makes a stage, and the file that it stands in: where to look first. */
#include <string.h>

#include "runtime/forward/weights.h"
#include "runtime/probe/bisect_report.h"

/* NULL: a product, which the type of the weights decides. */
static const struct {
  const char *cpu, *gpu;
} table[] = {
    [PV_OP_GATHER] = {"pv_dequant_f32 (kernels/quant/dequant.c)", "embed (kernels/cuda/embed.cu)"},
    [PV_OP_NORM] = {"rmsnorm (kernels/cpu/vector.c)",
                    "rmsnorm (kernels/cuda/rmsnorm.cu) or, before few rows, gemv "
                    "(kernels/cuda/gemv.cu)"},
    [PV_OP_MATMUL] = {NULL, NULL},
    [PV_OP_HEADS] = {"rmsnorm and rope (kernels/cpu/vector.c)",
                     "heads (kernels/cuda/heads.cu) or, for one position, attend_step "
                     "(kernels/cuda/attend_step.cu)"},
    [PV_OP_ATTEND] = {"attend (kernels/cpu/vector.c)",
                      "attend and attend_combine (kernels/cuda/attend.cu) or, for one "
                      "position, attend_step (kernels/cuda/attend_step.cu)"},
    [PV_OP_ADD] = {"add (kernels/cpu/vector.c)",
                   "add (kernels/cuda/elementwise.cu) or, for few rows, gemv "
                   "(kernels/cuda/gemv.cu)"},
    [PV_OP_ROUTE] = {"route (kernels/cpu/vector.c)",
                     "route (kernels/cuda/route.cu) or, for few rows, gate_up "
                     "(kernels/cuda/gate_up.cu)"},
    [PV_OP_TOPK] = {"route (kernels/cpu/vector.c)",
                    "route (kernels/cuda/route.cu) or, for few rows, gate_up "
                    "(kernels/cuda/gate_up.cu)"},
    [PV_OP_SWIGLU] = {"swiglu (kernels/cpu/vector.c)",
                      "swiglu (kernels/cuda/elementwise.cu) or, for few rows, gate_up "
                      "(kernels/cuda/gate_up.cu)"},
    [PV_OP_COMBINE] = {"combine (kernels/cpu/vector.c)",
                       "combine (kernels/cuda/elementwise.cu) or, for few rows, down "
                       "(kernels/cuda/down.cu)"},
    [PV_OP_ROPE] = {"rope and rope_neighbours (kernels/cpu/vector.c)",
                    "heads (kernels/cuda/heads.cu) or, for one position, attend_step "
                    "(kernels/cuda/attend_step.cu)"},
    [PV_OP_BIAS] = {"bias (kernels/cpu/vector.c)", "bias (kernels/cuda/bias.cu)"},
    [PV_OP_GEGLU] = {"geglu (kernels/cpu/vector.c)", "geglu (kernels/cuda/elementwise.cu)"},
    [PV_OP_SWIGLU_CLAMPED] = {"swiglu_clamped (kernels/cpu/vector.c)",
                              "swiglu_clamped (kernels/cuda/elementwise.cu)"},
    [PV_OP_GATE] = {"gate (kernels/cpu/vector.c)", "gate (kernels/cuda/elementwise.cu)"},
    [PV_OP_ARGMAX] = {"argmax (kernels/cpu/path.c)",
                      "argmax_parts and argmax (kernels/cuda/argmax.cu)"},
};

static const char *cpu_product(pv_numerics numerics, bool quantised) {
  if (numerics == PV_NUMERICS_F32_F64ACC) return "mm_f64acc (kernels/cpu/mm_f64acc.c)";
  return quantised ? "mm_int (kernels/cpu/mm_int.c, mm_int_avx2.c)"
                   : "mm_plain (kernels/cpu/mm_plain.c)";
}

#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number) PV_TYPE_ROW(NAME, name)
#define PV_TYPE_ROW(NAME, name, ...) \
  case PV_TYPE_##NAME:               \
    return #name "_gemv_f64acc (kernels/cuda/gemv_f64acc.cu)";
static const char *f64acc_product(pv_type type) {
  switch (type) {
#include "kernels/quant/list.h"
  }
  return NULL;
}

static const char *gpu_product(pv_numerics numerics, const pv_plan *plan, pv_stage_id stage,
                               pv_type type) {
  if (numerics == PV_NUMERICS_F32_F64ACC) return f64acc_product(type);
  if (!pv_type_get(type)->quantised) return "gemv (kernels/cuda/gemv.cu)";
  if (plan->rows[stage].role == PV_ROLE_EXPERTS_OUT)
    return "gemm (kernels/cuda/gemm.cu) or, for few rows, down (kernels/cuda/down.cu)";
  if (pv_plan_is(plan, stage, PV_ROW_BY_EXPERT))
    return "gemm (kernels/cuda/gemm.cu) or, for few rows, gate_up (kernels/cuda/gate_up.cu)";
  return "gemm (kernels/cuda/gemm.cu) or, for few rows, gemv (kernels/cuda/gemv.cu)";
}

const char *pv_bisect_source(const pv_model *model, const char *computed, pv_numerics numerics,
                             pv_stage_id stage, uint32_t layer) {
  const bool gpu = strcmp(computed, "cuda") == 0 || strcmp(computed, "ptx") == 0;
  if (strcmp(computed, "definition") == 0 ||
      strcmp(computed, "plain") == 0) /* as recorded before */
    return "the definition (kernels/definition/definition.c)";
  if (!gpu && strcmp(computed, "cpu") != 0) return NULL;
  if (numerics == PV_NUMERICS_F64) return "the arbiter (kernels/exact/exact.c)";
  const pv_stage_row *row = &model->plan->rows[stage];
  pv_op op = row->op;
  if (gpu && op == PV_OP_ADD && row[-1].op == PV_OP_COMBINE) op = PV_OP_COMBINE; /* one kernel */
  if (gpu && op == PV_OP_SWIGLU && !pv_plan_is(model->plan, stage, PV_ROW_BY_EXPERT))
    return "swiglu (kernels/cuda/elementwise.cu)";
  if (table[op].cpu != NULL) return gpu ? table[op].gpu : table[op].cpu;
  const pv_type type = pv_model_weight(model, stage, layer)->type;
  return gpu ? gpu_product(numerics, model->plan, stage, type)
             : cpu_product(numerics, pv_type_get(type)->quantised);
}
