/* ISTA-DASLab's row of M-FAC's pruner: the kernel alone, and what it takes of another file, without
 * torch. */
#include "ista-utils-cut.cu"

#include "ista-cut.cu"

const void *const pv_instances[] = {(const void *)compute_row_dense_kernel};
