/* Reads the vocabulary and the merges of a file and refuses what does not fit together. */
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "runtime/tokenizer/vocab.h"

#define KEY_MODEL  "tokenizer.ggml.model"
#define KEY_PRE    "tokenizer.ggml.pre"
#define KEY_TOKENS PV_VOCAB_KEY_TOKENS
#define KEY_TYPES  "tokenizer.ggml.token_type"
#define KEY_MERGES PV_VOCAB_KEY_MERGES

pv_code pv_vocab_placed(const pv_vocab_reader *self, const char *key, pv_code code, pv_error *err) {
  const pv_gguf_value *value = pv_gguf_find(self->gguf, key);
  pv_error_at(err, pv_gguf_path(self->gguf), 0, 0, value == NULL ? -1 : (int64_t)value->offset);
  return code;
}

pv_code pv_vocab_damaged(const pv_vocab_reader *self, const char *key, pv_code code,
                         pv_error *err) {
  pv_error_hint(err, "convert the model again: its tokenizer is damaged");
  return pv_vocab_placed(self, key, code, err);
}

pv_code pv_vocab_refuse(const pv_vocab_reader *self, const char *key, uint64_t index,
                        const char *why, pv_error *err) {
  pv_text name = PV_TEXT_INIT;
  const pv_gguf_string *strings = strcmp(key, KEY_MERGES) == 0 ? self->merges : self->tokens;
  const pv_gguf_string string = strings[index];
  pv_text_escape(&name, string.data, string.length > 64 ? 64 : (size_t)string.length);
  const pv_code code =
      pv_error_set(err, PV_ERR_INPUT, "%s[%llu] \"%s\" %s", key, (unsigned long long)index,
                   name.data == NULL ? "" : name.data, why);
  pv_text_free(&name);
  return pv_vocab_damaged(self, key, code, err);
}

static bool is_word(const pv_gguf_string *value, const char *word) {
  return value->length == strlen(word) && memcmp(value->data, word, strlen(word)) == 0;
}

static pv_code refuse_word(const pv_vocab_reader *self, const char *key,
                           const pv_gguf_string *value, const char *words, pv_error *err) {
  pv_text shown = PV_TEXT_INIT;
  pv_text_escape(&shown, value->data, value->length > 64 ? 64 : (size_t)value->length);
  const pv_code code = pv_error_set(err, PV_ERR_UNSUPPORTED, "%s is \"%s\"; only %s can be read",
                                    key, shown.data == NULL ? "" : shown.data, words);
  pv_text_free(&shown);
  pv_vocab_placed(self, key, code, err);
  pv_error_hint(err,
                "use a model with the tokenizer of Qwen, or with one of SentencePiece that "
                "has scores; token ids can be given instead of text");
  return code;
}

/* Which kind of tokenizer it is. Of one with scores the other key says nothing, and older files do
 * without it. */
static pv_code read_model(pv_vocab_reader *self, pv_error *err) {
  pv_gguf_string model, pre;
  pv_code code = pv_gguf_get_string(self->gguf, KEY_MODEL, &model, err);
  if (code != PV_OK) return code;
  self->tok->scored = is_word(&model, "llama");
  if (!self->tok->scored && !is_word(&model, "gpt2"))
    return refuse_word(self, KEY_MODEL, &model, "\"gpt2\" and \"llama\"", err);
  if (self->tok->scored && pv_gguf_find(self->gguf, KEY_PRE) == NULL) return PV_OK;
  const char *wanted = self->tok->scored ? "default" : "qwen2";
  code = pv_gguf_get_string(self->gguf, KEY_PRE, &pre, err);
  if (code != PV_OK || is_word(&pre, wanted)) return code;
  return refuse_word(self, KEY_PRE, &pre, self->tok->scored ? "\"default\"" : "\"qwen2\"", err);
}

