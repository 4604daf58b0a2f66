#include "reports/render/pictures.h"

#include <stdlib.h>
#include <string.h>

#include "reports/render/fmt.h"
#include "reports/render/gate.h"
#include "reports/render/plot.h"
#include "reports/render/view.h"

/* One picture in the making: up to PV_PLOT_LINES lines, and how many more there were. */
typedef struct group {
  const pv_series *first;
  struct member {
    const pv_series *series;
    const pv_falsifier_result *owner;
  } members[PV_PLOT_LINES];
  size_t count, omitted, number; /* number: 1 for the first picture of this name */
  bool several_owners, any_failed;
} group;

enum { PICTURES = 24 };

typedef struct known {
  const char *picture, *title, *about;
} known;
static const known titles[] = {
    {"stage-error", "Error by layer", "How far the two sides are apart after each layer"},
    {"cosine", "Distance by layer", "Largest 1 - cosine between the two sides' outputs of a layer"},
    {"router-margin", "Router margins",
     "Smallest margins between the last chosen expert and the next, beside the noise"},
    {"expert-usage", "Expert usage", "Share of routings that each expert received"},
    {"latency", "Latency", "Time taken"},
};

static const known *find_known(const char *picture) {
  return pv_text_find(picture, titles, sizeof titles / sizeof *titles, sizeof *titles);
}

static bool same(const char *a, const char *b) {
  return strcmp(pv_view_text(a), pv_view_text(b)) == 0;
}

/* Lines with other units on an axis would lie, so they get a picture of their own. */
static bool belongs(const group *g, const pv_series *s) {
  return same(g->first->picture, s->picture) && same(g->first->x_label, s->x_label) &&
         same(g->first->y_label, s->y_label) && g->first->log_y == s->log_y;
}

static void add_member(group *g, const pv_series *s, const pv_falsifier_result *owner) {
  if (g->count == PV_PLOT_LINES) {
    g->omitted++;
    return;
  }
  g->several_owners = g->several_owners || (g->count > 0 && g->members[0].owner != owner);
  g->any_failed = g->any_failed || owner->verdict == PV_FAIL;
  g->members[g->count++] = (struct member){s, owner};
}

/* Cosines crowd below 1, where an axis shows nothing: what is drawn is their distance from 1, over
 * decades. NULL when memory is out. */
static const pv_series *as_drawn(pv_arena *arena, const pv_series *s) {
  if (!same(s->picture, "cosine") || s->log_y) return s;
  pv_series *out = PV_ARENA_NEW(arena, 1, pv_series);
  double *y = PV_ARENA_NEW(arena, s->count, double);
  char *name = pv_arena_printf(arena, "1 - %s", pv_view_text(s->name));
  char *y_label = pv_arena_strdup(arena, "1 - cosine");
  if (out == NULL || y == NULL || name == NULL || y_label == NULL) return NULL;
  for (size_t i = 0; i < s->count; i++) y[i] = 1.0 - s->y[i];
  *out = *s;
  out->name = name;
  out->y_label = y_label;
  out->log_y = true;
  out->y = y;
  return out;
}

/* The bound on the cosine that the owner judges by, as a level beside its line of distances; NULL
 * when there is none, or memory is out. */
static const pv_series *gate_line(pv_arena *arena, const pv_series *line,
                                  const pv_falsifier_result *owner) {
  pv_gate gate;
  if (strstr(pv_view_text(line->name), "1 - ") == NULL || !pv_gate_find(owner->falsifier, &gate) ||
      !gate.nines)
    return NULL;
  pv_series *out = PV_ARENA_NEW(arena, 1, pv_series);
  double *y = PV_ARENA_NEW(arena, 1, double);
  char *name = pv_arena_strdup(arena, "gate of the logits' 1 - cosine");
  if (out == NULL || y == NULL || name == NULL) return NULL;
  y[0] = 1.0 - gate.value;
  *out = *line;
  out->name = name;
  out->y = y;
  out->count = 1;
  return out;
}

