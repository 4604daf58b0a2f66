/* The default model with one weight changed, as a file of its own. */
#ifndef PV_TESTS_BISECT_PATCHED_H
#define PV_TESTS_BISECT_PATCHED_H

#include "runtime/model/model.h"

#define PATCHED_BASE "models/tiny-coder-moe-Q4_K_M.gguf"

/* Writes `length` bytes at `offset` of the tensor in a copy at `path`, and opens it; NULL on
 * failure, which is counted. */
pv_model *patched_model(const char *path, const char *tensor, uint64_t offset, const void *bytes,
                        size_t length);

#endif
