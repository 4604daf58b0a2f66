/* `pv history` for a terminal. */
#include <string.h>

#include "reports/render/fmt.h"
#include "reports/render/history.h"
#include "reports/render/put.h"
#include "reports/render/view.h"

enum { WIDTH_MIN = 40, MODEL_DIGITS = 7, DATE = 16, RUN = 8, COMMIT = 7, OUTCOME_MAX = 20 };

/* Pieces side by side: one that does not fit begins a line of its own, indented. */
typedef struct flow {
  pv_text *out;
  size_t width, indent;
  size_t at;     /* columns of the line so far */
  size_t wanted; /* columns where the next cell begins */
  bool begun;    /* something stands on the line beyond its indent */
} flow;

static void begin(flow *f, size_t indent) {
  f->at = 0;
  f->wanted = f->indent = indent;
  f->begun = false;
}

static void blanks(flow *f, size_t to) {
  for (; f->at < to; f->at++) pv_text_puts(f->out, " ");
}

/* A cell of at least `room` columns, two blanks before the next one. Releases the text. */
static void cell(flow *f, pv_text *text, size_t room) {
  if (f->begun && f->wanted + text->length > f->width) {
    pv_text_puts(f->out, "\n");
    f->at = 0;
    f->wanted = f->indent;
  }
  blanks(f, f->wanted);
  pv_text_add(f->out, text->data == NULL ? "" : text->data, text->length);
  f->at += text->length;
  f->wanted = (f->wanted + room > f->at ? f->wanted + room : f->at) + 2;
  f->begun = true;
  f->out->failed |= text->failed;
  pv_text_free(text);
}

/* What is never broken, behind a blank; `more` columns must follow on the same line. */
static void piece(flow *f, const char *bytes, size_t length, size_t more) {
  if (f->begun && f->at + 1 + length + more > f->width) {
    pv_text_puts(f->out, "\n");
    f->at = 0;
    blanks(f, f->indent);
  } else {
    blanks(f, f->begun ? f->at + 1 : f->wanted);
  }
  pv_text_add(f->out, bytes, length);
  f->at += length;
  f->begun = true;
}

static void words(flow *f, const char *sentence) {
  pv_text text = PV_TEXT_INIT;
  pv_text_escape(&text, sentence, strlen(sentence));
  for (const char *at = pv_view_text(text.data); *at != '\0';) {
    const size_t n = strcspn(at, " ");
    piece(f, at, n, 0);
    at += n + (at[n] == ' ');
  }
  f->out->failed |= text.failed;
  pv_text_free(&text);
}

static void paragraph(flow *f, size_t indent, size_t hang, const char *sentence) {
  begin(f, indent);
  f->indent = hang;
  words(f, sentence);
  pv_text_puts(f->out, "\n");
}

/* What run `run` has, for one line of a listing; nothing where it is not known. */
typedef void (*said)(pv_text *out, const void *context, size_t run);

/* "9-17: " and what they have: equal ones side by side are told once. */
static void stretches(flow *f, const void *context, said say, size_t runs) {
  bool any = false;
  for (size_t from = 0, to; from < runs; from = to) {
    pv_text one = PV_TEXT_INIT, item = PV_TEXT_INIT;
    bool same = true;
    say(&one, context, from);
    for (to = from + 1; to < runs && same; to += same) {
      pv_text next = PV_TEXT_INIT;
      say(&next, context, to);
      same = strcmp(pv_view_text(next.data), pv_view_text(one.data)) == 0;
      f->out->failed |= next.failed;
      pv_text_free(&next);
    }
    if (one.length > 0) {
      pv_text_printf(&item, to == from + 1 ? "%zu: " : "%zu-%zu: ", from + 1, to);
      pv_text_add(&item, one.data, one.length);
      if (any) pv_text_puts(f->out, ",");
      f->at += any;
      piece(f, pv_view_text(item.data), item.length, 1);
      any = true;
    }
    f->out->failed |= one.failed || item.failed;
    pv_text_free(&one);
    pv_text_free(&item);
  }
  if (!any) words(f, "not known");
  pv_text_puts(f->out, "\n");
}

