/* OpenPoints' kernels: its files less what includes and calls torch. */
#include <stdint.h>

#include "openpoints-emd-cut.cu"
#include "openpoints-fps-cut.cu"
#include "openpoints-knn-cut.cu"

const void *const pv_instances[] = {(const void *)furthestsampling_cuda_kernel<64>,
                                    (const void *)approxmatch<float>};