static pv_code read_arrays(pv_vocab_reader *self, pv_error *err) {
  pv_code code =
      pv_gguf_get_strings(self->gguf, KEY_TOKENS, &self->tokens, &self->token_count, err);
  if (code != PV_OK) return code;
  if (!self->tok->scored)
    code = pv_gguf_get_strings(self->gguf, KEY_MERGES, &self->merges, &self->merge_count, err);
  if (code != PV_OK) return code;
  if (self->token_count == 0 || self->token_count > PV_TOKENIZER_MAX_TOKENS ||
      self->merge_count > PV_TOKENIZER_MAX_TOKENS)
    return pv_vocab_placed(
        self, KEY_TOKENS,
        pv_error_set(err, PV_ERR_LIMIT, "%llu tokens and %llu merges; 1 to %llu can be read",
                     (unsigned long long)self->token_count, (unsigned long long)self->merge_count,
                     (unsigned long long)PV_TOKENIZER_MAX_TOKENS),
        err);
  const pv_gguf_value *types = pv_gguf_find(self->gguf, KEY_TYPES);
  if (types == NULL || types->type != PV_GGUF_ARRAY ||
      (types->element != PV_GGUF_I32 && types->element != PV_GGUF_U32))
    return pv_vocab_damaged(
        self, KEY_TYPES,
        pv_error_set(err, PV_ERR_INPUT, KEY_TYPES " is missing or not an array of 32-bit integers"),
        err);
  if (types->count != self->token_count)
    return pv_vocab_damaged(
        self, KEY_TYPES,
        pv_error_set(err, PV_ERR_INPUT,
                     KEY_TYPES " has %llu elements, " KEY_TOKENS
                               " has %llu: both must have one a token",
                     (unsigned long long)types->count, (unsigned long long)self->token_count),
        err);
  return PV_OK;
}

/* Sizes are bounded by the file's length: decoding never lengthens a token. */
static pv_code allocate(pv_vocab_reader *self, pv_error *err) {
  uint64_t bytes = 1, offsets;
  size_t byte_count, offset_bytes;
  for (uint64_t i = 0; i < self->token_count; i++)
    if (!pv_ck_add(bytes, self->tokens[i].length, &bytes)) goto too_large;
  if (!pv_ck_mul(self->token_count + 1, sizeof(uint64_t), &offsets) ||
      !pv_ck_size(bytes, &byte_count) || !pv_ck_size(offsets, &offset_bytes))
    goto too_large;
  pv_tokenizer *tok = self->tok;
  tok->count = (uint32_t)self->token_count;
  tok->bytes = malloc(byte_count);
  tok->start = malloc(offset_bytes);
  tok->kind = malloc(tok->count);
  if (tok->bytes == NULL || tok->start == NULL || tok->kind == NULL)
    return pv_error_set(err, PV_ERR_NOMEM, "no memory for a vocabulary of %u tokens", tok->count);
  for (unsigned i = 0; i < 256; i++) tok->byte[i] = PV_TABLE_NONE;
  return pv_string_table_make(&self->names, self->token_count, err);

too_large:
  return pv_error_set(err, PV_ERR_LIMIT, "the vocabulary is too large for this machine");
}

/* Copies a token's bytes behind those of its predecessors; false when it is a normal token that is
 * not spelled in the byte alphabet. */
static bool copy_token(pv_tokenizer *tok, uint32_t id, const pv_gguf_string *name) {
  uint64_t to = tok->start[id];
  if (tok->kind[id] != PV_TOKEN_NORMAL) {
    memcpy(tok->bytes + to, name->data, (size_t)name->length);
    tok->start[id + 1] = to + name->length;
    return true;
  }
  for (uint64_t at = 0; at < name->length;) {
    const pv_utf8 front =
        pv_utf8_front((const unsigned char *)name->data + at, (size_t)(name->length - at));
    const int byte = front.length == 0 ? -1 : pv_symbol_byte(front.code_point);
    if (byte < 0) return false;
    tok->bytes[to++] = (char)byte;
    at += front.length;
  }
  tok->start[id + 1] = to;
  return true;
}

