/* The summary of a call in Markdown, for the page of a CI's job: which contracts, which verdicts.
 * Servers refuse one that is too long, whole: what does not fit is cut and said to be. */
#include "reports/render/call.h"
#include "reports/render/escape.h"
#include "reports/render/page.h"

enum { ROOM = PV_RENDER_SUMMARY_LIMIT - 32 * 1024, SPARE = 16 * 1024 };

/* Is there room for one more row? None is longer than SPARE: values are clipped. */
static bool room(const pv_text *out, size_t begin, size_t limit) {
  return out->length - begin + SPARE < limit;
}

static void put_outcome(pv_page *p, const pv_outcome *o) {
  const pv_result *r = p->r;
  pv_page_put(p, "| %s %s | %-s %s | %s | %s |\n", pv_view_look(pv_view_outcome_look(r))->emoji,
              pv_view_outcome(r), r->contract->name, r->contract->version,
              pv_page_say(p, pv_view_sentence), o->file);
}

static void put_criterion(pv_page *p, size_t i) {
  const pv_criterion_result *c = &p->r->criteria[i];
  pv_page_put(p, "| %s %s | %-s | %s | %s | ", pv_view_look(c->verdict)->emoji,
              pv_verdict_name(c->verdict), c->criterion->id, c->criterion->property,
              pv_page_say_of(p, pv_view_criterion_source, i));
  if (c->verdict != PV_PASS) pv_page_put(p, "%s", pv_page_say_of(p, pv_view_criterion_reason, i));
  pv_page_put(p, " |\n");
}

/* The criteria of one contract, those first that do not hold; false: not all found room. */
static bool put_contract(pv_page *p, const pv_outcome *o, size_t begin, size_t limit) {
  const pv_result *r = p->r;
  if (!room(p->out, begin, limit)) return false;
  pv_page_put(p, "\n### %s %s\n\n%s\n\nModel: %s. Commit: %s. Run: %-s.", r->contract->name,
              r->contract->version, pv_page_say(p, pv_view_sentence), pv_page_say(p, pv_view_model),
              pv_page_say(p, pv_view_commit), r->run_id);
  if (o->folder != NULL) pv_page_put(p, " Report: %-s.", o->folder);
  pv_page_put(p, "\n\n| Verdict | Criterion | Claim | Source | Why |\n|---|---|---|---|---|\n");
  for (int holding = 0; holding < 2; holding++) {
    for (size_t i = 0; i < r->criterion_count; i++) {
      if ((r->criteria[i].verdict == PV_PASS) != (holding == 1)) continue;
      if (!room(p->out, begin, limit)) return false;
      put_criterion(p, i);
    }
  }
  return true;
}

static void put_failures(const pv_call *call, pv_text *out, size_t begin) {
  static const pv_put how = {pv_esc_markdown, pv_esc_markdown_code};
  pv_text_puts(out, "**The call ended before all was judged.**\n\n");
  for (size_t i = 0; i < call->failure_count && room(out, begin, ROOM / 4); i++) {
    const pv_error *e = &call->failures[i];
    pv_text_puts(out, "- ");
    if (e->file[0] != '\0') {
      how.code(out, e->file);
      if (e->line > 0) pv_text_printf(out, " line %lld", (long long)e->line);
      pv_text_puts(out, ": ");
    }
    how.text(out, e->message);
    if (e->hint[0] != '\0') pv_text_puts(out, "; ");
    how.text(out, e->hint);
    pv_text_puts(out, "\n");
  }
  pv_text_puts(out, "\n");
}

/* One part for each contract: the row of the table, or the criteria. */
static pv_code put_each(const pv_call *call, bool rows, pv_text *out, size_t begin, bool *whole,
                        pv_error *err) {
  const size_t limit = rows ? ROOM / 2 : ROOM;
  for (size_t i = 0; i < call->count && *whole; i++) {
    const pv_outcome *o = &call->items[i];
    pv_page p = {.out = out, .r = o->result, .how = {pv_esc_markdown, pv_esc_markdown_code}};
    pv_code code = pv_page_begin(&p, err);
    if (code != PV_OK) return code;
    if (!rows)
      *whole = put_contract(&p, o, begin, limit);
    else if (room(out, begin, limit))
      put_outcome(&p, o);
    else
      *whole = false;
    code = pv_page_end(&p, PV_OK, err);
    if (code != PV_OK) return code;
  }
  return PV_OK;
}

pv_code pv_render_summary(const pv_call *call, pv_text *out, pv_error *err) {
  const size_t begin = out->length;
  bool whole = true;
  pv_text_puts(out, "## pv validate\n\n");
  if (call->failure_count > 0) put_failures(call, out, begin);
  if (call->count > 0) {
    pv_render_tally(call, out);
    pv_text_puts(out, ".\n\n| Outcome | Contract | Says | File |\n|---|---|---|---|\n");
  }
  pv_code code = put_each(call, true, out, begin, &whole, err);
  if (code == PV_OK) code = put_each(call, false, out, begin, &whole, err);
  if (code == PV_OK && !whole)
    pv_text_puts(out,
                 "\n*This summary was cut to stay below 1 MiB: not every contract and criterion is "
                 "in it. The reports of the runs have all.*\n");
  return pv_view_end(out, begin, code, err);
}

void pv_render_tally(const pv_call *call, pv_text *out) {
  size_t claimed = 0, refuted = 0, parts = 0;
  for (size_t i = 0; i < call->count; i++) {
    claimed += call->items[i].result->exit_code == 0 && call->items[i].result->part.of == 0;
    refuted += call->items[i].result->exit_code == 1;
    parts += call->items[i].result->part.of > 0;
  }
  if (parts > 0) {
    pv_text_printf(out, "a part of %zu contract%s: something is false in %zu", parts,
                   parts == 1 ? "" : "s", refuted);
    return;
  }
  pv_text_printf(out, "%zu contract%s: %zu as claimed, %zu not as claimed, %zu not judged",
                 call->count, call->count == 1 ? "" : "s", claimed, refuted,
                 call->count - claimed - refuted);
}
