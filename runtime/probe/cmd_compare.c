/* pv compare: two trace folders, or two sides that compute. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/output.h"
#include "base/text.h"
#include "runtime/probe/call.h"
#include "runtime/probe/probe.h"
#include "runtime/reference/reference.h"
#include "runtime/trace/capture.h"
#include "runtime/trace/folder.h"

typedef struct table {
  bool json, brief;
  uint64_t rows;
} table;

static void json_number(const char *name, double value) {
  const char *word = pv_real_word(value);
  if (word == NULL)
    printf("\"%s\":%.17g", name, value);
  else
    printf("\"%s\":\"%s\"", name, word);
}

static void print_json(table *t, const pv_trace_row *r) {
  printf("%s\n  {\"stage\":\"%s\",\"layer\":", t->rows > 0 ? "," : "{\"tensors\":[",
         r->plan->rows[r->stage].name);
  if (pv_plan_is_layered(r->plan, r->stage))
    printf("%u", r->layer);
  else
    printf("null");
  printf(",\"elements\":%llu,\"different\":%llu,", (unsigned long long)r->apart.elements,
         (unsigned long long)r->apart.different);
  json_number("max_abs", r->apart.max_abs);
  putchar(',');
  json_number("cosine", pv_distance_cosine(&r->apart));
  printf(",\"worst\":%llu,", (unsigned long long)r->apart.worst);
  json_number("left", r->apart.left);
  putchar(',');
  json_number("right", r->apart.right);
  putchar('}');
}

static void print_row(void *context, const pv_trace_row *r) {
  table *t = context;
  char layer[16] = "-";
  if (t->json) {
    print_json(t, r);
    t->rows++;
    return;
  }
  if (t->rows++ == 0)
    printf("%-20s %5s %12s %12s %12s %14s %10s\n", "stage", "layer", "elements", "different",
           "max |l - r|", "cosine", "worst at");
  if (t->brief && r->apart.different == 0) return;
  if (pv_plan_is_layered(r->plan, r->stage)) snprintf(layer, sizeof layer, "%u", r->layer);
  printf("%-20s %5s %12llu %12llu %12s %14s %10llu\n", r->plan->rows[r->stage].name, layer,
         (unsigned long long)r->apart.elements, (unsigned long long)r->apart.different,
         PV_REAL('g', 4, r->apart.max_abs), PV_REAL('f', 10, pv_distance_cosine(&r->apart)),
         (unsigned long long)r->apart.worst);
}

typedef enum outcome { EQUAL, DIFFERENT, VACUOUS, INCOMPARABLE } outcome;

/* Two functions, two models or two texts: that bits differ says nothing. */
static outcome judge(const pv_trace_comparison *c, const char **why) {
  const bool functions = c->numerics[0][0] != '\0' && c->numerics[1][0] != '\0' &&
                         strcmp(c->numerics[0], c->numerics[1]) != 0;
  *why = c->other_model ? "the two traces are of different models"
         : c->other_ids ? "the two traces are of different token ids"
         : functions    ? "the two sides compute different functions: no difference is a defect"
                        : NULL;
  if (*why != NULL) return INCOMPARABLE;
  if (c->elements == 0) return VACUOUS;
  return c->different + c->only_left + c->only_right > 0 ? DIFFERENT : EQUAL;
}

/* Of two folders: what their manifests leave open. */
static void print_unknown(const pv_trace_comparison *c) {
  static const char *const side[] = {"left", "right"};
  for (int i = 0; i < 2; i++) {
    if (c->model_sha256[i][0] == '\0')
      printf("of which model the %s trace is, its manifest does not say\n", side[i]);
    if (!c->ids_known[i])
      printf("of which tokens the %s trace is, its manifest does not say\n", side[i]);
    if (c->numerics[i][0] == '\0')
      printf("which function the %s side computes, its manifest does not say\n", side[i]);
  }
}

static void print_summary(const pv_trace_comparison *c, bool folders) {
  const char *why = NULL;
  const outcome is = judge(c, &why);
  printf("%llu tensors, %llu elements compared, %llu differ\n", (unsigned long long)c->tensors,
         (unsigned long long)c->elements, (unsigned long long)c->different);
  if (c->only_left + c->only_right > 0)
    printf("%llu tensors only on the left, %llu only on the right\n",
           (unsigned long long)c->only_left, (unsigned long long)c->only_right);
  if (folders) print_unknown(c);
  if (is != INCOMPARABLE) return;
  printf("INCOMPARABLE: %s\n", why);
  for (int i = 0; i < 2; i++) {
    if (c->other_model)
      printf("  %-6s SHA-256 %.12s...\n", i == 0 ? "left:" : "right:", c->model_sha256[i]);
    else if (!c->other_ids)
      printf("  %-6s %s\n", i == 0 ? "left:" : "right:", c->numerics[i]);
  }
}

static void json_text(const char *name, const char *text) {
  if (text != NULL && text[0] != '\0')
    printf(",\"%s\":\"%s\"", name, text);
  else
    printf(",\"%s\":null", name);
}

