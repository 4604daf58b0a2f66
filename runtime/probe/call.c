#include "runtime/probe/call.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/tokenizer/tokenizer.h"

static pv_code encode(const pv_call *call, pv_job *job, pv_error *err) {
  pv_tokenizer *tokenizer = NULL;
  pv_code code = pv_tokenizer_open(job->model->gguf, &tokenizer, err);
  if (code == PV_OK)
    code = pv_tokenizer_prompt(tokenizer, call->prompt, strlen(call->prompt), !call->plain,
                               &job->ids, &job->count, err);
  pv_tokenizer_close(tokenizer);
  return code;
}

/* Weights are padded to round numbers, vocabularies are not: such a model runs, but its last ids
 * are no text. Said on opening, not when one of them is drawn. */
static void say_names(const pv_model *model) {
  if (model->names == 0 || model->names == model->shape.vocab) return;
  fprintf(stderr, "note: the tokenizer names %llu of %u tokens: ids from %llu on have no text\n",
          (unsigned long long)model->names, (unsigned)model->shape.vocab,
          (unsigned long long)model->names);
}

static void say_old(const char *what, const pv_side *side) {
  pv_text now = PV_TEXT_INIT;
  pv_side_text(side, &now);
  if (!now.failed)
    fprintf(stderr, "note: %s is the old way to name a side, read for one version more; say %s\n",
            what, now.data);
  pv_text_free(&now);
}

pv_code pv_call_side(const char *text, const char *fault, bool old, pv_side *out, pv_error *err) {
  pv_side side;
  bool before = false;
  pv_code code = pv_side_parse(text, &side, &before, err);
  if (code != PV_OK) return code;
  if (fault != NULL && side.folder != NULL)
    return pv_error_set(err, PV_ERR_INPUT, "a fault cannot be planted in a trace");
  if (fault != NULL && side.planted.fault != NULL)
    return pv_error_set(err, PV_ERR_INPUT, "'%.200s' names a fault already", text);
  if (fault != NULL) code = pv_fault_parse(fault, &side.planted, err);
  if (code != PV_OK) return code;
  if (old || fault != NULL)
    say_old("an option of its own", &side);
  else if (before)
    say_old(text, &side);
  *out = side;
  return PV_OK;
}

/* --side, or what it was before: --backend, --numerics and --path. */
static pv_code choose_side(const pv_call *call, pv_side *out, pv_error *err) {
  char text[128];
  const char *kind = call->path != NULL ? call->path : call->backend;
  const bool old = kind != NULL || call->numerics != NULL;
  if (call->side != NULL && old)
    return pv_error_set(err, PV_ERR_INPUT, "--side says what --backend, --numerics and --path do");
  if (call->path != NULL && call->backend != NULL && strcmp(call->backend, "cpu") != 0)
    return pv_error_set(err, PV_ERR_INPUT, "--path is one of the CPU");
  snprintf(text, sizeof text, "%s:%s", kind != NULL ? kind : "cpu",
           call->numerics != NULL ? call->numerics : "i16");
  return pv_call_side(call->side != NULL ? call->side : text, NULL, old, out, err);
}

pv_code pv_call_open(const pv_call *call, bool tokens, pv_job *out, pv_error *err) {
  uint64_t threads = 0;
  *out = (pv_job){0};
  if (call->model == NULL) {
    pv_error_set(err, PV_ERR_INPUT, "no model was named");
    pv_error_hint(err, "add --model FILE, for example models/tiny-coder-moe-Q4_K_M.gguf");
    return PV_ERR_INPUT;
  }
  if (tokens && (call->ids == NULL) == (call->prompt == NULL))
    return pv_error_set(err, PV_ERR_INPUT, "give either --ids or --prompt");
  if (call->plain && call->prompt == NULL)
    return pv_error_set(err, PV_ERR_INPUT, "--plain-text needs --prompt TEXT");
  pv_code code = pv_option_u64("--threads", call->threads, 0, 256, &threads, err);
  if (code == PV_OK) code = choose_side(call, &out->side, err);
  if (code != PV_OK) return code;
  out->threads = (unsigned)threads;
  code = pv_model_open(call->model, &out->model, err);
  if (code == PV_OK) say_names(out->model);
  if (code == PV_OK && call->ids != NULL)
    code = pv_option_ids("--ids", call->ids, &out->ids, &out->count, err);
  if (code == PV_OK && call->prompt != NULL) code = encode(call, out, err);
  if (code == PV_OK && tokens && out->count == 0)
    code = pv_error_set(err, PV_ERR_INPUT, "the prompt has no tokens");
  if (code != PV_OK) pv_job_close(out);
  return code;
}

void pv_job_close(pv_job *job) {
  pv_model_close(job->model);
  free(job->ids);
  *job = (pv_job){0};
}

int pv_call_exit(pv_code code, const pv_error *err) {
  if (code != PV_OK) pv_error_print(err, stderr);
  return pv_code_exit(code);
}

bool pv_call_terminal(void) {
  return isatty(STDERR_FILENO) == 1;
}
