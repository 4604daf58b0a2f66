/* What CuPy's interpolation, nearest neighbours, sparse argmax and CFAR detector have in CUDA: the
 * text of its files. */
#include <cuda_fp16.h>
#include <math_constants.h>

#include "cupy-gradients-cut.cu"
#include "cupy-knn-cut.cu"

#include "cupy-argmax-cut.cu"
}

#include "cupy-cfar-cut.cu"

const void *const pv_instances[] = {(const void *)knn<double>,
                                    (const void *)max_arg_reduction<float, long long, int>};