/* Numbers of runs are as wide as the last one. */
static size_t number_width(size_t runs) {
  size_t width = 1;
  for (; runs >= 10; runs /= 10) width++;
  return width;
}

static pv_text plain(const char *value) {
  pv_text out = PV_TEXT_INIT;
  pv_put_plain(&out, "%s", value);
  return out;
}

/* Of the longest outcome that leaves room for a device. */
static size_t outcome_width(const pv_history *h) {
  size_t widest = sizeof "outcome" - 1;
  for (size_t i = 0; i < h->run_count; i++) {
    pv_text outcome = PV_TEXT_INIT;
    if (h->runs[i].unreadable == NULL) pv_history_outcome(&outcome, &h->runs[i]);
    if (outcome.length > widest && outcome.length <= OUTCOME_MAX) widest = outcome.length;
    pv_text_free(&outcome);
  }
  return widest;
}

/* The number, the date and the last digits of its id: what names a run. */
static void put_name(flow *f, const pv_history *h, size_t run) {
  const pv_past_run *r = &h->runs[run];
  const size_t digits = number_width(h->run_count), length = r->id == NULL ? 0 : strlen(r->id);
  pv_text number = PV_TEXT_INIT, date = PV_TEXT_INIT;
  begin(f, 0);
  f->indent = digits + 2;
  pv_text_printf(&number, "%*zu", (int)digits, run + 1);
  pv_history_date(&date, r);
  pv_text id = plain(length < RUN ? "-" : r->id + length - RUN);
  cell(f, &number, digits);
  cell(f, &date, DATE);
  cell(f, &id, RUN);
}

static void put_unreadable(flow *f, const pv_past_run *r) {
  pv_text text = PV_TEXT_INIT;
  pv_text_printf(&text, "can not be read: %s (", r->unreadable);
  if (r->commit != NULL)
    pv_text_printf(&text, "commit %.7s)", r->commit);
  else
    pv_text_printf(&text, "%s)", r->place);
  f->begun = false; /* behind the cells, without another blank */
  words(f, pv_view_text(text.data));
  f->out->failed |= text.failed;
  pv_text_free(&text);
}

static void put_run(flow *f, const pv_history *h, size_t run, size_t outcomes) {
  const pv_past_run *r = &h->runs[run];
  put_name(f, h, run);
  if (r->unreadable != NULL) {
    put_unreadable(f, r);
  } else {
    pv_text commit = PV_TEXT_INIT, model = PV_TEXT_INIT, device = plain(r->device),
            counts = PV_TEXT_INIT;
    pv_history_commit(&commit, r);
    pv_text_printf(&model, "%.*s", MODEL_DIGITS, r->model == NULL ? "none" : r->model);
    pv_history_outcome(&counts, r);
    cell(f, &commit, COMMIT);
    cell(f, &model, MODEL_DIGITS);
    cell(f, &counts, outcomes);
    cell(f, &device, 0);
  }
  pv_text_puts(f->out, "\n");
}

static void put_table(flow *f, const pv_history *h) {
  static const char *const heads[] = {"began (UTC)", "run", "commit", "model", "outcome", "device"};
  const size_t outcomes = outcome_width(h), digits = number_width(h->run_count);
  const size_t widths[] = {DATE, RUN, COMMIT, MODEL_DIGITS, outcomes, 0};
  pv_text number = plain("#");
  begin(f, digits - 1);
  f->indent = digits + 2;
  cell(f, &number, 1);
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
    pv_text head = plain(heads[i]);
    cell(f, &head, widths[i]);
  }
  pv_text_puts(f->out, "\n");
  for (size_t i = 0; i < h->run_count; i++) put_run(f, h, i, outcomes);
}

static void say_verdict(pv_text *out, const void *context, size_t run) {
  const pv_past_criterion *c = context;
  if (c->verdicts[run].known) pv_text_puts(out, pv_verdict_name(c->verdicts[run].verdict));
}

static void say_gate(pv_text *out, const void *context, size_t run) {
  const pv_track *t = context;
  if (!t->points[run].gated) return;
  pv_text_puts(out, t->minimum ? ">= " : "<= ");
  pv_fmt_number(out, t->points[run].gate);
}