static bool is_kind(const pv_tokenizer *tok, int64_t kind) {
  if (kind == PV_TOKEN_UNKNOWN || kind == PV_TOKEN_BYTE) return tok->scored;
  return kind == PV_TOKEN_NORMAL || kind == PV_TOKEN_CONTROL || kind == PV_TOKEN_USER ||
         kind == PV_TOKEN_UNUSED;
}

static bool is_special(const pv_tokenizer *tok, uint32_t id) {
  return tok->kind[id] == PV_TOKEN_CONTROL || tok->kind[id] == PV_TOKEN_USER ||
         tok->kind[id] == PV_TOKEN_UNKNOWN;
}

static pv_code read_token(pv_vocab_reader *self, uint32_t id, int64_t kind, pv_error *err) {
  pv_tokenizer *tok = self->tok;
  const pv_gguf_string *name = &self->tokens[id];
  if (!is_kind(tok, kind))
    return pv_vocab_placed(
        self, KEY_TYPES,
        pv_error_set(err, PV_ERR_UNSUPPORTED, KEY_TYPES "[%u] is %lld; only %s can be read", id,
                     (long long)kind, tok->scored ? "1 to 6" : "1, 3, 4 and 5"),
        err);
  tok->kind[id] = (uint8_t)kind;
  if (name->length == 0) return pv_vocab_refuse(self, KEY_TOKENS, id, "is empty", err);
  const uint32_t before = pv_string_table_put(&self->names, name->data, name->length, id);
  if (before != PV_TABLE_NONE) return pv_vocab_refuse(self, KEY_TOKENS, id, "occurs twice", err);
  if (tok->scored) {
    const pv_code code = pv_scored_add(self, id, err);
    if (code != PV_OK) return code;
  } else if (!copy_token(tok, id, name)) {
    return pv_vocab_refuse(self, KEY_TOKENS, id, "is a normal token outside the byte alphabet",
                           err);
  }
  const uint64_t length = tok->start[id + 1] - tok->start[id];
  const unsigned char first = (unsigned char)tok->bytes[tok->start[id]];
  if (!tok->scored && kind == PV_TOKEN_NORMAL && length == 1) tok->byte[first] = id;
  if (is_special(tok, id)) {
    if (length > PV_TOKENIZER_MAX_SPECIAL)
      return pv_vocab_refuse(self, KEY_TOKENS, id, "is too long for a special token", err);
    /* else it could match inside a character of the text and cut it in two */
    if (!pv_utf8_valid(name->data, (size_t)name->length))
      return pv_vocab_refuse(self, KEY_TOKENS, id, "is a special token and not valid UTF-8", err);
    tok->special_first[first] = true;
    tok->special_count++;
  }
  return PV_OK;
}

static pv_code read_tokens(pv_vocab_reader *self, pv_error *err) {
  pv_tokenizer *tok = self->tok;
  const pv_gguf_value *types = pv_gguf_find(self->gguf, KEY_TYPES);
  tok->start[0] = 0;
  for (uint32_t id = 0; id < tok->count; id++) {
    const pv_code code = read_token(self, id, pv_gguf_array_int(types, id), err);
    if (code != PV_OK) return code;
  }
  for (unsigned byte = 0; byte < 256; byte++) {
    if (tok->byte[byte] != PV_TABLE_NONE) continue;
    return pv_vocab_damaged(
        self, KEY_TOKENS,
        pv_error_set(err, PV_ERR_INPUT,
                     tok->scored ? KEY_TOKENS " has no byte token <0x%02X>"
                                 : KEY_TOKENS " has no normal token for the single byte 0x%02x",
                     byte),
        err);
  }
  return PV_OK;
}

/* The id of a normal token, or PV_TABLE_NONE. */
static uint32_t normal(const pv_vocab_reader *self, const char *data, uint64_t length) {
  const uint32_t id = pv_string_table_get(&self->names, data, length);
  return id != PV_TABLE_NONE && self->tok->kind[id] == PV_TOKEN_NORMAL ? id : PV_TABLE_NONE;
}

