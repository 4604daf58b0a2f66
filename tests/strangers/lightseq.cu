/* LightSeq's Adam: its file up to where it calls torch. */
#include "lightseq-adam-cut.cu"

const void *const pv_instances[] = {(const void *)ls_adam_cuda_kernel<float, float>};
