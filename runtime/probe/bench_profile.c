#include "runtime/probe/bench_profile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "reports/render/bars.h"

enum { NAME = 256, FIGURES = 59, WIDE = 78, NAME_MOST = 44, FIGURE = 16 };

static const char *const rest_name = "rest: between them";

/* A row of the table, of a whole, or of what is between. */
typedef struct line {
  char name[NAME], stages[NAME];
  double calls, seconds, bytes, operations;
  pv_floor floor;
} line;

/* Of a time that may be too short for a clock. */
static double part_of(double part, double whole) {
  return whole > 0.0 ? part / whole : 0.0;
}

static double operations_of(const pv_work *work) {
  double all = 0.0;
  for (int u = 0; u < PV_UNITS; u++) all += work->operations[u];
  return all;
}

static line line_of(const pv_profiled *p, size_t i) {
  const pv_profile_row *row = &p->profile->row[i];
  line l = {.calls = row->calls,
            .seconds = row->seconds.median,
            .bytes = pv_work_bytes(&row->work),
            .operations = operations_of(&row->work),
            .floor = pv_profile_floor(row, p->ceilings)};
  pv_profile_name(row, p->plan, l.name, sizeof l.name);
  pv_profile_stages(row, p->plan, l.stages, sizeof l.stages);
  return l;
}

static line rest_of(const pv_profiled *p) {
  line l = {.seconds = p->profile->rest.median};
  snprintf(l.name, sizeof l.name, "%s", rest_name);
  return l;
}

static line all_of(const pv_profiled *p) {
  line all = {.seconds = p->profile->sum};
  snprintf(all.name, sizeof all.name, "all");
  for (size_t i = 0; i < p->profile->count; i++) {
    const line l = line_of(p, i);
    all.calls += l.calls;
    all.bytes += l.bytes;
    all.operations += l.operations;
    all.floor.seconds += l.floor.seconds;
  }
  all.floor.by = all.floor.seconds > 0.0 ? "" : NULL;
  return all;
}

/* Three digits at least, and as few as fit into eight columns; nothing for 0. */
static const char *figure(double value, char out[FIGURE]) {
  const int digits = value < 100.0 ? 2 : value < 1e5 ? 1 : 0;
  snprintf(out, FIGURE, "%.*f", digits, value);
  if (value == 0.0) out[0] = '\0';
  return out;
}

static void print_figures(const line *l, double sum) {
  char calls[FIGURE] = "", bytes[FIGURE], work[FIGURE], floor[32] = "", all[128];
  if (l->calls > 0.0) snprintf(calls, sizeof calls, "%.0f", l->calls);
  if (l->floor.by != NULL)
    snprintf(floor, sizeof floor, "%.0f %%%s%s", 100.0 * part_of(l->floor.seconds, l->seconds),
             l->floor.by[0] != '\0' ? " " : "", l->floor.by);
  int length = snprintf(all, sizeof all, "%6s %10.1f %6.1f %% %8s %8s  %s", calls, l->seconds * 1e6,
                        100.0 * part_of(l->seconds, sum), figure(l->bytes / 1e6, bytes),
                        figure(l->operations / 1e6, work), floor);
  while (length > 0 && all[length - 1] == ' ') length--;
  printf("%.*s\n", length, all);
}

/* Words of `text` up to `width` columns, with blanks up to `filled`; returns what is left. */
static const char *print_words(const char *text, size_t width, size_t filled) {
  size_t end = 0, length = strlen(text);
  for (size_t i = 0; i <= length && i <= width; i++)
    if (text[i] == ' ' || text[i] == '\0') end = i;
  if (end == 0) end = length < width ? length : width;
  printf("%-*.*s", (int)filled, (int)end, text);
  return text[end] == ' ' ? text + end + 1 : text + end;
}

static void print_text(const char *text, unsigned columns) {
  while (*text != '\0') {
    text = print_words(text, columns, 0);
    putchar('\n');
  }
}

