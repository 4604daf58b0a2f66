/* pv bisect: two sides that compute, and where they part. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/text.h"
#include "runtime/probe/bisect_report.h"
#include "runtime/probe/probe.h"
#include "runtime/probe/sides.h"
#include "runtime/reference/reference.h"

static void show_progress(void *context, size_t done, size_t total) {
  (void)context;
  if (pv_side_terminal())
    fprintf(stderr, "\r%zu of %zu operations%s", done, total, done == total ? "\r\033[K" : "");
}

/* The command as it was given, for a shell. */
static char *quoted(int argc, char **argv) {
  static const char plain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
  pv_text text = PV_TEXT_INIT;
  pv_text_puts(&text, "pv");
  for (int i = 0; i < argc; i++) {
    pv_text_puts(&text, " ");
    if (argv[i][0] != '\0' && strspn(argv[i], plain) == strlen(argv[i])) {
      pv_text_puts(&text, argv[i]);
      continue;
    }
    pv_text_puts(&text, "'");
    for (const char *c = argv[i]; *c != '\0'; c++)
      pv_text_add(&text, *c == '\'' ? "'\\''" : c, *c == '\'' ? 4 : 1);
    pv_text_puts(&text, "'");
  }
  pv_text escaped = PV_TEXT_INIT;
  if (!text.failed) pv_text_escape(&escaped, text.data, text.length);
  pv_text_free(&text);
  if (!escaped.failed) return escaped.data;
  pv_text_free(&escaped);
  return NULL;
}

typedef struct call {
  pv_side side;
  const char *random, *seed, *batch, *reference, *named, *fault[2];
  bool json, faults;
  pv_job job;
  char backend[2][16], name[2][128];
} call;

/* The prompt of the reference in which a falsifier saw something. */
static pv_status take_prompt(call *c, pv_error *err) {
  pv_reference *reference = NULL;
  const pv_reference_prompt *found = NULL;
  if (c->reference == NULL)
    return pv_error_set(err, PV_ERR_INPUT, "--named needs --reference FILE");
  pv_status status = pv_reference_open(c->reference, &reference, err);
  for (size_t i = 0; status == PV_OK && i < pv_reference_prompt_count(reference); i++)
    if (strcmp(pv_reference_prompt_at(reference, i)->name, c->named) == 0)
      found = pv_reference_prompt_at(reference, i);
  if (status == PV_OK && found == NULL)
    status = pv_error_set(err, PV_ERR_INPUT, "the reference has no prompt '%s'", c->named);
  if (status == PV_OK) {
    c->job.ids = calloc(found->count, sizeof *c->job.ids);
    c->job.count = found->count;
    if (c->job.ids != NULL)
      memcpy(c->job.ids, found->ids, found->count * sizeof *c->job.ids);
    else
      status = pv_error_set(err, PV_ERR_NOMEM, "out of memory for token ids");
  }
  pv_reference_close(reference);
  return status;
}

