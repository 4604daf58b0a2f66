/* The kernels of llama.cpp's mmvq.cu that tests/strangers judges, each instance by its address so
 * that it is compiled. mmvq-cut.cu is that file up to its first launch: behind it come instances of
 * every type. */
#include "mmvq-cut.cu"

#ifdef PV_OLD /* versions 0.2.78 and 0.2.79: type and columns */
#define PV_INSTANCES(type)                                                    \
  (const void *)mul_mat_vec_q<type, 1>, (const void *)mul_mat_vec_q<type, 2>, \
      (const void *)mul_mat_vec_q<type, 5>
#else
#define PV_INSTANCES(type)                                                                     \
  (const void *)mul_mat_vec_q<type, 1, false>, (const void *)mul_mat_vec_q<type, 2, false>,    \
      (const void *)mul_mat_vec_q<type, 5, false>, (const void *)mul_mat_vec_q<type, 1, true>, \
      (const void *)mul_mat_vec_q_moe<type, 2>
#endif

const void *const pv_instances[] = {PV_INSTANCES(GGML_TYPE_Q4_K), PV_INSTANCES(GGML_TYPE_Q6_K),
                                    PV_INSTANCES(GGML_TYPE_Q8_0)};
