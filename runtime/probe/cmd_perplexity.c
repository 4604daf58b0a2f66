/* pv perplexity: how well a side predicts a text, and what a quantisation, an engine or an identity
 * costs beside another. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "runtime/probe/call.h"
#include "runtime/probe/perplexity_report.h"
#include "runtime/probe/probe.h"
#include "runtime/tokenizer/tokenizer.h"

typedef struct call {
  pv_call given;
  const char *text, *against, *against_model, *against_logits, *context, *chunks, *save, *map_path;
  bool json;
  pv_job job;
  pv_model *other; /* of --against-model */
  pv_trace_map *map;
  pv_base_logits file;
  pv_recorded_model of[2];
  pv_recorded *recorded[2];
  pv_text names[2];
  pv_perplexity_side sides[2];
  uint32_t *text_ids;
  uint32_t bos;
  pv_perplexity_spec spec;
  pv_base_writer *writer;
} call;

static pv_code check_call(const call *c, pv_error *err) {
  if (c->given.model == NULL)
    return pv_error_refuse(err, "for example models/tiny-coder-moe-Q4_K_M.gguf", "name the model");
  if (c->against_logits != NULL && (c->against != NULL || c->against_model != NULL))
    return pv_error_set(err, PV_ERR_INPUT,
                        "--against-logits takes the place of --against and --against-model");
  if (c->against_logits != NULL && (c->text != NULL || c->given.ids != NULL || c->context != NULL))
    return pv_error_refuse(err, "leave out --text, --ids and --context",
                           "a file of logits says itself which tokens it is of");
  if (c->text != NULL && c->given.ids != NULL)
    return pv_error_set(err, PV_ERR_INPUT, "give either --text or --ids");
  return PV_OK;
}

/* A side over a model; a trace is opened. */
static pv_code open_side(call *c, int i, const pv_side *who, const pv_model *model,
                         const char *path, pv_error *err) {
  pv_perplexity_side *side = &c->sides[i];
  pv_code code = PV_OK;
  c->of[i] = (pv_recorded_model){.model = model, .path = path, .map = c->map};
  *side = (pv_perplexity_side){.walker = {.who = *who}, .of = &c->of[i]};
  pv_side_text(who, &c->names[i]);
  if (c->names[i].failed) return pv_error_nomem(err, "a side's name");
  side->walker.name = c->names[i].data;
  if (who->folder != NULL) code = pv_recorded_open(who->folder, &c->of[i], &c->recorded[i], err);
  side->walker.recorded = c->recorded[i];
  return code;
}

static pv_code open_sides(call *c, pv_error *err) {
  pv_side against = c->job.side;
  const char *path = c->against_model != NULL ? c->against_model : c->given.model;
  pv_code code = PV_OK;
  c->spec.side_count = 1;
  if (c->map_path != NULL) code = pv_trace_map_open(c->map_path, &c->map, err);
  if (code == PV_OK) code = open_side(c, 0, &c->job.side, c->job.model, c->given.model, err);
  if (code == PV_OK && c->against != NULL)
    code = pv_call_side(c->against, NULL, false, &against, err);
  if (code == PV_OK && c->against_model != NULL)
    code = pv_model_open(c->against_model, &c->other, err);
  if (code == PV_OK && c->other != NULL) c->other->memory = c->job.model->memory;
  if (code != PV_OK) return code;
  if (c->against != NULL || c->against_model != NULL) {
    c->spec.side_count = 2;
    return open_side(c, 1, &against, c->other != NULL ? c->other : c->job.model, path, err);
  }
  if (c->against_logits == NULL) return PV_OK;
  c->spec.side_count = 2;
  code = pv_base_logits_open(c->against_logits, &c->file, err);
  c->sides[1] = (pv_perplexity_side){.file = &c->file};
  return code;
}

/* One line end at the end of a file is none of the text. */
static pv_code encode(const pv_model *model, const pv_bytes *text, uint32_t **ids, size_t *count,
                      pv_error *err) {
  const size_t n = text->length;
  pv_tokenizer *tokenizer = NULL;
  pv_code code = pv_tokenizer_open(model->gguf, &tokenizer, err);
  if (code == PV_OK)
    code =
        pv_tokenizer_prompt(tokenizer, (const char *)text->data,
                            n > 0 && text->data[n - 1] == '\n' ? n - 1 : n, false, ids, count, err);
  pv_tokenizer_close(tokenizer);
  return code;
}

