/* What a history says, for `pv history` and for reports. Pure functions, as in render.h. */
#ifndef PV_RENDER_HISTORY_H
#define PV_RENDER_HISTORY_H

#include "base/error.h"
#include "base/text.h"
#include "validator/model/history.h"

#define PV_HISTORY_SCHEMA "pv/history/v1"

/* A line a run, then of each criterion its verdicts and margins, run by run, and the throughput.
 * ASCII; no line is longer than `width` columns but for a word that is. */
pv_code pv_render_history_text(const pv_history *history, unsigned width, pv_text *out,
                               pv_error *err);
/* docs/schema/history.json */
pv_code pv_render_history_json(const pv_history *history, pv_text *out, pv_error *err);
/* Small multiples as one SVG document: a strip for each criterion and number, over the runs, with
 * its gate as a level line. */
pv_code pv_render_history_svg(const pv_history *history, pv_text *out, pv_error *err);

/* "19 hold, 1 false; not published": the criteria of a run, and where it is not kept. */
void pv_history_outcome(pv_text *out, const pv_past_run *run);
/* The first digits of a commit, with a '+' where the tree had changes; "none". */
void pv_history_commit(pv_text *out, const pv_past_run *run);
/* "2026-11-29 15:08", by its id, else when it was committed; nothing where neither says. */
void pv_history_date(pv_text *out, const pv_past_run *run);
/* Whether numbers of a track are a throughput. */
bool pv_history_is_speed(const pv_track *track);

#endif
