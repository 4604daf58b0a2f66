/* Reading a vocabulary: what its two kinds share. */
#ifndef PV_TOKENIZER_VOCAB_H
#define PV_TOKENIZER_VOCAB_H

#include "runtime/tokenizer/internal.h"

#define PV_VOCAB_KEY_TOKENS "tokenizer.ggml.tokens"
#define PV_VOCAB_KEY_MERGES "tokenizer.ggml.merges"

typedef struct pv_vocab_reader {
  pv_gguf *gguf;
  pv_tokenizer *tok;
  const pv_gguf_string *tokens, *merges;
  uint64_t token_count, merge_count;
  pv_string_table names; /* a token as the file spells it -> id */
} pv_vocab_reader;

/* Adds the file and the place of `key` to an error just set, and passes its code on. */
pv_code pv_vocab_placed(const pv_vocab_reader *self, const char *key, pv_code code, pv_error *err);
/* The same for what no other model is the cure of but one converted anew. */
pv_code pv_vocab_damaged(const pv_vocab_reader *self, const char *key, pv_code code, pv_error *err);
/* A refusal that names one element of an array. */
pv_code pv_vocab_refuse(const pv_vocab_reader *self, const char *key, uint64_t index,
                        const char *why, pv_error *err);

/* Checks the scores, allocates `rank` and `texts` and fills the former. */
pv_code pv_scored_read(pv_vocab_reader *self, pv_error *err);
/* Copies a token's bytes behind those of its predecessors, as pv_tokenizer_piece gives them, and
 * notes what it is good for. Kind and name were read. */
pv_code pv_scored_add(pv_vocab_reader *self, uint32_t id, pv_error *err);

#endif
