/* y = x * factor over bfloat16: formats, and a number of the operation's own. */
#include <math.h>
#include <pv_kernel.h>

const pv_kernel_info pv_kernel_about = {PV_KERNEL_ABI, "scale", "float32", "x=bf16, y=bf16"};

static uint16_t rounded(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if (isnan(value)) return 0x7fc0;
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

int pv_kernel_run(const pv_kernel_call *call) {
  const pv_kernel_tensor *x = pv_kernel_tensor_of(call, "x"), *y = pv_kernel_tensor_of(call, "y");
  const float factor = (float)pv_kernel_number_of(call, "factor");
  if (strcmp(x->type, "bf16") != 0 || strcmp(y->type, "bf16") != 0) return 2;
  for (uint64_t r = 0; r < x->rows; r++)
    for (uint64_t i = 0; i < x->row; i++) {
      const uint32_t bits = (uint32_t)((const uint16_t *)pv_kernel_row(x, r))[i] << 16;
      float value;
      memcpy(&value, &bits, sizeof value);
      ((uint16_t *)pv_kernel_row(y, r))[i] = rounded(value * factor);
    }
  return PV_KERNEL_DONE;
}
