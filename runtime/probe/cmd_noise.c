/* pv noise: how far a sound forward moves, so that tolerances can be set above it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/probe/noise_report.h"
#include "runtime/probe/probe.h"
#include "runtime/probe/sides.h"
#include "runtime/reference/reference.h"

enum { BATCH = 128 }; /* positions at once: it changes memory, and no figure */

typedef struct call {
  pv_side side;
  const char *random, *seed, *repeats, *numerics, *reference, *named, *fault;
  bool every_stage, json;
  pv_job job;
  pv_reference *opened; /* owns the tokens of its prompts */
  pv_noise_prompt *prompts;
  pv_noise_source sources[PV_NOISE_SOURCES_MAX];
  double began;
  bool shown; /* a line of progress stands on the terminal */
} call;

/* Nothing for the first second, and nothing into a pipe. */
static void show_progress(void *context, size_t done, size_t total) {
  call *c = context;
  if (!pv_side_terminal() || pv_clock_now() - c->began < 1.0) return;
  fprintf(stderr, "\r%zu of %zu operations", done, total);
  c->shown = true;
}

/* The prompts of the reference, or the one that is named. */
static pv_code take_prompts(call *c, pv_noise_spec *out, pv_error *err) {
  const uint32_t vocab = c->job.model->shape.vocab;
  pv_code code = pv_reference_open(c->reference, &c->opened, err);
  if (code != PV_OK) return code;
  const size_t count = pv_reference_prompt_count(c->opened);
  c->prompts = calloc(count + 1, sizeof *c->prompts);
  if (c->prompts == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for prompts");
  out->prompts = c->prompts;
  for (size_t i = 0; i < count; i++) {
    const pv_reference_prompt *p = pv_reference_prompt_at(c->opened, i);
    if (c->named != NULL && strcmp(p->name, c->named) != 0) continue;
    if (p->vocab != vocab)
      return pv_error_set(err, PV_ERR_INPUT, "the reference is of another model: %u tokens, not %u",
                          p->vocab, vocab);
    c->prompts[out->prompt_count++] = (pv_noise_prompt){p->ids, p->count};
  }
  if (c->named != NULL && out->prompt_count == 0)
    return pv_error_set(err, PV_ERR_INPUT, "the reference has no prompt '%s'", c->named);
  return PV_OK;
}

static pv_code choose_tokens(call *c, pv_noise_spec *out, pv_error *err) {
  uint64_t length = 24, state = out->seed;
  if (c->reference != NULL) return take_prompts(c, out, err);
  pv_code code = pv_option_u64("--random", c->random, 1, 1u << 16, &length, err);
  if (code != PV_OK) return code;
  if (c->job.ids == NULL) {
    c->job.ids = calloc(length, sizeof *c->job.ids);
    if (c->job.ids == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for token ids");
    c->job.count = length;
    pv_reference_random_ids(&state, c->job.model->shape.vocab, c->job.ids, length);
  }
  c->prompts = calloc(1, sizeof *c->prompts);
  if (c->prompts == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for prompts");
  c->prompts[0] = (pv_noise_prompt){c->job.ids, c->job.count};
  out->prompts = c->prompts;
  out->prompt_count = 1;
  return PV_OK;
}

static pv_code add_identity(call *c, const char *name, pv_noise_spec *out, pv_error *err) {
  const int found = pv_numerics_find(name);
  pv_noise_source source = {.kind = PV_NOISE_ROUNDED, .planted = {NULL, -1}};
  if (found < 0 || found == PV_NUMERICS_F64) {
    pv_error_set(err, PV_ERR_INPUT,
                 found < 0 ? "there is no numerics identity '%s'"
                           : "%s is the arbiter: it has no distance from itself",
                 name);
    pv_error_hint(err, "the identities with a noise are i16, f32-f64acc and i8");
    return PV_ERR_INPUT;
  }
  source.numerics = (pv_numerics)found;
  for (size_t i = 0; i < out->source_count; i++)
    if (c->sources[i].kind == PV_NOISE_ROUNDED && c->sources[i].numerics == source.numerics)
      return pv_error_set(err, PV_ERR_INPUT, "--numerics names %s twice", name);
  const pv_code code = c->fault != NULL ? pv_fault_parse(c->fault, &source.planted, err) : PV_OK;
  if (code == PV_OK) c->sources[out->source_count++] = source;
  return code;
}

static pv_code choose_sources(call *c, pv_noise_spec *out, pv_error *err) {
  const char *at = c->numerics;
  pv_code code = PV_OK;
  c->sources[out->source_count++] =
      (pv_noise_source){.stages = UINT64_C(1) << PV_STAGE_EMBEDDING, .planted = {NULL, -1}};
  if (c->every_stage)
    c->sources[out->source_count++] =
        (pv_noise_source){.stages = PV_NOISE_EVERY_STAGE, .planted = {NULL, -1}};
  for (bool more = true; more && code == PV_OK;) {
    char name[32];
    const size_t n = strcspn(at, ",");
    snprintf(name, sizeof name, "%.*s", n < 31 ? (int)n : 31, at);
    code = add_identity(c, name, out, err);
    more = at[n] == ',';
    at += n + more;
  }
  out->sources = c->sources;
  return code;
}

static pv_code make_spec(call *c, pv_noise_spec *out, pv_error *err) {
  const bool given = c->side.ids != NULL || c->side.prompt != NULL;
  const int ways = (c->random != NULL) + (c->side.ids != NULL) + (c->side.prompt != NULL) +
                   (c->reference != NULL);
  uint64_t repeats = 4;
  *out = (pv_noise_spec){.batch = BATCH,
                         .seed = 1,
                         .amount = PV_NOISE_LAST_BIT,
                         .progress = show_progress,
                         .context = c};
  pv_code code = PV_OK;
  if (ways > 1)
    code = pv_error_set(err, PV_ERR_INPUT,
                        "give one of --ids, --prompt, --random and "
                        "--reference");
  if (code == PV_OK && c->named != NULL && c->reference == NULL)
    code = pv_error_set(err, PV_ERR_INPUT, "--named needs --reference FILE");
  if (code == PV_OK)
    code = pv_option_u64("--repeats", c->repeats, 1, PV_NOISE_REPEATS_MAX, &repeats, err);
  if (code == PV_OK) code = pv_option_u64("--seed", c->seed, 0, INT64_MAX, &out->seed, err);
  if (code == PV_OK) code = choose_sources(c, out, err);
  if (code == PV_OK) code = pv_side_open(&c->side, given, &c->job, err);
  if (code == PV_OK) code = choose_tokens(c, out, err);
  out->model = c->job.model;
  out->threads = c->job.threads;
  out->repeats = (size_t)repeats;
  return code;
}

int pv_probe_noise(int argc, char **argv) {
  call c = {.side = PV_SIDE_DEFAULTS, .numerics = "i16,f32-f64acc,i8"};
  const pv_option list[] = {
      {"--model", "FILE", "a GGUF model (Qwen3-MoE)", &c.side.model, NULL},
      PV_SIDE_TOKENS(c.side),
      {"--random", "N", "so many random tokens (default 24)", &c.random, NULL},
      {"--reference", "FILE", "every prompt of a model's reference", &c.reference, NULL},
      {"--named", "NAME", "of the reference this prompt alone", &c.named, NULL},
      {"--seed", "N", "of the changes, and of random tokens (default 1)", &c.seed, NULL},
      {"--repeats", "N", "runs with the last bit changed (1 to 64, default 4)", &c.repeats, NULL},
      {"--every-stage", NULL, "change the last bit of what every stage makes, too", NULL,
       &c.every_stage},
      {"--numerics", "LIST", "identities (default i16,f32-f64acc,i8)", &c.numerics, NULL},
      {"--fault", "NAME", "plant a defect in each identity; see pv faults", &c.fault, NULL},
      {"--threads", "N", "threads (default: one per processor)", &c.side.threads, NULL},
      {"--json", NULL, "one JSON object", NULL, &c.json},
      {0}};
  pv_options options = {
      .command = "noise",
      .summary =
          "Measures how far a forward moves when nothing is wrong with it: the float64 arbiter\n"
          "with its input changed in the last bit of float32, and each identity's roundings,\n"
          "per stage and layer. A tolerance must lie above this and below what a defect does.\n"
          "Exit code 0: measured; 1: something is not finite, so that there is no floor.",
      .examples =
          "  pv noise --model models/tiny-coder-moe-Q4_K_M.gguf\n"
          "  pv noise --model M.gguf --reference M.reference --numerics i16 --json\n"
          "  pv noise --model M.gguf --prompt 'class Stack:' --every-stage --repeats 16\n"
          "  pv noise --model M.gguf --numerics i16 --fault activations_8bit:layer=2\n",
      .list = list};
  pv_error err = PV_ERROR_INIT;
  pv_noise_spec spec = {0};
  pv_noise_result result = {0};
  bool help = false, finite = true;
  pv_code code = pv_options_parse(&options, argc, argv, &help, &err);
  if (code == PV_OK && help) goto cleanup;
  if (code == PV_OK) code = make_spec(&c, &spec, &err);
  c.began = pv_clock_now();
  if (code == PV_OK) code = pv_noise(&spec, &result, &err);
  if (c.shown) fputs("\r\033[K", stderr);
  if (code == PV_OK && c.json) code = pv_noise_json(&spec, &result, c.fault, &err);
  if (code == PV_OK && !c.json) pv_noise_text(&spec, &result, c.fault);
  for (size_t i = 0; i < result.source_count; i++) finite &= result.of[i].finite;
cleanup:
  pv_noise_free(&result);
  free(c.prompts);
  pv_reference_close(c.opened);
  pv_job_close(&c.job);
  return code == PV_OK && !finite ? 1 : pv_side_exit(code, &err);
}