static int finish(const table *t, const pv_trace_comparison *c, bool folders) {
  static const char *const words[] = {"equal", "different", "vacuous", "incomparable"};
  static const int codes[] = {0, 1, 3, 3};
  const char *why = NULL;
  const outcome is = judge(c, &why);
  if (!t->json) {
    print_summary(c, folders);
    return codes[is];
  }
  printf("%s],\"compared\":%llu,\"different\":%llu,\"only_left\":%llu,\"only_right\":%llu",
         t->rows == 0 ? "{\"tensors\":[" : "", (unsigned long long)c->elements,
         (unsigned long long)c->different, (unsigned long long)c->only_left,
         (unsigned long long)c->only_right);
  printf(",\"same_numerics\":%s,\"verdict\":\"%s\"",
         strcmp(c->numerics[0], c->numerics[1]) == 0 ? "true" : "false", words[is]);
  json_text("reason", why);
  if (folders) {
    json_text("left_model_sha256", c->model_sha256[0]);
    json_text("right_model_sha256", c->model_sha256[1]);
  }
  puts("}");
  return codes[is];
}

/* An error may come behind the first rows. */
static int fail(const table *t, pv_code code, const pv_error *err) {
  if (t->json && t->rows > 0) puts("]}");
  return pv_call_exit(code, err);
}

static int compare_folders(table *t, const char *left, const char *right) {
  pv_error err = PV_ERROR_INIT;
  pv_trace_comparison c;
  const pv_code code = pv_trace_compare(left, right, print_row, t, &c, &err);
  return code == PV_OK ? finish(t, &c, true) : fail(t, code, &err);
}

typedef struct sides {
  pv_job job;
  pv_side side[2];
  uint64_t batch, seed;
  const char *random; /* lengths of random sequences */
  pv_reference *reference;
  pv_trace_filter filter;
  pv_fault_side opened[2];
} sides;

/* The left side is kept in memory whole, the right side is compared as it runs. */
static pv_code compare_sequence(table *t, sides *s, const uint32_t *ids, size_t count,
                                pv_trace_comparison *all, pv_error *err) {
  pv_capture *left = NULL;
  pv_trace_comparison c;
  pv_code code =
      pv_capture_forward(s->opened[0].forward, s->job.model, ids, count, count, &left, err);
  if (code == PV_OK)
    code =
        pv_trace_compare_forward(left, s->opened[1].forward, ids, s->batch > 0 ? s->batch : count,
                                 &s->filter, print_row, t, &c, err);
  pv_capture_free(left);
  if (code != PV_OK) return code;
  all->tensors += c.tensors;
  all->elements += c.elements;
  all->different += c.different;
  if (!t->json) printf("%zu tokens: %llu differ\n", count, (unsigned long long)c.different);
  return pv_output_flush(err);
}

static pv_code compare_random(table *t, sides *s, const uint32_t *lengths, size_t count,
                              pv_trace_comparison *all, pv_error *err) {
  pv_code code = PV_OK;
  uint64_t state = s->seed;
  for (size_t i = 0; i < count && code == PV_OK; i++) {
    uint32_t *ids = calloc(lengths[i], sizeof *ids);
    if (ids == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for token ids");
    pv_reference_random_ids(&state, s->job.model->shape.vocab, ids, lengths[i]);
    code = compare_sequence(t, s, ids, lengths[i], all, err);
    free(ids);
  }
  return code;
}

static pv_code compare_prompts(table *t, sides *s, pv_trace_comparison *all, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t i = 0; i < pv_reference_prompt_count(s->reference) && code == PV_OK; i++) {
    const pv_reference_prompt *p = pv_reference_prompt_at(s->reference, i);
    code = compare_sequence(t, s, p->ids, p->count, all, err);
  }
  return code;
}

/* Positions of the longest sequence. */
static size_t longest_of(const sides *s, const uint32_t *lengths, size_t count) {
  size_t longest = s->job.count;
  for (size_t i = 0; i < count; i++)
    if (lengths[i] > longest) longest = lengths[i];
  for (size_t i = 0; s->reference != NULL && i < pv_reference_prompt_count(s->reference); i++)
    if (pv_reference_prompt_at(s->reference, i)->count > longest)
      longest = pv_reference_prompt_at(s->reference, i)->count;
  return longest;
}

