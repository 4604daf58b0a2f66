/* pv reference build: a reference (models/README.md) from the logits that somebody else computed,
 * or of prompts alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "base/json.h"
#include "base/output.h"
#include "base/sha256.h"
#include "base/text.h"
#include "kernels/exact/exact.h"
#include "kernels/quant/quant.h"
#include "runtime/probe/call.h"
#include "runtime/probe/probe.h"
#include "runtime/trace/recorded.h"

enum { TRACES_MAX = 64, NAME_MAX_BYTES = 64, SHORT = 16, MIDDLE = 32, CUT = 512 };

typedef struct build {
  pv_call call;
  const char *out, *name;
  bool cut, json;
  pv_job job;
  pv_reference_prompt prompts[TRACES_MAX];
  char names[TRACES_MAX][NAME_MAX_BYTES + 1]; /* each fits: take_name */
  char
      *engines[TRACES_MAX]; /* who computed, or NULL; owned, as ids, logits, tops and margins are */
  uint32_t *ids[TRACES_MAX], *tops[TRACES_MAX];
  float *logits[TRACES_MAX], *margins[TRACES_MAX];
  size_t moved[TRACES_MAX]; /* positions whose top token is another in binary16 */
  size_t count;
} build;

static void release(build *b) {
  for (size_t i = 0; i < TRACES_MAX; i++) {
    free(b->engines[i]);
    free(b->ids[i]);
    free(b->tops[i]);
    free(b->logits[i]);
    free(b->margins[i]);
  }
  pv_job_close(&b->job);
}

static const char name_letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

/* The last part of a path without its suffix, in the letters that a name may have. */
static void name_of(const char *path, char out[NAME_MAX_BYTES + 1]) {
  size_t end = strlen(path), begin, n = 0;
  while (end > 1 && path[end - 1] == '/') end--;
  for (begin = end; begin > 0 && path[begin - 1] != '/';) begin--;
  static const char suffix[] = ".safetensors";
  const size_t tail = sizeof suffix - 1;
  if (end - begin > tail && strncmp(path + end - tail, suffix, tail) == 0) end -= tail;
  for (; begin < end && n < NAME_MAX_BYTES; begin++)
    out[n++] = strchr(name_letters, path[begin]) != NULL ? path[begin] : '_';
  out[n] = '\0';
}

/* Which of two prompts is meant would not be known. */
static pv_code take_name(build *b, const char *name, pv_error *err) {
  const size_t length = strlen(name);
  if (length == 0 || length > NAME_MAX_BYTES || strspn(name, name_letters) != length)
    return pv_error_refuse(err,
                           "--name NAME gives it one of 1 to 64 letters, digits, '.', '_' and '-'",
                           "'%.80s' is no name of a prompt", name);
  memcpy(b->names[b->count], name, length + 1);
  for (size_t i = 0; i < b->count; i++)
    if (strcmp(b->names[i], b->names[b->count]) == 0)
      return pv_error_refuse(err, "give the traces names that differ",
                             "two prompts would be named '%s'", b->names[i]);
  return PV_OK;
}

static pv_code not_sound(const pv_recorded *r, pv_error *err, size_t position, size_t token,
                         double value) {
  pv_error_set(err, PV_ERR_INPUT, "the logit of token %zu at position %zu is %s", token, position,
               PV_REAL('g', 6, value));
  pv_error_at(err, r->folder, 0, 0, -1);
  pv_error_hint(err, "a reference has finite logits of at most 65504, as binary16 holds");
  return PV_ERR_INPUT;
}

/* One row: the top token and its distance to the second best as they are given, then float32. */
static pv_code take_row(build *b, const pv_recorded *r, size_t p, const double *row,
                        pv_error *err) {
  const size_t at = b->count, vocab = b->job.model->shape.vocab;
  float *out = b->logits[at] + p * vocab;
  size_t half = 0;
  const uint32_t top = (uint32_t)pv_exact.argmax(row, vocab);
  double second = -INFINITY;
  for (size_t i = 0; i < vocab; i++) {
    if (!(fabs(row[i]) <= 65504.0)) return not_sound(r, err, p, i, row[i]);
    out[i] = (float)row[i];
    if (i != top && row[i] > second) second = row[i];
    if (pv_f16_to_f32(pv_f32_to_f16(out[i])) > pv_f16_to_f32(pv_f32_to_f16(out[half]))) half = i;
  }
  b->tops[at][p] = top;
  b->margins[at][p] = vocab > 1 ? (float)(row[top] - second) : 0.0f;
  b->moved[at] += half != top;
  return PV_OK;
}

