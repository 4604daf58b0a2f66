/* gsplat's rasterization: its file up to where it calls torch. */
#include <cooperative_groups.h>

#include "Common.h"

#include "gsplat-cut.cu"
}

const void *const pv_instances[] = {
    (const void *)gsplat::rasterize_to_pixels_3dgs_fwd_kernel<3, float>};
