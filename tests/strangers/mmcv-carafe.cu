/* mmcv's CARAFE. */
#include "carafe_cuda_kernel.cuh"

const void *const pv_instances[] = {(const void *)CARAFEForward<float>};