static bool collect(const pv_result *r, pv_arena *arena, group groups[PICTURES], size_t *out) {
  size_t count = 0;
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[i];
    for (size_t k = 0; k < f->series_count; k++) {
      size_t g = 0, number = 1;
      if (f->series[k].count == 0) continue;
      const pv_series *s = as_drawn(arena, &f->series[k]);
      if (s == NULL) return false;
      for (; g < count && !belongs(&groups[g], s); g++)
        number += same(groups[g].first->picture, s->picture);
      if (g == PICTURES) continue;
      if (g == count) groups[count++] = (group){.first = s, .number = number};
      add_member(&groups[g], s, f);
      const pv_series *gate = gate_line(arena, s, f);
      if (gate != NULL) add_member(&groups[g], gate, f);
    }
  }
  *out = count;
  return true;
}

/* [a-z0-9-] only: the name becomes a file and an id. */
static char *slug(pv_arena *arena, const char *picture, size_t number) {
  char name[48];
  size_t n = 0;
  for (const char *s = picture; *s != '\0' && n < sizeof name - 1; s++) {
    const char c = *s >= 'A' && *s <= 'Z' ? (char)(*s + 32) : *s;
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      name[n++] = c;
    } else if (n > 0 && name[n - 1] != '-') {
      name[n++] = '-';
    }
  }
  while (n > 0 && name[n - 1] == '-') n--;
  name[n] = '\0';
  if (number == 1) return pv_arena_strdup(arena, n > 0 ? name : "picture");
  return pv_arena_printf(arena, "%s-%zu", n > 0 ? name : "picture", number);
}

static pv_plot_kind kind_of(const pv_series *s) {
  const char *picture = pv_view_text(s->picture), *name = pv_view_text(s->name);
  bool level = s->count > 1;
  for (size_t i = 1; i < s->count; i++) level = level && s->y[i] == s->y[0];
  const bool noise = strstr(name, "noise") != NULL || strstr(name, "error") != NULL;
  if (strstr(name, "tolerance") != NULL || strstr(name, "bound") != NULL ||
      strncmp(name, "gate ", 5) == 0)
    return PV_PLOT_RULE;
  if (strcmp(picture, "router-margin") == 0 && noise) return level ? PV_PLOT_RULE : PV_PLOT_DOTS;
  return strcmp(picture, "expert-usage") == 0 ? PV_PLOT_BARS : PV_PLOT_LINE;
}

static void put_alt(pv_text *out, const group *g) {
  const known *k = find_known(pv_view_text(g->first->picture));
  pv_text_puts(out, k != NULL ? k->about : pv_view_text(g->first->y_label));
  for (size_t i = 0; i < g->count; i++) {
    const pv_series *s = g->members[i].series;
    double low = s->y[0], high = s->y[0];
    for (size_t p = 1; p < s->count; p++) {
      if (s->y[p] != s->y[p]) low = high = s->y[p];
      if (s->y[p] < low) low = s->y[p];
      if (s->y[p] > high) high = s->y[p];
    }
    pv_text_puts(out, i == 0 ? ": " : "; ");
    if (g->several_owners) pv_text_printf(out, "%s, ", g->members[i].owner->falsifier->id);
    pv_text_printf(out, low == high ? "%s " : "%s from ", pv_view_text(s->name));
    pv_fmt_number(out, low);
    if (low != high) {
      pv_text_puts(out, " to ");
      pv_fmt_number(out, high);
    }
    if (g->members[i].owner->verdict == PV_FAIL) pv_text_puts(out, " (fails)");
  }
  if (g->omitted > 0) pv_text_printf(out, "; %zu more lines are not drawn", g->omitted);
  pv_text_puts(out, ".");
}

