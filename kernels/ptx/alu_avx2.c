/* The instructions of a lane, for processors with AVX2 and fma: eight lanes at a time. */
#define PV_PTX_ALU_TABLE pv_ptx_alu_avx2
#include "kernels/ptx/alu_rows.h"
