/* pv bisect: two sides that compute, and where they part. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "base/text.h"
#include "kernels_digest.h"
#include "runtime/probe/bisect_report.h"
#include "runtime/probe/call.h"
#include "runtime/probe/probe.h"
#include "runtime/reference/reference.h"

static void show_progress(void *context, size_t done, size_t total) {
  (void)context;
  if (pv_call_terminal())
    fprintf(stderr, "\r%zu of %zu operations%s", done, total, done == total ? "\r\033[K" : "");
}

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
  const char *random, *seed, *batch, *reference, *named, *fault[2], *resume, *svg;
  bool json, faults;
  pv_job job;
  pv_text name[2];
  const char *folder[2]; /* of a recorded side, or NULL */
  pv_recorded *recorded[2];
  char key[PV_SHA256_HEX];
} call;

static pv_code copy_ids(call *c, const uint32_t *ids, size_t count, pv_error *err) {
  c->job.ids = calloc(count, sizeof *c->job.ids);
  if (c->job.ids == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for token ids");
  memcpy(c->job.ids, ids, count * sizeof *ids);
  c->job.count = count;
  return PV_OK;
}

/* The prompt in which a falsifier saw something: of the reference, or a built-in one. */
static pv_code take_prompt(call *c, pv_error *err) {
  pv_reference *reference = NULL;
  const pv_reference_prompt *found = NULL;
  const pv_shape *s = &c->job.model->shape;
  pv_code code = c->reference != NULL ? pv_reference_open(c->reference, &reference, err)
                                      : pv_reference_builtin(s->vocab, s->context, &reference, err);
  if (code == PV_OK) found = pv_reference_find(reference, c->named);
  if (code == PV_OK && found == NULL) {
    code = pv_error_set(err, PV_ERR_INPUT, "%s has no prompt '%s'",
                        c->reference != NULL ? "the reference" : "this model", c->named);
    if (c->reference == NULL)
      pv_error_hint(
          err, "--reference FILE names a reference; built in is %s, for example",
          pv_reference_prompt_at(reference, pv_reference_prompt_count(reference) - 1)->name);
  }
  if (code == PV_OK) code = copy_ids(c, found->ids, found->count, err);
  pv_reference_close(reference);
  return code;
}

static pv_code choose_tokens(call *c, pv_error *err) {
  uint64_t length = 24, seed = 1;
  pv_code code = pv_option_u64("--random", c->random, 1, 1u << 16, &length, err);
  if (code == PV_OK) code = pv_option_u64("--seed", c->seed, 0, UINT64_MAX, &seed, err);
  if (code == PV_OK && c->named != NULL) code = take_prompt(c, err);
  for (int i = 0; i < 2 && code == PV_OK && c->random == NULL && c->job.ids == NULL; i++)
    if (c->recorded[i] != NULL && c->recorded[i]->manifest->ids != NULL)
      code = copy_ids(c, c->recorded[i]->manifest->ids, c->recorded[i]->manifest->positions, err);
  if (code != PV_OK || c->job.ids != NULL) return code;
  for (int i = 0; i < 2; i++)
    if (c->recorded[i] != NULL && c->random == NULL) {
      pv_error_set(err, PV_ERR_INPUT, "the manifest does not say of which tokens the trace is");
      pv_error_at(err, c->folder[i], 0, 0, -1);
      pv_error_hint(err, "give them with --ids");
      return PV_ERR_INPUT;
    }
  c->job.ids = calloc(length, sizeof *c->job.ids);
  if (c->job.ids == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for token ids");
  c->job.count = length;
  pv_reference_random_ids(&seed, c->job.model->shape.vocab, c->job.ids, length);
  return PV_OK;
}

/* A trace of other tokens would differ everywhere, and nobody would be wrong. */
static pv_code check_tokens(const call *c, pv_error *err) {
  for (int i = 0; i < 2; i++) {
    const pv_manifest *m = c->recorded[i] != NULL ? c->recorded[i]->manifest : NULL;
    if (m == NULL || m->ids == NULL) continue;
    const bool same = m->positions == c->job.count &&
                      memcmp(m->ids, c->job.ids, c->job.count * sizeof *m->ids) == 0;
    if (same) continue;
    pv_error_set(err, PV_ERR_INPUT, "the trace is of other tokens than those of this run");
    pv_error_at(err, c->folder[i], 0, 0, -1);
    pv_error_hint(err,
                  "both sides must be of the same tokens; without --ids and the like those of the "
                  "first trace are taken");
    return PV_ERR_INPUT;
  }
  return PV_OK;
}

static pv_code parse_side(call *c, int i, const char *text, pv_bisect_side *out, pv_error *err) {
  const pv_code code = pv_call_side(text, c->fault[i], false, &out->who, err);
  if (code != PV_OK) return code;
  c->folder[i] = out->who.folder;
  pv_side_text(&out->who, &c->name[i]);
  if (c->name[i].failed) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a side's name");
  out->name = c->name[i].data;
  return PV_OK;
}

static pv_code make_spec(call *c, const char *const names[2], pv_bisect_spec *out, pv_error *err) {
  uint64_t batch = 0;
  pv_code code = PV_OK;
  for (int i = 0; i < 2 && code == PV_OK; i++)
    code = parse_side(c, i, names[i], &out->side[i], err);
  for (int i = 0; i < 2 && code == PV_OK && c->faults; i++)
    if (c->folder[i] != NULL)
      code = pv_error_set(err, PV_ERR_INPUT, "--faults plants faults, which a trace does not take");
    else if (out->side[i].who.planted.fault != NULL)
      code = pv_error_set(err, PV_ERR_INPUT, "--faults plants each fault itself");
  const int sources =
      (c->random != NULL) + (c->side.ids != NULL) + (c->side.prompt != NULL) + (c->named != NULL);
  if (code == PV_OK && sources > 1)
    code = pv_error_set(err, PV_ERR_INPUT, "give one of --ids, --prompt, --random and --named");
  const bool given = c->side.ids != NULL || c->side.prompt != NULL;
  if (code == PV_OK) code = pv_call_open(&c->side, given, &c->job, err);
  pv_recorded_model of = {c->job.model, c->side.model, ""};
  for (int i = 0; i < 2 && code == PV_OK; i++)
    if (c->folder[i] != NULL) {
      code = pv_recorded_open(c->folder[i], &of, &c->recorded[i], err);
      out->side[i].recorded = c->recorded[i];
    }
  if (code == PV_OK) code = choose_tokens(c, err);
  if (code == PV_OK) code = check_tokens(c, err);
  /* Two batches at least: a defect of positions or of the cache may need a cut. */
  batch = (c->job.count + 1) / 2;
  if (code == PV_OK) code = pv_option_u64("--batch", c->batch, 1, 1u << 20, &batch, err);
  out->model = c->job.model;
  out->ids = c->job.ids;
  out->count = c->job.count;
  out->batch = batch < c->job.count ? batch : c->job.count;
  out->threads = c->job.threads;
  out->progress = show_progress;
  return code;
}

/* A digest of all that the result depends on; for an interrupted run that goes on. */
static pv_code make_key(const call *c, const pv_bisect_spec *spec, char out[PV_SHA256_HEX],
                        pv_error *err) {
  char digest[PV_SHA256_HEX];
  pv_text text = PV_TEXT_INIT;
  pv_code code = pv_sha256_file(c->side.model, digest, err);
  pv_text_printf(&text, "%s %s %s %s %zu", PV_VERSION, PV_HOST_SHA256, PV_KERNELS_SHA256, digest,
                 spec->batch);
  for (int i = 0; i < 2 && code == PV_OK; i++) {
    const pv_bisect_side *side = &spec->side[i];
    if (side->recorded != NULL) code = pv_recorded_digest(side->recorded, digest, err);
    pv_text_printf(&text, "\n%s %s %s", side->name, pv_bisect_identity(side),
                   side->recorded != NULL ? digest : "computes");
  }
  for (size_t i = 0; i < spec->count; i++) pv_text_printf(&text, " %u", spec->ids[i]);
  if (code == PV_OK && text.failed)
    code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for a digest");
  if (code == PV_OK) code = pv_sha256_bytes(text.data, text.length, out, err);
  pv_text_free(&text);
  return code;
}

/* 0: nothing is wrong; 1: a finding; 3: no definition says that the bits are right, and no error
 * stands out. */
static int exit_of(const pv_bisect_result *r) {
  if (r->verdict == PV_BISECT_EQUAL || r->verdict == PV_BISECT_FUNCTIONS) return 0;
  if (r->verdict != PV_BISECT_UNDECIDED) return 1;
  return r->large[0].present || r->large[1].present ? 1 : 3;
}

/* Runs and prints. */
static pv_code carry_out(const call *c, pv_bisect_spec *spec, const char *again, int *exit_code,
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
  if (code == PV_OK && c->json) code = pv_bisect_json(spec, &result, again, err);
  if (code == PV_OK && !c->json) pv_bisect_text(spec, &result, again);
  *exit_code = code == PV_OK ? exit_of(&result) : 0;
  pv_bisect_free(&result);
  return code;
}

static pv_code check_options(const call *c, size_t sides, const char *again, pv_error *err) {
  if (sides != 2)
    return pv_error_set(err, PV_ERR_INPUT, "name two sides, for example cpu:i16 cuda:i16");
  if (again == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the command");
  if (c->faults && (c->resume != NULL || c->svg != NULL))
    return pv_error_set(err, PV_ERR_INPUT, "--faults takes neither --resume nor --svg");
  return PV_OK;
}

static const char summary[] =
    "Finds where two sides part and which one is wrong. Each stage of each side is made\n"
    "again from the side's own inputs: by the definition of its identity, bit by bit, and\n"
    "in float64, for the error that it introduces. A side is KIND[:IDENTITY][@FAULT], or\n"
    "trace:DIR, a folder that pv trace wrote: of what was computed elsewhere, too.\n"
    "What --resume finds in its file is not judged again; the sides are computed again up\n"
    "to there, which takes about half of the time.\n"
    "Exit code 0: no bit differs and both are as defined, or each is what its identity "
    "defines\n"
    "and these are two functions; 1: a finding; 3: no definition says which bits are right, "
    "and\n"
    "no error stands out. With --faults 0: for each fault the stage, the layer and the side "
    "are\n"
    "named rightly; 1: not for each.";

int pv_probe_bisect(int argc, char **argv) {
  call c = {.side = PV_CALL_DEFAULTS};
  const pv_option list[] = {
      {"--model", "FILE", "a GGUF model", &c.side.model, NULL},
      PV_CALL_TOKENS(c.side),
      {"--random", "N", "so many random tokens (default 24)", &c.random, NULL},
      {"--reference", "FILE", "a model's reference, for --named", &c.reference, NULL},
      {"--named", "NAME", "the tokens of a prompt of the reference, or of a built-in one", &c.named,
       NULL},
      {"--seed", "N", "of the random tokens (default 1)", &c.seed, NULL},
      {"--batch", "N", "positions per batch (default: half of the tokens)", &c.batch, NULL},
      {"--fault", "NAME", "old: the right side's @FAULT", &c.fault[1], NULL},
      {"--left-fault", "NAME", "old: the left side's @FAULT", &c.fault[0], NULL},
      {"--faults", NULL, "each fault once in the right side: a table of what is found", NULL,
       &c.faults},
      {"--resume", "FILE", "keep the state in this file after each layer, and go on from it",
       &c.resume, NULL},
      {"--svg", "DIR", "also two pictures: the error and the router's margins by layer", &c.svg,
       NULL},
      {"--threads", "N", "threads (default: one per processor)", &c.side.threads, NULL},
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
  spec.state = c.resume;
  spec.key = c.key;
  if (code == PV_OK) code = carry_out(&c, &spec, again, &found, &err);
cleanup:;
  const int exit_code = code == PV_OK ? found : pv_call_exit(code, &err);
  free(again);
  for (int i = 0; i < 2; i++) {
    pv_recorded_close(c.recorded[i]);
    pv_text_free(&c.name[i]);
  }
  pv_job_close(&c.job);
  return exit_code;
}
