/* Catboost's kernels, in sizes in which it launches them. */
#include <cooperative_groups.h>

#include <cfloat>
#include <cstdint>
#include <cub/cub.cuh>
#include <limits>

typedef int16_t i16;
typedef int32_t i32;
typedef uint8_t ui8, uchar;
typedef uint16_t ui16;
typedef uint32_t ui32;
typedef uint64_t ui64;

#include "cuda_util/kernel/kernel_helpers.cuh"
#include "cuda_util/kernel/random_gen.cuh"

/* What is cut off ends in the midst of a namespace. */
#include "catboost-mvs-cut.cu"
template __global__ void MvsBootstrapRadixSortImpl<16, 512>(float, float, float *, const float *,
                                                            ui32, const ui64 *, ui32);
}

#include "catboost-exact-cut.cu"
template __global__ void ComputeNeedWeightsImpl<1024>(const float *, const float *, const ui32 *,
                                                      const ui32 *, float *, float, ui32);
template __global__ void ComputeWeightedQuantileWithBinarySearchImpl<256>(
    const float *, const float *, ui32, const float *, const ui32 *, const ui32 *, float *, float,
    ui32);
}

#include "catboost-query-cut.cu"
template __global__ void QueryCrossEntropyImpl<256>(volatile int *, const ui32, const float,
                                                    const float *, const float *, const float *,
                                                    const int *, const bool *, const ui32 *,
                                                    const float *, const float, const ui32,
                                                    const ui32 *, const ui32, float *, float *,
                                                    float *, float *, float *);
}

namespace NKernel {
#include "catboost-borders-cut.cu"
template __global__ void FastGpuBordersImpl<1024>(const float *, ui32, float *, ui32);
}

#include "catboost-radix-cut.cu"
namespace NKernel {
#include "catboost-pairs-cut.cu"
template __global__ void PFoundFGradientImpl<256>(int, float, ui32, const ui32 *, volatile ui32 *,
                                                  ui32, const ui32 *, const ui64 *, const float *,
                                                  const float *, ui32, float *);
}

namespace NKernel {
#include "catboost-variance-cut.cu"
template __global__ void ComputeTargetVarianceImpl<512>(const float *, ui32, ui32, ui64, bool,
                                                        double *);
}

#include "catboost-structures-cut.cu"

#include "catboost-scores-cut.cu"
namespace NKernel {
#include "catboost-best-cut.cu"
template __global__ void ComputeOptimalSplits<128, TCosineScoreCalcer>(
    const TCBinFeature *, ui32, const float *, ui32, const float *, const double *, int,
    const ui32 *, int, const ui32 *, int, bool, TCosineScoreCalcer, TBestSplitProperties *);
}

struct TDataPartition {
  ui32 Offset, Size;
};

namespace NKernel {
#include "catboost-offsets-cut.cu"

#include "catboost-gather-cut.cu"
template __global__ void GatherHistogramsByLeavesImpl<1024, 2>(const int, const float *, const int,
                                                               const int, const int, float *);

#include "catboost-single-cut.cu"
template __global__ void MakeIsSingleClassFlagsImpl<128, 32>(const int *, int, const ui32 *,
                                                             const float *, bool *, ui32 *);
}
