/* report.md: what a reviewer reads. The verdict first, then what is false, what nobody looked at,
 * and only then the numbers behind it. */
#include <string.h>

#include "reports/render/escape.h"
#include "reports/render/fmt.h"
#include "reports/render/gate.h"
#include "reports/render/pictures.h"
#include "reports/render/stages.h"
#include "reports/render/tally.h"
#include "reports/render/view.h"

/* Bytes for each part; together with one row of overshoot each they stay below the limit. */
enum {
  BYTES_CRITERIA = 160 << 10,
  BYTES_CONCERN = 48 << 10,
  BYTES_FALSIFIERS = 160 << 10,
  BYTES_METRICS = 140 << 10,
  BYTES_FACTS = 32 << 10,
  BYTES_PICTURES = 40 << 10,
  BYTES_HISTORY = 24 << 10,
  METRICS_EACH = 24,
  AMENDMENTS = 5
};

static void put_omitted(pv_text *out, const pv_tally *tally, const char *what) {
  if (tally->omitted > 0)
    pv_text_printf(out, "\n*%zu more %s left out of this report; `evidence.json` has all.*\n",
                   tally->omitted, what);
}

/* Runs a view function into markdown-escaped text. */
#define ESCAPED(out, call)                          \
  do {                                              \
    pv_text plain_ = PV_TEXT_INIT;                  \
    pv_text *view = &plain_;                        \
    call;                                           \
    pv_esc_markdown((out), plain_.data);            \
    (out)->failed = (out)->failed || plain_.failed; \
    pv_text_free(&plain_);                          \
  } while (0)

static void put_verdict(pv_text *out, pv_verdict verdict) {
  const bool loud = pv_view_concern(verdict) == PV_CONCERN_FALSE;
  pv_text_printf(out, "%s %s%s%s", pv_view_look(verdict)->emoji, loud ? "**" : "",
                 pv_verdict_name(verdict), loud ? "**" : "");
}

static void put_head(pv_text *out, const pv_result *r) {
  const pv_contract *c = r->contract;
  pv_text_puts(out, "# ");
  pv_esc_markdown(out, c->name);
  pv_text_puts(out, " ");
  pv_esc_markdown(out, c->version);
  pv_text_printf(out, "\n\n## %s %s\n\n", pv_view_look(pv_view_outcome_look(r))->emoji,
                 pv_view_outcome(r));
  pv_text_puts(out, "**");
  ESCAPED(out, pv_view_sentence(view, r));
  pv_text_puts(out, "**\n\n| | |\n|---|---|\n");
  pv_text_printf(out, "| Status | `%s`", pv_contract_status_name(r->status_before));
  if (r->status_after != r->status_before)
    pv_text_printf(out, " → `%s`", pv_contract_status_name(r->status_after));
  pv_text_puts(out, " (");
  ESCAPED(out, pv_view_transition(view, r));
  pv_text_puts(out, ") |\n| Criteria | ");
  ESCAPED(out, pv_view_where(view, r));
  pv_text_puts(out, " |\n| Model | ");
  ESCAPED(out, pv_view_model(view, r));
  pv_text_puts(out, " |\n| Commit | ");
  ESCAPED(out, pv_view_commit(view, r));
  pv_text_puts(out, " |\n| Run | ");
  pv_esc_markdown_code(out, r->run_id);
  pv_text_puts(out, ", ");
  pv_esc_markdown(out, r->started);
  pv_text_puts(out, ", ");
  pv_fmt_seconds(out, r->duration_s);
  pv_text_printf(out, ", exit code %d |\n", r->exit_code);
  if (pv_view_text(c->description)[0] != '\0') {
    pv_text_puts(out, "| Claim | ");
    pv_esc_markdown(out, c->description);
    pv_text_puts(out, " |\n");
  }
}

