/* y = weights x for Q4_K weights and float activations: a kernel as pv judges it.
 *
 *   cc -shared -fPIC -O3 q4_k_gemv.c -o libq4.so $(pkg-config --cflags pv-kernel)
 *   pv kernel check ./libq4.so */
#include <math.h>
#include <pv_kernel.h>

const pv_kernel_info pv_kernel_about = {PV_KERNEL_ABI, "q4_k_gemv", "float32", NULL};

static float half(const unsigned char *at) {
  const unsigned bits = at[0] | (unsigned)at[1] << 8, exponent = bits >> 10 & 31;
  const float fraction = (float)(bits & 1023);
  const float value =
      exponent == 0 ? ldexpf(fraction, -24) : ldexpf(fraction + 1024.0f, (int)exponent - 25);
  return bits >> 15 != 0 ? -value : value;
}

/* Sub-block j of eight: six bits of scale, six of minimum. */
static void scales(const unsigned char *s, int j, float *scale, float *minimum) {
  const int low = j < 4;
  *scale = (float)(low ? s[j] & 63 : (s[j + 4] & 15) | s[j - 4] >> 6 << 4);
  *minimum = (float)(low ? s[j + 4] & 63 : s[j + 4] >> 4 | s[j] >> 6 << 4);
}

/* 256 weights: d, dmin, 12 bytes of scales, 128 bytes of numbers. */
static float block(const unsigned char *b, const float *x) {
  float sum = 0.0f;
  for (int j = 0; j < 8; j++, x += 32) {
    const unsigned char *q = b + 16 + j / 2 * 32;
    float scale, minimum, products = 0.0f, plain = 0.0f;
    scales(b + 4, j, &scale, &minimum);
    for (int i = 0; i < 32; i++) {
      products += (float)(j % 2 == 0 ? q[i] & 15 : q[i] >> 4) * x[i];
      plain += x[i];
    }
    sum += half(b) * scale * products - half(b + 2) * minimum * plain;
  }
  return sum;
}

int pv_kernel_run(const pv_kernel_call *call) {
  const pv_kernel_tensor *weights = pv_kernel_tensor_of(call, "weights");
  const pv_kernel_tensor *x = pv_kernel_tensor_of(call, "x"), *y = pv_kernel_tensor_of(call, "y");
  if (weights == NULL || x == NULL || y == NULL) return PV_KERNEL_NOT_TAKEN;
  for (uint64_t b = 0; b < y->rows; b++)
    for (uint64_t r = 0; r < y->row; r++) {
      const unsigned char *row = pv_kernel_row(weights, r);
      const float *of = pv_kernel_row(x, b);
      float sum = 0.0f;
      for (uint64_t i = 0; i < weights->row; i += 256) sum += block(row + i / 256 * 144, of + i);
      ((float *)pv_kernel_row(y, b))[r] = sum;
    }
  return PV_KERNEL_DONE;
}
