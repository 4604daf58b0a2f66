/* LightGBM's kernels of objectives. */
#include "cuda/cuda_algorithms.cu"
#include "objective/cuda/cuda_rank_objective.cu"
#include "objective/cuda/cuda_regression_objective.cu"
