/* What a run did not look at, as far as the evidence itself tells it apart from what it did:
 * nothing here is written by anybody. */
#ifndef PV_RENDER_UNSEEN_H
#define PV_RENDER_UNSEEN_H

#include "reports/render/render.h"

enum { PV_UNSEEN_ROWS = 8 };

typedef struct pv_unseen {
  const char *topic; /* "Criteria", "Layers", ... */
  const char *text;  /* one line, escaped by nobody yet: "3 of 12: AC_1, AC_2, AC_3" */
  bool open;         /* something was left out that the contract or the model has */
} pv_unseen;

/* Rows in the order of a report, their texts in the arena; what the result knows nothing of has no
 * row. False when memory is out. */
bool pv_unseen_find(pv_arena *arena, const pv_result *result, pv_unseen rows[PV_UNSEEN_ROWS],
                    size_t *count);

#endif
