/* pv run: generates text. pv version of the probe. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/output.h"
#include "base/text.h"
#include "runtime/probe/call.h"
#include "runtime/probe/environment.h"
#include "runtime/probe/probe.h"
#include "runtime/sampler/sampler.h"
#include "runtime/tokenizer/tokenizer.h"
#include "screen/progress.h"
#include "screen/screen.h"

typedef struct generation {
  pv_tokenizer *tokenizer;
  pv_sampler *sampler;
  pv_forward *forward;
  float *logits;
  double *exact; /* the arbiter's logits */
  bool ids_only;
  size_t made;
} generation;

static pv_code next_id(generation *g, const pv_model *model, uint32_t *id, pv_error *err) {
  const pv_stage_id row = (pv_stage_id)pv_plan_role(model->plan, PV_ROLE_LOGITS);
  const size_t n = model->shape.vocab;
  if (pv_forward_real_bytes(g->forward) == sizeof(float)) {
    const pv_code code = pv_forward_read(g->forward, row, 0, 1, g->logits, err);
    return code == PV_OK ? pv_sampler_draw(g->sampler, g->logits, id, err) : code;
  }
  const pv_code code = pv_forward_read(g->forward, row, 0, 1, g->exact, err);
  for (size_t i = 0; i < n && code == PV_OK; i++) g->logits[i] = (float)g->exact[i];
  return code == PV_OK ? pv_sampler_draw(g->sampler, g->logits, id, err) : code;
}

static pv_code emit(generation *g, pv_tokenizer_stream *stream, uint32_t id, pv_error *err) {
  if (g->ids_only) {
    printf("%s%u", g->made > 0 ? "," : "", id);
    return pv_output_flush(err);
  }
  pv_text text = PV_TEXT_INIT;
  pv_code code = pv_tokenizer_stream_add(g->tokenizer, stream, id, &text, err);
  if (code == PV_OK) code = pv_output_write(text.data, text.length, err);
  pv_text_free(&text);
  return code;
}

static pv_code generate(generation *g, const pv_job *job, size_t tokens, bool ignore_eos,
                        pv_error *err) {
  pv_tokenizer_stream stream = PV_TOKENIZER_STREAM_INIT;
  uint32_t eos = 0, id = 0;
  const bool has_eos = !ignore_eos && g->tokenizer != NULL && pv_tokenizer_eos(g->tokenizer, &eos);
  pv_code code = pv_forward_run(g->forward, job->ids, job->count, 1, err);
  pv_progress_end(); /* from here on the text itself says how far it is */
  pv_screen_raw();
  while (g->made < tokens && code == PV_OK) {
    code = next_id(g, job->model, &id, err);
    if (code != PV_OK || (has_eos && id == eos)) break;
    code = emit(g, &stream, id, err);
    if (++g->made < tokens && code == PV_OK) code = pv_forward_run(g->forward, &id, 1, 1, err);
  }
  pv_text rest = PV_TEXT_INIT;
  if (code == PV_OK && pv_tokenizer_stream_finish(&stream, &rest, err) == PV_OK && rest.length > 0)
    fwrite(rest.data, 1, rest.length, stdout);
  pv_text_free(&rest);
  putchar('\n');
  return code;
}

int pv_probe_run(int argc, char **argv) {
  pv_call call = PV_CALL_DEFAULTS;
  const char *tokens_text = NULL, *seed = NULL, *temperature = NULL, *top_k = NULL, *top_p = NULL;
  generation g = {0};
  bool ignore_eos = false, help = false;
  const pv_option list[] = {
      PV_CALL_OPTIONS(call),
      PV_CALL_TOKENS(call),
      {"--tokens", "N", "how many tokens to make (default 64)", &tokens_text, NULL},
      {"--temperature", "T", "0 is greedy (default 0)", &temperature, NULL},
      {"--top-k", "K", "keep the K best tokens (default 0: all)", &top_k, NULL},
      {"--top-p", "P", "keep the best tokens of this weight (default 1)", &top_p, NULL},
      {"--seed", "N", "seed of the random draw (default 0)", &seed, NULL},
      {"--print-ids", NULL, "print token ids instead of text", NULL, &g.ids_only},
      {"--ignore-eos", NULL, "do not stop at the end-of-sequence token", NULL, &ignore_eos},
      {0}};
  pv_options options = {
      .command = "run",
      .summary = "Generates text that goes on with TEXT; - reads it from standard input.",
      .positional = "MODEL [TEXT|-]",
      .examples =
          "  pv run models/tiny-coder-moe-Q4_K_M.gguf 'def main():'\n"
          "  printf 'class Stack:' | pv run M.gguf - --tokens 16\n"
          "  pv run M.gguf 'import ' --temperature 0.8 --seed 7\n",
      .list = list,
      .rest_max = 2};
  pv_error err = PV_ERROR_INIT;
  pv_job job = {0};
  pv_fault_side opened = {0};
  uint64_t tokens = 64, k = 0;
  pv_sampler_settings settings = {.temperature = 0.0, .top_p = 1.0};
  pv_code code = pv_call_parse(&call, &options, argc, argv, &help, &err);
  if (code != PV_OK || help) return pv_call_exit(code, &err);
  code = pv_option_u64("--tokens", tokens_text, 1, 1u << 20, &tokens, &err);
  if (code == PV_OK) code = pv_option_u64("--top-k", top_k, 0, UINT32_MAX, &k, &err);
  if (code == PV_OK) code = pv_option_u64("--seed", seed, 0, UINT64_MAX, &settings.seed, &err);
  if (code == PV_OK)
    code = pv_option_real("--temperature", temperature, 0.0, 1000.0, &settings.temperature, &err);
  if (code == PV_OK) code = pv_option_real("--top-p", top_p, 0.0, 1.0, &settings.top_p, &err);
  settings.top_k = (uint32_t)k;
  if (code == PV_OK) code = pv_call_open(&call, true, &job, &err);
  const pv_backend_config config = {
      .context = job.count + tokens, .batch = job.count, .threads = job.threads};
  if (code == PV_OK) code = pv_side_open(&job.side, job.model, &config, &opened, &err);
  g.forward = opened.forward;
  if (code == PV_OK && !g.ids_only) code = pv_tokenizer_open(job.model->gguf, &g.tokenizer, &err);
  if (code == PV_OK) code = pv_sampler_open(&settings, job.model->shape.vocab, &g.sampler, &err);
  if (code == PV_OK) {
    g.logits = calloc(job.model->shape.vocab, sizeof *g.logits);
    g.exact = calloc(job.model->shape.vocab, sizeof *g.exact);
    if (g.logits == NULL || g.exact == NULL)
      code = pv_error_set(&err, PV_ERR_NOMEM, "out of memory for the logits");
  }
  if (code == PV_OK) code = generate(&g, &job, tokens, ignore_eos, &err);
  free(g.logits);
  free(g.exact);
  pv_sampler_close(g.sampler);
  pv_tokenizer_close(g.tokenizer);
  pv_fault_close(&opened);
  pv_job_close(&job);
  return pv_call_exit(code, &err);
}

int pv_probe_version(int argc, char **argv) {
  (void)argc;
  (void)argv;
  pv_error err = PV_ERROR_INIT;
  return pv_call_exit(pv_json_print(pv_environment(0, 0), JSON_INDENT(1) | JSON_SORT_KEYS, &err),
                      &err);
}
