/* What a reader of the contract's lines must see: a mark for each. */
#ifndef PV_RENDER_MARKS_H
#define PV_RENDER_MARKS_H

#include "reports/render/view.h"

/* An error is falsified, a warning kept the exit code from 0 and was not judged. */
typedef enum pv_mark_level { PV_MARK_NOTICE, PV_MARK_WARNING, PV_MARK_ERROR } pv_mark_level;

typedef struct pv_mark {
  pv_mark_level level;
  const char *id;   /* a criterion's, a falsifier's that no criterion names, or "status" */
  const char *word; /* the verdict, or the outcome */
  const char *text; /* a sentence; a stranger's words are in it, escaped by nobody yet */
  pv_place place;   /* in the contract */
  const pv_criterion_result *criterion; /* whose it is, or NULL */
} pv_mark;

typedef struct pv_marks {
  pv_mark *items; /* the status last: of it there is always one */
  size_t count;
  pv_arena arena; /* owns the items and their texts */
} pv_marks;

/* `out` is overwritten; free it with pv_marks_free, also after a failure. */
pv_code pv_marks_make(const pv_result *result, pv_marks *out, pv_error *err);
void pv_marks_free(pv_marks *marks);

/* Does some criterion name it? */
bool pv_mark_named(const pv_result *result, size_t falsifier);

#endif
