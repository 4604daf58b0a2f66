#include "runtime/probe/call.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/tokenizer/tokenizer.h"
#include "screen/progress.h"

pv_code pv_call_parse(pv_call *call, pv_options *options, int argc, char **argv, bool *help,
                      pv_error *err) {
  options->rest = call->words;
  pv_code code = pv_options_parse(options, argc, argv, help, err);
  if (code != PV_OK || *help) return code;
  const char *const *word = call->words, *const *end = word + options->rest_count;
  if (call->model == NULL && word < end) call->model = *word++;
  if (word < end && options->rest_max == 2) {
    if (pv_call_given(call))
      return pv_error_refuse(err, "give one prompt: as an argument, or with an option",
                             "'%.200s' is a prompt beside another one", *word);
    *(strcmp(*word, "-") == 0 ? &call->text : &call->prompt) = *word;
    word++;
  }
  if (word == end) return PV_OK;
  return pv_error_refuse(err, "name it once", "the model is named twice: '%.150s' and '%.150s'",
                         call->model, *word);
}

pv_code pv_call_read(const char *path, pv_bytes *out, pv_error *err) {
  pv_text text = PV_TEXT_INIT;
  char part[1 << 12];
  if (strcmp(path, "-") != 0) return pv_file_read(path, PV_TOKENIZER_MAX_TEXT, out, err);
  pv_progress_end(); /* somebody may be typing */
  for (size_t n; (n = fread(part, 1, sizeof part, stdin)) > 0;) {
    pv_text_add(&text, part, n);
    if (!text.failed && text.length <= PV_TOKENIZER_MAX_TEXT) continue;
    const bool failed = text.failed;
    pv_text_free(&text);
    return failed ? pv_error_nomem(err, "standard input")
                  : pv_error_set(err, PV_ERR_LIMIT, "standard input has more than %u bytes",
                                 (unsigned)PV_TOKENIZER_MAX_TEXT);
  }
  if (ferror(stdin)) {
    pv_text_free(&text);
    return pv_error_set(err, PV_ERR_IO, "cannot read standard input");
  }
  if (text.data == NULL) pv_text_add(&text, "", 0);
  if (text.data == NULL) return pv_error_nomem(err, "standard input");
  *out = (pv_bytes){(unsigned char *)text.data, text.length};
  return PV_OK;
}

static pv_code encode(const pv_call *call, pv_job *job, pv_error *err) {
  pv_tokenizer *tokenizer = NULL;
  pv_bytes file = {0};
  const char *text = call->prompt;
  pv_code code = pv_tokenizer_open(job->model->gguf, &tokenizer, err);
  if (code == PV_ERR_UNSUPPORTED) pv_error_hint(err, "name the tokens themselves: --ids 1,2,3");
  if (code == PV_OK && call->text != NULL) {
    code = pv_call_read(call->text, &file, err);
    text = (const char *)file.data;
  }
  if (code == PV_OK)
    code = pv_tokenizer_prompt(tokenizer, text, call->text != NULL ? file.length : strlen(text),
                               !call->plain, &job->ids, &job->count, err);
  if (code == PV_ERR_INPUT && file.data != NULL) pv_error_at(err, call->text, 0, 0, -1);
  pv_bytes_free(&file);
  pv_tokenizer_close(tokenizer);
  return code;
}

bool pv_call_given(const pv_call *call) {
  return call->ids != NULL || call->prompt != NULL || call->text != NULL;
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
  if (fault != NULL && side.kind->backend == NULL)
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
  uint64_t threads = 0, memory = 0;
  *out = (pv_job){0};
  if (call->model == NULL) {
    pv_error_set(err, PV_ERR_INPUT, "no model was named");
    pv_error_hint(err, "add --model FILE, for example models/tiny-coder-moe-Q4_K_M.gguf");
    return PV_ERR_INPUT;
  }
  const int ways = (call->ids != NULL) + (call->prompt != NULL) + (call->text != NULL);
  if (tokens && ways != 1)
    return pv_error_set(err, PV_ERR_INPUT, "give one of --ids, --prompt and --text");
  if (call->plain && call->prompt == NULL && call->text == NULL)
    return pv_error_set(err, PV_ERR_INPUT, "--plain-text needs --prompt TEXT or --text FILE");
  pv_code code = pv_option_u64("--threads", call->threads, 0, 256, &threads, err);
  if (code == PV_OK) code = pv_option_bytes("--memory", call->memory, &memory, err);
  if (code == PV_OK) code = choose_side(call, &out->side, err);
  if (code != PV_OK) return code;
  out->threads = (unsigned)threads;
  code = pv_model_open(call->model, &out->model, err);
  if (code == PV_OK) {
    out->model->memory = memory;
    say_names(out->model);
  }
  if (code == PV_OK && call->ids != NULL)
    code = pv_option_ids("--ids", call->ids, &out->ids, &out->count, err);
  if (code == PV_OK && (call->prompt != NULL || call->text != NULL)) code = encode(call, out, err);
  if (code == PV_OK && tokens && out->count == 0)
    code = pv_error_set(err, PV_ERR_INPUT, "the prompt has no tokens");
  if (code != PV_OK) pv_job_close(out);
  return code;
}

