/* Names of the per-path functions: PV_PATH(rmsnorm) is pv_avx2_rmsnorm or pv_scalar_rmsnorm. */
#ifndef PV_CPU_VECTOR_H
#define PV_CPU_VECTOR_H

#include "kernels/cpu/cpu.h"

#define PV_JOIN_(a, b) a##b
#define PV_JOIN(a, b)  PV_JOIN_(a, b)
#define PV_PATH(name)  PV_JOIN(PV_PATH_PREFIX, name)
#ifdef __AVX512VNNI__
#define PV_PATH_PREFIX pv_vnni_
#define PV_PATH_NAME   "vnni"
#define PV_PATH_BARE   vnni
#elif defined __AVX2__
#define PV_PATH_PREFIX pv_avx2_
#define PV_PATH_NAME   "avx2"
#define PV_PATH_BARE   avx2
#else
#define PV_PATH_PREFIX pv_scalar_
#define PV_PATH_NAME   "scalar"
#define PV_PATH_BARE   scalar
#endif

void PV_PATH(round)(pv_product product, pv_grain grain, const float *x, size_t k,
                    const pv_planes *out);
void PV_PATH(mm)(const pv_mm *mm);
void PV_PATH(mm_int)(const pv_mm *mm);
void PV_PATH(mm_f64acc)(const pv_mm *mm);
void PV_PATH(mm_plain)(const pv_mm *mm);
void PV_PATH(rmsnorm)(const float *x, const float *weight, size_t n, float eps, float *out);
void PV_PATH(rope)(float *x, size_t n, const float *cos, const float *sin);
void PV_PATH(rope_neighbours)(float *x, size_t n, const float *cos, const float *sin);
void PV_PATH(attend)(const pv_attend *attend);
void PV_PATH(swiglu)(const float *gate, const float *up, size_t n, float *out);
void PV_PATH(geglu)(const float *gate, const float *up, size_t n, float *out);
void PV_PATH(swiglu_clamped)(const float *gate, const float *up, size_t n, float *out);
void PV_PATH(gate)(const float *x, float logit, size_t n, float *out);
void PV_PATH(scale)(const float *x, float factor, size_t n, float *out);
void PV_PATH(add)(const float *a, const float *b, size_t n, float *out);
void PV_PATH(combine)(const float *const *rows, const float *weight, size_t ranks, size_t n,
                      float *out);
void PV_PATH(route)(pv_route_form form, const float *logits, size_t n, size_t used,
                    int32_t *indices, float *weights);
int32_t PV_PATH(argmax)(const float *x, size_t n);

#endif