static void put_criteria(pv_text *out, const pv_result *r) {
  pv_text_puts(out, "\n## What was claimed, and what holds\n\n");
  if (r->criterion_count == 0) {
    pv_text_puts(out, "The contract has no criteria.\n");
    return;
  }
  pv_text_puts(out,
               "| Verdict | Criterion | Claim | Source | Falsifiers |\n|---|---|---|---|---|\n");
  pv_tally tally = pv_tally_begin(out, BYTES_CRITERIA);
  for (size_t i = 0; i < r->criterion_count; i++) {
    const pv_criterion_result *c = &r->criteria[i];
    if (!pv_tally_row(&tally, out)) continue;
    pv_text_puts(out, "| ");
    put_verdict(out, c->verdict);
    pv_text_puts(out, " | ");
    pv_esc_markdown_code(out, c->criterion->id);
    pv_text_puts(out, " | ");
    pv_esc_markdown(out, c->criterion->property);
    pv_text_puts(out, " | ");
    ESCAPED(out, pv_view_criterion_source(view, r, i));
    pv_text_puts(out, " | ");
    for (size_t k = 0; k < c->falsifier_count && k < 8; k++) {
      if (k > 0) pv_text_puts(out, ", ");
      pv_esc_markdown_code(out, r->falsifiers[c->falsifiers[k]].falsifier->id);
    }
    if (c->falsifier_count > 8) pv_text_printf(out, " and %zu more", c->falsifier_count - 8);
    if (c->falsifier_count == 0) pv_text_puts(out, "none");
    pv_text_puts(out, " |\n");
  }
  put_omitted(out, &tally, "criteria were");
}

static void put_concern(pv_text *out, const pv_result *r, pv_concern concern, const char *title,
                        const char *about) {
  if (pv_view_count(r, concern) == 0) return;
  pv_text_printf(out, "\n### %s\n\n%s\n\n", title, about);
  pv_tally tally = pv_tally_begin(out, BYTES_CONCERN);
  for (size_t i = 0; i < r->criterion_count; i++) {
    const pv_criterion_result *c = &r->criteria[i];
    if (pv_view_concern(c->verdict) != concern || !pv_tally_row(&tally, out)) continue;
    pv_text_puts(out, "- ");
    put_verdict(out, c->verdict);
    pv_text_puts(out, " ");
    pv_esc_markdown_code(out, c->criterion->id);
    pv_text_puts(out, " — ");
    ESCAPED(out, pv_view_criterion_reason(view, r, i));
    pv_text_puts(out, "\n");
  }
  put_omitted(out, &tally, "criteria were");
}

static void put_divergence(pv_text *out, const pv_result *r) {
  pv_divergence d;
  if (!pv_view_divergence(r, &d)) return;
  pv_text_puts(out, "\n**First divergence:** ");
  pv_esc_markdown(out, pv_view_text(d.series->x_label)[0] ? d.series->x_label : "layer");
  pv_text_puts(out, " ");
  pv_fmt_number(out, d.x);
  pv_text_puts(out, " (");
  pv_esc_markdown(out, d.series->name);
  pv_text_puts(out, ": ");
  pv_fmt_number(out, d.y);
  pv_text_puts(out, ", ");
  pv_esc_markdown_code(out, d.falsifier->falsifier->id);
  pv_text_puts(out, ")\n");
}

static void put_concerns(pv_text *out, const pv_result *r) {
  put_concern(out, r, PV_CONCERN_FALSE, "What does not hold",
              "Refuted by a falsifier, or by one that tested nothing.");
  put_divergence(out, r);
  put_concern(out, r, PV_CONCERN_UNJUDGED, "What could not be judged",
              "A check was started and gave no answer. This is not a pass.");
  put_concern(out, r, PV_CONCERN_UNSEEN, "What nobody looked at",
              "Not run here and not held by a valid receipt. This is not a pass.");
}

static pv_code put_pictures(pv_text *out, const pv_result *r, pv_error *err) {
  pv_pictures pictures;
  const pv_code code = pv_pictures_make(r, false, false, &pictures, err);
  if (code == PV_OK && pictures.count > 0) pv_text_puts(out, "\n## Pictures\n");
  pv_tally tally = pv_tally_begin(out, BYTES_PICTURES);
  for (size_t i = 0; i < pictures.count && code == PV_OK; i++) {
    if (!pv_tally_row(&tally, out)) continue;
    pv_text_puts(out, "\n![");
    pv_esc_markdown(out, pictures.items[i].title);
    pv_text_printf(out, "](%s)\n\n*", pictures.items[i].file);
    pv_esc_markdown(out, pictures.items[i].alt);
    pv_text_puts(out, "*\n");
  }
  put_omitted(out, &tally, "pictures were");
  pv_pictures_free(&pictures);
  return code;
}

