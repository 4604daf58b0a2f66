/* pv bisect: two sides that compute, and where they part. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/parts.h"
#include "base/text.h"
#include "kernels_digest.h"
#include "runtime/probe/bisect_report.h"
#include "runtime/probe/judged.h"
#include "runtime/probe/pair.h"
#include "runtime/probe/probe.h"
#include "screen/progress.h"

/* The command as it was given, for a shell. */
static char *quoted(int argc, char **argv) {
  pv_text text = PV_TEXT_INIT, escaped = PV_TEXT_INIT;
  pv_text_command(&text, "pv", argc, argv);
  if (!text.failed) pv_text_escape(&escaped, text.data, text.length);
  pv_text_free(&text);
  if (!escaped.failed) return escaped.data;
  pv_text_free(&escaped);
  return NULL;
}

typedef struct call {
  pv_call side;
  const char *batch, *fault[2], *resume, *svg;
  bool json, faults, explain;
  pv_job job;
  pv_pair pair;
  char key[PV_SHA256_HEX];
  pv_judged judged[2]; /* sides without a definition: */
  bool foreign[2];
  pv_limits_result limits[2];
} call;

static pv_code make_spec(call *c, const char *const names[2], pv_bisect_spec *out, pv_error *err) {
  enum { LENGTH = 24 }; /* random tokens, where none are named */
  pv_code code = pv_pair_parse(names, c->fault, &c->pair, err);
  for (int i = 0; i < 2 && code == PV_OK && c->faults; i++)
    if (pv_pair_is_recorded(&c->pair, i))
      code = pv_error_set(err, PV_ERR_INPUT, "--faults plants faults, which a trace does not take");
    else if (c->pair.side[i].who.planted.fault != NULL)
      code = pv_error_set(err, PV_ERR_INPUT, "--faults plants each fault itself");
  const bool given = pv_call_given(&c->side);
  if (code == PV_OK) code = pv_call_open(&c->side, given, &c->job, err);
  if (code == PV_OK) code = pv_pair_open(&c->pair, c->job.model, c->side.model, err);
  if (code == PV_OK) code = pv_pair_sequences(&c->pair, &c->side, LENGTH, &c->job, err);
  if (code == PV_OK && c->job.sequence_count != 1) {
    code = pv_error_set(err, PV_ERR_INPUT, "pv bisect takes one sequence of tokens");
    pv_error_hint(err, "name one prompt of a reference with --named, or one length with --random");
  }
  if (code == PV_OK) code = pv_pair_run(&c->pair, &c->side, &c->job, err);
  if (code != PV_OK) return code;
  const pv_sequence *tokens = &c->job.sequences[0];
  /* Two batches at least: a defect of positions or of the cache may need a cut. What was recorded
   * is cut already. */
  const bool recorded = pv_pair_is_recorded(&c->pair, 0) || pv_pair_is_recorded(&c->pair, 1);
  uint64_t batch = recorded ? tokens->count : (tokens->count + 1) / 2;
  code = pv_option_u64("--batch", c->batch, 1, 1u << 20, &batch, err);
  *out = (pv_bisect_spec){.model = c->job.model,
                          .side = {c->pair.side[0], c->pair.side[1]},
                          .ids = tokens->ids,
                          .count = tokens->count,
                          .batch = batch < tokens->count ? batch : tokens->count,
                          .threads = c->job.threads,
                          .progress = pv_call_progress,
                          .context = &c->job,
                          .state = c->resume,
                          .key = c->key};
  return code;
}

/* A digest of all that the result depends on; for an interrupted run that goes on. */
static pv_code make_key(const call *c, const pv_bisect_spec *spec, char out[PV_SHA256_HEX],
                        pv_error *err) {
  char digest[PV_SHA256_HEX];
  pv_text text = PV_TEXT_INIT;
  pv_progress_say("hashing the model");
  pv_code code = pv_parts_digest(c->side.model, digest, err);
  pv_progress_say("bisect");
  pv_text_printf(&text, "%s %s %s %s %zu", PV_VERSION, PV_HOST_SHA256, PV_KERNELS_SHA256, digest,
                 spec->batch);
  for (int i = 0; i < 2 && code == PV_OK; i++) {
    const pv_walker *side = &spec->side[i];
    if (side->recorded != NULL) code = pv_recorded_digest(side->recorded, digest, err);
    pv_text_printf(&text, "\n%s %s %s", side->name, pv_walker_identity(side),
                   side->recorded != NULL ? digest : "computes");
  }
  for (size_t i = 0; i < spec->count; i++) pv_text_printf(&text, " %u", spec->ids[i]);
  if (code == PV_OK && text.failed)
    code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for a digest");
  if (code == PV_OK) code = pv_sha256_bytes(text.data, text.length, out, err);
  pv_text_free(&text);
  return code;
}

