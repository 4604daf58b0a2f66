/* The table of one code path. */
#include "kernels/arith/rope.h"
#include "kernels/cpu/vector.h"

void PV_PATH(mm)(const pv_mm *mm) {
  if (mm->product == PV_PRODUCT_F64ACC) {
    PV_PATH(mm_f64acc)(mm);
  } else if (!pv_type_get(mm->type)->quantised) {
    PV_PATH(mm_plain)(mm);
  } else {
    PV_PATH(mm_int)(mm);
  }
}

const pv_cpu_path PV_JOIN(pv_cpu_, PV_PATH_BARE) = {
    .name = PV_PATH_NAME,
    .round = PV_PATH(round),
    .gather = pv_dequant_f32,
    .mm = PV_PATH(mm),
    .rmsnorm = PV_PATH(rmsnorm),
    .angles = pv_rope_row,
    .rope = PV_PATH(rope),
    .rope_neighbours = PV_PATH(rope_neighbours),
    .attend_scratch = pv_attend_scratch,
    .attend = PV_PATH(attend),
    .swiglu = PV_PATH(swiglu),
    .geglu = PV_PATH(geglu),
    .swiglu_clamped = PV_PATH(swiglu_clamped),
    .gate = PV_PATH(gate),
    .bias = PV_PATH(add),
    .scale = PV_PATH(scale),
    .add = PV_PATH(add),
    .combine = PV_PATH(combine),
    .route = PV_PATH(route),
    .argmax = PV_PATH(argmax),
};