/* Of two models both must read the text alike: a token of one is no token of the other. */
static pv_code read_text(call *c, size_t *count, pv_error *err) {
  pv_bytes text = {0};
  uint32_t *ids = NULL;
  size_t other = 0;
  pv_code code = pv_call_read(c->text, &text, err);
  if (code != PV_OK) return code;
  code = encode(c->job.model, &text, &c->text_ids, count, err);
  if (code == PV_ERR_INPUT && err != NULL && err->file[0] == '\0')
    pv_error_at(err, c->text, 0, 0, err->byte);
  if (code == PV_OK && c->other != NULL) code = encode(c->other, &text, &ids, &other, err);
  if (code == PV_OK && c->other != NULL &&
      (*count != other || memcmp(ids, c->text_ids, other * sizeof *ids) != 0))
    code = pv_error_set(err, PV_ERR_INPUT, "the two models read '%.200s' as different tokens",
                        c->text);
  free(ids);
  pv_bytes_free(&text);
  return code;
}

/* Whether the model wants bos in front. Without the key that depends on the tokenizer. */
static pv_code find_bos(call *c, pv_error *err) {
  static const char key[] = "tokenizer.ggml.add_bos_token";
  const pv_gguf *gguf = c->job.model->gguf;
  uint64_t id = 0;
  bool wanted = false;
  pv_tokenizer *tokenizer = NULL;
  pv_code code = PV_OK;
  if (pv_gguf_find(gguf, key) == NULL) {
    code = pv_tokenizer_open(c->job.model->gguf, &tokenizer, err);
    wanted = code == PV_OK && pv_tokenizer_adds_bos(tokenizer);
    pv_tokenizer_close(tokenizer);
  } else {
    code = pv_gguf_get_bool(gguf, key, &wanted, err);
  }
  if (code != PV_OK || !wanted) return code;
  code = pv_gguf_get_u64(gguf, "tokenizer.ggml.bos_token_id", &id, err);
  if (code == PV_OK && id >= c->job.model->shape.vocab)
    code = pv_error_set(err, PV_ERR_INPUT, "bos is token %llu of %u", (unsigned long long)id,
                        (unsigned)c->job.model->shape.vocab);
  if (code != PV_OK) return code;
  c->bos = (uint32_t)id;
  c->spec.bos = &c->bos;
  return PV_OK;
}

static const pv_source *traced(const call *c) {
  for (int i = 0; i < 2; i++)
    if (c->recorded[i] != NULL) return &c->recorded[i]->source;
  return NULL;
}

/* Which tokens: of the text, of --ids, of the file of logits, or of a trace. Ids that were given
 * are what the model sees, and no bos takes the place of one. */
static pv_code find_tokens(call *c, size_t *count, pv_error *err) {
  pv_perplexity_spec *s = &c->spec;
  const pv_source *trace = traced(c);
  pv_code code = PV_OK;
  if (c->text != NULL) {
    code = read_text(c, count, err);
    s->ids = c->text_ids;
  } else if (c->job.ids != NULL) {
    s->ids = c->job.ids;
    *count = c->job.count;
  } else if (c->against_logits != NULL) {
    s->ids = c->file.ids;
    *count = (size_t)c->file.context * c->file.chunks;
  } else if (trace != NULL && trace->ids != NULL) {
    s->ids = trace->ids;
    *count = trace->positions;
  } else {
    pv_error_set(err, PV_ERR_INPUT, "there is nothing to predict");
    pv_error_hint(err, "add --text FILE");
    return PV_ERR_INPUT;
  }
  if (code != PV_OK || (c->text == NULL && c->against_logits == NULL)) return code;
  return find_bos(c, err);
}

static pv_code cut(call *c, size_t count, pv_error *err) {
  const pv_source *trace = traced(c);
  uint64_t context = c->against_logits != NULL ? c->file.context
                     : trace != NULL           ? trace->positions
                                               : 512;
  uint64_t chunks = UINT32_MAX;
  pv_code code = pv_option_u64("--context", c->context, 3, 1u << 24, &context, err);
  if (code == PV_OK) code = pv_option_u64("--chunks", c->chunks, 1, 1u << 24, &chunks, err);
  if (code != PV_OK) return code;
  if (count < context || context < 3) {
    pv_error_set(err, PV_ERR_INPUT, "%zu tokens are no chunk of %llu", count,
                 (unsigned long long)context);
    pv_error_hint(err, "a shorter chunk: --context N, 3 or more");
    return PV_ERR_INPUT;
  }
  c->spec.context = (size_t)context;
  c->spec.chunks = count / c->spec.context;
  if (chunks < c->spec.chunks) c->spec.chunks = (size_t)chunks;
  return PV_OK;
}

static pv_code prepare(call *c, pv_error *err) {
  pv_perplexity_spec *s = &c->spec;
  size_t count = 0;
  *s = (pv_perplexity_spec){.sides = c->sides,
                            .engine_timeout_s = 600.0,
                            .progress = pv_call_progress,
                            .progress_context = &c->job};
  pv_code code = check_call(c, err);
  if (code == PV_OK)
    code = pv_option_real("--engine-timeout", c->given.engine_timeout, 0.1, 1e6,
                          &s->engine_timeout_s, err);
  if (code == PV_OK) code = pv_call_open(&c->given, false, &c->job, err);
  if (code == PV_OK) code = open_sides(c, err);
  if (code == PV_OK) code = find_tokens(c, &count, err);
  if (code == PV_OK) code = cut(c, count, err);
  s->threads = c->job.threads;
  if (code != PV_OK || c->save == NULL) return code;
  const pv_base_logits head = {.context = (uint32_t)s->context,
                               .vocab = c->job.model->shape.vocab,
                               .chunks = (uint32_t)s->chunks,
                               .ids = (uint32_t *)(uintptr_t)s->ids};
  code = pv_base_writer_open(c->save, &head, &c->writer, err);
  s->save = c->writer;
  return code;
}