/* Columns of the names; 0: each has a line of its own. */
static size_t name_columns(unsigned columns) {
  if (columns < WIDE) return 0;
  return columns - FIGURES < NAME_MOST ? columns - FIGURES : NAME_MOST;
}

static void print_line(const line *l, double sum, unsigned columns) {
  char text[2 * NAME + 2];
  const size_t room = name_columns(columns);
  snprintf(text, sizeof text, "%s%s%s", l->name, l->stages[0] != '\0' ? ": " : "", l->stages);
  if (room == 0) {
    print_text(text, columns);
    print_figures(l, sum);
    return;
  }
  const char *left = print_words(text, room, room);
  print_figures(l, sum);
  while (*left != '\0') {
    printf("  ");
    left = print_words(left, room - 2, 0);
    putchar('\n');
  }
}

void pv_profiled_print(const pv_profiled *p, unsigned columns) {
  const pv_profile *f = p->profile;
  char text[256];
  snprintf(text, sizeof text, "%s: %.1f us (%.1f to %.1f in %zu repeats), of which", p->title,
           f->whole.median * 1e6, f->whole.least * 1e6, f->whole.most * 1e6, p->repeats);
  putchar('\n');
  print_text(text, columns);
  printf("%*s%6s %10s %8s %8s %8s  %s\n", (int)name_columns(columns), "", "calls", "us", "share",
         "MB", "MOP", "floor");
  for (size_t i = 0; i < f->count; i++) {
    const line l = line_of(p, i);
    print_line(&l, f->sum, columns);
  }
  const line rest = rest_of(p), all = all_of(p);
  print_line(&rest, f->sum, columns);
  print_line(&all, f->sum, columns);
}

void pv_profiled_print_ceilings(const pv_ceilings *c, unsigned columns) {
  char text[512];
  putchar('\n');
  print_text("us: medians of the repeats, of which the shares are.", columns);
  if (c->bytes_per_s > 0.0) {
    snprintf(
        text, sizeof text,
        "floor: what a row cannot do without takes so much of its time at least, by the ceiling "
        "that is named; more than 100 %% where a cache gives what memory would not. memory: %.1f "
        "GB/s, read in this run.",
        c->bytes_per_s / 1e9);
    print_text(text, columns);
  }
  for (int i = 0; i < PV_PEAKS; i++) {
    if (!(c->peak[i].per_s > 0.0)) continue;
    snprintf(text, sizeof text, "%s: %.1f GOP/s, %s.", c->peak[i].name, c->peak[i].per_s / 1e9,
             c->peak[i].from);
    print_text(text, columns);
  }
  if (c->device)
    print_text(
        "Here each launch began when the one before had ended; otherwise they overlap, and "
        "decoded tokens are one recorded sequence.",
        columns);
}

static json_t *rates_json(pv_rates r) {
  return json_pack("{s:f, s:f, s:f}", "median", r.median, "min", r.least, "max", r.most);
}

static json_t *row_json(const pv_profiled *p, size_t i) {
  const pv_profile_row *row = &p->profile->row[i];
  const line l = line_of(p, i);
  const pv_work *w = &row->work;
  json_t *stages = json_array();
  for (size_t r = 0; r < p->plan->count; r++)
    if ((row->rows >> r & 1) != 0) pv_json_append(&stages, json_string(p->plan->rows[r].name));
  json_t *o =
      json_pack("{s:s, s:o, s:f, s:o, s:f, s:{s:f, s:f, s:f}, s:{s:f, s:f, s:f}}", "what", l.name,
                "stages", stages, "calls", row->calls, "seconds", rates_json(row->seconds), "share",
                part_of(row->seconds.median, p->profile->sum), "bytes", "weights", w->weights,
                "cache", w->cache, "activations", w->activations, "operations", "integer",
                w->operations[PV_UNIT_INTEGER], "f32", w->operations[PV_UNIT_F32], "f64",
                w->operations[PV_UNIT_F64]);
  if (l.floor.by != NULL)
    pv_json_set(&o, "floor",
                json_pack("{s:f, s:s, s:f}", "seconds", l.floor.seconds, "by", l.floor.by, "share",
                          part_of(l.floor.seconds, l.seconds)));
  return o;
}

