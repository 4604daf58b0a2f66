#include "runtime/probe/sides.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/tokenizer/tokenizer.h"

static pv_code encode(const pv_side *side, pv_job *job, pv_error *err) {
  pv_tokenizer *tokenizer = NULL;
  pv_code code = pv_tokenizer_open(job->model->gguf, &tokenizer, err);
  if (code == PV_OK)
    code = pv_tokenizer_prompt(tokenizer, side->prompt, strlen(side->prompt), !side->plain,
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

pv_code pv_side_open(const pv_side *side, bool tokens, pv_job *out, pv_error *err) {
  const int numerics = pv_numerics_find(side->numerics);
  uint64_t threads = 0;
  *out = (pv_job){0};
  if (side->model == NULL) {
    pv_error_set(err, PV_ERR_INPUT, "no model was named");
    pv_error_hint(err, "add --model FILE, for example models/tiny-coder-moe-Q4_K_M.gguf");
    return PV_ERR_INPUT;
  }
  if (numerics < 0) {
    pv_error_set(err, PV_ERR_INPUT, "there is no numerics identity '%s'", side->numerics);
    pv_error_hint(err, "the identities are i16, f32-f64acc, f64 and i8");
    return PV_ERR_INPUT;
  }
  if (tokens && (side->ids == NULL) == (side->prompt == NULL))
    return pv_error_set(err, PV_ERR_INPUT, "give either --ids or --prompt");
  if (side->plain && side->prompt == NULL)
    return pv_error_set(err, PV_ERR_INPUT, "--plain-text needs --prompt TEXT");
  pv_code code = pv_option_u64("--threads", side->threads, 0, 256, &threads, err);
  if (code != PV_OK) return code;
  out->numerics = (pv_numerics)numerics;
  out->threads = (unsigned)threads;
  code = pv_model_open(side->model, &out->model, err);
  if (code == PV_OK) say_names(out->model);
  if (code == PV_OK && side->ids != NULL)
    code = pv_option_ids("--ids", side->ids, &out->ids, &out->count, err);
  if (code == PV_OK && side->prompt != NULL) code = encode(side, out, err);
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

pv_code pv_side_parse(const char *text, char backend[16], pv_numerics *numerics, pv_error *err) {
  const char *colon = strchr(text, ':');
  const int found = colon != NULL ? pv_numerics_find(colon + 1) : -1;
  if (found >= 0 && colon - text < 16) {
    snprintf(backend, 16, "%.*s", (int)(colon - text), text);
    *numerics = (pv_numerics)found;
    return PV_OK;
  }
  pv_error_set(err, PV_ERR_INPUT, "'%s' is no side", text);
  pv_error_hint(err, "a side is a backend and a numerics identity, for example cuda:i16");
  return PV_ERR_INPUT;
}

int pv_side_exit(pv_code code, const pv_error *err) {
  if (code != PV_OK) pv_error_print(err, stderr);
  return pv_code_exit(code);
}

bool pv_side_terminal(void) {
  return isatty(STDERR_FILENO) == 1;
}
