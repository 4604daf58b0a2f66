/* For each tool of compute-sanitizer a kernel with the defect that it must report, and one without
 * any. Grid 1, block 256; `in` and `out` have 256 floats each. */
enum { N = 256 };

extern "C" __global__ void sound(const float *in, float *out) {
  __shared__ float row[N];
  row[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = row[N - 1 - threadIdx.x];
}

/* memcheck: the last thread writes one element too far. */
extern "C" __global__ void out_of_bounds(const float *in, float *out) {
  out[threadIdx.x + 1] = in[threadIdx.x];
}

/* racecheck: sound() without its barrier. */
extern "C" __global__ void race(const float *in, float *out) {
  __shared__ float row[N];
  row[threadIdx.x] = in[threadIdx.x];
  out[threadIdx.x] = row[N - 1 - threadIdx.x];
}

/* initcheck: sound, but the host program leaves `in` unwritten for a kernel of this name. */
extern "C" __global__ void uninitialised(const float *in, float *out) {
  out[threadIdx.x] = in[threadIdx.x] + 1.0f;
}

/* synccheck: half of the threads wait for a mask that they are not in, and part of a warp for the
 * block. */
extern "C" __global__ void divergent(const float *in, float *out) {
  out[threadIdx.x] = in[threadIdx.x];
  __syncwarp(__ballot_sync(0xffffffffu, threadIdx.x % 32 < 16));
  if (threadIdx.x < 25) __syncthreads();
  out[threadIdx.x] += in[N - 1 - threadIdx.x];
}
