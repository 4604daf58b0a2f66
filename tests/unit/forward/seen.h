/* What a backend has of its stages over one sequence of batches: two of them are alike, or not. */
#ifndef PV_TESTS_FORWARD_SEEN_H
#define PV_TESTS_FORWARD_SEEN_H

#include "runtime/forward/backend.h"

enum { SEEN_POSITIONS = 13, SEEN_BATCH = 8 }; /* of the backend's context and batch at least */

typedef struct seen { /* all rows that were read, one behind the other */
  uint32_t *words;    /* owned */
  size_t count;
} seen;
seen seen_make(void);
bool seen_same(const seen *a, const seen *b);

/* Prefill, a batch without logits, decode with and without a look, and before them one batch that
 * is given up before layer 3. `ids` has SEEN_POSITIONS. */
pv_code seen_run(pv_backend *b, const uint32_t *ids, seen *out, pv_error *err);

#endif