static int compare_sides(table *t, sides *s) {
  pv_error err = PV_ERROR_INIT;
  pv_trace_comparison all = {0};
  uint32_t *lengths = NULL;
  size_t count = 0;
  pv_code code = PV_OK;
  if (s->random != NULL) code = pv_option_ids("--random", s->random, &lengths, &count, &err);
  for (size_t i = 0; i < count && code == PV_OK; i++)
    if (lengths[i] == 0) code = pv_error_set(&err, PV_ERR_INPUT, "--random: a length of 0");
  const size_t longest = longest_of(s, lengths, count);
  for (int i = 0; i < 2 && code == PV_OK; i++) {
    const size_t batch = i == 1 && s->batch > 0 && s->batch < longest ? s->batch : longest;
    const pv_backend_config config = {
        .context = longest, .batch = batch, .threads = s->job.threads};
    code = pv_side_open(&s->side[i], s->job.model, &config, &s->opened[i], &err);
    snprintf(all.numerics[i], sizeof all.numerics[i], "%s",
             pv_numerics_identity(s->side[i].numerics));
  }
  if (code == PV_OK && s->random != NULL)
    code = compare_random(t, s, lengths, count, &all, &err);
  else if (code == PV_OK && s->reference != NULL)
    code = compare_prompts(t, s, &all, &err);
  else if (code == PV_OK)
    code = compare_sequence(t, s, s->job.ids, s->job.count, &all, &err);
  free(lengths);
  for (int i = 0; i < 2; i++) pv_fault_close(&s->opened[i]);
  return code == PV_OK ? finish(t, &all, false) : fail(t, code, &err);
}

int pv_probe_compare(int argc, char **argv) {
  table t = {0};
  sides s = {.seed = 1};
  pv_call call = PV_CALL_DEFAULTS;
  const char *stages = NULL, *layers = NULL, *batch = NULL, *seed = NULL, *reference = NULL;
  const pv_option list[] = {
      {"--model", "FILE", "for two sides: a GGUF model", &call.model, NULL},
      PV_CALL_TOKENS(call),
      {"--random", "3,512", "lengths of random sequences, instead of --ids", &s.random, NULL},
      {"--reference", "FILE", "all prompts of a reference, instead of --ids", &reference, NULL},
      {"--seed", "N", "of the random sequences (default 1)", &seed, NULL},
      {"--batch", "N", "positions per batch of the right side (default: all)", &batch, NULL},
      {"--stage", "LIST", "stages, separated by commas (default all)", &stages, NULL},
      {"--layer", "LIST", "layers, separated by commas (default all)", &layers, NULL},
      {"--threads", "N", "threads (default: one per processor)", &call.threads, NULL},
      {"--json", NULL, "one JSON object", NULL, &t.json},
      {"--different", NULL, "only tensors that differ", NULL, &t.brief},
      {0}};
  const char *names[2];
  pv_options options = {
      .command = "compare",
      .summary =
          "Compares two traces, or two sides such as cpu:i16 and cuda:i16 over the\n"
          "same tokens, tensor by tensor, bit by bit.\n"
          "Exit code 0: all bits equal; 1: not; 3: INCOMPARABLE (two functions, or traces of two\n"
          "models or of different token ids), or nothing to compare.",
      .positional = "LEFT RIGHT",
      .examples =
          "  pv compare trace:a trace:b --different\n"
          "  pv compare cpu:i16 cuda:i16 --model M.gguf --random 1,17,512 --different\n"
          "  pv compare cpu:i16 cuda:i16 --model M.gguf --reference M.reference --different\n",
      .list = list,
      .rest = names,
      .rest_max = 2};
  pv_error err = PV_ERROR_INIT;
  bool help = false;
  pv_code code = pv_options_parse(&options, argc, argv, &help, &err);
  if (code != PV_OK || help) return pv_call_exit(code, &err);
  if (options.rest_count != 2)
    code = pv_error_set(&err, PV_ERR_INPUT, "name two sides, or two traces");
  for (int i = 0; i < 2 && code == PV_OK; i++)
    code = pv_call_side(names[i], NULL, false, &s.side[i], &err);
  if (code == PV_OK && s.side[0].folder != NULL && s.side[1].folder != NULL)
    return compare_folders(&t, s.side[0].folder, s.side[1].folder);
  if (code == PV_OK && (s.side[0].folder != NULL || s.side[1].folder != NULL)) {
    code = pv_error_set(&err, PV_ERR_INPUT, "one side is a trace and the other computes");
    pv_error_hint(&err, "pv bisect takes such a pair");
  }
  const bool given = call.ids != NULL || call.prompt != NULL;
  if (code == PV_OK && given + (s.random != NULL) + (reference != NULL) > 1)
    code =
        pv_error_set(&err, PV_ERR_INPUT, "give one of --ids, --prompt, --random and --reference");
  if (code == PV_OK)
    code = pv_call_open(&call, s.random == NULL && reference == NULL, &s.job, &err);
  if (code == PV_OK && reference != NULL) code = pv_reference_open(reference, &s.reference, &err);
  if (code == PV_OK) code = pv_option_u64("--batch", batch, 1, 1u << 20, &s.batch, &err);
  if (code == PV_OK) code = pv_option_u64("--seed", seed, 0, UINT64_MAX, &s.seed, &err);
  if (code == PV_OK) code = pv_trace_filter_parse(stages, layers, s.job.model, &s.filter, &err);
  const int exit_code = code == PV_OK ? compare_sides(&t, &s) : pv_call_exit(code, &err);
  pv_reference_close(s.reference);
  pv_job_close(&s.job);
  return exit_code;
}
