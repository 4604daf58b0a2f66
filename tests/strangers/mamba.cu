/* Mamba's scan of states, in float32, and what it takes of torch. */
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <stdint.h>

#include <algorithm>
#include <initializer_list>

namespace at {
using Half = __half;
using BFloat16 = __nv_bfloat16;
}  // namespace at
namespace c10 {
template <typename T>
struct complex {
  T real_, imag_;
  __device__ complex(T real = 0, T imag = 0) : real_(real), imag_(imag) {}
};
template <typename T>
__device__ complex<T> operator+(complex<T> a, complex<T> b) {
  return complex<T>(a.real_ + b.real_, a.imag_ + b.imag_);
}
template <typename T>
__device__ complex<T> operator*(complex<T> a, complex<T> b) {
  return complex<T>(a.real_ * b.real_ - a.imag_ * b.imag_, a.real_ * b.imag_ + a.imag_ * b.real_);
}
}  // namespace c10

#include "selective_scan_fwd_kernel.cuh"

using pv_scan = Selective_Scan_fwd_kernel_traits<32, 4, 1, true, false, false, false, float, float>;

const void *const pv_instances[] = {(const void *)selective_scan_fwd_kernel<pv_scan>};