/* `joined` has room for the longest merge. */
static pv_code read_merge(pv_vocab_reader *self, uint32_t rank, char *joined, pv_error *err) {
  const pv_gguf_string *merge = &self->merges[rank];
  const char *end = merge->data + merge->length;
  const char *blank = merge->length == 0 ? NULL : memchr(merge->data, ' ', (size_t)merge->length);
  if (blank == NULL || blank == merge->data || blank + 1 == end ||
      memchr(blank + 1, ' ', (size_t)(end - blank - 1)) != NULL)
    return pv_vocab_refuse(self, KEY_MERGES, rank, "is not two tokens with one blank between", err);
  const size_t left = (size_t)(blank - merge->data), right = (size_t)(end - blank - 1);
  memcpy(joined, merge->data, left);
  memcpy(joined + left, blank + 1, right);
  pv_pair_slot pair = {.rank = rank};
  pair.left = normal(self, merge->data, left);
  pair.right = normal(self, blank + 1, right);
  pair.merged = normal(self, joined, left + right);
  if (pair.left == PV_TABLE_NONE || pair.right == PV_TABLE_NONE)
    return pv_vocab_refuse(self, KEY_MERGES, rank, "joins what is not a normal token", err);
  if (pair.merged == PV_TABLE_NONE)
    return pv_vocab_refuse(self, KEY_MERGES, rank, "makes what is not a normal token", err);
  if (!pv_pair_table_put(&self->tok->merges, pair))
    return pv_vocab_refuse(self, KEY_MERGES, rank, "occurs twice", err);
  return PV_OK;
}

static pv_code read_merges(pv_vocab_reader *self, pv_error *err) {
  uint64_t longest = 1;
  for (uint64_t i = 0; i < self->merge_count; i++)
    if (self->merges[i].length > longest) longest = self->merges[i].length;
  char *joined = malloc((size_t)longest);
  if (joined == NULL) return pv_error_set(err, PV_ERR_NOMEM, "no memory for the merges");
  pv_code code = pv_pair_table_make(&self->tok->merges, self->merge_count, err);
  for (uint32_t rank = 0; rank < self->merge_count && code == PV_OK; rank++)
    code = read_merge(self, rank, joined, err);
  free(joined);
  return code;
}

static int by_bytes(const void *a, const void *b, void *context) {
  const pv_tokenizer *tok = context;
  const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  const size_t x_length = (size_t)(tok->start[x + 1] - tok->start[x]);
  const size_t y_length = (size_t)(tok->start[y + 1] - tok->start[y]);
  const int order = memcmp(tok->bytes + tok->start[x], tok->bytes + tok->start[y],
                           x_length < y_length ? x_length : y_length);
  return order != 0 ? order : (x_length > y_length) - (x_length < y_length);
}

static pv_code sort_specials(pv_tokenizer *tok, pv_error *err) {
  if (tok->special_count == 0) return PV_OK;
  tok->special = malloc((size_t)tok->special_count * sizeof *tok->special);
  if (tok->special == NULL)
    return pv_error_set(err, PV_ERR_NOMEM, "no memory for %u special tokens", tok->special_count);
  uint32_t n = 0;
  for (uint32_t id = 0; id < tok->count; id++)
    if (is_special(tok, id)) tok->special[n++] = id;
  qsort_r(tok->special, n, sizeof *tok->special, by_bytes, tok);
  return PV_OK;
}

static pv_code read_id(const pv_vocab_reader *self, const char *key, pv_optional_id *out,
                       pv_error *err) {
  if (pv_gguf_find(self->gguf, key) == NULL) return PV_OK;
  uint64_t id;
  const pv_code code = pv_gguf_get_u64(self->gguf, key, &id, err);
  if (code != PV_OK) return code;
  if (id >= self->token_count)
    return pv_vocab_damaged(
        self, key,
        pv_error_set(err, PV_ERR_INPUT, "%s is %llu, the vocabulary has %llu tokens", key,
                     (unsigned long long)id, (unsigned long long)self->token_count),
        err);
  *out = (pv_optional_id){.present = true, .id = (uint32_t)id};
  return PV_OK;
}

