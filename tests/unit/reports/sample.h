/* Hand-made results to render. */
#ifndef PV_TEST_REPORTS_SAMPLE_H
#define PV_TEST_REPORTS_SAMPLE_H

#include "reports/render/render.h"

typedef enum sample_kind {
  SAMPLE_CARRIED, /* a GPU-less machine: some by run, one by receipt, some by nobody; exit 0 */
  SAMPLE_REFUTED, /* the same with a failing parity, a file that claims too much; exit 1 */
  SAMPLE_EVERY,   /* one criterion and one falsifier for each verdict */
  SAMPLE_EMPTY,   /* a contract without anything */
  SAMPLE_HOSTILE, /* every text tries to leave its place, every number is none */
  SAMPLE_DEVICE,  /* a machine with a GPU: everything by this run, all of it holds; exit 0 */
  SAMPLE_LONG,    /* every text is long, names have no place to break; some nobody looked at */
  SAMPLE_BIG,     /* 400 criteria and falsifiers with long texts, 10,000 metrics in one */
  SAMPLE_KINDS
} sample_kind;

typedef struct sample {
  pv_arena arena;
  pv_contract contract;
  pv_result result;
} sample;

extern const char *const sample_names[SAMPLE_KINDS];

/* NULL when memory is out. Free with sample_free. */
sample *sample_make(sample_kind kind);
void sample_free(sample *s);

/* What the hostile sample puts into every text. */
extern const char sample_hostile[];

#endif
