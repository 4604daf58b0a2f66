/* XGBoost's rounding factors of lambdarank: the body of the function that CalcGrad gives to
 * dh::LaunchN, in a loop as LaunchN has it, with views as plain arrays. */
#include <algorithm>
#include <cuda/std/tuple>

#include "common/deterministic.cuh"

namespace xgboost {
using GradCostNorm = cuda::std::tuple<GradientPair, double, double>;

struct Factors {
  GradientPair *data;
  __device__ GradientPair &operator()(size_t i) const { return data[i]; }
};

template <bool unbiased>
__global__ void factors(size_t groups, const bst_group_t *d_gptr, const GradCostNorm *d_max_lambdas,
                        const double *d_min_bias, Factors d_rounding, double *d_cost_rounding) {
  for (size_t g = blockIdx.x * blockDim.x + threadIdx.x; g < groups; g += gridDim.x * blockDim.x) {
#include "xgboost-cut.cu"
  }
}
template __global__ void factors<true>(size_t, const bst_group_t *, const GradCostNorm *,
                                       const double *, Factors, double *);
template __global__ void factors<false>(size_t, const bst_group_t *, const GradCostNorm *,
                                        const double *, Factors, double *);
}  // namespace xgboost
