#include "reports/render/html_parts.h"
#include "reports/render/json_parts.h"
#include "validator/model/told.h"

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

static const char *held(pv_page *p, const pv_stage_result *s) {
  pv_text text = PV_TEXT_INIT;
  put_count(&text, s);
  return pv_page_keep(p, &text);
}

void pv_stages_markdown(pv_page *p) {
  if (p->r->stage_count == 0) return;
  pv_page_put(p,
              "\n## Stages\n\nA stage is what its criteria make of it.\n\n"
              "| Status | Stage | Criteria that hold | Its criteria |\n|---|---|---|---|\n");
  pv_tally tally = pv_tally_begin(p, BYTES);
  for (size_t i = 0; i < p->r->stage_count; i++) {
    const pv_stage_result *s = &p->r->stages[i];
    if (!pv_tally_row(&tally, p)) continue;
    pv_page_put(p, "| %s %s | %-s %s | %s | ", pv_view_look(look_of(s->status))->emoji,
                pv_stage_status_name(s->status), s->stage->id, s->stage->description, held(p, s));
    pv_page_names(p, &s->stage->criteria, IDS, true, ", ");
    pv_page_put(p, " |\n");
  }
  if (tally.omitted > 0)
    pv_page_put(p, "\n*%zu more stages were left out; `evidence.json` has all.*\n", tally.omitted);
}

void pv_stages_html(pv_page *p) {
  if (p->r->stage_count == 0) return;
  pv_page_put(p, "<h2>Stages</h2>\n");
  pv_html_table(p, "stack", "Stages", "Status|Stage|Hold|Criteria");
  pv_tally tally = pv_tally_begin(p, BYTES);
  for (size_t i = 0; i < p->r->stage_count; i++) {
    const pv_stage_result *s = &p->r->stages[i];
    if (!pv_tally_row(&tally, p)) continue;
    pv_page_put(p, "<tr><td>");
    pv_html_icon(p, look_of(s->status));
    pv_page_put(p,
                "%s</td><th scope=\"row\"><span class=\"claim\">%s</span><span class=\"sub\">%-s"
                "</span></th><td data-h=\"Hold:\">%s</td><td data-h=\"Criteria:\">",
                pv_stage_status_name(s->status), s->stage->description, s->stage->id, held(p, s));
    pv_page_names(p, &s->stage->criteria, IDS, true, " ");
    pv_page_put(p, "</td></tr>\n");
  }
  pv_html_table_end(p, tally.omitted, "stages were", 4);
}

json_t *pv_stages_json(const pv_result *r) {
  json_t *out = json_array();
  for (size_t i = 0; i < r->stage_count; i++) {
    pv_json_append(&out, json_pack("{s:o, s:s, s:o}", "id", pv_json_text(r->stages[i].stage->id),
                                   "status", pv_stage_status_name(r->stages[i].status), "criteria",
                                   pv_told_strings(&r->stages[i].stage->criteria)));
  }
  return out;
}
