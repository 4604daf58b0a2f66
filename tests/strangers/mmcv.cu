/* mmcv's kernels of points. */
#include "chamfer_distance_cuda_kernel.cuh"
#include "furthest_point_sample_cuda_kernel.cuh"
#include "group_points_cuda_kernel.cuh"
#include "points_in_polygons_cuda_kernel.cuh"
#include "scatter_points_cuda_kernel.cuh"

const void *const pv_instances[] = {(const void *)furthest_point_sampling_forward_cuda_kernel<256>,
                                    (const void *)chamfer_distance_forward_cuda_kernel<float>,
                                    (const void *)group_points_forward_cuda_kernel<float>,
                                    (const void *)points_in_polygons_forward_cuda_kernel<float>,
                                    (const void *)max_reduce_traceback_scatter_idx_kernel<float>,
                                    (const void *)max_reduce_scatter_grad_kernel<float>};
