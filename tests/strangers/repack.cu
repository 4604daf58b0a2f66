/* Weights as the operations have them, made what foreign kernels take: one thread for each block of
 * a row, launched before the kernel that is judged. Out: [blocks][bytes or scales][rows], as
 * gptqmodel has them. */
#include <stdint.h>

#include <cuda_fp16.h>

static __device__ float half_at(const uint8_t *p) {
  return __half2float(__ushort_as_half((uint16_t)(p[0] | p[1] << 8)));
}

/* d times a scale of 6 bits or 8: exact in float32, rounded once. */
static __device__ void put(__half *out, float d, int scale) {
  *out = __float2half_rn(d * (float)scale);
}

static __device__ bool block_of(int blocks, int rows, int *block, int *row) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  *block = i / rows;
  *row = i % rows;
  return *block < blocks;
}

/* Q4_K: halves d and dmin, 12 bytes of scales and minima, 128 bytes of numbers. */
extern "C" __global__ void repack_q4_k(const uint8_t *weights, int blocks, int rows,
                                       uint8_t *numbers, __half *scales, __half *minima) {
  int b, row;
  if (!block_of(blocks, rows, &b, &row)) return;
  const uint8_t *w = weights + ((long)row * blocks + b) * 144, *packed = w + 4;
  for (int i = 0; i < 128; i++) numbers[((long)b * 128 + i) * rows + row] = w[16 + i];
  for (int i = 0; i < 8; i++) {
    const int low = i & 3;
    const int scale = i < 4 ? packed[low] & 63 : (packed[8 + low] & 15) | (packed[low] >> 6) << 4;
    const int minimum =
        i < 4 ? packed[4 + low] & 63 : packed[8 + low] >> 4 | (packed[4 + low] >> 6) << 4;
    put(&scales[((long)b * 8 + i) * rows + row], half_at(w), scale);
    put(&minima[((long)b * 8 + i) * rows + row], half_at(w + 2), minimum);
  }
}

/* Q6_K: 128 bytes of low parts, 64 of high ones, 16 scales, half d. */
extern "C" __global__ void repack_q6_k(const uint8_t *weights, int blocks, int rows, uint8_t *low,
                                       uint8_t *high, __half *scales) {
  int b, row;
  if (!block_of(blocks, rows, &b, &row)) return;
  const uint8_t *w = weights + ((long)row * blocks + b) * 210;
  for (int i = 0; i < 128; i++) low[((long)b * 128 + i) * rows + row] = w[i];
  for (int i = 0; i < 64; i++) high[((long)b * 64 + i) * rows + row] = w[128 + i];
  for (int i = 0; i < 16; i++)
    put(&scales[((long)b * 16 + i) * rows + row], half_at(w + 208), (int8_t)w[192 + i]);
}

/* Weights with room behind them, for a kernel that reads there. */
extern "C" __global__ void copy_bytes(const uint8_t *from, uint8_t *to, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) to[i] = from[i];
}

/* A size that a kernel reads from memory. */
extern "C" __global__ void put_size(int *to, int size) {
  *to = size;
}

/* Numbers of four bits as `int4_gemv` has them (int32, rows by rows, a zero and a scale for each
 * group), packed as three formats have them. One thread for each word of eight numbers; there are
 * more of those than scales. */
static __device__ uint32_t packed(const int *numbers, long stride, unsigned order) {
  uint32_t word = 0;
  for (int i = 0; i < 8; i++) word |= (uint32_t)numbers[i * stride] << 4 * (order >> 4 * i & 15);
  return word;
}

/* GPTQ: [k / 8][rows], [groups][rows / 8], [groups][rows], and the group of each column. */
extern "C" __global__ void repack_gptq(const int *numbers, const int *zeros, const __half *scales,
                                       int rows, int k, int groups, uint32_t *words,
                                       uint32_t *zero_words, __half *by_group, int *group_of) {
  const int t = blockIdx.x * blockDim.x + threadIdx.x, eights = rows / 8;
  if (t >= k / 8 * rows) return;
  words[t] = packed(numbers + (long)(t % rows) * k + t / rows * 8, 1, 0x76543210);
  if (t < groups * eights)
    zero_words[t] = packed(zeros + t % eights * 8 * groups + t / eights, groups, 0x76543210);
  if (t < groups * rows) by_group[t] = scales[t % rows * groups + t / rows];
  if (t < k) group_of[t] = t / (k / groups);
}

/* AWQ's products: [k][rows / 8], [groups][rows / 8], in the order 0 4 1 5 2 6 3 7; [groups][rows].
 */
extern "C" __global__ void repack_awq(const int *numbers, const int *zeros, const __half *scales,
                                      int rows, int k, int groups, uint32_t *words,
                                      uint32_t *zero_words, __half *by_group) {
  const int t = blockIdx.x * blockDim.x + threadIdx.x, eights = rows / 8;
  if (t >= k * eights) return;
  words[t] = packed(numbers + (long)(t % eights * 8) * k + t / eights, k, 0x73625140);
  if (t < groups * eights)
    zero_words[t] = packed(zeros + t % eights * 8 * groups + t / eights, groups, 0x73625140);
  if (t < groups * rows) by_group[t] = scales[t % rows * groups + t / rows];
}

/* AWQ's matrix-vector products: [rows][k / 8], [rows][width], [rows][8 * width]; what is behind the
 * groups is 0. */
extern "C" __global__ void repack_awq_rows(const int *numbers, const int *zeros,
                                           const __half *scales, int rows, int k, int groups,
                                           int width, uint32_t *words, uint32_t *zero_words,
                                           __half *padded) {
  const int t = blockIdx.x * blockDim.x + threadIdx.x;
  if (t >= k / 8 * rows) return;
  words[t] = packed(numbers + (long)t * 8, 1, 0x76543210);
  if (t >= groups * rows) return;
  const int row = t / groups, g = t % groups;
  padded[row * 8 * width + g] = scales[t];
  if (g % 8 != 0) return;
  uint32_t word = 0;
  for (int i = 0; i < 8 && g + i < groups; i++) word |= (uint32_t)zeros[t + i] << 4 * i;
  zero_words[row * width + g / 8] = word;
}