static void put_faults(pv_text *out, const pv_falsifier_result *f) {
  if (f->faults_declared.count == 0) {
    pv_text_puts(out, "–");
    return;
  }
  pv_view_faults(out, f);
}

static void put_falsifier_row(pv_text *out, const pv_falsifier_result *f) {
  pv_gate gate;
  const bool gated = pv_gate_find(f->falsifier, &gate);
  pv_text_puts(out, "| ");
  put_verdict(out, f->verdict);
  pv_text_puts(out, " | ");
  pv_esc_markdown_code(out, f->falsifier->id);
  pv_text_puts(out, "<br>");
  pv_esc_markdown_code(out, f->falsifier->check);
  pv_text_puts(out, " | ");
  pv_fmt_count(out, f->compared);
  pv_text_puts(out, " | ");
  if (gated) ESCAPED(out, pv_gate_put(view, &gate));
  pv_text_puts(out, " | ");
  if (f->has_needed_tolerance)
    ESCAPED(out, pv_gate_put_measured(view, gated ? &gate : NULL, f->needed_tolerance));
  pv_text_puts(out, " | ");
  if (f->worst.present) ESCAPED(out, pv_view_worst(view, &f->worst));
  pv_text_puts(out, " | ");
  put_faults(out, f);
  pv_text_puts(out, " | ");
  if (f->source == PV_FROM_RUN) pv_fmt_seconds(out, f->duration_s);
  pv_text_puts(out, " | ");
  ESCAPED(out, pv_view_falsifier_source(view, f));
  pv_text_puts(out, " | ");
  pv_esc_markdown(out, f->reason);
  pv_text_puts(out, " |\n");
}

static void put_falsifiers(pv_text *out, const pv_result *r) {
  if (r->falsifier_count == 0) return;
  pv_text_puts(out,
               "\n## Falsifiers\n\n| Verdict | Falsifier, check | Compared | Gate | Measured | "
               "Worst element | Planted faults | Time | Source | Reason |\n"
               "|---|---|--:|---|---|---|---|--:|---|---|\n");
  pv_tally tally = pv_tally_begin(out, BYTES_FALSIFIERS);
  for (size_t i = 0; i < r->falsifier_count; i++)
    if (pv_tally_row(&tally, out)) put_falsifier_row(out, &r->falsifiers[i]);
  put_omitted(out, &tally, "falsifiers were");
}

static void put_metrics(pv_text *out, const pv_result *r) {
  bool begun = false;
  pv_tally tally = pv_tally_begin(out, BYTES_METRICS);
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[i];
    if (f->metric_count == 0) continue;
    if (!begun) pv_text_puts(out, "\n## Measured\n\n| Falsifier | Metrics |\n|---|---|\n");
    begun = true;
    if (!pv_tally_row(&tally, out)) continue;
    pv_text_puts(out, "| ");
    pv_esc_markdown_code(out, f->falsifier->id);
    pv_text_puts(out, " | ");
    for (size_t k = 0; k < f->metric_count && k < METRICS_EACH; k++) {
      if (k > 0) pv_text_puts(out, " · ");
      pv_esc_markdown(out, f->metrics[k].name);
      pv_text_puts(out, " **");
      pv_fmt_number(out, f->metrics[k].value);
      pv_text_puts(out, "**");
    }
    if (f->metric_count > METRICS_EACH)
      pv_text_printf(out, " · and %zu more in `evidence.json`", f->metric_count - METRICS_EACH);
    pv_text_puts(out, " |\n");
  }
  put_omitted(out, &tally, "falsifiers were");
}

