/* The floor as tables: a column for each source. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "runtime/probe/noise_report.h"

const char *pv_noise_name(const pv_noise_source *source) {
  if (source->kind == PV_NOISE_ROUNDED) return source->name;
  return source->stages == PV_NOISE_EVERY_STAGE ? "every stage" : "last bit";
}

static bool rounded(const pv_noise_spec *spec, size_t i) {
  return spec->sources[i].kind == PV_NOISE_ROUNDED;
}

/* A line of cells, without blanks at its end. */
typedef struct line {
  char text[256];
  size_t length;
} line;

static void add(line *l, int width, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void add(line *l, int width, const char *fmt, ...) {
  char cell[48];
  va_list args;
  va_start(args, fmt);
  vsnprintf(cell, sizeof cell, fmt, args);
  va_end(args);
  const int n = snprintf(l->text + l->length, sizeof l->text - l->length, "%-*s", width, cell);
  if (n > 0 && (size_t)n < sizeof l->text - l->length) l->length += (size_t)n;
}

static void end(line *l) {
  while (l->length > 0 && l->text[l->length - 1] == ' ') l->length--;
  printf("%.*s\n", (int)l->length, l->text);
  l->length = 0;
}

enum { NAME = 21, COLUMN = 17 };

/* `block`: the columns of identities alone. */
static void print_names(const pv_noise_spec *spec, const char *left, bool block) {
  line l = {0};
  add(&l, NAME, "%s", left);
  for (size_t i = 0; i < spec->source_count; i++)
    if (!block || rounded(spec, i)) add(&l, COLUMN, "%s", pv_noise_name(&spec->sources[i]));
  end(&l);
}

static void add_worst(line *out, const pv_noise_result *r, size_t i, int stage, bool block) {
  uint32_t at = 0;
  double worst = 0.0;
  for (uint32_t l = 0; l < r->layers; l++) {
    const pv_noise_stage *s = &r->of[i].stages[l][stage];
    const double error = block ? s->block.error : s->total.error;
    if (!(error > worst)) continue;
    worst = error;
    at = l;
  }
  if (worst == 0.0)
    add(out, COLUMN, "0");
  else if (pv_plan_is_layered(r->plan, stage))
    add(out, COLUMN, "%.1e @%u", worst, at);
  else
    add(out, COLUMN, "%.1e", worst);
}

static void print_stages(const pv_noise_spec *spec, const pv_noise_result *r, bool block) {
  line l = {0};
  print_names(spec, "", block);
  for (pv_stage_id s = 0; s < r->plan->count; s++) {
    if (pv_plan_is(r->plan, s, PV_ROW_INDEX)) continue;
    add(&l, NAME, "%s", r->plan->rows[s].name);
    for (size_t i = 0; i < r->source_count; i++)
      if (!block || rounded(spec, i)) add_worst(&l, r, i, s, block);
    end(&l);
  }
}

static void print_curve(const pv_noise_spec *spec, const pv_noise_result *r) {
  const int ffn = pv_plan_role(r->plan, PV_ROLE_FFN_OUT);
  const int logits = pv_plan_role(r->plan, PV_ROLE_LOGITS);
  line out = {0};
  printf("\nERROR AND 1 - COSINE of %s by layer, and of the logits\n", r->plan->rows[ffn].name);
  print_names(spec, "layer", false);
  for (uint32_t l = 0; l <= r->layers; l++) {
    const bool last = l == r->layers;
    if (last)
      add(&out, NAME, "logits");
    else
      add(&out, NAME, "%u", l);
    for (size_t i = 0; i < r->source_count; i++) {
      const pv_noise_stage *s = r->of[i].stages[last ? 0 : l];
      const pv_noise_spread *d = &s[last ? logits : ffn].total;
      add(&out, COLUMN, "%.1e %.1e", d->error, d->angle);
    }
    end(&out);
  }
}

/* Of all layers: the sums of counts, the smallest of margins, the largest of errors. */
static pv_noise_routing over_layers(const pv_noise_result *r, size_t i) {
  pv_noise_routing all = {.margin = INFINITY, .ratio = INFINITY};
  for (uint32_t l = 0; l < r->layers; l++) {
    const pv_noise_routing *one = &r->of[i].routing[l];
    all.sets += one->sets;
    all.changed += one->changed;
    if (one->margin < all.margin) all.margin = one->margin;
    if (one->ratio < all.ratio) all.ratio = one->ratio;
    if (one->shift > all.shift) all.shift = one->shift;
  }
  return all;
}

static void print_choices(const pv_noise_spec *spec, const pv_noise_result *r) {
  static const char *const rows[] = {"expert sets changed", "top tokens changed",
                                     "router logits off by", "smallest margin kept",
                                     "margin / 2 noise"};
  line l = {0};
  putchar('\n');
  print_names(spec, "CHOICES", false);
  const bool experts = pv_plan_has_experts(r->plan);
  for (int row = 0; row < 5; row++) {
    if (row != 1 && !experts) continue;
    add(&l, NAME, "%s", rows[row]);
    for (size_t i = 0; i < r->source_count; i++) {
      const pv_noise_routing all = over_layers(r, i);
      const uint64_t changed = row == 0 ? all.changed : r->of[i].tops_changed;
      const uint64_t of = row == 0 ? all.sets : r->of[i].tops;
      if (row < 2)
        add(&l, COLUMN, "%llu of %llu", (unsigned long long)changed, (unsigned long long)of);
      else
        add(&l, COLUMN, "%.2g", row == 2 ? all.shift : row == 3 ? all.margin : all.ratio);
    }
    end(&l);
  }
}

static void print_not_finite(const pv_noise_spec *spec, const pv_noise_result *r) {
  for (size_t i = 0; i < r->source_count; i++)
    if (!r->of[i].finite)
      printf("\nNOT FINITE: %s has no floor, its forward or the arbiter's is not finite\n",
             pv_noise_name(&spec->sources[i]));
}

void pv_noise_text(const pv_noise_spec *spec, const pv_noise_result *r) {
  printf("noise over %zu positions of %zu prompt%s, against the float64 arbiter\n", r->positions,
         spec->prompt_count, spec->prompt_count == 1 ? "" : "s");
  for (size_t i = 0; i < r->source_count; i++)
    if (!rounded(spec, i))
      printf("%-12s %s changed by at most 2^-24 of each element, %zu run%s, seed %llu\n",
             pv_noise_name(&spec->sources[i]),
             spec->sources[i].stages == PV_NOISE_EVERY_STAGE ? "what every stage makes is"
                                                             : "the embedding is",
             spec->repeats, spec->repeats == 1 ? "" : "s", (unsigned long long)spec->seed);
  puts("\nLARGEST ERROR of a row over its largest element, @ the layer where it is worst");
  print_stages(spec, r, false);
  puts("\nOF ONE BLOCK ALONE, on the identity's own input: nothing is inherited");
  print_stages(spec, r, true);
  print_curve(spec, r);
  print_choices(spec, r);
  print_not_finite(spec, r);
}
