/* pv inspect: what a model file is, and what pv can and can not do with it, on one screen. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/output.h"
#include "runtime/probe/call.h"
#include "runtime/probe/file_json.h"
#include "runtime/probe/inspect.h"
#include "runtime/probe/probe.h"
#include "runtime/tokenizer/tokenizer.h"

enum { ARCHITECTURE_MAX = 64, KEY_ROOM = 160 };

typedef struct subject {
  const char *path;
  pv_gguf *gguf;   /* the model's, when there is one */
  pv_model *model; /* owned; NULL for a file that pv does not compute */
  bool text;       /* it can be given text */
  pv_error why, why_text;
  char architecture[ARCHITECTURE_MAX + 1]; /* "": none that could begin a key */
} subject;

/* The string of a key, null where there is none. */
static json_t *string_json(const pv_gguf *g, const char *key) {
  pv_gguf_string text;
  const bool has = pv_gguf_find(g, key) != NULL && pv_gguf_get_string(g, key, &text, NULL) == PV_OK;
  return has ? pv_json_stringn(text.data, (size_t)text.length) : json_null();
}

static void set_architecture(subject *s) {
  pv_gguf_string text;
  const char *key = "general.architecture";
  if (pv_gguf_find(s->gguf, key) != NULL &&
      pv_gguf_get_string(s->gguf, key, &text, NULL) == PV_OK && text.length <= ARCHITECTURE_MAX)
    snprintf(s->architecture, sizeof s->architecture, "%.*s", (int)text.length, text.data);
}

/* Keys below the architecture's prefix, by the names of this listing; those that are there. */
typedef struct named_key {
  const char *name, *key;
} named_key;

static json_t *keys_json(const subject *s, const named_key *keys) {
  json_t *out = json_object();
  char name[KEY_ROOM];
  for (; keys->name != NULL; keys++) {
    snprintf(name, sizeof name, "%s.%s", s->architecture, keys->key);
    const pv_gguf_value *value = pv_gguf_find(s->gguf, name);
    if (value != NULL) pv_json_set(&out, keys->name, pv_file_value_json(s->gguf, value));
  }
  return out;
}

static json_t *shape_json(const subject *s) {
  static const named_key keys[] = {{"layers", "block_count"},
                                   {"hidden", "embedding_length"},
                                   {"context", "context_length"},
                                   {"ffn", "feed_forward_length"},
                                   {"heads", "attention.head_count"},
                                   {"kv_heads", "attention.head_count_kv"},
                                   {"head_dim", "attention.key_length"},
                                   {"sliding_window", "attention.sliding_window"},
                                   {"experts", "expert_count"},
                                   {"experts_used", "expert_used_count"},
                                   {"expert_ffn", "expert_feed_forward_length"},
                                   {"shared_ffn", "expert_shared_feed_forward_length"},
                                   {NULL, NULL}};
  json_t *out = keys_json(s, keys);
  const pv_gguf_tensor *rows = pv_gguf_tensor_find(s->gguf, "token_embd.weight");
  if (rows != NULL) pv_json_set(&out, "vocabulary", json_integer((json_int_t)rows->dims[1]));
  return out;
}

/* Every key of scaling that there is: which of them count is the architecture's. */
static json_t *scaling_json(const subject *s) {
  json_t *out = json_object();
  char prefix[KEY_ROOM];
  const int length = snprintf(prefix, sizeof prefix, "%s.rope.scal", s->architecture);
  for (uint64_t i = 0; i < pv_gguf_value_count(s->gguf); i++) {
    const pv_gguf_value *v = pv_gguf_value_at(s->gguf, i);
    if (v->key.length <= (uint64_t)length || memcmp(v->key.data, prefix, (size_t)length) != 0)
      continue;
    const char *rest = v->key.data + length - 4; /* "scaling.factor", "scale_linear" */
    const size_t behind = strncmp(rest, "scaling.", 8) == 0 ? 8 : 0;
    json_t *name =
        pv_json_stringn(rest + behind, (size_t)v->key.length - (size_t)length + 4 - behind);
    json_t *value = name == NULL ? NULL : pv_file_value_json(s->gguf, v);
    pv_json_set(&out, name == NULL ? "" : json_string_value(name), value);
    json_decref(name);
  }
  return out;
}

