/* pv compare: two sides, each of which computes or was recorded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/output.h"
#include "base/text.h"
#include "runtime/probe/compare.h"
#include "runtime/probe/probe.h"
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

#define JSON_HEAD "{\"schema\":\"pv/compare/v1\",\"tensors\":["

static void print_json(table *t, const pv_trace_row *r) {
  printf("%s\n  {\"stage\":\"%s\",\"layer\":", t->rows > 0 ? "," : JSON_HEAD,
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

const char *pv_outcome_word(pv_outcome outcome) {
  static const char *const words[] = {"equal", "different", "vacuous", "incomparable"};
  return words[outcome];
}

int pv_outcome_exit(pv_outcome outcome) {
  static const int codes[] = {0, 1, 3, 3};
  return codes[outcome];
}

typedef struct compare {
  table table;
  pv_pair pair;
  pv_job job;
  uint64_t batch; /* of the right side; 0: all at once */
  pv_trace_filter filter;
  pv_fault_side opened[2];
  pv_source source[2];
  pv_trace_comparison all;
} compare;

const char *pv_compare_why(const pv_source sides[2], bool other_model, bool other_ids) {
  const bool functions = sides[0].identity[0] != '\0' && sides[1].identity[0] != '\0' &&
                         strcmp(sides[0].identity, sides[1].identity) != 0;
  return other_model ? "the two traces are of different models"
         : other_ids ? "the two traces are of different token ids"
         : functions ? "the two sides compute different functions: no difference is a defect"
                     : NULL;
}

static pv_outcome judge(const compare *c, const char **why) {
  const pv_trace_comparison *all = &c->all;
  *why = pv_compare_why(c->source, all->other_model, all->other_ids);
  if (*why != NULL) return PV_INCOMPARABLE;
  if (all->elements == 0) return PV_VACUOUS;
  const uint64_t lacking = all->only_left + all->only_right + all->rows_left + all->rows_right;
  return all->different + lacking > 0 ? PV_DIFFERENT : PV_EQUAL;
}

/* What the manifest of a trace leaves open. */
static void print_unknown(const compare *c, int i) {
  static const char *const side[] = {"left", "right"};
  const pv_source *s = &c->source[i];
  if (!pv_pair_is_recorded(&c->pair, i)) return;
  if (s->model_sha256[0] == '\0')
    printf("of which model the %s trace is, its manifest does not say\n", side[i]);
  if (s->ids == NULL)
    printf("of which tokens the %s trace is, its manifest does not say\n", side[i]);
  if (s->identity[0] == '\0')
    printf("which function the %s side computes, its manifest does not say\n", side[i]);
  if (c->pair.recorded[i]->unmapped > 0)
    printf("%zu recorded nodes on the %s are none that the map names\n",
           c->pair.recorded[i]->unmapped, side[i]);
}

static void print_summary(const compare *c, pv_outcome is, const char *why) {
  const pv_trace_comparison *all = &c->all;
  printf("%llu tensors, %llu elements compared, %llu differ\n", (unsigned long long)all->tensors,
         (unsigned long long)all->elements, (unsigned long long)all->different);
  if (all->only_left + all->only_right > 0)
    printf("%llu tensors only on the left, %llu only on the right\n",
           (unsigned long long)all->only_left, (unsigned long long)all->only_right);
  if (all->rows_left + all->rows_right > 0)
    printf("of tensors of both %llu rows only on the left, %llu only on the right\n",
           (unsigned long long)all->rows_left, (unsigned long long)all->rows_right);
  for (int i = 0; i < 2; i++) print_unknown(c, i);
  if (is != PV_INCOMPARABLE) return;
  printf("INCOMPARABLE: %s\n", why);
  for (int i = 0; i < 2; i++) {
    const char *name = i == 0 ? "left:" : "right:";
    if (all->other_model)
      printf("  %-6s SHA-256 %.12s...\n", name, c->source[i].model_sha256);
    else if (!all->other_ids)
      printf("  %-6s %s\n", name, c->source[i].identity);
  }
}

void pv_compare_json_text(const char *name, const char *text) {
  if (text != NULL && text[0] != '\0')
    printf(",\"%s\":\"%s\"", name, text);
  else
    printf(",\"%s\":null", name);
}

