/* ColossalAI's RMSNorm of float32 for rows up to 1024. rms-cut.cu is its rms_layernorm_kernel.cu up
 * to the functions that launch it. */
#include "rms-cut.cu"

const void *const pv_instances[] = {(const void *)general_rms_layernorm_kernel<float, 1>};