static json_t *rope_json(const subject *s) {
  static const named_key keys[] = {{"base", "rope.freq_base"},
                                   {"base_sliding", "rope.freq_base_swa"},
                                   {"dimensions", "rope.dimension_count"},
                                   {NULL, NULL}};
  static const char *const tensors[] = {"rope_freqs.weight", "rope_factors_long.weight",
                                        "rope_factors_short.weight"};
  json_t *out = keys_json(s, keys), *factors = json_array();
  for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
    if (pv_gguf_tensor_find(s->gguf, tensors[i]) != NULL)
      pv_json_append(&factors, json_string(tensors[i]));
  pv_json_set(&out, "scaling", scaling_json(s));
  pv_json_set(&out, "factors", factors);
  return out;
}

/* How many parameters there are, and how many of them one token meets: of experts those used. */
static json_t *parameters_json(const subject *s) {
  uint64_t all = 0, experts = 0, of = 0, used = 0;
  char name[KEY_ROOM];
  for (uint64_t i = 0; i < pv_gguf_tensor_count(s->gguf); i++) {
    const pv_gguf_tensor *t = pv_gguf_tensor_at(s->gguf, i);
    all += t->elements;
    if (memmem(t->name.data, (size_t)t->name.length, "_exps.", 6) != NULL) experts += t->elements;
  }
  snprintf(name, sizeof name, "%s.expert_count", s->architecture);
  if (pv_gguf_find(s->gguf, name) != NULL) (void)pv_gguf_get_u64(s->gguf, name, &of, NULL);
  snprintf(name, sizeof name, "%s.expert_used_count", s->architecture);
  if (pv_gguf_find(s->gguf, name) != NULL) (void)pv_gguf_get_u64(s->gguf, name, &used, NULL);
  const bool sparse = experts > 0 && used > 0 && used <= of && experts % of == 0;
  const uint64_t met = sparse ? all - experts + experts / of * used : 0;
  return json_pack("{s:I, s:o}", "all", (json_int_t)all, "of_a_token",
                   sparse ? json_integer((json_int_t)met) : json_null());
}

static json_t *tokenizer_json(const pv_gguf *g) {
  static const named_key keys[] = {{"bos", "tokenizer.ggml.bos_token_id"},
                                   {"eos", "tokenizer.ggml.eos_token_id"},
                                   {"add_bos", "tokenizer.ggml.add_bos_token"},
                                   {NULL, NULL}};
  const pv_gguf_value *tokens = pv_gguf_find(g, "tokenizer.ggml.tokens");
  if (tokens == NULL && pv_gguf_find(g, "tokenizer.ggml.model") == NULL) return json_null();
  json_t *out = json_pack("{s:o, s:o, s:I}", "model", string_json(g, "tokenizer.ggml.model"), "pre",
                          string_json(g, "tokenizer.ggml.pre"), "tokens",
                          (json_int_t)(tokens == NULL ? 0 : tokens->count));
  for (const named_key *k = keys; k->name != NULL; k++) {
    const pv_gguf_value *value = pv_gguf_find(g, k->key);
    if (value != NULL) pv_json_set(&out, k->name, pv_file_value_json(g, value));
  }
  return out;
}

/* null: nothing is against it. */
static json_t *reason_json(bool can, const pv_error *why) {
  return can ? json_null()
             : json_pack("{s:o, s:o, s:o, s:o, s:o}", "message", pv_json_string(why->message),
                         "file", why->file[0] == '\0' ? json_null() : pv_json_string(why->file),
                         "byte", why->byte < 0 ? json_null() : json_integer((json_int_t)why->byte),
                         "rule", why->rule[0] == '\0' ? json_null() : pv_json_string(why->rule),
                         "cure", why->hint[0] == '\0' ? json_null() : pv_json_string(why->hint));
}

