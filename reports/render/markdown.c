/* report.md: what a reviewer reads. The verdict first, then what is false, what nobody looked at,
 * and only then the numbers behind it. */
#include "reports/render/escape.h"
#include "reports/render/page.h"
#include "reports/render/pictures.h"

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

static void put_omitted(pv_page *p, const pv_tally *tally, const char *what) {
  if (tally->omitted > 0)
    pv_page_put(p, "\n*%zu more %s left out of this report; `evidence.json` has all.*\n",
                tally->omitted, what);
}

static void put_verdict(pv_page *p, pv_verdict verdict) {
  const char *emoji = pv_view_look(verdict)->emoji, *name = pv_verdict_name(verdict);
  pv_page_put(p, pv_view_concern(verdict) == PV_CONCERN_FALSE ? "%s **%s**" : "%s %s", emoji, name);
}

static void put_head(pv_page *p) {
  const pv_result *r = p->r;
  const pv_contract *c = r->contract;
  pv_page_put(p, "# %s %s\n\n## %s %s\n\n**%s**\n\n| | |\n|---|---|\n| Status | `%s`", c->name,
              c->version, pv_view_look(pv_view_outcome_look(r))->emoji, pv_view_outcome(r),
              pv_page_say(p, pv_view_sentence), pv_contract_status_name(r->status_before));
  if (r->status_after != r->status_before)
    pv_page_put(p, " → `%s`", pv_contract_status_name(r->status_after));
  pv_page_put(p,
              " (%s) |\n| Criteria | %s |\n| Model | %s |\n| Commit | %s |\n"
              "| Run | %-s, %s, %f, exit code %d |\n",
              pv_page_say(p, pv_view_transition), pv_page_say(p, pv_view_where),
              pv_page_say(p, pv_view_model), pv_page_say(p, pv_view_commit), r->run_id, r->started,
              r->duration_s, r->exit_code);
  if (pv_view_text(c->description)[0] != '\0') pv_page_put(p, "| Claim | %s |\n", c->description);
}

static void put_criteria(pv_page *p) {
  const pv_result *r = p->r;
  pv_page_put(p, "\n## What was claimed, and what holds\n\n");
  if (r->criterion_count == 0) {
    pv_page_put(p, "The contract has no criteria.\n");
    return;
  }
  pv_page_put(p, "| Verdict | Criterion | Claim | Source | Falsifiers |\n|---|---|---|---|---|\n");
  pv_tally tally = pv_tally_begin(p, BYTES_CRITERIA);
  for (size_t i = 0; i < r->criterion_count; i++) {
    const pv_criterion_result *c = &r->criteria[i];
    if (!pv_tally_row(&tally, p)) continue;
    const pv_strings names = pv_page_falsifiers(p, c);
    pv_page_put(p, "| ");
    put_verdict(p, c->verdict);
    pv_page_put(p, " | %-s | %s | %s | ", c->criterion->id, c->criterion->property,
                pv_page_say_of(p, pv_view_criterion_source, i));
    pv_page_names(p, &names, 8, true, ", ");
    pv_page_put(p, c->falsifier_count == 0 ? "none |\n" : " |\n");
  }
  put_omitted(p, &tally, "criteria were");
}

static void put_concern(pv_page *p, const pv_heading *h) {
  const pv_result *r = p->r;
  if (pv_view_count(r, h->concern) == 0) return;
  pv_page_put(p, "\n### %s\n\n%s\n\n", h->title, h->about);
  pv_tally tally = pv_tally_begin(p, BYTES_CONCERN);
  for (size_t i = 0; i < r->criterion_count; i++) {
    const pv_criterion_result *c = &r->criteria[i];
    if (pv_view_concern(c->verdict) != h->concern || !pv_tally_row(&tally, p)) continue;
    pv_page_put(p, "- ");
    put_verdict(p, c->verdict);
    pv_page_put(p, " %-s — %s\n", c->criterion->id, pv_page_say_of(p, pv_view_criterion_reason, i));
  }
  put_omitted(p, &tally, "criteria were");
}

static void put_concerns(pv_page *p) {
  pv_divergence d;
  for (size_t i = 0; i < PV_VIEW_HEADINGS; i++) {
    put_concern(p, &pv_view_headings[i]);
    if (pv_view_headings[i].concern == PV_CONCERN_FALSE && pv_view_divergence(p->r, &d))
      pv_page_put(p, "\n**First divergence:** %s %g (%s: %g, %-s)\n", d.axis, d.x, d.series->name,
                  d.y, d.falsifier->falsifier->id);
  }
}

static pv_code put_pictures(pv_page *p, pv_error *err) {
  pv_pictures pictures;
  const pv_code code = pv_pictures_make(p->r, false, false, &pictures, err);
  if (code == PV_OK && pictures.count > 0) pv_page_put(p, "\n## Pictures\n");
  pv_tally tally = pv_tally_begin(p, BYTES_PICTURES);
  for (size_t i = 0; i < pictures.count && code == PV_OK; i++) {
    const pv_picture *picture = &pictures.items[i];
    if (pv_tally_row(&tally, p))
      pv_page_put(p, "\n![%s](%s)\n\n*%s*\n", picture->title, picture->file, picture->alt);
  }
  put_omitted(p, &tally, "pictures were");
  pv_pictures_free(&pictures);
  return code;
}