/* A side that pv has no definition of is held to the limits of the identity that it says it
 * computes, or of any. */
static pv_code judge_foreign(call *c, const pv_bisect_result *r, pv_error *err) {
  pv_code code = PV_OK;
  for (int i = 0; i < 2 && code == PV_OK; i++) {
    pv_judged *judged = &c->judged[i];
    if (r->defined[i]) continue;
    *judged = (pv_judged){.side = &c->pair.side[i], .job = &c->job, .factor = 1.0};
    code = pv_judged_identity(judged->side, NULL, &judged->identity, err);
    if (code == PV_OK) code = pv_judged_run(judged, &c->limits[i], err);
    c->foreign[i] = code == PV_OK;
  }
  return code;
}

/* 0: nothing is wrong; 1: a finding; 3: neither a definition nor limits say that a side is right.
 */
static int exit_of(const call *c, const pv_bisect_result *r) {
  int found = r->verdict == PV_BISECT_EQUAL || r->verdict == PV_BISECT_FUNCTIONS ? 0
              : r->verdict == PV_BISECT_UNDECIDED                                ? 3
                                                                                 : 1;
  for (int i = 0; i < 2; i++) {
    if (!c->foreign[i]) continue;
    const int judged = pv_judged_exit(&c->limits[i]);
    if (judged == 1 || (judged == 0 && found == 3)) found = judged;
    if (judged == 3 && r->large[i].present) found = 1;
  }
  return found;
}

static pv_code print_json(const call *c, const pv_bisect_spec *spec, const pv_bisect_result *r,
                          const char *again, pv_error *err) {
  json_t *judged = json_array();
  for (int i = 0; i < 2; i++)
    pv_json_append(&judged,
                   c->foreign[i] ? pv_judged_json(&c->judged[i], &c->limits[i]) : json_null());
  return pv_bisect_json(spec, r, judged, again, err);
}

static pv_code print_text(const call *c, const pv_bisect_spec *spec, const pv_bisect_result *r,
                          const char *again, pv_error *err) {
  static const char *const who[] = {"Left side: ", "Right side: "};
  pv_code code = PV_OK;
  for (int i = 0; i < 2 && code == PV_OK; i++) {
    int unused = 0;
    if (!c->foreign[i]) continue;
    pv_judged_print(&c->judged[i], who[i], &c->limits[i]);
    if (c->explain) code = pv_judged_explain(&c->judged[i], &unused, err);
    puts("");
  }
  if (code == PV_OK) pv_bisect_text(spec, r, again);
  return code;
}

/* Runs and prints. */
static pv_code carry_out(call *c, pv_bisect_spec *spec, const char *again, int *exit_code,
                         pv_error *err) {
  pv_bisect_result result = {0};
  bool all = false;
  pv_code code;
  if (c->faults) {
    spec->progress = NULL;
    code = pv_bisect_all_faults(spec, c->json, &all, err);
    *exit_code = all ? 0 : 1;
    return code;
  }
  code = pv_bisect(spec, &result, err);
  if (code == PV_OK && c->svg != NULL) code = pv_bisect_svg(c->svg, spec, &result, err);
  if (code == PV_OK) code = judge_foreign(c, &result, err);
  if (code == PV_OK) code = (c->json ? print_json : print_text)(c, spec, &result, again, err);
  *exit_code = code == PV_OK ? exit_of(c, &result) : 0;
  pv_bisect_free(&result);
  for (int i = 0; i < 2; i++) pv_limits_free(&c->limits[i]);
  return code;
}

