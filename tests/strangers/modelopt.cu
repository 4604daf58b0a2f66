/* Model Optimizer's fake quantization in blocks with a scale each, of 16 numbers of float32. */
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <cuda/std/bit>
#include <cuda/std/tuple>

#include <algorithm>
#include <cmath>
#include <cub/cub.cuh>
#include <stdexcept>

#include "tensor_quant_mx.h"

#include "modelopt-mx-cut.cu"

template __global__ void amax_and_convert_kernel<float, float, 16, 4>(const float *, float *,
                                                                      int64_t, int, int, int, Types,
                                                                      Types, const float *, bool,
                                                                      int);
