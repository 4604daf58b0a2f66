/* PyTorch3D's kernels: its files less what includes and calls torch, and tensors as they see them.
 */
#include <stdint.h>

#include <cmath>
#include <cub/cub.cuh>

namespace at {
template <typename T>
struct RestrictPtrTraits {};

template <typename T, int N>
struct Accessor {
  T *data;
  const int64_t *sizes, *strides;
  __device__ decltype(auto) operator[](int64_t i) const {
    if constexpr (N == 1)
      return (data[i * strides[0]]);
    else
      return Accessor<T, N - 1>{data + i * strides[0], sizes + 1, strides + 1};
  }
};

template <typename T, int N, template <typename> class Traits>
struct PackedTensorAccessor64 {
  T *__restrict__ data;
  int64_t sizes[N], strides[N];
  __device__ int64_t size(int i) const { return sizes[i]; }
  __device__ decltype(auto) operator[](int64_t i) const {
    return Accessor<T, N>{data, sizes, strides}[i];
  }
};
}  // namespace at

using at::PackedTensorAccessor64;
using at::RestrictPtrTraits;

#include "pytorch3d-fps-cut.cu"
#include "pytorch3d-volumes-cut.cu"

const void *const pv_instances[] = {(const void *)FarthestPointSamplingKernel<4>,
                                    (const void *)FarthestPointSamplingKernel<8>};
