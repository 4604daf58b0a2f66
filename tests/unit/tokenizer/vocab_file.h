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
  float scores[PV_VOCAB_TOKENS];
  uint32_t token_count, type_count, merge_count, score_count;
  bool no_merges, no_scores;          /* the key is left out */
  uint32_t type_element;              /* GGUF type number of token_type's elements: 5, i32 */
  uint32_t score_element;             /* of those of scores: 6, f32 */
  int64_t bos, eos, padding, unknown; /* PV_VOCAB_ABSENT: the key is left out; written as i64 */
  int64_t add_bos, add_eos;           /* PV_VOCAB_ABSENT, else written as bool */
  int64_t space_prefix;               /* the same */
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

/* A sound vocabulary of SentencePiece: <unk>, <s>, </s>, the byte tokens, and then, in this order,
 * what stands below; [PAD0] is unused, <think> and the two line feeds are user-defined. Blanks are
 * U+2581 in the file. "\xc3\xa9" alone is no token, and so is "x". */
pv_vocab pv_vocab_scored(void);

/* Ids of the scored vocabulary. */
enum {
  PV_SCORED_UNK,
  PV_SCORED_BOS,
  PV_SCORED_EOS,
  PV_SCORED_BYTE, /* and 255 behind it */
  PV_SCORED_BLANK = PV_SCORED_BYTE + 256,
  PV_SCORED_H,
  PV_SCORED_E,
  PV_SCORED_L,
  PV_SCORED_O,
  PV_SCORED_A,
  PV_SCORED_B,
  PV_SCORED_C,
  PV_SCORED_S,       /* "<s", half of <s> */
  PV_SCORED_GREATER, /* the other half */
  PV_SCORED_LESS,
  PV_SCORED_SMALL_S,
  PV_SCORED_NI,    /* U+4F60 */
  PV_SCORED_SMILE, /* U+1F600 */
  PV_SCORED_HE,
  PV_SCORED_LL,
  PV_SCORED_LO,
  PV_SCORED_HELL,
  PV_SCORED_HELLO,
  PV_SCORED_BLANK_HELLO,
  PV_SCORED_BLANK_H,
  PV_SCORED_BLANKS, /* two */
  PV_SCORED_AB,     /* of the same score as the next */
  PV_SCORED_BC,
  PV_SCORED_AA,
  PV_SCORED_AAAA,
  PV_SCORED_ACUTE_A, /* U+00E9 and an a, of which the first is no token */
  PV_SCORED_CA,
  PV_SCORED_CAB,
  PV_SCORED_OC,
  PV_SCORED_THINK,
  PV_SCORED_LINES, /* two line feeds */
  PV_SCORED_PAD,
  PV_SCORED_COUNT
};

void pv_vocab_add(pv_vocab *vocab, const char *token, int32_t type);

/* The file's bytes. Free `out`. */
void pv_vocab_write(const pv_vocab *vocab, pv_text *out);

#endif