static void put_falsifier(pv_page *p, size_t i) {
  const pv_falsifier_result *f = &p->r->falsifiers[i];
  pv_page_put(p, "| ");
  put_verdict(p, f->verdict);
  pv_page_put(p, " | %-s<br>%-s | %ju | %s | %s | %s | %s | ", f->falsifier->id,
              f->falsifier->check, f->compared, pv_page_say_of(p, pv_view_gate, i),
              pv_page_say_of(p, pv_view_measured, i), pv_page_say_of(p, pv_view_worst, i),
              f->faults_declared.count == 0 && !f->never_fails
                  ? "–"
                  : pv_page_say_of(p, pv_view_faults, i));
  if (f->source == PV_FROM_RUN) pv_page_put(p, "%f", f->duration_s);
  pv_page_put(p, " | %s | %s |\n", pv_page_say_of(p, pv_view_falsifier_source, i), f->reason);
}

static void put_falsifiers(pv_page *p) {
  if (p->r->falsifier_count == 0) return;
  pv_page_put(p,
              "\n## Falsifiers\n\n| Verdict | Falsifier, check | Compared | Gate | Measured | "
              "Worst element | Planted faults | Time | Source | Reason |\n"
              "|---|---|--:|---|---|---|---|--:|---|---|\n");
  pv_tally tally = pv_tally_begin(p, BYTES_FALSIFIERS);
  for (size_t i = 0; i < p->r->falsifier_count; i++)
    if (pv_tally_row(&tally, p)) put_falsifier(p, i);
  put_omitted(p, &tally, "falsifiers were");
}

static void put_metrics(pv_page *p) {
  bool begun = false;
  pv_tally tally = pv_tally_begin(p, BYTES_METRICS);
  for (size_t i = 0; i < p->r->falsifier_count; i++) {
    const pv_falsifier_result *f = &p->r->falsifiers[i];
    if (f->metric_count == 0) continue;
    if (!begun) pv_page_put(p, "\n## Measured\n\n| Falsifier | Metrics |\n|---|---|\n");
    begun = true;
    if (!pv_tally_row(&tally, p)) continue;
    pv_page_put(p, "| %-s | ", f->falsifier->id);
    for (size_t k = 0; k < f->metric_count && k < METRICS_EACH; k++)
      pv_page_put(p, k > 0 ? " · %s **%g**" : "%s **%g**", f->metrics[k].name, f->metrics[k].value);
    if (f->metric_count > METRICS_EACH)
      pv_page_put(p, " · and %zu more in `evidence.json`", f->metric_count - METRICS_EACH);
    pv_page_put(p, " |\n");
  }
  put_omitted(p, &tally, "falsifiers were");
}

static void put_facts(pv_page *p, const char *title, const pv_fact *facts, size_t count) {
  if (count == 0) return;
  pv_page_put(p, "\n### %s\n\n| | |\n|---|---|\n", title);
  pv_tally tally = pv_tally_begin(p, BYTES_FACTS);
  for (size_t i = 0; i < count; i++)
    if (pv_tally_row(&tally, p)) pv_page_put(p, "| %s | %-s |\n", facts[i].name, facts[i].value);
  put_omitted(p, &tally, "lines were");
}

static void put_history(pv_page *p) {
  const pv_contract *c = p->r->contract;
  if (c->amendment_count == 0) return;
  const size_t shown = c->amendment_count < AMENDMENTS ? c->amendment_count : AMENDMENTS;
  pv_page_put(p, "\n## Amendments\n\n");
  if (shown < c->amendment_count)
    pv_page_put(p, "The last %zu of %zu.\n\n", shown, c->amendment_count);
  pv_page_put(p, "| Version | Date | Kind | Title | Evidence |\n|---|---|---|---|---|\n");
  pv_tally tally = pv_tally_begin(p, BYTES_HISTORY);
  for (size_t i = c->amendment_count - shown; i < c->amendment_count; i++) {
    const pv_amendment *a = &c->amendments[i];
    if (pv_tally_row(&tally, p))
      pv_page_put(p, "| %s | %s | %s | %s | %s |\n", a->version, a->date, a->kind, a->title,
                  a->evidence);
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

static void put_foot(pv_page *p) {
  const pv_result *r = p->r;
  pv_page_put(p, "\n## How to reproduce\n\n");
  put_command(p->out, r->command);
  put_facts(p, "Numerics identities", r->numerics, r->numerics_count);
  put_facts(p, "Model", r->model, r->model_count);
  put_facts(p, "Environment", r->environment, r->environment_count);
  put_history(p);
  pv_page_put(p, "\n---\n\nContract %-s, sha256 `%s`", r->contract->path, r->contract->sha256);
  if (p->links != NULL && p->links->evidence_sha256 != NULL)
    pv_page_put(p, ". Evidence `evidence.json`, sha256 %-s", p->links->evidence_sha256);
  pv_page_put(p, ".\n");
}

pv_code pv_render_markdown(const pv_result *result, const pv_render_links *links, pv_text *out,
                           pv_error *err) {
  pv_page p = {
      .out = out, .r = result, .links = links, .how = {pv_esc_markdown, pv_esc_markdown_code}};
  pv_code code = pv_page_begin(&p, err);
  if (code != PV_OK) return code;
  put_head(&p);
  put_criteria(&p);
  put_concerns(&p);
  pv_stages_markdown(&p);
  code = put_pictures(&p, err);
  put_falsifiers(&p);
  pv_fixed_markdown(&p);
  put_metrics(&p);
  pv_history_markdown(&p);
  put_foot(&p);
  return pv_page_end(&p, code, err);
}
