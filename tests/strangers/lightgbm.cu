/* LightGBM's kernels of objectives and metrics. */
#include "cuda/cuda_algorithms.cu"
#include "metric/cuda/cuda_pointwise_metric.cu"
#include "objective/cuda/cuda_binary_objective.cu"
#include "objective/cuda/cuda_rank_objective.cu"
#include "objective/cuda/cuda_regression_objective.cu"
