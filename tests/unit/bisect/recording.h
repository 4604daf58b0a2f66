/* Trace folders as sides of a bisection: made, changed, bisected. */
#ifndef PV_TESTS_BISECT_RECORDING_H
#define PV_TESTS_BISECT_RECORDING_H

#include <jansson.h>

#include "runtime/bisect/bisect.h"

enum { RECORDING_COUNT = 4, RECORDING_BATCH = RECORDING_COUNT / 2 };
#define RECORDING_IDS   "861,1644,198,17"
#define RECORDING_MODEL "models/tiny-coder-moe-Q4_K_M.gguf"
extern const uint32_t recording_ids[RECORDING_COUNT];
extern pv_model *recording_model; /* opened by the test */

/* Writes a trace as pv trace does, with a fault in who computes. NULL: none, all stages, all
 * layers. A failure is counted. */
void recording_make(const char *name, pv_numerics numerics, const char *fault, const char *stages,
                    const char *layers);
/* Changes the manifest of `name`: one member of the object, or of the tensor `file`. Takes `value`;
 * NULL removes it. */
void recording_change(const char *name, const char *file, const char *key, json_t *value);
/* Writes bytes into a file of the trace, whose digest leaves the manifest. */
void recording_poke(const char *name, const char *file, size_t offset, const void *bytes,
                    size_t length);
/* Sides by the name of their folder; NULL: the CPU in i16. */
pv_bisect_result recording_bisect(const char *left, const char *right);

#endif
