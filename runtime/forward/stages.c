/* Stages by the plan; names and strings of numerics identities. */
#include <stdio.h>
#include <string.h>

#include "runtime/forward/backend.h"

static const pv_stage_row *row(pv_stage_id stage) {
  return &pv_plan_qwen3moe.rows[stage];
}

const char *pv_stage_name(pv_stage_id stage) {
  return row(stage)->name;
}

int pv_stage_find(const char *name) {
  return pv_plan_stage(&pv_plan_qwen3moe, name);
}

size_t pv_stage_width(pv_stage_id stage, const pv_shape *s) {
  return pv_plan_width(&pv_plan_qwen3moe, stage, s);
}

int pv_stage_is_index(pv_stage_id stage) {
  return (row(stage)->flags & PV_ROW_INDEX) != 0;
}

int pv_stage_is_layered(pv_stage_id stage) {
  return (row(stage)->flags & PV_ROW_ONCE) == 0;
}

const char *pv_stage_place(pv_stage_id stage, uint32_t layer, char out[PV_STAGE_PLACE]) {
  snprintf(out, PV_STAGE_PLACE, pv_stage_is_layered(stage) ? "%s of layer %u" : "%s",
           pv_stage_name(stage), layer);
  return out;
}

static const struct {
  const char *name, *identity;
} numerics_table[PV_NUMERICS_COUNT] = {
    [PV_NUMERICS_I16] =
        {"i16",
         "i16/1 act=fixed16(max=32512,segment=32,rne) sum=int,fold tree=fold-halving "
         "plain=wide256-fma attn=chunk64,narrow8,kv-f32 exp=pv1 rope=pv-f64 tie=value,index"},
    [PV_NUMERICS_F32_F64ACC] =
        {"f32-f64acc",
         "f32-f64acc/1 act=f32 sum=f64-fma(lanes=32,chunk=256)->f32 tree=fold-halving "
         "attn=chunk64,narrow8,kv-f32 exp=pv1 rope=pv-f64 tie=value,index"},
    [PV_NUMERICS_F64] = {"f64", "f64/1 all=f64 sum=lanes8 exp,sin,cos,pow=libm tie=value,index"},
    [PV_NUMERICS_I8] =
        {"i8",
         "i8/1 act=fixed8(max=127,segment=32,rne) sum=int,fold tree=fold-halving "
         "plain=wide256-fma attn=chunk64,narrow8,kv-f32 exp=pv1 rope=pv-f64 tie=value,index"},
};

const char *pv_numerics_name(pv_numerics numerics) {
  return numerics_table[numerics].name;
}
const char *pv_numerics_identity(pv_numerics numerics) {
  return numerics_table[numerics].identity;
}

int pv_numerics_find(const char *name) {
  for (int i = 0; i < PV_NUMERICS_COUNT; i++)
    if (strcmp(numerics_table[i].name, name) == 0) return i;
  return -1;
}