static pv_code take_logits(build *b, const pv_recorded *r, size_t count, pv_error *err) {
  const pv_source *s = &r->source;
  const size_t at = b->count, vocab = b->job.model->shape.vocab;
  const pv_stage_id stage = pv_model_stage(b->job.model, PV_ROLE_LOGITS);
  uint64_t elements = 0;
  if (!pv_ck_mul(count, vocab, &elements) || elements > PV_REFERENCE_BYTES_MAX / 2)
    return pv_error_set(err, PV_ERR_LIMIT,
                        "%zu positions of %zu logits are more than a reference holds", count,
                        vocab);
  b->tops[at] = calloc(count, sizeof *b->tops[at]);
  b->margins[at] = calloc(count, sizeof *b->margins[at]);
  b->logits[at] = calloc(elements, sizeof *b->logits[at]);
  double *row = calloc(vocab, sizeof *row);
  pv_code code = PV_OK;
  if (b->tops[at] == NULL || b->margins[at] == NULL || b->logits[at] == NULL || row == NULL)
    code = pv_error_nomem(err, "the logits");
  for (size_t p = 0; p < count && code == PV_OK; p++) {
    code = s->read(s, stage, 0, p, 1, row, err);
    /* In place, from the end: a float is no longer than a double. */
    for (size_t i = vocab; code == PV_OK && s->real_bytes == sizeof(float) && i-- > 0;) {
      float value;
      memcpy(&value, (const char *)row + i * sizeof value, sizeof value);
      row[i] = value;
    }
    if (code == PV_OK) code = take_row(b, r, p, row, err);
  }
  free(row);
  return code;
}

static pv_code in_vocabulary(const build *b, const uint32_t *ids, size_t count, pv_error *err) {
  const uint32_t vocab = b->job.model->shape.vocab;
  for (size_t i = 0; i < count; i++)
    if (ids[i] >= vocab)
      return pv_error_set(err, PV_ERR_INPUT, "token %zu is %u, and the model has %u", i, ids[i],
                          vocab);
  return PV_OK;
}

/* The tokens that a trace is of: its own, else those of the call. */
static pv_code take_tokens(build *b, const pv_recorded *r, size_t *count, pv_error *err) {
  const pv_source *s = &r->source;
  const pv_stage_id stage = pv_model_stage(b->job.model, PV_ROLE_LOGITS);
  const uint32_t *ids = r->ids != NULL ? r->ids : b->job.ids;
  const size_t n = r->ids != NULL ? s->positions : b->job.count;
  pv_code code = PV_OK;
  if (ids == NULL)
    code = pv_error_refuse(err, "name them: --ids 1,2,3, or --prompt TEXT",
                           "%s does not say of which tokens it is", r->folder);
  else if (r->ids != NULL && b->job.ids != NULL &&
           (n != b->job.count || memcmp(ids, b->job.ids, n * sizeof *ids) != 0))
    code = pv_error_set(err, PV_ERR_INPUT, "%s is of other tokens than those that are named",
                        r->folder);
  if (code == PV_OK) code = in_vocabulary(b, ids, n, err);
  const pv_span rows = code == PV_OK ? s->span(s, stage, 0) : (pv_span){0, 0};
  if (code == PV_OK && s->width(s, stage, 0) == 0)
    code = pv_error_refuse(err, "a reference is made of the logits at every position",
                           "%s has no logits", r->folder);
  if (code == PV_OK && (rows.from != 0 || rows.until != n))
    code = pv_error_refuse(err, "a reference is made of the logits at every position",
                           "%s has logits of the positions %zu to %zu, of %zu tokens", r->folder,
                           rows.from, rows.until - 1, n);
  if (code != PV_OK) return code;
  b->ids[b->count] = calloc(n, sizeof *ids);
  if (b->ids[b->count] == NULL) return pv_error_nomem(err, "the tokens");
  memcpy(b->ids[b->count], ids, n * sizeof *ids);
  *count = n;
  return PV_OK;
}