static pv_code check_options(const call *c, size_t sides, const char *again, pv_error *err) {
  if (sides != 2)
    return pv_error_set(err, PV_ERR_INPUT, "name two sides, for example cpu:i16 cuda:i16");
  if (again == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the command");
  if (c->faults && (c->resume != NULL || c->svg != NULL))
    return pv_error_set(err, PV_ERR_INPUT, "--faults takes neither --resume nor --svg");
  if (c->explain && (c->json || c->faults))
    return pv_error_set(err, PV_ERR_INPUT, "--explain prints a table: without --json and --faults");
  return PV_OK;
}

static const char summary[] =
    "Finds where two sides part and which one is wrong. Each stage of each side is made\n"
    "again from the side's own inputs: by the definition of its identity, bit by bit, and\n"
    "in float64, for the error that it introduces. A side is KIND[:IDENTITY][@FAULT], or\n"
    "trace:DIR, a folder that pv trace wrote: of what was computed elsewhere, too; or another\n"
    "engine that is run: llamacpp:, huggingface: or engine:PROGRAM[,key=value...].\n"
    "What --resume finds in its file is not judged again; the sides are computed again up\n"
    "to there, which takes about half of the time.\n"
    "A side whose function pv does not define is held to the limits of pv judge.\n"
    "Exit code 0: no bit differs and both are as defined, or each is what its identity "
    "defines\n"
    "or explains and these are two functions; 1: a finding; 3: neither a definition nor limits "
    "say\n"
    "that a side is right. With --faults 0: for each fault the stage, the layer and the side "
    "are\n"
    "named rightly; 1: not for each.";

int pv_probe_bisect(int argc, char **argv) {
  call c = {.side = PV_CALL_DEFAULTS};
  const pv_option list[] = {
      {"--model", "FILE", "a GGUF model", &c.side.model, NULL},
      PV_CALL_TOKENS(c.side),
      PV_CALL_SEQUENCES(c.side),
      {"--batch", "N", "positions per batch (default: half of the tokens; beside a trace all)",
       &c.batch, NULL},
      {"--fault", "NAME", "old: the right side's @FAULT", &c.fault[1], NULL},
      {"--left-fault", "NAME", "old: the left side's @FAULT", &c.fault[0], NULL},
      {"--faults", NULL, "each fault once in the right side: a table of what is found", NULL,
       &c.faults},
      {"--resume", "FILE", "keep the state in this file after each layer, and go on from it",
       &c.resume, NULL},
      {"--svg", "DIR", "also two pictures: the error and the router's margins by layer", &c.svg,
       NULL},
      {"--explain", NULL, "which identity explains a side that pv does not define?", NULL,
       &c.explain},
      PV_PAIR_MAP(c.pair),
      PV_CALL_LIMITS(c.side),
      PV_CALL_ENGINES(c.side),
      {"--json", NULL, "one JSON object", NULL, &c.json},
      {0}};
  const char *names[2];
  pv_options options = {.command = "bisect",
                        .summary = summary,
                        .positional = "LEFT RIGHT",
                        .examples =
                            "  pv bisect cpu:i16 cuda:i16 --model M.gguf --random 32\n"
                            "  pv bisect cpu:i16 cpu:i8 --model models/tiny-coder-moe-Q4_K_M.gguf\n"
                            "  pv bisect cpu:i16 cpu:i16@wrong_head_group:layer=2 --model M.gguf\n"
                            "  pv bisect cpu:i16 cpu:i16 --model M.gguf --random 12 --faults\n"
                            "  pv bisect cpu:i16 trace:DIR --model M.gguf\n",
                        .list = list,
                        .rest = names,
                        .rest_max = 2};
  pv_error err = PV_ERROR_INIT;
  pv_bisect_spec spec = {0};
  int found = 0;
  bool help = false;
  char *again = quoted(argc, argv);
  pv_code code = pv_options_parse(&options, argc, argv, &help, &err);
  if (code == PV_OK && help) goto cleanup;
  if (code == PV_OK) code = check_options(&c, options.rest_count, again, &err);
  if (code == PV_OK) code = make_spec(&c, names, &spec, &err);
  if (code == PV_OK && c.resume != NULL) code = make_key(&c, &spec, c.key, &err);
  if (code == PV_OK) code = carry_out(&c, &spec, again, &found, &err);
cleanup:;
  const int exit_code = code == PV_OK ? found : pv_call_exit(code, &err);
  free(again);
  pv_pair_close(&c.pair);
  pv_job_close(&c.job);
  return exit_code;
}
