/* nerfacc's edges of samples: the kernel alone, and the structure that it takes, without torch. */
#include <stdint.h>

#include "nerfacc-spec-cut.cu"

#include "nerfacc-pdf-cut.cu"
}

const void *const pv_instances[] = {(const void *)device::compute_intervels_kernel};