static void put_facts(pv_text *out, const char *title, const pv_fact *facts, size_t count) {
  if (count == 0) return;
  pv_text_printf(out, "\n### %s\n\n| | |\n|---|---|\n", title);
  pv_tally tally = pv_tally_begin(out, BYTES_FACTS);
  for (size_t i = 0; i < count; i++) {
    if (!pv_tally_row(&tally, out)) continue;
    pv_text_puts(out, "| ");
    pv_esc_markdown(out, facts[i].name);
    pv_text_puts(out, " | ");
    pv_esc_markdown_code(out, facts[i].value);
    pv_text_puts(out, " |\n");
  }
  put_omitted(out, &tally, "lines were");
}

static void put_history(pv_text *out, const pv_contract *c) {
  if (c->amendment_count == 0) return;
  const size_t shown = c->amendment_count < AMENDMENTS ? c->amendment_count : AMENDMENTS;
  pv_text_puts(out, "\n## Amendments\n\n");
  if (shown < c->amendment_count)
    pv_text_printf(out, "The last %zu of %zu.\n\n", shown, c->amendment_count);
  pv_text_puts(out, "| Version | Date | Kind | Title | Evidence |\n|---|---|---|---|---|\n");
  pv_tally tally = pv_tally_begin(out, BYTES_HISTORY);
  for (size_t i = c->amendment_count - shown; i < c->amendment_count; i++) {
    const pv_amendment *a = &c->amendments[i];
    const char *cells[] = {a->version, a->date, a->kind, a->title, a->evidence};
    if (!pv_tally_row(&tally, out)) continue;
    for (size_t k = 0; k < sizeof cells / sizeof cells[0]; k++) {
      pv_text_puts(out, "| ");
      pv_esc_markdown(out, cells[k]);
      pv_text_puts(out, " ");
    }
    pv_text_puts(out, "|\n");
  }
}

/* A fence longer than any run of backticks inside, so that the command cannot end it. */
static void put_command(pv_text *out, const char *command) {
  pv_text line = PV_TEXT_INIT;
  size_t longest = 2, run = 0;
  pv_esc_line(&line, command, 4096);
  for (size_t i = 0; i < line.length; i++) {
    run = line.data[i] == '`' ? run + 1 : 0;
    if (run > longest) longest = run;
  }
  for (size_t i = 0; i <= longest; i++) pv_text_puts(out, "`");
  pv_text_printf(out, "sh\n%s\n", line.data != NULL ? line.data : "");
  for (size_t i = 0; i <= longest; i++) pv_text_puts(out, "`");
  pv_text_puts(out, "\n");
  out->failed = out->failed || line.failed;
  pv_text_free(&line);
}

static void put_foot(pv_text *out, const pv_result *r, const pv_render_links *links) {
  pv_text_puts(out, "\n## How to reproduce\n\n");
  put_command(out, r->command);
  put_facts(out, "Numerics identities", r->numerics, r->numerics_count);
  put_facts(out, "Model", r->model, r->model_count);
  put_facts(out, "Environment", r->environment, r->environment_count);
  put_history(out, r->contract);
  pv_text_puts(out, "\n---\n\nContract ");
  pv_esc_markdown_code(out, r->contract->path);
  pv_text_printf(out, ", sha256 `%s`", r->contract->sha256);
  if (links != NULL && links->evidence_sha256 != NULL) {
    pv_text_puts(out, ". Evidence `evidence.json`, sha256 ");
    pv_esc_markdown_code(out, links->evidence_sha256);
  }
  pv_text_puts(out, ".\n");
}

pv_code pv_render_markdown(const pv_result *result, const pv_render_links *links, pv_text *out,
                           pv_error *err) {
  pv_code code = pv_render_check(result, err);
  if (code != PV_OK) return code;
  const size_t begin = out->length;
  put_head(out, result);
  put_criteria(out, result);
  put_concerns(out, result);
  pv_stages_markdown(out, result);
  code = put_pictures(out, result, err);
  put_falsifiers(out, result);
  put_metrics(out, result);
  put_foot(out, result, links);
  return pv_view_end(out, begin, code, err);
}
