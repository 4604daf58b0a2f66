/* Small GGUF files in memory that hold a vocabulary and nothing else, sound or damaged. */
#ifndef PV_TESTS_TOKENIZER_VOCAB_FILE_H
#define PV_TESTS_TOKENIZER_VOCAB_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define PV_VOCAB_TOKENS 512
#define PV_VOCAB_ABSENT INT64_MIN

typedef struct pv_vocab_string {
  const char *data; /* of static storage */
  size_t length;
} pv_vocab_string;

typedef struct pv_vocab {
  const char *model, *pre; /* NULL: the key is left out */
  pv_vocab_string tokens[PV_VOCAB_TOKENS];
  int32_t types[PV_VOCAB_TOKENS];
  pv_vocab_string merges[PV_VOCAB_TOKENS];
  uint32_t token_count, type_count, merge_count;
  uint32_t type_element;     /* GGUF type number of token_type's elements: 5, i32 */
  int64_t bos, eos, padding; /* PV_VOCAB_ABSENT: the key is left out; written as i64 */
  int64_t add_bos, add_eos;  /* PV_VOCAB_ABSENT, else written as bool */
} pv_vocab;

/* A sound vocabulary: ids 0..255 are the single bytes in order; then the results of the merges
 * (h e, l l, he ll, hell o, a a, aa aa, Ġ hello, E4 BD, (E4 BD) A0, two blanks); then the control
 * tokens
 * <|endoftext|>, <|end|>more, <|end|>, the user-defined <think> and the unused [PAD0]. */
pv_vocab pv_vocab_sound(void);

/* Ids of the sound vocabulary. */
enum {
  PV_VOCAB_HE = 256,
  PV_VOCAB_LL,
  PV_VOCAB_HELL,
  PV_VOCAB_HELLO,
  PV_VOCAB_AA,
  PV_VOCAB_AAAA,
  PV_VOCAB_BLANK_HELLO,
  PV_VOCAB_NI_TWO, /* E4 BD */
  PV_VOCAB_NI,     /* E4 BD A0, U+4F60 */
  PV_VOCAB_BLANKS, /* two */
  PV_VOCAB_ENDOFTEXT,
  PV_VOCAB_END_MORE, /* before its own beginning, which must not hide it */
  PV_VOCAB_END,
  PV_VOCAB_THINK,
  PV_VOCAB_PAD,
  PV_VOCAB_COUNT
};

void pv_vocab_add(pv_vocab *vocab, const char *token, int32_t type);

/* The file's bytes. Free `out`. */
void pv_vocab_write(const pv_vocab *vocab, pv_text *out);

#endif