static pv_status choose_tokens(call *c, pv_error *err) {
  uint64_t length = 24, seed = 1;
  pv_status status = pv_option_u64("--random", c->random, 1, 1u << 16, &length, err);
  if (status == PV_OK) status = pv_option_u64("--seed", c->seed, 0, UINT64_MAX, &seed, err);
  if (status == PV_OK && c->named != NULL) status = take_prompt(c, err);
  if (status != PV_OK || c->job.ids != NULL) return status;
  c->job.ids = calloc(length, sizeof *c->job.ids);
  if (c->job.ids == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for token ids");
  c->job.count = length;
  pv_side_random_ids(&seed, c->job.model->shape.vocab, c->job.ids, length);
  return PV_OK;
}

static pv_status make_spec(call *c, const char *const names[2], pv_bisect_spec *out,
                           pv_error *err) {
  uint64_t batch = 0;
  pv_status status = PV_OK;
  for (int i = 0; i < 2 && status == PV_OK; i++) {
    pv_bisect_side *side = &out->side[i];
    status = pv_side_parse(names[i], c->backend[i], &side->numerics, err);
    if (status == PV_OK && c->fault[i] != NULL)
      status = pv_fault_parse(c->fault[i], &side->planted, err);
    snprintf(c->name[i], sizeof c->name[i], "%s%s%s", names[i], c->fault[i] != NULL ? " with " : "",
             c->fault[i] != NULL ? c->fault[i] : "");
    side->name = c->name[i];
    side->backend = c->backend[i];
  }
  const int sources =
      (c->random != NULL) + (c->side.ids != NULL) + (c->side.prompt != NULL) + (c->named != NULL);
  if (status == PV_OK && sources > 1)
    status = pv_error_set(err, PV_ERR_INPUT, "give one of --ids, --prompt, --random and --named");
  const bool given = c->side.ids != NULL || c->side.prompt != NULL;
  if (status == PV_OK) status = pv_side_open(&c->side, given, &c->job, err);
  if (status == PV_OK) status = choose_tokens(c, err);
  /* Two batches at least: a defect of positions or of the cache may need a cut. */
  batch = (c->job.count + 1) / 2;
  if (status == PV_OK) status = pv_option_u64("--batch", c->batch, 1, 1u << 20, &batch, err);
  out->model = c->job.model;
  out->ids = c->job.ids;
  out->count = c->job.count;
  out->batch = batch < c->job.count ? batch : c->job.count;
  out->threads = c->job.threads;
  out->progress = show_progress;
  return status;
}

int pv_probe_bisect(int argc, char **argv) {
  call c = {.side = PV_SIDE_DEFAULTS};
  const pv_option list[] = {
      {"--model", "FILE", "a GGUF model (Qwen3-MoE)", &c.side.model, NULL},
      PV_SIDE_TOKENS(c.side),
      {"--random", "N", "so many random tokens (default 24)", &c.random, NULL},
      {"--reference", "FILE", "a model's reference, for --named", &c.reference, NULL},
      {"--named", "NAME", "the tokens of a prompt of the reference", &c.named, NULL},
      {"--seed", "N", "of the random tokens (default 1)", &c.seed, NULL},
      {"--batch", "N", "positions per batch (default: half of the tokens)", &c.batch, NULL},
      {"--fault", "NAME", "plant a defect in the right side; see pv faults", &c.fault[1], NULL},
      {"--left-fault", "NAME", "plant a defect in the left side", &c.fault[0], NULL},
      {"--faults", NULL, "each fault once in the right side: a table of what is found", NULL,
       &c.faults},
      {"--threads", "N", "threads (default: one per processor)", &c.side.threads, NULL},
      {"--json", NULL, "one JSON object", NULL, &c.json},
      {0}};
  const char *names[2];
  pv_options options = {
      .command = "bisect",
      .summary =
          "Finds where two sides part and which one is wrong. Each stage of each side is made\n"
          "again from the side's own inputs: by the definition of its identity, bit by bit, and\n"
          "in float64, for the error that it introduces.\n"
          "Exit code 0: no bit differs and both are as defined; 1: a finding. With --faults 0: "
          "for\n"
          "each fault the stage, the layer and the side are named rightly; 1: not for each.",
      .positional = "LEFT RIGHT",
      .examples =
          "  pv bisect cpu:i16 cuda:i16 --model M.gguf --random 32\n"
          "  pv bisect cpu:i16 cpu:i8 --model models/tiny-coder-moe-Q4_K_M.gguf\n"
          "  pv bisect cpu:i16 cpu:i16 --model M.gguf --fault wrong_head_group:layer=2\n"
          "  pv bisect cpu:i16 cpu:i16 --model M.gguf --random 12 --faults\n",
      .list = list,
      .rest = names,
      .rest_max = 2};
  pv_error err = PV_ERROR_INIT;
  pv_bisect_spec spec = {0};
  pv_bisect_result result = {0};
  bool help = false;
  char *again = quoted(argc, argv);
  pv_status status = pv_options_parse(&options, argc, argv, &help, &err);
  if (status == PV_OK && help) goto cleanup;
  if (status == PV_OK && options.rest_count != 2)
    status = pv_error_set(&err, PV_ERR_INPUT, "name two sides, for example cpu:i16 cuda:i16");
  if (status == PV_OK && again == NULL)
    status = pv_error_set(&err, PV_ERR_NOMEM, "out of memory for the command");
  if (status == PV_OK && c.faults && (c.fault[0] != NULL || c.fault[1] != NULL))
    status = pv_error_set(&err, PV_ERR_INPUT, "--faults plants each fault itself");
  if (status == PV_OK) status = make_spec(&c, names, &spec, &err);
  if (status == PV_OK && c.faults) {
    bool all = false;
    spec.progress = NULL;
    status = pv_bisect_all_faults(&spec, c.json, &all, &err);
    result.verdict = all ? PV_BISECT_EQUAL : PV_BISECT_UNDECIDED;
    if (status == PV_OK) goto cleanup;
  }
  if (status == PV_OK) status = pv_bisect(&spec, &result, &err);
  if (status == PV_OK && c.json) status = pv_bisect_json(&spec, &result, again, &err);
  if (status == PV_OK && !c.json) pv_bisect_text(&spec, &result, again);
cleanup:;
  const int code = status == PV_OK && !help && result.verdict != PV_BISECT_EQUAL
                       ? 1
                       : pv_side_exit(status, &err);
  free(again);
  pv_bisect_free(&result);
  pv_job_close(&c.job);
  return code;
}
