/* What every format says, said once: the sentence on top, marks, sources, reasons. */
#ifndef PV_RENDER_VIEW_H
#define PV_RENDER_VIEW_H

#include <stdbool.h>

#include "reports/render/render.h"

/* How a verdict looks. Marks differ in shape, never in colour alone. */
typedef struct pv_look {
  const char *emoji; /* markdown */
  const char *glyph; /* terminal */
  const char *ascii; /* terminal without Unicode */
  const char *css;   /* class and symbol id: "pass", "fail", ... */
  const char *ansi;  /* SGR parameters */
  const char *means; /* "the claim held", for titles and legends */
} pv_look;
const pv_look *pv_view_look(pv_verdict verdict);

/* The questions after "what holds?". */
typedef enum pv_concern {
  PV_CONCERN_NONE = 0, /* PASS */
  PV_CONCERN_FALSE,    /* FAIL, VACUOUS */
  PV_CONCERN_UNJUDGED, /* tried, without an answer: ERROR, TIMEOUT, CRASH, INCOMPARABLE */
  PV_CONCERN_UNSEEN,   /* nobody looked: NOT_RUN, STALE */
  PV_CONCERN_APART     /* not about this model: NOT_APPLICABLE */
} pv_concern;
pv_concern pv_view_concern(pv_verdict verdict);
/* What is said over the criteria of each concern but the first, in the order of a report. */
typedef struct pv_heading {
  pv_concern concern;
  const char *title, *about;
} pv_heading;
enum { PV_VIEW_HEADINGS = 4 };
extern const pv_heading pv_view_headings[PV_VIEW_HEADINGS];
size_t pv_view_count(const pv_result *result, pv_concern concern); /* criteria */
/* Whether every criterion that is about this model holds, and there is one. */
bool pv_view_all_hold(const pv_result *result);
/* Does the file's status rest on this falsifier? Beside the ladder every criterion is needed, and
 * of a deprecated contract none. */
bool pv_view_needed(const pv_result *result, size_t falsifier);

/* One or two words for the outcome ("Falsified") and the look that goes with it. */
const char *pv_view_outcome(const pv_result *result);
pv_verdict pv_view_outcome_look(const pv_result *result);

/* Plain sentences, escaped by nobody yet: see pv_page_say. */
void pv_view_sentence(pv_text *out, const pv_result *result);
/* "supported by the evidence", "not supported by the evidence; the file was not changed", ... */
void pv_view_transition(pv_text *out, const pv_result *result);
/* "9 criteria held by this run, 2 by receipts (NVIDIA H100, 2026-11-20), 1 by nothing". */
void pv_view_where(pv_text *out, const pv_result *result);
void pv_view_criterion_source(pv_text *out, const pv_result *result, size_t criterion);
void pv_view_falsifier_source(pv_text *out, const pv_result *result, size_t falsifier);
/* "tiny-coder-moe, models/tiny-coder-moe-Q4_K_M.gguf, sha256 7234fb21b62b…", or that none was used.
 */
void pv_view_model(pv_text *out, const pv_result *result);
/* "cc79a483d649 (changed)", or that none is known. */
void pv_view_commit(pv_text *out, const pv_result *result);
/* "stages: cpu DONE (3 of 3), other PENDING (no criterion yet)" */
void pv_stages_line(pv_text *out, const pv_result *result);
/* The GPU that a falsifier's numbers are of, by CUDA or by Vulkan, and the length of its name; NULL
 * when none computed, or one of software alone. Borrowed. */
const char *pv_view_gpu(const pv_result *result, const pv_falsifier_result *f, size_t *length);
/* Whether any number of the result was computed by Vulkan. */
bool pv_view_by_vulkan(const pv_result *result);
/* Why a criterion has its verdict: the reasons of the falsifiers that decide it. */
void pv_view_criterion_reason(pv_text *out, const pv_result *result, size_t criterion);
/* "3 of 4 caught", "4 declared, none tried"; of a provider that plants nothing that it was never
 * seen to fail; else nothing when none is declared. */
void pv_view_faults(pv_text *out, const pv_result *result, size_t falsifier);
/* "moe_ffn_out, layer 3, position 17, index 5: 0.5 against 0.25"; nothing without a worst one. */
void pv_view_worst(pv_text *out, const pv_result *result, size_t falsifier);
/* The gate that a falsifier judges by, and what was measured in its terms; nothing without. */
void pv_view_gate(pv_text *out, const pv_result *result, size_t falsifier);
void pv_view_measured(pv_text *out, const pv_result *result, size_t falsifier);

/* Where two sides first part: the smallest x of a "stage-error" line of a failing falsifier whose
 * value is not 0. False when there is none. */
typedef struct pv_divergence {
  const pv_falsifier_result *falsifier;
  const pv_series *series;
  const char *axis; /* what x counts */
  double x, y;
} pv_divergence;
bool pv_view_divergence(const pv_result *result, pv_divergence *out);

const char *pv_view_text(const char *value); /* "" for NULL */

/* The end of every renderer: when `code` or `out` says failed, `out` is cut back to `begin`. */
pv_code pv_view_end(pv_text *out, size_t begin, pv_code code, pv_error *err);

#endif
