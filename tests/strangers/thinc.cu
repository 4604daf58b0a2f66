/* thinc's kernels, of float32. */
#include "_custom_kernels.cu"

const void *const pv_instances[] = {(const void *)clipped_linear<float>};
