/* pv judge: whether another engine's run is what its identity explains. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "runtime/limits/limits.h"
#include "runtime/probe/pair.h"
#include "runtime/probe/probe.h"

typedef struct call {
  pv_call side;
  const char *as, *tolerance;
  bool explain, json;
  double factor;
  pv_job job;
  pv_pair pair;
} call;

static void list_identities(char *out, size_t size) {
  size_t n = 0;
  out[0] = '\0';
  for (size_t i = 0; pv_foreign_at(i) != NULL && n < size; i++)
    n += (size_t)snprintf(out + n, size - n, "%s%s", i > 0 ? ", " : "", pv_foreign_at(i)->name);
}

/* What is named, else what the trace says it computes, else what holds for any. */
static pv_code find_identity(const call *c, const pv_foreign **out, pv_error *err) {
  char names[160];
  const char *own = pv_walker_identity(&c->pair.side[0]);
  *out = pv_foreign_find(c->as != NULL ? c->as : own);
  if (*out == NULL && c->as == NULL) *out = pv_foreign_at(0);
  if (*out != NULL) return PV_OK;
  list_identities(names, sizeof names);
  pv_error_set(err, PV_ERR_INPUT, "there is no identity '%s'", c->as);
  pv_error_hint(err, "those that pv has limits for are %s", names);
  return PV_ERR_INPUT;
}

static void print_place(const char *what, const pv_limits_result *r, const pv_limits_place *p) {
  char place[PV_PLACE_LENGTH];
  printf("%s: %s, position %zu, element %zu: %s", what,
         pv_plan_place(r->plan, p->stage, p->layer, place), p->position, p->index,
         pv_limits_text(p->why));
  if (isfinite(p->ratio)) printf(", by a factor of %.3g", p->ratio);
  printf("\n  it has %.9g, the exact operation on its own inputs %.9g, limit %.3g\n", p->got,
         p->exact, p->limit);
}

static void print_stages(const pv_limits_result *r) {
  puts("\n  stage                  worst layer      of its limit    elements      outside");
  for (size_t s = 0; s < r->plan->count; s++) {
    uint64_t elements = 0, beyond = 0;
    uint32_t worst = 0;
    for (uint32_t l = 0; l < r->layers; l++) {
      elements += r->stages[l][s].elements;
      beyond += r->stages[l][s].beyond;
      if (r->stages[l][s].ratio > r->stages[worst][s].ratio) worst = l;
    }
    if (elements == 0)
      printf("  %-22s not judged: it or its inputs were not recorded\n", r->plan->rows[s].name);
    else
      printf("  %-22s %11u %17.3g %11llu %12llu\n", r->plan->rows[s].name, worst,
             r->stages[worst][s].ratio, (unsigned long long)elements, (unsigned long long)beyond);
  }
}

static json_t *place_json(const pv_limits_result *r, const pv_limits_place *p) {
  if (p->why == PV_LIMITS_WITHIN) return json_null();
  const bool layered = pv_plan_is_layered(r->plan, p->stage);
  return json_pack(
      "{s:s, s:o, s:I, s:I, s:s, s:o, s:o, s:o, s:o}", "stage", r->plan->rows[p->stage].name,
      "layer", layered ? json_integer(p->layer) : json_null(), "position", (json_int_t)p->position,
      "index", (json_int_t)p->index, "why", pv_limits_text(p->why), "got", pv_json_number(p->got),
      "exact", pv_json_number(p->exact), "limit", pv_json_number(p->limit), "ratio",
      pv_json_number(p->ratio));
}