static int finish(const compare *c) {
  const pv_trace_comparison *all = &c->all;
  const char *why = NULL;
  const pv_outcome is = judge(c, &why);
  if (!c->table.json) {
    print_summary(c, is, why);
    return pv_outcome_exit(is);
  }
  printf(
      "%s],\"compared\":%llu,\"different\":%llu,\"only_left\":%llu,\"only_right\":%llu,"
      "\"rows_only_left\":%llu,\"rows_only_right\":%llu",
      c->table.rows == 0 ? JSON_HEAD : "", (unsigned long long)all->elements,
      (unsigned long long)all->different, (unsigned long long)all->only_left,
      (unsigned long long)all->only_right, (unsigned long long)all->rows_left,
      (unsigned long long)all->rows_right);
  printf(",\"same_numerics\":%s,\"verdict\":\"%s\"",
         strcmp(c->source[0].identity, c->source[1].identity) == 0 ? "true" : "false",
         pv_outcome_word(is));
  pv_compare_json_text("reason", why);
  if (pv_pair_is_recorded(&c->pair, 0) || pv_pair_is_recorded(&c->pair, 1)) {
    pv_compare_json_text("left_model_sha256", c->source[0].model_sha256);
    pv_compare_json_text("right_model_sha256", c->source[1].model_sha256);
  }
  puts("}");
  return pv_outcome_exit(is);
}

/* In batches of the right side. A left side that computes does that all at once: where the two
 * differ, it is kept in memory whole. */
static pv_code compare_sequence(compare *c, const pv_sequence *s, pv_error *err) {
  const uint64_t before = c->all.different;
  const pv_walk_spec walk = {.plan = c->source[0].plan,
                             .layers = c->source[c->source[1].layers > c->source[0].layers].layers,
                             .ids = s->ids,
                             .count = s->count,
                             .batch = c->batch > 0 ? c->batch : s->count};
  const pv_capture_spec whole = {
      .numerics = c->pair.side[0].who.numerics, .ids = s->ids, .count = s->count};
  pv_source sides[] = {c->source[0], c->source[1]};
  pv_capture *left = NULL;
  pv_code code = PV_OK;
  if (sides[0].forward != NULL && walk.batch < s->count) {
    code = pv_capture_with(sides[0].forward, c->job.model, &whole, &left, err);
    if (code == PV_OK) sides[0] = left->source;
  }
  if (code == PV_OK)
    code = pv_trace_compare(sides, &walk, &c->filter, print_row, &c->table, &c->all, err);
  pv_capture_free(left);
  if (code != PV_OK || c->job.model == NULL) return code;
  if (!c->table.json)
    printf("%zu tokens: %llu differ\n", s->count, (unsigned long long)(c->all.different - before));
  return pv_output_flush(err);
}

/* Two traces need no model: their shapes are what their manifests say. */
static pv_code compare_traces(compare *c, const char *stages, const char *layers, pv_error *err) {
  enum { BATCH = 256 }; /* positions in memory at once */
  const pv_source *a = &c->pair.recorded[0]->source, *b = &c->pair.recorded[1]->source;
  const size_t positions = a->positions > b->positions ? a->positions : b->positions;
  const pv_sequence all = {NULL, positions};
  const uint32_t most = a->layers > b->layers ? a->layers : b->layers;
  const pv_code code = pv_trace_filter_parse(stages, layers, a->plan, most, &c->filter, err);
  c->source[0] = *a;
  c->source[1] = *b;
  c->batch = BATCH;
  return code == PV_OK ? compare_sequence(c, &all, err) : code;
}

static pv_code compare_sides(compare *c, pv_error *err) {
  const size_t longest = c->job.longest;
  pv_code code = PV_OK;
  for (int i = 0; i < 2 && code == PV_OK; i++) {
    const size_t batch = i == 1 && c->batch > 0 && c->batch < longest ? c->batch : longest;
    const pv_backend_config config = {
        .context = longest, .batch = batch, .threads = c->job.threads};
    code =
        pv_walker_open(&c->pair.side[i], c->job.model, &config, &c->opened[i], &c->source[i], err);
    if (code == PV_OK && c->opened[i].forward != NULL)
      c->source[i].model_sha256 = c->pair.of.sha256;
  }
  for (size_t i = 0; i < c->job.sequence_count && code == PV_OK; i++)
    code = compare_sequence(c, &c->job.sequences[i], err);
  return code;
}

