#include "runtime/probe/perplexity_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

/* "NAME by SIDE", or the file of logits. */
static void print_side(const char *what, const pv_perplexity_side *side) {
  pv_text line = PV_TEXT_INIT;
  const char *file = side->file != NULL ? side->file->path : side->of->path;
  pv_text_puts(&line, what);
  if (side->file != NULL) pv_text_puts(&line, "the logits in ");
  pv_text_escape(&line, file, strlen(file));
  if (side->file == NULL) pv_text_printf(&line, " by %s", side->walker.name);
  if (!line.failed) puts(line.data);
  pv_text_free(&line);
}

/* "value +- error"; of one token there is no error. */
static void print_estimate(const char *name, pv_estimate e, double unit, const char *behind) {
  printf("%-30s %12s", name, PV_REAL('f', 6, e.value * unit));
  if (!isnan(e.error)) printf(" +- %s", PV_REAL('f', 6, e.error * unit));
  printf("%s\n", behind);
}

static const char *fraction_name(double fraction, char out[16]) {
  if (fraction == 0.0) return "least";
  if (fraction == 0.5) return "median";
  if (fraction == 1.0) return "largest";
  snprintf(out, 16, "%.1f %%", fraction * 100.0);
  return out;
}

static void print_row(const char *name, double divergence, double difference) {
  printf("%-30s %12s %24s\n", name, PV_REAL('g', 6, divergence),
         PV_REAL('g', 6, difference * 100.0));
}

static void print_cost(const pv_cost *c) {
  char name[16];
  print_estimate("perplexity of the base", c->base.perplexity, 1.0, "");
  print_estimate("ratio of the perplexities", c->ratio, 1.0, "");
  print_estimate("its logarithm", c->log_ratio, 1.0, "");
  print_estimate("difference", c->excess, 1.0, "");
  print_estimate("correlation of -ln p", (pv_estimate){c->correlation, NAN}, 100.0, " %");
  print_estimate("the same top token", c->same_top, 100.0, " %");
  printf("\n%-30s %12s %24s\n", "", "D(base||side)", "p(side) - p(base), %");
  print_row("mean", c->divergence.value, c->difference.value);
  if (!isnan(c->divergence.error))
    print_row("standard error", c->divergence.error, c->difference.error);
  for (int i = PV_LIKELIHOOD_QUANTILES; i-- > 0;)
    print_row(fraction_name(pv_likelihood_fractions[i], name), c->divergence_at[i],
              c->difference_at[i]);
  printf("%-30s %12s %24s", "root of the mean square", "", PV_REAL('g', 6, c->rms.value * 100.0));
  if (!isnan(c->rms.error)) printf(" +- %s", PV_REAL('g', 4, c->rms.error * 100.0));
  putchar('\n');
}

void pv_perplexity_text(const pv_perplexity_report *r) {
  const pv_perplexity_spec *s = r->spec;
  const pv_perplexity_odd *odd = &r->result->odd;
  print_side("", &s->sides[0]);
  if (s->side_count > 1) print_side("against ", &s->sides[1]);
  printf("chunks: %zu of %zu tokens%s; scored: %zu, the tokens %zu to %zu of each\n\n", s->chunks,
         s->context, s->bos != NULL ? ", each begun with bos" : "",
         pv_scored_count(s->context) * s->chunks, pv_scored_from(s->context) + 1, s->context - 1);
  if (!r->result->finite) {
    printf("NOT FINITE: the logit of token %zu at position %zu of chunk %zu is %s by %s\n",
           odd->token, odd->position, odd->chunk, PV_REAL('g', 6, odd->value),
           s->sides[odd->side].walker.name);
    return;
  }
  print_estimate("mean of -ln p", r->fit.nll, 1.0, "");
  print_estimate("perplexity", r->fit.perplexity, 1.0, "");
  if (s->side_count > 1) print_cost(&r->cost);
}

static json_t *count(uint64_t value) {
  return json_integer((json_int_t)value);
}

static json_t *real(double value) {
  return isnan(value) ? json_null() : pv_json_number(value);
}

static json_t *estimate(pv_estimate e) {
  return json_pack("{s:o, s:o}", "value", real(e.value), "standard_error", real(e.error));
}

static json_t *quantiles(const double at[PV_LIKELIHOOD_QUANTILES]) {
  json_t *out = json_array();
  for (int i = 0; i < PV_LIKELIHOOD_QUANTILES; i++)
    pv_json_append(&out, json_pack("{s:o, s:o}", "fraction", real(pv_likelihood_fractions[i]),
                                   "value", real(at[i])));
  return out;
}

static json_t *side_json(const pv_perplexity_side *side) {
  if (side->file != NULL)
    return json_pack("{s:o, s:o, s:o}", "name", json_null(), "model", json_null(), "logits",
                     pv_json_string(side->file->path));
  return json_pack("{s:o, s:o, s:o}", "name", pv_json_string(side->walker.name), "model",
                   pv_json_string(side->of->path), "logits", json_null());
}

static json_t *odd_json(const pv_perplexity_spec *s, const pv_perplexity_odd *odd) {
  return json_pack("{s:o, s:o, s:o, s:o, s:o}", "side",
                   pv_json_string(s->sides[odd->side].walker.name), "chunk", count(odd->chunk),
                   "position", count(odd->position), "token", count(odd->token), "value",
                   pv_json_number(odd->value));
}

static json_t *cost_json(const pv_cost *c) {
  json_t *divergence = json_pack("{s:o, s:o}", "mean", estimate(c->divergence), "quantiles",
                                 quantiles(c->divergence_at));
  json_t *difference = json_pack("{s:o, s:o, s:o}", "mean", estimate(c->difference), "rms",
                                 estimate(c->rms), "quantiles", quantiles(c->difference_at));
  json_t *out = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "base_nll", estimate(c->base.nll),
                          "base_perplexity", estimate(c->base.perplexity), "ratio",
                          estimate(c->ratio), "log_ratio", estimate(c->log_ratio), "difference",
                          estimate(c->excess), "correlation", real(c->correlation));
  pv_json_set(&out, "same_top", estimate(c->same_top));
  pv_json_set(&out, "kl_divergence", divergence);
  pv_json_set(&out, "probability_difference", difference);
  return out;
}

pv_code pv_perplexity_json(const pv_perplexity_report *r, pv_error *err) {
  const pv_perplexity_spec *s = r->spec;
  const bool finite = r->result->finite;
  json_t *root = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "schema", "pv/perplexity/v1",
                           "side", side_json(&s->sides[0]), "against",
                           s->side_count > 1 ? side_json(&s->sides[1]) : json_null(), "context",
                           count(s->context), "chunks", count(s->chunks), "scored",
                           count(pv_scored_count(s->context) * s->chunks), "bos",
                           s->bos != NULL ? count(*s->bos) : json_null(), "finite", finite);
  pv_json_set(&root, "not_finite", finite ? json_null() : odd_json(s, &r->result->odd));
  pv_json_set(&root, "nll", finite ? estimate(r->fit.nll) : json_null());
  pv_json_set(&root, "perplexity", finite ? estimate(r->fit.perplexity) : json_null());
  pv_json_set(&root, "cost", finite && s->side_count > 1 ? cost_json(&r->cost) : json_null());
  return pv_json_print(root, JSON_INDENT(1), err);
}