static pv_code take_trace(build *b, const char *word, pv_recorded_model *of, pv_error *err) {
  static const char kind[] = "trace:";
  const bool said = strncmp(word, kind, sizeof kind - 1) == 0;
  const char *path = said ? word + sizeof kind - 1 : word;
  char name[NAME_MAX_BYTES + 1];
  pv_recorded *r = NULL;
  size_t count = 0;
  name_of(path, name);
  pv_code code = take_name(b, b->name != NULL ? b->name : name, err);
  if (code == PV_OK) code = pv_recorded_open(path, of, &r, err);
  if (code == PV_OK) code = take_tokens(b, r, &count, err);
  if (code == PV_OK) code = take_logits(b, r, count, err);
  if (code == PV_OK && r->about != NULL) {
    b->engines[b->count] = strdup(r->about);
    if (b->engines[b->count] == NULL) code = pv_error_nomem(err, "the name of an engine");
  }
  pv_recorded_close(r);
  if (code != PV_OK) return code;
  b->prompts[b->count] = (pv_reference_prompt){.name = b->names[b->count],
                                               .text = b->call.prompt != NULL ? b->call.prompt : "",
                                               .ids = b->ids[b->count],
                                               .count = count,
                                               .vocab = b->job.model->shape.vocab,
                                               .logits = b->logits[b->count],
                                               .top = b->tops[b->count],
                                               .top_margin = b->margins[b->count]};
  b->count++;
  return PV_OK;
}

/* Prompts alone: the tokens, and their beginnings for checks that look at short prompts only. */
static pv_code take_prompts(build *b, pv_error *err) {
  const char *name = b->name != NULL ? b->name : "given";
  const size_t context = b->job.model->shape.context;
  const size_t most = b->cut && context > CUT ? CUT : context;
  const size_t all = b->job.count > most ? most : b->job.count;
  const size_t lengths[] = {SHORT, MIDDLE, all};
  if (b->job.count > most && !b->cut)
    return pv_error_refuse(err, "take fewer, or --cut",
                           "%zu tokens do not fit into the model's context of %zu", b->job.count,
                           context);
  pv_code code = in_vocabulary(b, b->job.ids, b->job.count, err);
  if (b->job.count > most)
    fprintf(stderr, "note: the text has %zu tokens: the first %zu are taken\n", b->job.count, most);
  for (size_t i = 0; i < 3 && code == PV_OK; i++) {
    char part[NAME_MAX_BYTES + 16];
    if (i < 2 && lengths[i] >= all) continue;
    snprintf(part, sizeof part, i < 2 ? "%s-%zu" : "%s", name, lengths[i]);
    code = take_name(b, part, err);
    if (code != PV_OK) break;
    b->prompts[b->count] = (pv_reference_prompt){.name = b->names[b->count],
                                                 .text = "",
                                                 .ids = b->job.ids,
                                                 .count = lengths[i],
                                                 .vocab = b->job.model->shape.vocab};
    b->count++;
  }
  return code;
}

static json_t *prompt_json(const build *b, size_t i) {
  const pv_reference_prompt *p = &b->prompts[i];
  float least = INFINITY;
  for (size_t k = 0; p->logits != NULL && k < p->count; k++)
    if (p->top_margin[k] < least) least = p->top_margin[k];
  json_t *out = json_pack("{s:s, s:I, s:b, s:o}", "name", p->name, "tokens", (json_int_t)p->count,
                          "logits", p->logits != NULL, "computed_by",
                          b->engines[i] != NULL ? pv_json_string(b->engines[i]) : json_null());
  if (p->logits == NULL) return out;
  pv_json_set(&out, "smallest_margin", pv_json_number(least));
  pv_json_set(&out, "top_tokens_moved_by_binary16", json_integer((json_int_t)b->moved[i]));
  return out;
}

static pv_code print_json(const build *b, const char *digest, pv_error *err) {
  json_t *list = json_array();
  for (size_t i = 0; i < b->count; i++) pv_json_append(&list, prompt_json(b, i));
  json_t *root = json_pack("{s:s, s:o, s:s, s:I, s:o}", "schema", "pv/reference-build/v1", "path",
                           pv_json_string(b->out), "sha256", digest, "vocabulary",
                           (json_int_t)b->job.model->shape.vocab, "prompts", list);
  return pv_json_print(root, JSON_INDENT(1), err);
}

