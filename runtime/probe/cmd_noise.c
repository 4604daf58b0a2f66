/* pv noise: how far a sound forward moves, so that tolerances can be set above it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/probe/call.h"
#include "runtime/probe/noise_report.h"
#include "runtime/probe/probe.h"

enum { BATCH = 128 }; /* positions at once: it changes memory, and no figure */

typedef struct call {
  pv_call given;
  const char *repeats, *numerics, *fault;
  bool every_stage, json;
  pv_job job;
  const char *sides[PV_NOISE_SOURCES_MAX];
  size_t side_count;
  pv_noise_source sources[PV_NOISE_SOURCES_MAX];
  pv_text names[PV_NOISE_SOURCES_MAX];
} call;

/* An identity goes by its name, any other side by what is written. */
static pv_code name_source(call *c, pv_noise_source *source, pv_error *err) {
  pv_text *name = &c->names[source - c->sources];
  if (strcmp(source->side.kind->name, "cpu") == 0 && source->side.planted.fault == NULL)
    pv_text_puts(name, pv_numerics_name(source->side.numerics));
  else
    pv_side_text(&source->side, name);
  if (name->failed) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a side's name");
  source->name = name->data;
  return PV_OK;
}

static pv_code add_side(call *c, const char *text, bool old, pv_noise_spec *out, pv_error *err) {
  pv_noise_source *source = &c->sources[out->source_count];
  if (out->source_count == PV_NOISE_SOURCES_MAX)
    return pv_error_set(err, PV_ERR_INPUT, "more than %d sources of noise", PV_NOISE_SOURCES_MAX);
  *source = (pv_noise_source){.kind = PV_NOISE_ROUNDED};
  pv_code code = pv_call_side(text, c->fault, old, &source->side, err);
  if (code == PV_OK) code = name_source(c, source, err);
  for (size_t i = 0; i < out->source_count && code == PV_OK; i++)
    if (c->sources[i].kind == PV_NOISE_ROUNDED && strcmp(c->sources[i].name, source->name) == 0)
      code = pv_error_set(err, PV_ERR_INPUT, "%s is named twice", source->name);
  if (code == PV_OK) out->source_count++;
  return code;
}

/* --numerics, from before a side could be named. */
static pv_code add_identities(call *c, pv_noise_spec *out, pv_error *err) {
  const char *at = c->numerics;
  pv_code code = PV_OK;
  for (bool more = true; more && code == PV_OK;) {
    char text[32];
    const size_t n = strcspn(at, ",");
    snprintf(text, sizeof text, "cpu:%.*s", n < 27 ? (int)n : 27, at);
    code = add_side(c, text, true, out, err);
    more = at[n] == ',';
    at += n + more;
  }
  return code;
}

static pv_code choose_sources(call *c, pv_noise_spec *out, pv_error *err) {
  static const char *const all[] = {"cpu:i16", "cpu:f32-f64acc", "cpu:i8"};
  const bool named = c->side_count > 0;
  const size_t count = named ? c->side_count : sizeof all / sizeof *all;
  pv_code code = PV_OK;
  if (named && c->numerics != NULL)
    return pv_error_set(err, PV_ERR_INPUT, "the sides say what --numerics does");
  c->sources[out->source_count++] = (pv_noise_source){.stages = PV_NOISE_EMBEDDING};
  if (c->every_stage)
    c->sources[out->source_count++] = (pv_noise_source){.stages = PV_NOISE_EVERY_STAGE};
  if (c->numerics != NULL) code = add_identities(c, out, err);
  for (size_t i = 0; i < count && code == PV_OK && c->numerics == NULL; i++)
    code = add_side(c, named ? c->sides[i] : all[i], false, out, err);
  out->sources = c->sources;
  return code;
}

