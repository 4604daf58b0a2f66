/* The golden folder: prompts and the float64 outputs of another implementation. */
#ifndef PV_TESTS_GOLDEN_H
#define PV_TESTS_GOLDEN_H

#include <jansson.h>

#include "runtime/trace/capture.h"

typedef struct golden {
  json_t *manifest;
  const char *shared;
} golden;

bool golden_open(golden *g);
void golden_close(golden *g);
size_t golden_prompts(const golden *g);
const char *golden_name(const golden *g, size_t prompt);
/* Token ids of a list under the prompt ("ids", "f64_greedy_32"); 0 when there is none. */
size_t golden_ids(const golden *g, size_t prompt, const char *key, uint32_t *out, size_t room);
/* A tensor "f64-Q4_K_M/logits": `shape` has up to 3 entries. NULL when the manifest has none.
 * Elements are four bytes each. Free it. */
void *golden_tensor(const golden *g, size_t prompt, const char *key, size_t shape[3]);
pv_model *golden_model(const golden *g, const char *kind);

#endif
