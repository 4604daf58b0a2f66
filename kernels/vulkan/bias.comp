// Up to three sums of rows and a vector; by expert, each row with the vector of its own. Of pv_cuda_bias.
// Groups: the largest n / 256, rows; a thread has an element of each. Reference: bias of
// kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

layout(local_size_x = 256) in;
struct job_of { // pv_cuda_bias_job
  uint64_t x, bias, result;
  uint n, unused;
};
layout(buffer_reference, std430, buffer_reference_align = 8) buffer bias_argument {
  job_of job[3];
  uint64_t experts;
  uint jobs;
};

void main() {
  bias_argument t = bias_argument(argument);
  uint i = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
  for (uint j = 0u; j < t.jobs; j++) {
    job_of job = t.job[j];
    if (i >= job.n) continue;
    uint at = row * job.n + i, vector = t.experts != 0ul ? words(t.experts).at[row] * job.n : 0u;
    floats(job.result).at[at] = sum(floats(job.x).at[at], floats(job.bias).at[vector + i]);
  }
}