static const char *line_name(pv_arena *arena, const group *g, size_t i) {
  const struct member *m = &g->members[i];
  const char *name = pv_view_text(m->series->name);
  if (!g->several_owners) return name;
  const char *full = pv_arena_printf(arena, "%s: %s", m->owner->falsifier->id, name);
  return full != NULL ? full : name;
}

static void draw(pv_text *out, const group *g, const pv_picture *picture, const char *id,
                 bool embedded, pv_arena *arena) {
  pv_plot_line lines[PV_PLOT_LINES];
  for (size_t i = 0; i < g->count; i++) {
    const pv_series *s = g->members[i].series;
    lines[i] = (pv_plot_line){.name = line_name(arena, g, i),
                              .x = s->x,
                              .y = s->y,
                              .count = s->count,
                              .kind = kind_of(s),
                              .failed = g->members[i].owner->verdict == PV_FAIL};
    if (lines[i].kind == PV_PLOT_RULE) lines[i].failed = false;
  }
  const pv_plot plot = {.id = id,
                        .title = picture->title,
                        .alt = picture->alt,
                        .x_label = pv_view_text(g->first->x_label),
                        .y_label = pv_view_text(g->first->y_label),
                        .log_y = g->first->log_y,
                        .embedded = embedded,
                        .lines = lines,
                        .line_count = g->count};
  pv_plot_draw(out, &plot);
}

static bool taken(const pv_pictures *out, const char *id) {
  const size_t length = strlen(id);
  for (size_t i = 0; i < out->count; i++)
    if (strncmp(out->items[i].file, id, length) == 0 &&
        strcmp(out->items[i].file + length, ".svg") == 0)
      return true;
  return false;
}

static bool make_one(const group *g, bool embedded, bool drawn, pv_pictures *out) {
  pv_picture *p = &out->items[out->count];
  const char *name = pv_view_text(g->first->picture);
  const char *id = slug(&out->arena, name, g->number);
  for (size_t n = 2; id != NULL && taken(out, id); n++) id = slug(&out->arena, name, n);
  const known *k = find_known(name);
  pv_text text = PV_TEXT_INIT;
  if (id == NULL) return false;
  put_alt(&text, g);
  p->file = pv_arena_printf(&out->arena, "%s.svg", id);
  p->title = pv_arena_strdup(&out->arena, k != NULL ? k->title : name);
  p->alt = text.failed ? NULL : pv_arena_strndup(&out->arena, text.data, text.length);
  pv_text_free(&text);
  if (p->file == NULL || p->title == NULL || p->alt == NULL) return false;
  if (drawn) {
    draw(&text, g, p, id, embedded, &out->arena);
    p->svg = text.failed ? NULL : pv_arena_strndup(&out->arena, text.data, text.length);
    p->svg_length = text.length;
    pv_text_free(&text);
    if (p->svg == NULL) return false;
  }
  out->count++;
  return true;
}

pv_code pv_pictures_make(const pv_result *result, bool embedded, bool drawn, pv_pictures *out,
                         pv_error *err) {
  *out = (pv_pictures){0};
  const pv_code code = pv_render_check(result, err);
  if (code != PV_OK) return code;
  group *groups = calloc(PICTURES, sizeof *groups);
  size_t count = 0;
  bool ok = groups != NULL;
  ok = ok && collect(result, &out->arena, groups, &count);
  out->items = PV_ARENA_NEW(&out->arena, count, pv_picture);
  ok = ok && out->items != NULL;
  for (size_t i = 0; i < count && ok; i++) ok = make_one(&groups[i], embedded, drawn, out);
  free(groups);
  return ok ? PV_OK : pv_error_set(err, PV_ERR_NOMEM, "out of memory while drawing pictures");
}

pv_code pv_render_pictures(const pv_result *result, pv_pictures *out, pv_error *err) {
  return pv_pictures_make(result, false, true, out, err);
}

void pv_pictures_free(pv_pictures *pictures) {
  pv_arena_free(&pictures->arena);
  *pictures = (pv_pictures){0};
}