static pv_code print_text(const build *b, const char *digest, pv_error *err) {
  pv_text text = PV_TEXT_INIT;
  pv_text_escape(&text, b->out, strlen(b->out));
  pv_text_printf(&text, "\n  sha256 %s\n", digest);
  for (size_t i = 0; i < b->count; i++) {
    const pv_reference_prompt *p = &b->prompts[i];
    pv_text_printf(&text, "  %s: %zu tokens, %s", p->name, p->count,
                   p->logits != NULL ? "with logits" : "no logits");
    if (b->engines[i] != NULL) {
      pv_text_puts(&text, " of ");
      pv_text_escape(&text, b->engines[i], strlen(b->engines[i]));
    }
    if (b->moved[i] > 0)
      pv_text_printf(&text, "; binary16 would move %zu top tokens, which are kept as they were",
                     b->moved[i]);
    pv_text_puts(&text, "\n");
  }
  const pv_code code = text.failed ? pv_error_nomem(err, "the answer")
                                   : pv_output_write(text.data, text.length, err);
  pv_text_free(&text);
  return code;
}

/* `traces`: none for prompts alone. */
static pv_code carry_out(build *b, const char *const *traces, size_t count, pv_error *err) {
  const bool given = pv_call_given(&b->call);
  char digest[PV_SHA256_HEX];
  pv_recorded_model of = {.path = b->call.model};
  if (b->out == NULL)
    return pv_error_refuse(err, "--out M.reference, beside M-Q4_K_M.gguf",
                           "name the file with --out");
  if (count == 0 && !given)
    return pv_error_refuse(err, "name traces, or tokens: --prompt, --ids or --text",
                           "there is nothing to make a reference of");
  if (count > 1 && (given || b->name != NULL))
    return pv_error_set(err, PV_ERR_INPUT, "tokens and --name are those of one trace");
  if (count > 0 && b->cut) return pv_error_set(err, PV_ERR_INPUT, "--cut is for prompts alone");
  pv_code code = pv_call_open(&b->call, given, &b->job, err);
  of.model = b->job.model;
  for (size_t i = 0; code == PV_OK && i < count; i++) code = take_trace(b, traces[i], &of, err);
  if (code == PV_OK && count == 0) code = take_prompts(b, err);
  if (code == PV_OK)
    code = pv_reference_write(b->out, b->job.model->shape.vocab, b->prompts, b->count, err);
  if (code == PV_OK) code = pv_sha256_file(b->out, digest, err);
  if (code != PV_OK) return code;
  return b->json ? print_json(b, digest, err) : print_text(b, digest, err);
}

int pv_probe_reference(int argc, char **argv) {
  static build b;
  const char *words[TRACES_MAX + 1];
  b = (build){.call = PV_CALL_DEFAULTS};
  const pv_option list[] = {
      {"--model", "FILE", "the model that it is for", &b.call.model, NULL},
      PV_CALL_TOKENS(b.call),
      {"--out", "FILE", "the reference; beside M-Q4_K_M.gguf M.reference is found", &b.out, NULL},
      {"--name", "NAME", "of the prompt (default: the trace's file, or given)", &b.name, NULL},
      {"--cut", NULL, "of a longer text take the first 512 tokens", NULL, &b.cut},
      {"--json", NULL, "one JSON object", NULL, &b.json},
      {0}};
  pv_options options = {
      .command = "reference",
      .summary =
          "reference build: writes a reference, known outputs that `pv validate` compares a model\n"
          "with, from the logits of traces (docs/trace-format.md): folders, or safetensors files\n"
          "with `logits` of every position and the token ids in the metadata `ids`. Without a "
          "trace\n"
          "it holds prompts alone.",
      .positional = "build [TRACE...]",
      .examples =
          "  pv reference build trace-a --model models/tiny-coder-moe-Q4_K_M.gguf --out "
          "my.reference\n"
          "  pv reference build --model models/tiny-coder-moe-Q4_K_M.gguf --prompt 'def f():' "
          "--out p.reference\n"
          "  pv validate --model models/tiny-coder-moe-Q4_K_M.gguf --reference my.reference\n",
      .list = list,
      .rest = words,
      .rest_max = TRACES_MAX + 1};
  pv_error err = PV_ERROR_INIT;
  bool help = false;
  pv_code code = pv_options_parse(&options, argc, argv, &help, &err);
  if (code == PV_OK && !help && (options.rest_count == 0 || strcmp(words[0], "build") != 0))
    code =
        pv_error_refuse(&err, "write: pv reference build ...", "pv reference has one verb, build");
  if (code == PV_OK && !help) code = carry_out(&b, words + 1, options.rest_count - 1, &err);
  release(&b);
  return pv_call_exit(code, &err);
}
