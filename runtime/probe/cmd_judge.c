/* pv judge: whether another engine's run is what its identity explains. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "runtime/probe/judged.h"
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

/* What the trace says of who computed it, and how. */
static void print_recorded(const pv_recorded *recorded) {
  pv_text text = PV_TEXT_INIT;
  if (recorded->about != NULL) {
    pv_text_puts(&text, "  computed by ");
    pv_text_escape(&text, recorded->about, strlen(recorded->about));
    pv_text_puts(&text, "\n");
  }
  if (recorded->observer != NULL) {
    pv_text_puts(&text, "  beside a run that nobody watched: ");
    pv_text_escape(&text, recorded->observer, strlen(recorded->observer));
    pv_text_puts(&text, "\n");
  }
  if (text.length > 0 && !text.failed) fputs(text.data, stdout);
  pv_text_free(&text);
}

static json_t *text_json(const char *text) {
  return text != NULL ? pv_json_string(text) : json_null();
}

static pv_code print_json(const pv_judged *judged, const pv_limits_result *r, pv_error *err) {
  json_t *root = pv_judged_json(judged, r);
  pv_json_set(&root, "schema", json_string("pv/judge/v1"));
  pv_json_set(&root, "side", pv_json_string(judged->side->name));
  const pv_recorded *recorded = judged->side->recorded;
  pv_json_set(&root, "computed_by", text_json(recorded != NULL ? recorded->about : NULL));
  pv_json_set(&root, "observer", text_json(recorded != NULL ? recorded->observer : NULL));
  return pv_json_print(root, JSON_INDENT(1), err);
}

static pv_code carry_out(call *c, int *exit_code, pv_error *err) {
  pv_judged judged = {.side = &c->pair.side[0], .job = &c->job, .factor = c->factor};
  pv_limits_result r = {0};
  pv_code code = pv_judged_identity(judged.side, c->as, &judged.identity, err);
  if (code == PV_OK && c->explain) return pv_judged_explain(&judged, exit_code, err);
  if (code == PV_OK) code = pv_judged_run(&judged, &r, err);
  if (code != PV_OK) return code;
  if (c->json) {
    code = print_json(&judged, &r, err);
  } else {
    pv_judged_print(&judged, "", &r);
    if (judged.side->recorded != NULL) print_recorded(judged.side->recorded);
    print_stages(&r);
  }
  *exit_code = pv_judged_exit(&r);
  pv_limits_free(&r);
  return code;
}

static pv_code open_call(call *c, const char *side, pv_error *err) {
  const char *const names[2] = {side, "f64"}, *const no_fault[2] = {NULL, NULL};
  const bool given = pv_call_given(&c->side);
  pv_code code = pv_option_real("--tolerance", c->tolerance, 1e-3, 1e9, &c->factor, err);
  if (code == PV_OK && c->json && c->explain)
    code = pv_error_set(err, PV_ERR_INPUT, "--explain prints a table, which --json does not have");
  c->pair.any_width = true; /* which is a finding */
  if (code == PV_OK) code = pv_pair_parse(names, no_fault, &c->pair, err);
  if (code == PV_OK) code = pv_call_open(&c->side, given, &c->job, err);
  if (code == PV_OK) code = pv_pair_open(&c->pair, c->job.model, c->side.model, err);
  if (code == PV_OK) code = pv_pair_sequences(&c->pair, &c->side, 24, &c->job, err);
  if (code == PV_OK && c->job.sequence_count != 1)
    code = pv_error_set(err, PV_ERR_INPUT, "pv judge takes one sequence of tokens");
  if (code == PV_OK) code = pv_pair_run(&c->pair, &c->side, &c->job, err);
  return code;
}

static const char summary[] =
    "Judges what another engine computed: each stage is made again from the engine's own\n"
    "inputs in float64, and must lie within what its arithmetic explains. SIDE is trace:DIR,\n"
    "or an engine that is run, llamacpp:, huggingface: or engine:PROGRAM[,key=value...], or one\n"
    "that computes. Limits and identities: docs/numerics.md.\n"
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
      PV_PAIR_MAP(c.pair),
      PV_CALL_LIMITS(c.side),
      PV_CALL_ENGINES(c.side),
      {0}};
  const char *side[1];
  pv_options options = {.command = "judge",
                        .summary = summary,
                        .positional = "SIDE",
                        .examples =
                            "  pv judge trace:DIR --model M.gguf\n"
                            "  pv judge trace:DIR --model M.gguf --explain\n"
                            "  pv judge llamacpp:./pv-trace-llamacpp,flash=on --model M.gguf\n",
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
