/* AQLM's weights of one codebook of 16 bits: its file up to what launches its kernels. */
#include <stdint.h>

#include "aqlm-cut.cu"

const void *const pv_instances[] = {(const void *)Code1x16Dequant<16>};