static pv_code carry_out(call *c, int *exit_code, pv_error *err) {
  pv_perplexity_result result = {0};
  pv_code code = prepare(c, err);
  if (code == PV_OK) code = pv_perplexity(&c->spec, &result, err);
  if (code == PV_OK && !result.finite) /* a file that lacks rows is none */
    (void)pv_base_writer_close(c->writer, PV_ERR_INPUT, NULL);
  else
    code = pv_base_writer_close(c->writer, code, err);
  if (code != PV_OK) goto cleanup;
  pv_perplexity_report report = {.spec = &c->spec, .result = &result};
  if (result.finite) report.fit = pv_scores_fit(&result.scores);
  if (result.finite && c->spec.side_count > 1) report.cost = pv_scores_cost(&result.scores);
  if (c->json)
    code = pv_perplexity_json(&report, err);
  else
    pv_perplexity_text(&report);
  *exit_code = result.finite ? 0 : 1;
cleanup:
  pv_perplexity_free(&result);
  return code;
}

static void close_call(call *c) {
  for (int i = 0; i < 2; i++) {
    pv_recorded_close(c->recorded[i]);
    pv_text_free(&c->names[i]);
  }
  pv_base_logits_close(&c->file);
  pv_trace_map_close(c->map);
  pv_model_close(c->other);
  free(c->text_ids);
  pv_job_close(&c->job);
}

static const char summary[] =
    "How well a side predicts a text: the mean of -ln p of its tokens, and perplexity. With\n"
    "--against also what it costs beside another side, another model file, or logits that were\n"
    "saved: KL divergence, the same top token, differences of probability. Cut and counted as\n"
    "llama-perplexity does it, so that figures may be compared: docs/perplexity.md.\n"
    "Exit code 0: measured; 1: a logit is no number.";

int pv_probe_perplexity(int argc, char **argv) {
  call c = {.given = PV_CALL_DEFAULTS};
  const pv_option list[] = {
      {"--model", "FILE", "the same as MODEL", &c.given.model, NULL},
      {"--text", "FILE", "the text, in UTF-8; - is standard input", &c.text, NULL},
      {"--ids", "1,2,3", "token ids, instead of --text", &c.given.ids, NULL},
      {"--side", "SIDE", "who predicts: KIND[:IDENTITY][@FAULT] (default cpu:i16)", &c.given.side,
       NULL},
      {"--against", "SIDE", "the base: another side", &c.against, NULL},
      {"--against-model", "FILE", "the base: another model file (its side: --against, or --side)",
       &c.against_model, NULL},
      {"--against-logits", "FILE", "the base: logits as llama-perplexity and --save-logits write",
       &c.against_logits, NULL},
      {"--context", "N", "tokens of a chunk (default 512)", &c.context, NULL},
      {"--chunks", "N", "the first N chunks (default: all)", &c.chunks, NULL},
      {"--save-logits", "FILE", "write the logits, for --against-logits and llama-perplexity",
       &c.save, NULL},
      {"--map", "FILE", "which of an engine's nodes is which stage (engines/NAME/map.json)",
       &c.map_path, NULL},
      PV_CALL_LIMITS(c.given),
      PV_CALL_ENGINES(c.given),
      {"--json", NULL, "one JSON object", NULL, &c.json},
      {0}};
  pv_options options = {
      .command = "perplexity",
      .summary = summary,
      .positional = "MODEL",
      .examples =
          "  pv perplexity models/tiny-coder-moe-Q4_K_M.gguf --text models/README.md\n"
          "  pv perplexity M.gguf --text models/README.md --chunks 1 --against f64\n"
          "  pv perplexity M.gguf --text wiki.txt --against-model M-BF16.gguf\n"
          "  pv perplexity M.gguf --text wiki.txt --side cuda:i16 --against cpu:i8\n"
          "  pv perplexity M.gguf --against-logits base.logits --json\n",
      .list = list,
      .rest_max = 1};
  pv_error err = PV_ERROR_INIT;
  int found = 0;
  bool help = false;
  pv_code code = pv_call_parse(&c.given, &options, argc, argv, &help, &err);
  if (code == PV_OK && help) return 0;
  if (code == PV_OK) code = carry_out(&c, &found, &err);
  const int exit_code = code == PV_OK ? found : pv_call_exit(code, &err);
  close_call(&c);
  return exit_code;
}