static json_t *stages_json(const pv_limits_result *r) {
  json_t *list = json_array();
  for (size_t s = 0; s < r->plan->count; s++)
    for (uint32_t l = 0; l < (pv_plan_is_layered(r->plan, s) ? r->layers : 1); l++) {
      const pv_limits_stage *sum = &r->stages[l][s];
      const bool layered = pv_plan_is_layered(r->plan, s);
      json_t *row =
          json_pack("{s:s, s:o, s:I, s:I, s:o}", "stage", r->plan->rows[s].name, "layer",
                    layered ? json_integer(l) : json_null(), "elements", (json_int_t)sum->elements,
                    "outside", (json_int_t)sum->beyond, "ratio",
                    sum->elements > 0 ? pv_json_number(sum->ratio) : json_null());
      pv_json_append(&list, row);
    }
  return list;
}

static pv_code print_json(const call *c, const pv_foreign *f, const pv_limits_result *r,
                          pv_error *err) {
  json_t *root = json_pack(
      "{s:s, s:o, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "schema", "pv/judge/v1", "side",
      pv_json_string(c->pair.side[0].name), "identity", f->name, "judged", (json_int_t)r->judged,
      "outside", (json_int_t)r->beyond, "tensors_without_inputs", (json_int_t)r->unjudged,
      "tensors_not_recorded", (json_int_t)r->absent, "first", place_json(r, &r->first), "worst",
      place_json(r, &r->worst), "stages", stages_json(r));
  return pv_json_print(root, JSON_INDENT(1), err);
}

static pv_code judge(call *c, const pv_foreign *identity, pv_limits_result *out, pv_error *err) {
  pv_fault_side opened = {0};
  pv_source source;
  pv_walk_progress progress = {.show = pv_call_progress, .context = &c->job};
  const pv_sequence *tokens = &c->job.sequences[0];
  const pv_backend_config config = {PV_NUMERICS_F64, tokens->count, tokens->count, c->job.threads,
                                    NULL};
  pv_limits_spec spec = {.model = c->job.model,
                         .source = &source,
                         .identity = identity,
                         .ids = tokens->ids,
                         .count = tokens->count,
                         .threads = c->job.threads,
                         .factor = c->factor,
                         .progress = &progress};
  pv_code code = pv_walker_open(&c->pair.side[0], c->job.model, &config, &opened, &source, err);
  if (code == PV_OK) code = pv_limits(&spec, out, err);
  pv_fault_close(&opened);
  return code;
}

/* Which identity explains the run: each is tried. */
static pv_code explain(call *c, int *exit_code, pv_error *err) {
  pv_code code = PV_OK;
  *exit_code = 1;
  puts("  identity     largest ratio   outside  first outside");
  for (size_t i = 0; pv_foreign_at(i) != NULL && code == PV_OK; i++) {
    const pv_foreign *f = pv_foreign_at(i);
    pv_limits_result r;
    char place[PV_PLACE_LENGTH];
    code = judge(c, f, &r, err);
    if (code != PV_OK) break;
    printf("  %-12s %13.3g %9llu  %s\n", f->name, r.worst.ratio, (unsigned long long)r.beyond,
           r.first.why == PV_LIMITS_WITHIN
               ? "none"
               : pv_plan_place(r.plan, r.first.stage, r.first.layer, place));
    if (r.judged > 0 && r.beyond == 0) *exit_code = 0;
    pv_limits_free(&r);
  }
  return code;
}

static void print_text(const pv_foreign *identity, const pv_limits_result *r) {
  if (r->judged == 0)
    puts("Nothing was judged: no stage was recorded together with its inputs.");
  else if (r->first.why == PV_LIMITS_WITHIN)
    printf("Every judged stage is what %s explains: %llu elements, at most %.3g of their limits.\n",
           identity->name, (unsigned long long)r->judged, r->worst.ratio);
  if (r->first.why != PV_LIMITS_WITHIN) {
    printf("Not what %s explains.\n", identity->name);
    print_place("First outside", r, &r->first);
    print_place("Worst", r, &r->worst);
  }
  print_stages(r);
}