static pv_code make_spec(call *c, pv_noise_spec *out, pv_error *err) {
  const bool given = pv_call_given(&c->given);
  const pv_sequence otherwise = {NULL, 24}; /* random tokens */
  uint64_t repeats = 4;
  *out = (pv_noise_spec){.batch = BATCH,
                         .seed = 1,
                         .amount = PV_NOISE_LAST_BIT,
                         .progress = pv_call_progress,
                         .context = &c->job};
  pv_code code = PV_OK;
  if (c->given.named != NULL && c->given.reference == NULL)
    code = pv_error_set(err, PV_ERR_INPUT, "--named needs --reference FILE");
  if (code == PV_OK)
    code = pv_option_u64("--repeats", c->repeats, 1, PV_NOISE_REPEATS_MAX, &repeats, err);
  if (code == PV_OK) code = pv_option_u64("--seed", c->given.seed, 0, INT64_MAX, &out->seed, err);
  if (code == PV_OK) code = choose_sources(c, out, err);
  if (code == PV_OK) code = pv_call_open(&c->given, given, &c->job, err);
  if (code == PV_OK) code = pv_call_sequences(&c->given, otherwise, &c->job, err);
  out->model = c->job.model;
  out->prompts = c->job.sequences;
  out->prompt_count = c->job.sequence_count;
  out->threads = c->job.threads;
  out->repeats = (size_t)repeats;
  return code;
}

int pv_probe_noise(int argc, char **argv) {
  call c = {.given = PV_CALL_DEFAULTS};
  const pv_option list[] = {
      {"--model", "FILE", "a GGUF model", &c.given.model, NULL},
      PV_CALL_TOKENS(c.given),
      PV_CALL_SEQUENCES(c.given),
      {"--repeats", "N", "runs with the last bit changed (1 to 64, default 4)", &c.repeats, NULL},
      {"--every-stage", NULL, "change the last bit of what every stage makes, too", NULL,
       &c.every_stage},
      {"--numerics", "LIST", "old: identities of the CPU", &c.numerics, NULL},
      {"--fault", "NAME", "old: a defect in each side", &c.fault, NULL},
      PV_CALL_LIMITS(c.given),
      {"--json", NULL, "one JSON object", NULL, &c.json},
      {0}};
  pv_options options = {
      .command = "noise",
      .summary =
          "Measures how far a forward moves when nothing is wrong with it: the float64 arbiter\n"
          "with its input changed in the last bit of float32, and the roundings of each side\n"
          "(KIND[:IDENTITY][@FAULT]; without one cpu:i16, cpu:f32-f64acc and cpu:i8), per stage\n"
          "and layer. A tolerance must lie above this and below what a defect does.\n"
          "Exit code 0: measured; 1: something is not finite, so that there is no floor.",
      .examples =
          "  pv noise --model models/tiny-coder-moe-Q4_K_M.gguf\n"
          "  pv noise cpu:i16 --model M.gguf --reference M.reference --json\n"
          "  pv noise --model M.gguf --prompt 'class Stack:' --every-stage --repeats 16\n"
          "  pv noise cpu:i16@activations_8bit:layer=2 --model M.gguf\n",
      .positional = "[SIDE ...]",
      .list = list,
      .rest = c.sides,
      .rest_max = PV_NOISE_SOURCES_MAX};
  pv_error err = PV_ERROR_INIT;
  pv_noise_spec spec = {0};
  pv_noise_result result = {0};
  bool help = false, finite = true;
  pv_code code = pv_options_parse(&options, argc, argv, &help, &err);
  if (code == PV_OK && help) goto cleanup;
  c.side_count = options.rest_count;
  if (code == PV_OK) code = make_spec(&c, &spec, &err);
  if (code == PV_OK) code = pv_noise(&spec, &result, &err);
  if (code == PV_OK && c.json) code = pv_noise_json(&spec, &result, &err);
  if (code == PV_OK && !c.json) pv_noise_text(&spec, &result);
  for (size_t i = 0; i < result.source_count; i++) finite &= result.of[i].finite;
cleanup:
  pv_noise_free(&result);
  for (size_t i = 0; i < PV_NOISE_SOURCES_MAX; i++) pv_text_free(&c.names[i]);
  pv_job_close(&c.job);
  return code == PV_OK && !finite ? 1 : pv_call_exit(code, &err);
}
