// A matrix-vector product of Q4_K weights as somebody else would write it: nothing of pv is in
// here. y[b][r] = sum over i of w[r][i] * x[b][i]; a block of 64 threads for two rows, a warp each.
//   nvcc -ptx -arch=compute_80 -lineinfo q4k_gemv.cu
#include <cuda_fp16.h>
#include <stdint.h>

struct block_q4_k {  // 256 weights
  __half d, dmin;
  uint8_t scales[12];
  uint8_t qs[128];
};

__device__ void scale_min(const uint8_t *s, int j, int *scale, int *min) {
  if (j < 4) {
    *scale = s[j] & 63;
    *min = s[j + 4] & 63;
  } else {
    *scale = (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
    *min = (s[j + 4] >> 4) | (s[j] >> 6) << 4;
  }
}

extern "C" __global__ void q4k_gemv(const block_q4_k *w, const float *x, float *y, int k,
                                    int rows) {
  const int row = blockIdx.x * 2 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= rows) return;
  const float *in = x + (size_t)blockIdx.y * k;
  float sum = 0;
  for (int b = 0; b < k / 256; b++) {
    const block_q4_k *block = w + (size_t)row * (k / 256) + b;
    const float d = __half2float(block->d), dmin = __half2float(block->dmin);
    for (int j = 0; j < 8; j++) {
      int scale, min;
      scale_min(block->scales, j, &scale, &min);
      const int q = block->qs[j / 2 * 32 + lane] >> (j % 2 * 4) & 15;
      sum += (d * scale * q - dmin * min) * in[b * 256 + j * 32 + lane];
    }
  }
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffff, sum, step);
  if (lane == 0) y[(size_t)blockIdx.y * rows + row] = sum;
}
