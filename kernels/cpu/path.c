/* The table of one code path. */
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
    .mm = PV_PATH(mm),
    .rmsnorm = PV_PATH(rmsnorm),
    .rope = PV_PATH(rope),
    .attend = PV_PATH(attend),
    .swiglu = PV_PATH(swiglu),
    .add = PV_PATH(add),
    .combine = PV_PATH(combine),
    .route = PV_PATH(route),
};
