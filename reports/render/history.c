/* The runs before the present one, as a part of its report. */
#include "reports/render/history.h"

#include <string.h>

#include "reports/render/fmt.h"
#include "reports/render/html_parts.h"

enum { DIGITS = 7, MODEL_DIGITS = 7 };

void pv_history_outcome(pv_text *out, const pv_past_run *run) {
  const pv_summary *s = &run->summary;
  const struct {
    unsigned count;
    const char *word;
  } parts[] = {{s->discharged, "hold"},
               {s->falsified + s->vacuous, "false"},
               {s->error, "unjudged"},
               {s->not_run + s->stale, "unseen"},
               {s->not_applicable, "apart"}};
  const size_t begin = out->length;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (parts[i].count > 0)
      pv_text_printf(out, "%s%u %s", out->length > begin ? ", " : "", parts[i].count,
                     parts[i].word);
  if (out->length == begin) pv_text_puts(out, "none");
  if (run->origin == PV_RUN_LOCAL) pv_text_puts(out, "; not published");
  if (run->origin == PV_RUN_PUBLISHED) pv_text_puts(out, "; not committed");
}

void pv_history_commit(pv_text *out, const pv_past_run *run) {
  const size_t length = strcspn(run->source, " ");
  const int shown = length < DIGITS ? (int)length : DIGITS;
  pv_text_escape(out, run->source, (size_t)shown);
  if (run->source[length] != '\0') pv_text_puts(out, "+");
}

void pv_history_date(pv_text *out, const pv_past_run *run) {
  const char *moment = run->id != NULL ? run->id : run->committed;
  char digits[13];
  size_t n = 0;
  for (const char *p = pv_view_text(moment); *p != '\0' && n < 12; p++) {
    if (*p >= '0' && *p <= '9')
      digits[n++] = *p;
    else if (*p != 'T')
      return;
  }
  digits[n] = '\0';
  if (n == 12)
    pv_text_printf(out, "%.4s-%.2s-%.2s %.2s:%.2s", digits, digits + 4, digits + 6, digits + 8,
                   digits + 10);
}

bool pv_history_is_speed(const pv_track *track) {
  return strcmp(track->unit, "tokens/s") == 0;
}

static void put_margin(pv_text *out, const pv_history *h, size_t run) {
  const pv_past_criterion *criterion = NULL;
  const pv_past_point *least = NULL;
  for (size_t c = 0; c < h->criterion_count; c++)
    for (size_t t = 0; t < h->criteria[c].track_count; t++) {
      const pv_past_point *p = &h->criteria[c].tracks[t].points[run];
      if (!p->factored || (least != NULL && p->margin >= least->margin)) continue;
      least = p;
      criterion = &h->criteria[c];
    }
  if (least == NULL) return;
  pv_fmt_number(out, least->margin);
  pv_text_printf(out, "× (%s)", criterion->id);
}

static void put_speed(pv_text *out, const pv_history *h, size_t run) {
  const size_t begin = out->length;
  for (size_t c = 0; c < h->criterion_count; c++)
    for (size_t t = 0; t < h->criteria[c].track_count; t++) {
      const pv_track *track = &h->criteria[c].tracks[t];
      if (!pv_history_is_speed(track) || !track->points[run].measured) continue;
      if (out->length > begin) pv_text_puts(out, ", ");
      pv_fmt_number(out, track->points[run].value);
    }
}

/* The cells of one run: what is not known is empty. */
typedef struct row {
  const pv_past_run *run;
  const char *date, *commit, *model, *outcome, *margin, *speed;
} row;

static row make_row(pv_page *p, size_t run) {
  const pv_history *h = p->r->history;
  const pv_past_run *r = &h->runs[run];
  pv_text date = PV_TEXT_INIT, commit = PV_TEXT_INIT, model = PV_TEXT_INIT, outcome = PV_TEXT_INIT;
  pv_text margin = PV_TEXT_INIT, speed = PV_TEXT_INIT;
  pv_history_date(&date, r);
  if (r->unreadable == NULL) {
    pv_history_commit(&commit, r);
    pv_text_printf(&model, "%.*s", MODEL_DIGITS, r->model == NULL ? "none" : r->model);
    pv_history_outcome(&outcome, r);
    put_margin(&margin, h, run);
    put_speed(&speed, h, run);
  }
  return (row){r,
               pv_page_keep(p, &date),
               pv_page_keep(p, &commit),
               pv_page_keep(p, &model),
               pv_page_keep(p, &outcome),
               pv_page_keep(p, &margin),
               pv_page_keep(p, &speed)};
}

