/* What only a vocabulary of SentencePiece has: scores, byte tokens, and U+2581 for the blank. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "runtime/tokenizer/vocab.h"

#define KEY_SCORES "tokenizer.ggml.scores"

static const char blank[] = PV_BLANK_SIGN;

/* The order of floats as the order of their bits, the highest first. */
static uint32_t rank_of(float score) {
  const float value = score + 0.0f; /* one zero */
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return (bits & 0x80000000u) != 0 ? bits : 0x7fffffffu - bits;
}

pv_code pv_scored_read(pv_vocab_reader *self, pv_error *err) {
  pv_tokenizer *tok = self->tok;
  const pv_gguf_value *scores = pv_gguf_find(self->gguf, KEY_SCORES);
  if (scores == NULL || scores->type != PV_GGUF_ARRAY || scores->element != PV_GGUF_F32)
    return pv_vocab_damaged(
        self, KEY_SCORES,
        pv_error_set(err, PV_ERR_INPUT, KEY_SCORES " is missing or not an array of f32"), err);
  if (scores->count != self->token_count)
    return pv_vocab_damaged(
        self, KEY_SCORES,
        pv_error_set(err, PV_ERR_INPUT,
                     KEY_SCORES " has %llu elements, " PV_VOCAB_KEY_TOKENS
                                " has %llu: both must have one a token",
                     (unsigned long long)scores->count, (unsigned long long)self->token_count),
        err);
  uint64_t bytes;
  if (pv_ck_mul(tok->count, sizeof *tok->rank, &bytes)) tok->rank = malloc((size_t)bytes);
  if (tok->rank == NULL)
    return pv_error_set(err, PV_ERR_NOMEM, "no memory for the scores of %u tokens", tok->count);
  for (uint32_t id = 0; id < tok->count; id++) {
    const float score = (float)pv_gguf_array_real(scores, id);
    if (isnan(score))
      return pv_vocab_damaged(
          self, KEY_SCORES, pv_error_set(err, PV_ERR_INPUT, KEY_SCORES "[%u] is not a number", id),
          err);
    tok->rank[id] = rank_of(score);
  }
  return pv_string_table_make(&tok->texts, tok->count, err);
}

/* The byte that "<0xXX>" names, or -1. */
static int named_byte(const pv_gguf_string *name) {
  static const char digits[] = "0123456789ABCDEF";
  if (name->length != 6 || memcmp(name->data, "<0x", 3) != 0 || name->data[5] != '>') return -1;
  const char *high = memchr(digits, name->data[3], 16), *low = memchr(digits, name->data[4], 16);
  return high == NULL || low == NULL ? -1 : (int)((high - digits) * 16 + (low - digits));
}

/* A name that has a real blank spells no text: there the blank is U+2581. */
static pv_code add_normal(pv_vocab_reader *self, uint32_t id, pv_error *err) {
  pv_tokenizer *tok = self->tok;
  const pv_gguf_string *name = &self->tokens[id];
  char *bytes = tok->bytes + tok->start[id];
  uint64_t length = 0;
  if (name->length > PV_TOKENIZER_MAX_SPECIAL)
    return pv_vocab_refuse(self, PV_VOCAB_KEY_TOKENS, id, "is too long for a token", err);
  for (uint64_t at = 0; at < name->length; length++) {
    const bool sign = name->length - at >= 3 && memcmp(name->data + at, blank, 3) == 0;
    bytes[length] = sign ? ' ' : name->data[at];
    at += sign ? 3 : 1;
  }
  tok->start[id + 1] = tok->start[id] + length;
  if (memchr(name->data, ' ', (size_t)name->length) != NULL) return PV_OK;
  (void)pv_string_table_put(&tok->texts, bytes, length, id); /* new: no name occurs twice */
  if (length > tok->longest) tok->longest = length;
  return PV_OK;
}

pv_code pv_scored_add(pv_vocab_reader *self, uint32_t id, pv_error *err) {
  pv_tokenizer *tok = self->tok;
  const pv_gguf_string *name = &self->tokens[id];
  if (tok->kind[id] == PV_TOKEN_NORMAL) return add_normal(self, id, err);
  char *bytes = tok->bytes + tok->start[id];
  if (tok->kind[id] != PV_TOKEN_BYTE) {
    memcpy(bytes, name->data, (size_t)name->length);
    tok->start[id + 1] = tok->start[id] + name->length;
    return PV_OK;
  }
  const int byte = named_byte(name);
  if (byte < 0)
    return pv_vocab_refuse(self, PV_VOCAB_KEY_TOKENS, id,
                           "is a byte token and not spelled <0x00> to <0xFF>", err);
  bytes[0] = (char)byte;
  tok->start[id + 1] = tok->start[id] + 1;
  tok->byte[byte] = id;
  return PV_OK;
}
