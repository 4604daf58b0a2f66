// A product with Q4_K weights as somebody else would write it, and eleven ways to get it wrong: one
// of them with -D NAME. Two rows to a block, a warp each. `./make.sh` makes the PTX beside it.
#include <cuda_fp16.h>
#include <stdint.h>

struct block_q4_k {  // 256 weights
  __half d, dmin;
  uint8_t scales[12];
  uint8_t qs[128];
};

__device__ __forceinline__ void scale_min(const uint8_t *s, int j, int *scale, int *min) {
  if (j < 4) {
    *scale = s[j] & 63;
    *min = s[j + 4] & 63;
  } else {
#ifdef SUB_SCALE
    *scale = s[j + 4] & 15;  // without its two high bits
#else
    *scale = (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
#endif
    *min = (s[j + 4] >> 4) | (s[j] >> 6) << 4;
  }
}

extern "C" __global__ void gemv(const block_q4_k *w, const float *x, float *y, int k, int rows) {
  __shared__ float part[64];
  const int row = blockIdx.x * 2 + threadIdx.x / 32, lane = threadIdx.x % 32;
#ifdef STRIDE
  const float *in = x + (size_t)blockIdx.y * (k + 32);  // mark STRIDE
#else
  const float *in = x + (size_t)blockIdx.y * k;
#endif
#ifdef ACCUMULATOR
  __half sum = __float2half(0.0f);
#else
  float sum = 0;
#endif
#ifdef GUARD
  const bool is_mine = row <= rows;
#else
  const bool is_mine = row < rows;
#endif
#ifdef TAIL
  const int blocks = k / 512 * 2;  // a last single block is left out
#else
  const int blocks = k / 256;
#endif
#ifdef RACE
  const int first = blockIdx.z, step = gridDim.z;
#else
  const int first = 0, step = 1;
#endif
  for (int b = first; is_mine && b < blocks; b += step) {
    const block_q4_k *block = w + (size_t)row * (k / 256) + b;
    const float d = __half2float(block->d);  // mark GUARD
    const float dmin = __half2float(block->dmin);
    for (int j = 0; j < 8; j++) {
      int scale, min;
      scale_min(block->scales, j, &scale, &min);
      const int q = block->qs[j / 2 * 32 + lane] >> (j % 2 * 4) & 15;
#ifdef MIN
      const float weight = d * scale * q;
#elif defined LAST
      const float weight = j == 7 && lane == 31 ? 0 : d * scale * q - dmin * min;
#elif defined RECIPROCAL
      const float weight = __fdividef(d * q, 1.0f / scale) - dmin * min;  // mark RECIPROCAL
#else
      const float weight = d * scale * q - dmin * min;
#endif
#ifdef ACCUMULATOR
      sum = __hadd(sum, __float2half(weight * in[b * 256 + j * 32 + lane]));
#else
      sum += weight * in[b * 256 + j * 32 + lane];  // mark IN
#endif
    }
  }
#ifdef UNINITIALISED
  if (lane < k / 16)  // not all of them where k is 256
#endif
    part[threadIdx.x] = sum;
#ifndef BARRIER
  __syncthreads();
#endif
  if (lane != 0 || row >= rows) return;
  float total = 0;
  for (int i = 0; i < 32; i++) total += part[threadIdx.x + i];  // mark PART
#ifdef RACE
  total += y[(size_t)blockIdx.y * rows + row];  // mark RACE
#endif
  y[(size_t)blockIdx.y * rows + row] = total;  // mark STORE
}
