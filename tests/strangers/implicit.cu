/* What implicit trains on a GPU: factors by least squares, and by pairs of what is liked and what
 * is not. */
#include <cuda_fp16.h>
#include <thrust/binary_search.h>
#include <thrust/execution_policy.h>

#include <cstdio>
#include <stdexcept>

#include "implicit/gpu/convert.cuh"
#include "implicit/gpu/dot.cuh"

/* What is cut off ends in the midst of two namespaces. */
#include "implicit-als-cut.cu"
template __global__ void least_squares_cg_kernel<float>(int, size_t, size_t, float *, const float *,
                                                        const float *, const int *, const int *,
                                                        const float *, int);
}
}

#include "implicit-bpr-cut.cu"
}
}