/* 0: all that was judged is explained; 1: a finding; 3: nothing was judged. */
static pv_code carry_out(call *c, int *exit_code, pv_error *err) {
  const pv_foreign *identity = NULL;
  pv_limits_result r = {0};
  pv_code code = find_identity(c, &identity, err);
  if (code == PV_OK && c->explain) return explain(c, exit_code, err);
  if (code == PV_OK) code = judge(c, identity, &r, err);
  if (code == PV_OK && c->json) code = print_json(c, identity, &r, err);
  if (code == PV_OK && !c->json) print_text(identity, &r);
  *exit_code = r.judged == 0 ? 3 : r.beyond > 0 ? 1 : 0;
  pv_limits_free(&r);
  return code;
}

static pv_code open_call(call *c, const char *side, pv_error *err) {
  const char *const names[2] = {side, "f64"}, *const no_fault[2] = {NULL, NULL};
  const bool given = c->side.ids != NULL || c->side.prompt != NULL;
  pv_code code = pv_option_real("--tolerance", c->tolerance, 1e-3, 1e9, &c->factor, err);
  if (code == PV_OK && c->json && c->explain)
    code = pv_error_set(err, PV_ERR_INPUT, "--explain prints a table, which --json does not have");
  if (code == PV_OK) code = pv_pair_parse(names, no_fault, &c->pair, err);
  if (code == PV_OK) code = pv_call_open(&c->side, given, &c->job, err);
  if (code == PV_OK) code = pv_pair_open(&c->pair, c->job.model, c->side.model, err);
  if (code == PV_OK) code = pv_pair_sequences(&c->pair, &c->side, 24, &c->job, err);
  if (code == PV_OK && c->job.sequence_count != 1)
    code = pv_error_set(err, PV_ERR_INPUT, "pv judge takes one sequence of tokens");
  return code;
}

static const char summary[] =
    "Judges what another engine computed: each stage is made again from the engine's own\n"
    "inputs in float64, and must lie within what its arithmetic explains. SIDE is trace:DIR, or\n"
    "one that computes. Limits and identities: docs/numerics.md.\n"
    "Exit code 0: everything that was judged is explained; 1: a stage is not; 3: nothing was\n"
    "judged. With --explain 0: an identity explains all of it.";

int pv_probe_judge(int argc, char **argv) {
  call c = {.side = PV_CALL_DEFAULTS, .factor = 1.0};
  const pv_option list[] = {
      {"--model", "FILE", "a GGUF model", &c.side.model, NULL},
      PV_CALL_TOKENS(c.side),
      PV_CALL_SEQUENCES(c.side),
      {"--as", "NAME", "the identity (default: what the trace says; else any of 8 bits)", &c.as,
       NULL},
      {"--explain", NULL, "try each identity: which one explains the run?", NULL, &c.explain},
      {"--tolerance", "X", "every limit times X (default 1)", &c.tolerance, NULL},
      {"--json", NULL, "one JSON object", NULL, &c.json},
      {"--threads", "N", "threads (default: one per processor)", &c.side.threads, NULL},
      {0}};
  const char *side[1];
  pv_options options = {.command = "judge",
                        .summary = summary,
                        .positional = "SIDE",
                        .examples =
                            "  pv judge trace:DIR --model M.gguf\n"
                            "  pv judge trace:DIR --model M.gguf --explain\n",
                        .list = list,
                        .rest = side,
                        .rest_max = 1};
  pv_error err = PV_ERROR_INIT;
  int found = 0;
  bool help = false;
  pv_code code = pv_options_parse(&options, argc, argv, &help, &err);
  if (code == PV_OK && help) return 0;
  if (code == PV_OK && options.rest_count != 1)
    code = pv_error_set(&err, PV_ERR_INPUT, "name the side, for example trace:DIR");
  if (code == PV_OK) code = open_call(&c, side[0], &err);
  if (code == PV_OK) code = carry_out(&c, &found, &err);
  const int exit_code = code == PV_OK ? found : pv_call_exit(code, &err);
  pv_pair_close(&c.pair);
  pv_job_close(&c.job);
  return exit_code;
}