static bool any_hashed(const pv_pair *pair) {
  return pv_recorded_hashed(pair->recorded[0]) || pv_recorded_hashed(pair->recorded[1]);
}

static const char summary[] =
    "Compares two sides over the same tokens, tensor by tensor, bit by bit. A side is\n"
    "KIND[:IDENTITY][@FAULT], such as cuda:i16, an engine that is run, llamacpp:, huggingface:\n"
    "or engine:PROGRAM[,key=value...], or trace:DIR, a folder that pv trace wrote;\n"
    "two traces need no model, and are compared by SHA-256 where one lacks numbers.\n"
    "Exit code 0: all bits equal; 1: not; 3: INCOMPARABLE (two functions, or traces of two\n"
    "models or of different token ids), or nothing to compare.";

int pv_probe_compare(int argc, char **argv) {
  compare c = {0};
  pv_call call = PV_CALL_DEFAULTS;
  const char *stages = NULL, *layers = NULL, *batch = NULL;
  const pv_option list[] = {
      {"--model", "FILE", "a GGUF model, unless both sides are traces", &call.model, NULL},
      PV_CALL_TOKENS(call),
      PV_CALL_SEQUENCES(call),
      {"--batch", "N", "positions per batch of the right side (default: all)", &batch, NULL},
      {"--stage", "LIST", "stages, separated by commas (default all)", &stages, NULL},
      {"--layer", "LIST", "layers, separated by commas (default all)", &layers, NULL},
      PV_PAIR_MAP(c.pair),
      PV_CALL_LIMITS(call),
      PV_CALL_ENGINES(call),
      {"--json", NULL, "one JSON object", NULL, &c.table.json},
      {"--different", NULL, "only tensors that differ", NULL, &c.table.brief},
      {0}};
  const char *names[2], *const no_faults[2] = {NULL, NULL};
  pv_options options = {
      .command = "compare",
      .summary = summary,
      .positional = "LEFT RIGHT",
      .examples =
          "  pv compare trace:a trace:b --different\n"
          "  pv compare cpu:i16 cuda:i16 --model M.gguf --random 1,17,512 --different\n"
          "  pv compare cuda0:i16 cuda0+1:i16 --model M.gguf --random 17 --memory 8G\n"
          "  pv compare trace:a cuda:i16 --model M.gguf --stage logits\n"
          "  pv compare trace:a trace:b --map engines/llama.cpp/map.json\n"
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
  if (code == PV_OK) code = pv_pair_parse(names, no_faults, &c.pair, &err);
  const bool traces = pv_pair_is_trace(&c.pair, 0) && pv_pair_is_trace(&c.pair, 1);
  if (code == PV_OK && !traces) code = pv_call_open(&call, pv_call_given(&call), &c.job, &err);
  if (code == PV_OK) code = pv_pair_open(&c.pair, c.job.model, call.model, &err);
  if (code == PV_OK) code = pv_option_u64("--batch", batch, 1, 1u << 20, &c.batch, &err);
  const bool digests = code == PV_OK && traces && any_hashed(&c.pair);
  int found = 0;
  if (digests) {
    code = pv_compare_digests(&c.pair, stages, layers, c.table.json, &found, &err);
  } else if (code == PV_OK && traces) {
    code = compare_traces(&c, stages, layers, &err);
  } else if (code == PV_OK) {
    const pv_model *m = c.job.model;
    code = pv_pair_sequences(&c.pair, &call, 0, &c.job, &err);
    if (code == PV_OK) code = pv_pair_run(&c.pair, &call, &c.job, &err);
    if (code == PV_OK)
      code = pv_trace_filter_parse(stages, layers, m->plan, m->shape.layers, &c.filter, &err);
    if (code == PV_OK) code = compare_sides(&c, &err);
  }
  /* An error may come behind the rows of a sequence. */
  if (code != PV_OK && c.table.json && c.table.rows > 0) puts("]}");
  const int exit_code = code != PV_OK ? pv_call_exit(code, &err) : digests ? found : finish(&c);
  for (int i = 0; i < 2; i++) pv_fault_close(&c.opened[i]);
  pv_pair_close(&c.pair);
  pv_job_close(&c.job);
  return exit_code;
}