static void say_margin(pv_text *out, const void *context, size_t run) {
  const pv_track *t = context;
  if (!t->points[run].factored) return;
  pv_fmt_number(out, t->points[run].margin);
  pv_text_puts(out, "x");
}

static void say_value(pv_text *out, const void *context, size_t run) {
  const pv_track *t = context;
  if (t->points[run].measured) pv_fmt_number(out, t->points[run].value);
}

/* "    margin   9-17: 8.39x" */
static void put_line(flow *f, const char *what, const void *context, said say, size_t runs) {
  begin(f, 4);
  words(f, what);
  f->indent = 6;
  stretches(f, context, say, runs);
}

static void put_track(flow *f, const pv_history *h, const pv_track *t) {
  pv_text head = PV_TEXT_INIT;
  pv_text_printf(&head, "%s, %s", t->falsifier, t->bound[0] != '\0' ? t->bound : t->check);
  if (t->unit[0] != '\0') pv_text_printf(&head, " (%s)", t->unit);
  paragraph(f, 2, 4, pv_view_text(head.data));
  f->out->failed |= head.failed;
  pv_text_free(&head);
  put_line(f, "gate", t, say_gate, h->run_count);
  put_line(f, "measured", t, say_value, h->run_count);
  put_line(f, "margin", t, say_margin, h->run_count);
}

static void put_criteria(flow *f, const pv_history *h) {
  paragraph(f, 0, 0,
            "Criteria, by the numbers of the runs. A margin is how many times better than its gate "
            "a measurement is: 1x just passes.");
  for (size_t c = 0; c < h->criterion_count; c++) {
    const pv_past_criterion *k = &h->criteria[c];
    begin(f, 0);
    words(f, k->id);
    f->indent = 4;
    stretches(f, k, say_verdict, h->run_count);
    for (size_t t = 0; t < k->track_count; t++) put_track(f, h, &k->tracks[t]);
  }
}

static void put_speeds(flow *f, const pv_history *h) {
  bool any = false;
  for (size_t c = 0; c < h->criterion_count; c++)
    for (size_t t = 0; t < h->criteria[c].track_count; t++) {
      const pv_track *track = &h->criteria[c].tracks[t];
      if (!pv_history_is_speed(track)) continue;
      if (!any) pv_text_puts(f->out, "\nThroughput, tokens/s\n");
      any = true;
      begin(f, 2);
      words(f, track->falsifier);
      f->indent = 4;
      stretches(f, track, say_value, h->run_count);
    }
}

static void put_head(flow *f, const pv_history *h) {
  pv_text text = PV_TEXT_INIT;
  size_t unreadable = 0;
  for (size_t i = 0; i < h->run_count; i++) unreadable += h->runs[i].unreadable != NULL;
  pv_text_printf(&text, "%s: %zu run%s", h->contract, h->run_count, h->run_count == 1 ? "" : "s");
  if (unreadable > 0) pv_text_printf(&text, ", %zu of them can not be read", unreadable);
  paragraph(f, 0, 2, pv_view_text(text.data));
  f->out->failed |= text.failed;
  pv_text_free(&text);
  if (h->incomplete != NULL) {
    pv_text_printf(&text, "incomplete: %s", h->incomplete);
    paragraph(f, 2, 4, pv_view_text(text.data));
    pv_text_free(&text);
  }
  if (h->left_out > 0) {
    pv_text_printf(&text, "%zu older %s left out", h->left_out,
                   h->left_out == 1 ? "run is" : "runs are");
    paragraph(f, 2, 4, pv_view_text(text.data));
    pv_text_free(&text);
  }
}

pv_code pv_render_history_text(const pv_history *h, unsigned width, pv_text *out, pv_error *err) {
  flow f = {.out = out, .width = width < WIDTH_MIN ? WIDTH_MIN : width};
  const size_t begun = out->length;
  put_head(&f, h);
  if (h->run_count > 0) {
    pv_text_puts(out, "\n");
    put_table(&f, h);
    pv_text_puts(out, "\n");
    put_criteria(&f, h);
    put_speeds(&f, h);
  }
  return pv_view_end(out, begun, PV_OK, err);
}
