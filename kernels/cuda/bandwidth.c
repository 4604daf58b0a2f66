#include "kernels/cuda/bandwidth.h"

#include "base/clock.h"
#include "kernels/cuda/kernels.h"

pv_code pv_gpu_bandwidth(const pv_gpu_ops *ops, double *out, unsigned repeats, pv_error *err) {
  enum { BLOCKS_PER_PROCESSOR = 4 };
  uint64_t bytes = (uint64_t)2 << 30;
  pv_gpu *gpu = NULL;
  pv_gpu_info info;
  pv_gpu_launch l;
  unsigned scan = 0;
  pv_cuda_scan a = {0};
  pv_code code = ops->open(&gpu, err);
  if (code == PV_OK) code = ops->info(gpu, &info, err);
  if (code == PV_OK && bytes > info.free_ / 2) bytes = info.free_ / 2;
  if (code == PV_OK) code = ops->alloc(gpu, bytes, &a.words, err);
  if (code == PV_OK) code = ops->alloc(gpu, sizeof(uint32_t), &a.out, err);
  if (code == PV_OK) code = ops->find(gpu, "scan", &scan, err);
  if (code == PV_OK) {
    a.count = bytes / 16;
    code = pv_kernel_launch(pv_kernel_get(PV_GPU_scan), scan, &a,
                            (size_t)BLOCKS_PER_PROCESSOR * info.processors, &l, err);
  }
  if (code == PV_OK) code = ops->launch(gpu, &l, err);
  for (unsigned i = 0; i < repeats && code == PV_OK; i++) {
    code = ops->finish(gpu, err);
    const double start = pv_clock_now();
    if (code == PV_OK) code = ops->launch(gpu, &l, err);
    if (code == PV_OK) code = ops->finish(gpu, err);
    out[i] = (double)bytes / (pv_clock_now() - start);
  }
  if (gpu != NULL) ops->close(gpu);
  return code;
}
