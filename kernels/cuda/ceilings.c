#include "kernels/cuda/ceilings.h"

#include "base/clock.h"

/* Launches `l` once, and then `repeats` more times against the clock: `work` in each. */
static pv_code repeat(pv_gpu *gpu, const pv_gpu_launch *l, double work, double *out,
                      unsigned repeats, pv_error *err) {
  pv_code code = gpu->ops->launch(gpu, l, err);
  for (unsigned i = 0; i < repeats && code == PV_OK; i++) {
    code = gpu->ops->finish(gpu, err);
    const double start = pv_clock_now();
    if (code == PV_OK) code = gpu->ops->launch(gpu, l, err);
    if (code == PV_OK) code = gpu->ops->finish(gpu, err);
    out[i] = work / (pv_clock_now() - start);
  }
  return code;
}

pv_code pv_gpu_bandwidth(const pv_gpu_ops *ops, double *out, unsigned repeats, pv_error *err) {
  enum { BLOCKS_PER_PROCESSOR = 4 };
  uint64_t bytes = (uint64_t)2 << 30;
  pv_gpu *gpu = NULL;
  pv_gpu_info info;
  pv_gpu_launch l;
  unsigned scan = 0;
  pv_cuda_scan a = {0};
  pv_code code = ops->open(0, &gpu, err);
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
  if (code == PV_OK) code = repeat(gpu, &l, (double)bytes, out, repeats, err);
  if (gpu != NULL) ops->close(gpu);
  return code;
}

pv_code pv_gpu_link(const pv_gpu_ops *ops, double *rate, pv_error *err) {
  pv_gpu *gpu = NULL;
  *rate = 0.0;
  pv_code code = ops->link != NULL ? ops->open(0, &gpu, err) : PV_OK;
  if (code == PV_OK && gpu != NULL) code = ops->link(gpu, rate, err);
  if (gpu != NULL) ops->close(gpu);
  return code;
}

pv_code pv_gpu_peak(const pv_gpu_ops *ops, pv_gpu_kernel kernel, double *out, unsigned repeats,
                    pv_error *err) {
  enum { BLOCKS_PER_PROCESSOR = 8 };
  const pv_kernel *k = pv_kernel_get(kernel);
  pv_gpu *gpu = NULL;
  pv_gpu_info info;
  pv_gpu_launch l;
  unsigned number = 0;
  double work = 0;
  pv_cuda_peak a = {.rounds = 1u << 14, .even = 2};
  pv_code code = ops->open(0, &gpu, err);
  if (code == PV_OK) code = ops->info(gpu, &info, err);
  if (code == PV_OK) code = ops->alloc(gpu, sizeof(uint32_t), &a.out, err);
  if (code == PV_OK) code = ops->find(gpu, k->name, &number, err);
  if (code == PV_OK) {
    const size_t blocks = (size_t)BLOCKS_PER_PROCESSOR * info.processors;
    work = (double)blocks * PV_CUDA_BLOCK * a.rounds *
           (kernel == PV_GPU_peak_mma    ? PV_PEAK_MMA
            : kernel == PV_GPU_peak_dp4a ? PV_PEAK_DP4A
                                         : PV_PEAK_FMA);
    code = pv_kernel_launch(k, number, &a, blocks, &l, err);
  }
  if (code == PV_OK) code = repeat(gpu, &l, work, out, repeats, err);
  if (gpu != NULL) ops->close(gpu);
  return code;
}
