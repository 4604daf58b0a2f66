/* DCNv4's forward pass in float32: its headers, with what they take of torch. */
#include <stdexcept>

namespace at {
template <typename T>
using opmath_type = T;
}
#define AT_ASSERTM(...)

#include "dcnv4_im2col_cuda.cuh"

const void *const pv_instances[] = {
    (const void *)forward_kernel_dcn_reg<float, 8, ulonglong4, 1, 9, false>};
