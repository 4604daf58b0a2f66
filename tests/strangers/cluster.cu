/* torch-cluster's kernels: its files less what includes and calls torch. */
#include <curand.h>
#include <curand_kernel.h>
#include <stdint.h>

#include "cluster-fps-cut.cu"
#undef THREADS
#include "cluster-rw-cut.cu"
#undef THREADS
#undef BLOCKS
#include "cluster-grid-cut.cu"

const void *const pv_instances[] = {(const void *)fps_kernel<float>,
                                    (const void *)grid_kernel<float>};
