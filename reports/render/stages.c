#include "reports/render/stages.h"

#include "reports/render/escape.h"
#include "reports/render/html_parts.h"
#include "reports/render/json_parts.h"
#include "reports/render/tally.h"

enum { BYTES = 16 << 10, IDS = 32 };

/* DONE and FALSIFIED look as the verdicts that they follow from; the rest is open. */
static pv_verdict look_of(pv_stage_status status) {
  return status == PV_STAGE_DONE ? PV_PASS : status == PV_STAGE_FALSIFIED ? PV_FAIL : PV_NOT_RUN;
}

static void put_count(pv_text *out, const pv_stage_result *s) {
  const size_t total = s->stage->criteria.count;
  if (total == 0)
    pv_text_puts(out, "no criterion yet");
  else
    pv_text_printf(out, "%zu of %zu", s->held, total);
}

void pv_stages_line(pv_text *out, const pv_result *r) {
  for (size_t i = 0; i < r->stage_count; i++) {
    const pv_stage_result *s = &r->stages[i];
    pv_text_printf(out, "%s%s %s (", i == 0 ? "stages: " : ", ", s->stage->id,
                   pv_stage_status_name(s->status));
    put_count(out, s);
    pv_text_puts(out, ")");
  }
}

void pv_stages_markdown(pv_text *out, const pv_result *r) {
  if (r->stage_count == 0) return;
  pv_text_puts(out,
               "\n## Stages\n\nA stage is what its criteria make of it.\n\n"
               "| Status | Stage | Criteria that hold | Its criteria |\n|---|---|---|---|\n");
  pv_tally tally = pv_tally_begin(out, BYTES);
  for (size_t i = 0; i < r->stage_count; i++) {
    const pv_stage_result *s = &r->stages[i];
    const pv_strings *ids = &s->stage->criteria;
    if (!pv_tally_row(&tally, out)) continue;
    pv_text_printf(out, "| %s %s | ", pv_view_look(look_of(s->status))->emoji,
                   pv_stage_status_name(s->status));
    pv_esc_markdown_code(out, s->stage->id);
    pv_text_puts(out, " ");
    pv_esc_markdown(out, s->stage->description);
    pv_text_puts(out, " | ");
    put_count(out, s);
    pv_text_puts(out, " | ");
    for (size_t k = 0; k < ids->count && k < IDS; k++) {
      if (k > 0) pv_text_puts(out, ", ");
      pv_esc_markdown_code(out, ids->items[k]);
    }
    if (ids->count > IDS) pv_text_printf(out, " and %zu more", ids->count - IDS);
    pv_text_puts(out, " |\n");
  }
  if (tally.omitted > 0)
    pv_text_printf(out, "\n*%zu more stages were left out; `evidence.json` has all.*\n",
                   tally.omitted);
}

static void put_row(pv_text *out, const pv_stage_result *s) {
  const pv_strings *ids = &s->stage->criteria;
  pv_text_puts(out, "<tr><td>");
  pv_html_icon(out, look_of(s->status));
  pv_text_puts(out, pv_stage_status_name(s->status));
  pv_text_puts(out, "</td><th scope=\"row\"><span class=\"claim\">");
  pv_html_text(out, s->stage->description);
  pv_text_puts(out, "</span><span class=\"sub\">");
  pv_html_code(out, s->stage->id);
  pv_text_puts(out, "</span></th><td data-h=\"Hold:\">");
  put_count(out, s);
  pv_text_puts(out, "</td><td data-h=\"Criteria:\">");
  for (size_t k = 0; k < ids->count && k < IDS; k++) {
    if (k > 0) pv_text_puts(out, " ");
    pv_html_code(out, ids->items[k]);
  }
  if (ids->count > IDS) pv_text_printf(out, " and %zu more", ids->count - IDS);
  pv_text_puts(out, "</td></tr>\n");
}

void pv_stages_html(pv_text *out, const pv_result *r) {
  if (r->stage_count == 0) return;
  pv_text_puts(out,
               "<h2>Stages</h2>\n<section class=\"card scroll\"><table class=\"stack\" "
               "aria-label=\"Stages\"><thead><tr><th scope=\"col\">Status</th>"
               "<th scope=\"col\">Stage</th><th scope=\"col\">Hold</th>"
               "<th scope=\"col\">Criteria</th></tr></thead><tbody>\n");
  pv_tally tally = pv_tally_begin(out, BYTES);
  for (size_t i = 0; i < r->stage_count; i++)
    if (pv_tally_row(&tally, out)) put_row(out, &r->stages[i]);
  pv_html_omitted(out, tally.omitted, "stages were", 4);
  pv_text_puts(out, "</tbody></table></section>\n");
}

json_t *pv_stages_json(const pv_result *r) {
  json_t *out = json_array();
  for (size_t i = 0; i < r->stage_count; i++) {
    const pv_strings *list = &r->stages[i].stage->criteria;
    json_t *ids = json_array();
    for (size_t k = 0; k < list->count; k++) pv_json_append(&ids, pv_json_text(list->items[k]));
    pv_json_append(
        &out, json_pack("{s:o, s:s, s:o}", "id", pv_json_text(r->stages[i].stage->id), "status",
                        pv_stage_status_name(r->stages[i].status), "criteria", ids));
  }
  return out;
}