/* What is not there, in words; nothing when all is. */
static const char *say_missing(pv_page *p, const pv_history *h) {
  pv_text text = PV_TEXT_INIT;
  if (h->run_count < 2) pv_text_puts(&text, "No earlier run of this contract is known here.");
  if (h->left_out > 0)
    pv_text_printf(&text, "%zu older run%s not shown; pv history tells of all.", h->left_out,
                   h->left_out == 1 ? " is" : "s are");
  if (h->incomplete != NULL)
    pv_text_printf(&text, "%sIncomplete: %s.", text.length > 0 ? " " : "", h->incomplete);
  return pv_page_keep(p, &text);
}

static const char about[] =
    "The smallest margin is how many times better than its gate the tightest measurement of a run "
    "is: 1 just passes.";

static void put_markdown(pv_page *p, const row *c) {
  const pv_past_run *r = c->run;
  if (r->unreadable != NULL) {
    pv_page_put(p, "| %s | | | | can not be read: %s (%-s) | | |\n", c->date, r->unreadable,
                r->place);
    return;
  }
  pv_page_put(p, r->origin == PV_RUN_PRESENT ? "| **this run** " : "| ");
  pv_page_put(p, "%s | %-s | %-s | %s | %s | %s | %s |\n", c->date, c->commit, c->model, r->device,
              c->outcome, c->margin, c->speed);
}

void pv_history_markdown(pv_page *p) {
  const pv_history *h = p->r->history;
  if (h == NULL) return;
  pv_page_put(p, "\n## Earlier runs\n\n");
  const char *missing = say_missing(p, h);
  if (h->run_count >= 2) {
    pv_page_put(p, "%s\n\n", about);
    pv_page_put(
        p,
        "| Began (UTC) | Commit | Model | Device | Criteria | Smallest margin | Tokens/s |\n"
        "|---|---|---|---|---|--:|--:|\n");
    for (size_t i = 0; i < h->run_count; i++) {
      const row cells = make_row(p, i);
      put_markdown(p, &cells);
    }
    if (missing[0] != '\0') pv_page_put(p, "\n");
  }
  if (missing[0] != '\0') pv_page_put(p, "%s\n", missing);
}

static void put_html(pv_page *p, const row *c) {
  const pv_past_run *r = c->run;
  pv_page_put(p, "<tr><th scope=\"row\">%s", c->date);
  pv_page_put(p, r->origin == PV_RUN_PRESENT ? " <b>(this run)</b></th>" : "</th>");
  if (r->unreadable != NULL) {
    pv_page_put(p, "<td colspan=\"6\">can not be read: %s (%-s)</td></tr>\n", r->unreadable,
                r->place);
    return;
  }
  pv_page_put(p,
              "<td data-h=\"Commit:\">%-s</td><td data-h=\"Model:\">%-s</td>"
              "<td data-h=\"Device:\">%s</td><td data-h=\"Criteria:\">%s</td>"
              "<td class=\"n\" data-h=\"Smallest margin:\">%s</td>"
              "<td class=\"n\" data-h=\"Tokens/s:\">%s</td></tr>\n",
              c->commit, c->model, r->device, c->outcome, c->margin, c->speed);
}

void pv_history_html(pv_page *p) {
  const pv_history *h = p->r->history;
  if (h == NULL) return;
  pv_page_put(p, "<h2>Earlier runs</h2>\n");
  const char *missing = say_missing(p, h);
  if (h->run_count >= 2) {
    pv_page_put(p, "<p class=\"dim\">%s</p>\n", about);
    pv_html_table(p, "stack", "Earlier runs",
                  "Began (UTC)|Commit|Model|Device|Criteria|#Smallest margin|#Tokens/s");
    for (size_t i = 0; i < h->run_count; i++) {
      const row cells = make_row(p, i);
      put_html(p, &cells);
    }
    pv_html_table_end(p, 0, "runs were", 7);
  }
  if (missing[0] != '\0') pv_page_put(p, "<p class=\"dim\">%s</p>\n", missing);
}