static void add_sequence(pv_job *job, pv_sequence sequence) {
  job->sequences[job->sequence_count++] = sequence;
  if (sequence.count > job->longest) job->longest = sequence.count;
}

static pv_code make_room(pv_job *job, size_t sequences, pv_error *err) {
  job->sequences = calloc(sequences + 1, sizeof *job->sequences);
  return job->sequences != NULL ? PV_OK
                                : pv_error_set(err, PV_ERR_NOMEM, "out of memory for sequences");
}

static pv_code take_random(uint64_t seed, const uint32_t *lengths, size_t count, pv_job *job,
                           pv_error *err) {
  uint64_t all = 0;
  pv_code code = PV_OK;
  for (size_t i = 0; i < count && code == PV_OK; all += lengths[i++])
    if (lengths[i] == 0) code = pv_error_set(err, PV_ERR_INPUT, "--random: a length of 0");
  if (code == PV_OK) code = make_room(job, count, err);
  if (code != PV_OK) return code;
  job->ids = calloc(all, sizeof *job->ids);
  if (job->ids == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for token ids");
  for (size_t i = 0; i < count; i++) {
    uint32_t *ids = job->ids + job->count;
    pv_reference_random_ids(&seed, job->model->shape.vocab, ids, lengths[i]);
    add_sequence(job, (pv_sequence){ids, lengths[i]});
    job->count += lengths[i];
  }
  return PV_OK;
}

/* All prompts of the reference or, without one, of the built-in ones; or the one that is named. */
static pv_code take_prompts(const pv_call *call, pv_job *job, pv_error *err) {
  const pv_shape *s = &job->model->shape;
  pv_code code = call->reference != NULL
                     ? pv_reference_open(call->reference, &job->reference, err)
                     : pv_reference_builtin(s->vocab, s->context, &job->reference, err);
  const size_t count = code == PV_OK ? pv_reference_prompt_count(job->reference) : 0;
  if (code == PV_OK) code = make_room(job, count, err);
  for (size_t i = 0; i < count && code == PV_OK; i++) {
    const pv_reference_prompt *p = pv_reference_prompt_at(job->reference, i);
    if (call->named != NULL && strcmp(p->name, call->named) != 0) continue;
    if (p->vocab != s->vocab)
      code = pv_error_set(err, PV_ERR_INPUT, "the reference is of another model: %u tokens, not %u",
                          p->vocab, s->vocab);
    else
      add_sequence(job, (pv_sequence){p->ids, p->count});
  }
  if (code != PV_OK || job->sequence_count > 0) return code;
  pv_error_set(err, PV_ERR_INPUT, "%s has no prompt '%s'",
               call->reference != NULL ? "the reference" : "this model",
               call->named != NULL ? call->named : "");
  if (call->reference == NULL)
    pv_error_hint(err, "--reference FILE names a reference; built in is %s, for example",
                  pv_reference_prompt_at(job->reference, count - 1)->name);
  return PV_ERR_INPUT;
}

pv_code pv_call_sequences(const pv_call *call, pv_sequence otherwise, pv_job *job, pv_error *err) {
  const bool prompts = call->reference != NULL || call->named != NULL;
  const int ways = (job->ids != NULL) + (call->random != NULL) + prompts;
  const uint32_t length = (uint32_t)otherwise.count;
  uint32_t *lengths = NULL;
  uint64_t seed = 1;
  size_t count = 0;
  pv_code code = pv_option_u64("--seed", call->seed, 0, UINT64_MAX, &seed, err);
  if (code != PV_OK) return code;
  if (ways > 1 || (ways == 0 && otherwise.count == 0))
    return pv_error_set(err, PV_ERR_INPUT,
                        "give one of --ids, --prompt, --text, --random and --reference");
  if (prompts) return take_prompts(call, job, err);
  if (ways == 0 && otherwise.ids == NULL) return take_random(seed, &length, 1, job, err);
  if (call->random == NULL) {
    const pv_sequence given = {job->ids, job->count};
    code = make_room(job, 1, err);
    if (code == PV_OK) add_sequence(job, job->ids != NULL ? given : otherwise);
    return code;
  }
  code = pv_option_ids("--random", call->random, &lengths, &count, err);
  if (code == PV_OK) code = take_random(seed, lengths, count, job, err);
  free(lengths);
  return code;
}

pv_code pv_call_engine(const pv_call *call, const pv_side *side, const pv_sequence *tokens,
                       pv_engine_spec *out, pv_error *err) {
  double timeout_s = 600.0;
  const pv_code code =
      pv_option_real("--engine-timeout", call->engine_timeout, 0.1, 1e6, &timeout_s, err);
  if (code == PV_OK)
    *out = (pv_engine_spec){side, call->model, tokens->ids, tokens->count, timeout_s};
  return code;
}

void pv_call_progress(void *unused, size_t done, size_t total) {
  (void)unused;
  pv_progress_part(done, total);
}

void pv_job_close(pv_job *job) {
  pv_model_close(job->model);
  pv_reference_close(job->reference);
  free(job->sequences);
  free(job->ids);
  *job = (pv_job){0};
}

int pv_call_exit(pv_code code, const pv_error *err) {
  if (code != PV_OK) pv_error_print(err, stderr);
  return pv_code_exit(code);
}
