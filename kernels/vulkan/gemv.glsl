// pv_cuda_gemv, of kernels/cuda/gemv.h. After stages.glsl.
struct job_of { // pv_cuda_job
  rows_of rows;
  uint64_t result;
  uint rows_per_block, unused;
};
layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer gemv_argument {
  job_of job[3];
  acts_of acts;
  norm_of norm;
  uint64_t experts, add, total, ahead, ahead_bytes;
  uint jobs;
};
