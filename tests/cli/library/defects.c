/* The example with a defect each: DEFECT is its name. */
#define pv_kernel_run   sound
#define pv_kernel_about sound_about
#include "examples/kernels/q4_k_gemv.c" /* NOLINT(bugprone-suspicious-include): it is changed */
#undef pv_kernel_run
#undef pv_kernel_about

#include <stdlib.h>
#include <unistd.h>

enum {
  one_too_far,
  no_tail,
  rows_in_fours,
  crash,
  ends_itself,
  hang,
  input_written,
  counts_calls,
  ignores_strides,
  exit_code,
  flood,
  forks,
  reads_too_far,
  short_sum,
  takes_nothing,
  returns_seven,
  other_abi,
  other_operation,
  other_numerics,
  other_formats,
  claims_i16,
  constructor_exits
};

#define HAS(name) (DEFECT == (name))
const pv_kernel_info pv_kernel_about = {HAS(other_abi) ? 99 : PV_KERNEL_ABI,
                                        HAS(other_operation) ? "q4_k_gem" : "q4_k_gemv",
                                        HAS(other_numerics) ? "float33"
                                        : HAS(claims_i16)   ? "i16"
                                                            : "float32",
                                        HAS(other_formats) ? "x=q9" : NULL};

__attribute__((constructor)) static void begin(void) {
  if (HAS(constructor_exits)) _exit(3);
}

static float cut(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits &= 0xffff0000u;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* The same call with tensors changed. */
static int sound_with(const pv_kernel_call *call, uint64_t less_k, uint64_t less_rows, int tight) {
  pv_kernel_tensor t[3];
  pv_kernel_call own = *call;
  memcpy(t, call->tensors, sizeof t);
  own.tensors = t;
  t[0].row -= less_k;
  t[2].row -= less_rows;
  for (int i = 0; tight && i < 3; i++)
    t[i].stride = i == 0 ? t[i].row / 256 * 144 : t[i].row * sizeof(float);
  return sound(&own);
}

static void misbehave(const pv_kernel_tensor *x, const pv_kernel_tensor *y) {
  static volatile float heard;
  static char noise[1 << 16];
  if (HAS(one_too_far)) ((float *)pv_kernel_row(y, y->rows - 1))[y->row] = 0.0f;
  if (HAS(reads_too_far)) heard = ((float *)pv_kernel_row(x, x->rows - 1))[x->row];
  if (HAS(input_written)) *(float *)x->data = 1.0f;
  static volatile uintptr_t nowhere = 8;
  if (HAS(crash)) *(volatile int *)nowhere = 1;
  if (HAS(ends_itself)) abort();
  if (HAS(exit_code)) exit(0);
  while (HAS(hang)) heard = heard + 1.0f;
  while (HAS(flood) && write(3, noise, sizeof noise) > 0) continue;
  if (HAS(forks) && fork() == 0) {
    setsid();
    sleep(30);
    _exit(0);
  }
}

/* NOLINTBEGIN(clang-analyzer-deadcode.DeadStores): what one defect uses another does not */
int pv_kernel_run(const pv_kernel_call *call) {
  static int calls;
  const pv_kernel_tensor *w = &call->tensors[0], *x = &call->tensors[1], *y = &call->tensors[2];
  if (HAS(takes_nothing)) return PV_KERNEL_NOT_TAKEN;
  if (HAS(returns_seven)) return 7;
  misbehave(x, y);
  const int code = sound_with(call, HAS(no_tail) && w->row > 256 ? 256 : 0,
                              HAS(rows_in_fours) ? y->row % 4 : 0, HAS(ignores_strides));
  for (uint64_t b = 0; b < y->rows; b++)
    for (uint64_t r = 0; r < y->row; r++) {
      float *out = (float *)pv_kernel_row(y, b) + r;
      if (HAS(counts_calls) && calls > 0) *out = nextafterf(*out, 1e30f);
      if (HAS(short_sum)) *out = cut(*out);
    }
  calls++;
  return code;
}
/* NOLINTEND(clang-analyzer-deadcode.DeadStores) */