json_t *pv_profiled_json(const pv_profiled *p) {
  const pv_profile *f = p->profile;
  json_t *rows = json_array();
  for (size_t i = 0; i < f->count; i++) pv_json_append(&rows, row_json(p, i));
  return json_pack("{s:s, s:I, s:o, s:f, s:o, s:o}", "phase", p->name, "size", (json_int_t)p->size,
                   "seconds", rates_json(f->whole), "sum_s", f->sum, "rows", rows, "between",
                   rates_json(f->rest));
}

json_t *pv_profiled_ceilings_json(const pv_ceilings *c) {
  json_t *peaks = json_array();
  for (int i = 0; i < PV_PEAKS; i++)
    if (c->peak[i].per_s > 0.0)
      pv_json_append(&peaks,
                     json_pack("{s:s, s:f, s:s}", "name", c->peak[i].name, "operations_per_s",
                               c->peak[i].per_s, "from", c->peak[i].from));
  json_t *o = json_pack("{s:o}", "peaks", peaks);
  if (c->bytes_per_s > 0.0) pv_json_set(&o, "memory_bytes_per_s", json_real(c->bytes_per_s));
  return o;
}

/* Texts of a bar. */
typedef struct drawn {
  line line;
  char word[64];
} drawn;

static pv_bar bar_of(drawn *d, double sum) {
  const line *l = &d->line;
  const double share = 100.0 * part_of(l->seconds, sum);
  if (l->floor.by != NULL)
    snprintf(d->word, sizeof d->word, "%.1f %%, floor %.0f %%", share,
             100.0 * part_of(l->floor.seconds, l->seconds));
  else
    snprintf(d->word, sizeof d->word, "%.1f %%", share);
  return (pv_bar){l->name, l->stages, d->word, l->seconds * 1e6, l->floor.seconds * 1e6};
}

static pv_code write_picture(const pv_profiled *p, const pv_bar *bars, size_t count,
                             const char *folder, pv_error *err) {
  char path[4096], id[64], title[128];
  pv_text text = PV_TEXT_INIT;
  snprintf(id, sizeof id, "%s-%zu", p->name, p->size);
  snprintf(title, sizeof title, "%s: %.1f us", p->title, p->profile->sum * 1e6);
  const pv_bars picture = {.id = id,
                           .title = title,
                           .alt =
                               "Microseconds of each kernel or operation, and what the work that "
                               "it cannot do without takes at least",
                           .value_name = "microseconds",
                           .mark_name = "floor",
                           .bars = bars,
                           .count = count};
  pv_bars_draw(&text, &picture);
  const int n = snprintf(path, sizeof path, "%s/%s.svg", folder, id);
  pv_code code = PV_OK;
  if (text.failed)
    code = pv_error_nomem(err, "a picture");
  else if (n < 0 || n >= (int)sizeof path)
    code = pv_error_set(err, PV_ERR_LIMIT, "the folder's name is too long");
  else
    code = pv_file_replace(path, text.data, text.length, err);
  pv_text_free(&text);
  return code;
}

pv_code pv_profiled_svg(const pv_profiled *p, const char *folder, pv_error *err) {
  const pv_profile *f = p->profile;
  drawn *each = calloc(f->count + 1, sizeof *each);
  pv_bar *bars = calloc(f->count + 1, sizeof *bars);
  pv_code code = each != NULL && bars != NULL ? PV_OK : pv_error_nomem(err, "a picture");
  for (size_t i = 0; i <= f->count && code == PV_OK; i++) {
    each[i].line = i < f->count ? line_of(p, i) : rest_of(p);
    bars[i] = bar_of(&each[i], f->sum);
  }
  if (code == PV_OK) code = write_picture(p, bars, f->count + 1, folder, err);
  free(bars);
  free(each);
  return code;
}
