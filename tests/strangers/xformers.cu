/* xFormers' 2:4 sparsification in float16: its kernels, with what the file of their metadata takes
 * of torch to make tensors, of which nothing runs here. */
#include <stdint.h>

#include <initializer_list>
#include <tuple>

#include "compute_sparse_tile.h"

namespace torch {
namespace headeronly {
enum class ScalarType { Half, BFloat16, Short };
}
namespace stable {
struct Tensor {
  headeronly::ScalarType scalar_type() const;
  int64_t stride(int) const;
  void *data_ptr() const;
};
Tensor new_empty(const Tensor &, std::initializer_list<int64_t>,
                 headeronly::ScalarType = headeronly::ScalarType::Half);
Tensor view(const Tensor &, std::initializer_list<int64_t>);
}  // namespace stable
}  // namespace torch
torch::stable::Tensor xf_permute(const torch::stable::Tensor &, std::initializer_list<int64_t>);
#define STD_TORCH_CHECK(...)

namespace xformers {
namespace sp24 {
#include "xformers-metadata-cut.cu"
}
}  // namespace xformers
using namespace xformers::sp24;
#include "xformers-dense-cut.cu"
#include "xformers-pack-cut.cu"

const void *const pv_instances[] = {
    (const void *)sparse24_sparsify_both_ways_kernel<
        KernelTypes<cutlass::half_t>, MetadataCutlassSm80, LargestValuesGreedy<IdentityOp>>,
    (const void *)sparse24_apply_dense_output_k<cutlass::half_t, true, true>};
