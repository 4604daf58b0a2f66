// What the PTX files beside this one were made from. `sound` keeps every rule; each other kernel
// has the one fault that it is named after.
//
//   nvcc -ptx -arch=compute_80 --fmad=false faults.cu -o faults.ptx
//   nvcc -ptx -arch=compute_80 -DCONTRACTED faults.cu -o contracted.ptx
//   nvcc -ptx -arch=compute_80 --fmad=false --ftz=true -DCONTRACTED faults.cu -o flushed.ptx
#define KERNEL extern "C" __global__ void

#ifdef CONTRACTED
KERNEL scale_add(const float *x, float *y, float d) {
  y[threadIdx.x] = x[threadIdx.x] * d + y[threadIdx.x];
}
KERNEL add(const float *x, float *y) {
  y[threadIdx.x] += x[threadIdx.x];
}
#else

__device__ float fold(float f) {
  for (int o = 16; o > 0; o >>= 1) f += __shfl_down_sync(0xffffffffu, f, o);
  return f;
}

KERNEL sound(const signed char *w, const float *x, float *y, int blocks) {
  double acc = 0.0;
  for (int b = 0; b < blocks; b++) {
    double sum = 0.0;
#pragma unroll 1
    for (int i = 0; i < 8; i++)
      sum = fma((double)w[b * 256 + threadIdx.x * 8 + i], (double)x[threadIdx.x], sum);
    acc += sum;
  }
  const float f = fold((float)acc);
  if (threadIdx.x == 0) y[0] = f;
}

// The loop of shuffles is kept: its register has two writers.
KERNEL sound_loop(const signed char *w, const float *x, float *y, int n) {
  double acc = 0.0;
  for (int i = threadIdx.x; i < n; i += 32) acc = fma((double)w[i], (double)x[i], acc);
  float f = (float)acc;
#pragma unroll 1
  for (int o = 16; o > 0; o >>= 1) f += __shfl_down_sync(0xffffffffu, f, o);
  if (threadIdx.x == 0) y[0] = f;
}

KERNEL f32_accumulator(const signed char *w, const float *x, float *y, int n) {
  float acc = 0.0f;
  for (int i = threadIdx.x; i < n; i += 32) acc = fmaf((float)w[i], x[i], acc);
  const float f = fold(acc);
  if (threadIdx.x == 0) y[0] = f;
}

// Rounded to float32 for each block, then back: the conversions are all there.
KERNEL f32_block_sums(const signed char *w, const float *x, float *y, int blocks) {
  double acc = 0.0;
  for (int b = 0; b < blocks; b++) {
    float sum = 0.0f;
#pragma unroll 1
    for (int i = 0; i < 8; i++) sum = fmaf((float)w[b * 8 + i], x[i], sum);
    acc += (double)sum;
  }
  const float f = fold((float)acc);
  if (threadIdx.x == 0) y[0] = f;
}

// The same with a scale for each block: what is multiplied into the accumulator was a sum.
KERNEL f32_scaled_sums(const signed char *w, const float *x, const float *d, float *y, int blocks) {
  double acc = 0.0;
  for (int b = 0; b < blocks; b++) {
    float sum = 0.0f;
#pragma unroll 1
    for (int i = 0; i < 8; i++) sum = fmaf((float)w[b * 8 + i], x[i], sum);
    acc = fma((double)d[b], (double)sum, acc);
  }
  const float f = fold((float)acc);
  if (threadIdx.x == 0) y[0] = f;
}

KERNEL unfused_product(const signed char *w, const float *x, float *y, int n) {
  double acc = 0.0;
  for (int i = threadIdx.x; i < n; i += 32) acc += (double)w[i] * (double)x[i];
  const float f = fold((float)acc);
  if (threadIdx.x == 0) y[0] = f;
}

KERNEL dropped_downcast(const signed char *w, const float *x, float *y, int n) {
  double acc = 0.0;
  for (int i = threadIdx.x; i < n; i += 32) acc = fma((double)w[i], (double)x[i], acc);
  for (int o = 16; o > 0; o >>= 1) acc += __shfl_down_sync(0xffffffffu, acc, o);
  if (threadIdx.x == 0) y[0] = (float)acc;
}

// One lane's sum is added to another value than its own.
KERNEL foreign_sum(const signed char *w, const float *x, float *y, int n) {
  double acc = 0.0;
  for (int i = threadIdx.x; i < n; i += 32) acc = fma((double)w[i], (double)x[i], acc);
  float f = (float)acc;
  f = x[0] + __shfl_down_sync(0xffffffffu, f, 16);
  f += __shfl_down_sync(0xffffffffu, f, 8);
  if (threadIdx.x == 0) y[0] = f;
}

KERNEL one_step_short(const signed char *w, const float *x, float *y, int n) {
  double acc = 0.0;
  for (int i = threadIdx.x; i < n; i += 32) acc = fma((double)w[i], (double)x[i], acc);
  float f = (float)acc;
  for (int o = 16; o > 1; o >>= 1) f += __shfl_down_sync(0xffffffffu, f, o);
  if (threadIdx.x == 0) y[0] = f;
}

KERNEL approximate_exp(const float *x, float *y) {
  y[threadIdx.x] = __expf(x[threadIdx.x]);
}

KERNEL local_memory(const float *x, float *y, int n) {
  float a[4];
  for (int i = 0; i < 4; i++) a[i] = x[i];
  a[n & 3] = 1.0f;
  y[threadIdx.x] = a[(n + 1) & 3];
}

KERNEL atomics(const float *x, float *y, unsigned *count) {
  atomicAdd(y, x[threadIdx.x]);
  atomicAdd(count, 1u);
}

KERNEL integer_atomics(unsigned *count) {
  atomicAdd(count, 1u);
}

__noinline__ __device__ float hidden(float x) {
  return __expf(x);
}
KERNEL fault_in_a_call(const float *x, float *y) {
  y[threadIdx.x] = hidden(x[threadIdx.x]);
}
#endif