static json_t *facts(const subject *s) {
  const pv_gguf *g = s->gguf;
  json_t *out =
      json_pack("{s:s, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o}", "schema", "pv/inspect/v1", "file",
                pv_json_string(s->path), "name", string_json(g, "general.name"), "architecture",
                string_json(g, "general.architecture"), "bytes", (json_int_t)pv_gguf_length(g),
                "keys", (json_int_t)pv_gguf_value_count(g), "parts", pv_file_parts_json(g),
                "parameters", parameters_json(s), "types", pv_file_types_json(g));
  pv_json_set(&out, "shape", shape_json(s));
  pv_json_set(&out, "rope", rope_json(s));
  pv_json_set(&out, "tokenizer", tokenizer_json(g));
  pv_json_set(&out, "chat_template", string_json(g, "tokenizer.chat_template"));
  pv_json_set(&out, "plan", s->model == NULL ? json_null() : json_string(s->model->plan->about));
  pv_json_set(&out, "computed", json_boolean(s->model != NULL));
  pv_json_set(&out, "not_computed", reason_json(s->model != NULL, &s->why));
  pv_json_set(&out, "text", json_boolean(s->text));
  pv_json_set(&out, "no_text", reason_json(s->text, &s->why_text));
  return out;
}

/* Opens the file and tries what pv does with one; only what is wrong with the file as a GGUF file
 * is an error. */
static pv_code look(subject *s, pv_error *err) {
  pv_tokenizer *tokenizer = NULL;
  pv_code code = pv_gguf_open(s->path, &s->gguf, err);
  if (code != PV_OK) return code;
  set_architecture(s);
  code = pv_tokenizer_open(s->gguf, &tokenizer, &s->why_text);
  s->text = code == PV_OK;
  pv_tokenizer_close(tokenizer);
  if (code == PV_ERR_NOMEM && err != NULL) *err = s->why_text;
  if (code == PV_ERR_NOMEM) return code;
  code = pv_model_from_gguf(s->gguf, &s->model, &s->why);
  if (code == PV_ERR_NOMEM && err != NULL) *err = s->why;
  return code == PV_ERR_NOMEM ? code : PV_OK;
}

static pv_code print(const subject *s, bool json, pv_error *err) {
  json_t *all = facts(s);
  pv_text out = PV_TEXT_INIT;
  if (json) return pv_json_print(all, JSON_INDENT(1), err);
  if (all != NULL) pv_inspect_text(all, &out);
  const pv_code code = all == NULL || out.failed ? pv_error_nomem(err, "what the file is")
                                                 : pv_output_write(out.data, out.length, err);
  pv_text_free(&out);
  json_decref(all);
  return code;
}

int pv_probe_inspect(int argc, char **argv) {
  subject s = {.why = PV_ERROR_INIT, .why_text = PV_ERROR_INIT};
  bool json = false, help = false;
  pv_call call = PV_CALL_DEFAULTS;
  const pv_option list[] = {{"--model", "FILE", "the same as MODEL", &call.model, NULL},
                            {"--json", NULL, "one JSON object", NULL, &json},
                            {0}};
  pv_options options = {.command = "inspect",
                        .summary =
                            "Says what a GGUF file is (architecture, parameters, types, shape, "
                            "tokenizer, chat template), and what pv can and can not do with it.",
                        .positional = "MODEL",
                        .examples = "  pv inspect models/tiny-coder-moe-Q4_K_M.gguf\n",
                        .list = list,
                        .rest_max = 1};
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_call_parse(&call, &options, argc, argv, &help, &err);
  if (code != PV_OK || help) return pv_call_exit(code, &err);
  if (call.model == NULL) code = pv_error_set(&err, PV_ERR_INPUT, "name a model file");
  s.path = call.model;
  if (code == PV_OK) code = look(&s, &err);
  if (code == PV_OK) code = print(&s, json, &err);
  if (s.model == NULL) pv_gguf_close(s.gguf); /* else it is the model's */
  pv_model_close(s.model);
  return pv_call_exit(code, &err);
}
