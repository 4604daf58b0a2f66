/* What the files of this room share. */
#ifndef PV_TOKENIZER_INTERNAL_H
#define PV_TOKENIZER_INTERNAL_H

#include "runtime/tokenizer/table.h"
#include "runtime/tokenizer/tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

typedef enum pv_token_kind {
  PV_TOKEN_NORMAL = 1,
  PV_TOKEN_UNKNOWN = 2,
  PV_TOKEN_CONTROL = 3,
  PV_TOKEN_USER = 4,
  PV_TOKEN_UNUSED = 5,
  PV_TOKEN_BYTE = 6
} pv_token_kind;

/* U+2581, which stands for a blank in a vocabulary of SentencePiece. */
#define PV_BLANK_SIGN "\xe2\x96\x81"

typedef struct pv_optional_id {
  bool present;
  uint32_t id;
} pv_optional_id;

struct pv_tokenizer {
  uint32_t count;
  char *bytes;        /* of all tokens, decoded, one after another */
  uint64_t *start;    /* count + 1 offsets into bytes */
  uint8_t *kind;      /* count, pv_token_kind */
  uint32_t byte[256]; /* the token of each single byte */
  bool scored;        /* merged by scores, else by a list of merges */
  pv_pair_table merges;
  pv_string_table texts; /* scored: the bytes of a normal token -> id */
  uint32_t *rank;        /* scored: count, the higher the score the lower */
  uint64_t longest;      /* scored: bytes of the longest of `texts` */
  bool blank_prefix;     /* scored: a blank is put before text */
  uint32_t *special;     /* ids that are recognised in text, ordered by their bytes */
  uint32_t special_count;
  bool special_first[256]; /* some special token begins with this byte */
  pcre2_code *pattern;
  pv_optional_id bos, eos;
  bool add_bos, add_eos;
};

/* Growing list of ids. */
typedef struct pv_id_list {
  uint32_t *data;
  size_t count, capacity;
} pv_id_list;
pv_code pv_id_list_add(pv_id_list *list, uint32_t id, pv_error *err);

/* GPT-2's alphabet: the byte that a code point stands for, or -1. */
int pv_symbol_byte(uint32_t code_point);

/* What stands at the front of some bytes. */
typedef struct pv_utf8 {
  unsigned length;     /* of the valid sequence; 0 when there is none */
  uint32_t code_point; /* when length > 0 */
  unsigned prefix; /* else: bytes that begin a valid sequence, at least 1 where bytes are left */
  bool cut;        /* else: the bytes end inside a sequence that could still become valid */
} pv_utf8;
pv_utf8 pv_utf8_front(const unsigned char *at, size_t left);

/* True for text that is in normalisation form C without a closer look. */
bool pv_nfc_is_plain(const unsigned char *text, size_t length);
/* Appends valid UTF-8 in form C, at most three times as long. Time and memory: O(n) for any text.
 */
pv_code pv_nfc_add(const unsigned char *text, size_t length, pv_text *out, pv_error *err);

/* The qwen2 split. */
pv_code pv_split_compile(pcre2_code **out, pv_error *err);

/* Working memory of the merge loop, reused from piece to piece. Zero-initialise. */
typedef struct pv_bpe pv_bpe;
pv_bpe *pv_bpe_new(void);
void pv_bpe_free(pv_bpe *bpe);

/* Appends the tokens of one piece (length > 0): starting from single bytes, the adjacent pair with
 * the lowest rank is merged, the leftmost of equals, until no pair has a rank. With scores it
 * starts from characters (the piece is valid UTF-8), a pair has the rank of the token that its
 * bytes spell, and a character that is no token in the end becomes its byte tokens. */
pv_code pv_bpe_piece(const pv_tokenizer *tok, pv_bpe *bpe, const unsigned char *piece,
                     size_t length, pv_id_list *out, pv_error *err);

#endif