static pv_code read_flag(const pv_vocab_reader *self, const char *key, bool *out, pv_error *err) {
  return pv_gguf_find(self->gguf, key) == NULL ? PV_OK
                                               : pv_gguf_get_bool(self->gguf, key, out, err);
}

static pv_code read_ids(const pv_vocab_reader *self, pv_error *err) {
  pv_optional_id unused = {0};
  pv_code code = read_id(self, "tokenizer.ggml.bos_token_id", &self->tok->bos, err);
  if (code == PV_OK) code = read_id(self, "tokenizer.ggml.eos_token_id", &self->tok->eos, err);
  if (code == PV_OK) code = read_id(self, "tokenizer.ggml.padding_token_id", &unused, err);
  if (code == PV_OK) code = read_id(self, "tokenizer.ggml.unknown_token_id", &unused, err);
  self->tok->add_bos = self->tok->blank_prefix = self->tok->scored; /* where the keys are absent */
  if (code == PV_OK)
    code = read_flag(self, "tokenizer.ggml.add_bos_token", &self->tok->add_bos, err);
  if (code == PV_OK)
    code = read_flag(self, "tokenizer.ggml.add_eos_token", &self->tok->add_eos, err);
  if (code == PV_OK && self->tok->scored)
    code = read_flag(self, "tokenizer.ggml.add_space_prefix", &self->tok->blank_prefix, err);
  return code;
}

pv_code pv_tokenizer_open(pv_gguf *gguf, pv_tokenizer **out, pv_error *err) {
  pv_vocab_reader self = {.gguf = gguf, .tok = calloc(1, sizeof(pv_tokenizer))};
  pv_code code;
  if (self.tok == NULL) {
    code = pv_error_set(err, PV_ERR_NOMEM, "no memory for the tokenizer");
    goto cleanup;
  }
  code = read_model(&self, err);
  if (code == PV_OK) code = read_arrays(&self, err);
  if (code == PV_OK) code = allocate(&self, err);
  if (code == PV_OK && self.tok->scored) code = pv_scored_read(&self, err);
  if (code == PV_OK) code = read_tokens(&self, err);
  if (code == PV_OK && !self.tok->scored) code = read_merges(&self, err);
  if (code == PV_OK) code = sort_specials(self.tok, err);
  if (code == PV_OK) code = read_ids(&self, err);
  if (code == PV_OK && !self.tok->scored) code = pv_split_compile(&self.tok->pattern, err);
  if (code != PV_OK) goto cleanup;
  *out = self.tok;
  self.tok = NULL;

cleanup:
  pv_string_table_free(&self.names);
  pv_tokenizer_close(self.tok);
  return code;
}

void pv_tokenizer_close(pv_tokenizer *tok) {
  if (tok == NULL) return;
  pcre2_code_free(tok->pattern);
  pv_pair_table_free(&tok->merges);
  pv_string_table_free(&tok->texts);
  free(tok->rank);
  free(tok->special);
  free(tok->kind);
  free(tok->start);
  free(tok->bytes);
  free(tok);
}

uint32_t pv_tokenizer_count(const pv_tokenizer *tok) {
  return tok->count;
}

bool pv_tokenizer_bos(const pv_tokenizer *tok, uint32_t *id) {
  if (tok->bos.present) *id = tok->bos.id;
  return tok->bos.present;
}

bool pv_tokenizer_eos(const pv_tokenizer *tok, uint32_t *id) {
  if (tok->eos.present) *id = tok->eos.id;
  return tok->eos.present;
}

bool pv_tokenizer_adds_bos(const pv_tokenizer *tok) {
  return tok->add_bos;
}
