/* ColossalAI's cosines and sines of a position, in float32. cos-cut.cu is its
 * get_cos_and_sin_kernel.cu up to the functions that launch it; a header of it declares a function
 * of a tensor. */
#include <cstdint>
namespace torch {
struct Tensor {
  void *data_ptr() const;
};
}  // namespace torch
#include "cos-cut.cu"

const void *const pv_instances[] = {
    (const void *)apply_get_decode_cos_and_sin_kernel<float, true, 4>};
