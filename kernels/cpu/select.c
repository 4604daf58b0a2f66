/* Choice of a code path for this machine. */
#ifdef PV_HAVE_AVX2
#include <cpuid.h>
#endif
#include <string.h>

#include "kernels/cpu/cpu.h"

size_t pv_attend_scratch(size_t head_dim, size_t positions) {
  const size_t chunks = (positions + PV_ATTENTION_CHUNK - 1) / PV_ATTENTION_CHUNK;
  return chunks * (head_dim + 2);
}

#ifdef PV_HAVE_AVX2
/* F16C; clang 14 does not know it as a feature name. */
static bool converts_halves(void) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
#endif

const pv_cpu_path *pv_cpu_path_get(const char *name) {
#ifdef PV_HAVE_AVX2
  const bool runs =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && converts_halves();
  const bool has_vnni = runs && __builtin_cpu_supports("avx512vnni") &&
                        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq");
  if (has_vnni && (name == NULL || strcmp(name, "vnni") == 0)) return &pv_cpu_vnni;
  if (runs && (name == NULL || strcmp(name, "avx2") == 0)) return &pv_cpu_avx2;
#endif
  if (name == NULL || strcmp(name, "scalar") == 0) return &pv_cpu_scalar;
  return NULL;
}
