/* The tokenizer that a GGUF file carries: its own vocabulary, merged by a list or by scores.
 *
 * Taken are files with tokenizer.ggml.model = "gpt2" and tokenizer.ggml.pre = "qwen2" (byte-level
 * BPE), and with tokenizer.ggml.model = "llama" and the other key absent or "default" (BPE of
 * SentencePiece, which llama.cpp calls SPM). Any other pair is refused, since a wrong split yields
 * plausible but different ids. What a file of either kind must hold:
 *
 *   tokenizer.ggml.tokens      strings, pairwise different, 1 .. 2^24 of them
 *   tokenizer.ggml.token_type  one integer each: 1 normal, 3 control, 4 user-defined, 5 unused;
 *                              with "llama" 2 unknown and 6 byte as well
 *
 * Control, unknown, user-defined and unused tokens are written literally, all but the last in valid
 * UTF-8. Where the file names bos, eos, padding and unknown ids, these lie in the vocabulary.
 *
 * "gpt2" needs
 *
 *   tokenizer.ggml.merges      "LEFT RIGHT" in order of rank, no pair twice; LEFT, RIGHT and their
 *                              concatenation are normal tokens
 *
 * Its normal tokens are written in the byte alphabet of GPT-2 (each byte is one printable
 * character); all 256 single bytes must be among them, so that any text can be encoded. As in the
 * Hugging Face tokenizer of this family, special tokens are found in the text as it is, and what is
 * left between them is brought to normalisation form C (NFC), each part for itself:
 * decode(encode(x)) == x holds for every valid x without special tokens that is in form C. Letters,
 * numbers and white space are those of the Unicode version of the PCRE2 library in use,
 * compositions and the order of combining marks those of utf8proc's. Hugging Face's tables are of
 * an older Unicode (9): it leaves a mark that was added since where it stands.
 *
 * "llama" needs
 *
 *   tokenizer.ggml.scores      one f32 each, no NaN
 *
 * In its normal tokens U+2581 stands for the blank, and they have at most PV_TOKENIZER_MAX_SPECIAL
 * bytes; byte tokens are written <0x00> to <0xFF>, and all must be there. What is left between
 * special tokens is merged as a whole and not normalised: starting from characters, the adjacent
 * pair that together is the normal token of the highest score, the leftmost of equals. A character
 * that ends as no token becomes its byte tokens. Where tokenizer.ggml.add_space_prefix is true or
 * absent, a blank is put before each part, at the beginning and behind special tokens;
 * pv_tokenizer_decode takes the first away again, as llama.cpp does, and leaves those behind
 * special tokens. U+2581 in a text is read as a blank. Unlike in llama.cpp, a merge makes normal
 * tokens only: text never becomes a control, unknown, unused or byte token because its characters
 * spell the name of one. */
#ifndef PV_TOKENIZER_TOKENIZER_H
#define PV_TOKENIZER_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "runtime/gguf/gguf.h"

#define PV_TOKENIZER_MAX_TOKENS  (UINT64_C(1) << 24)
#define PV_TOKENIZER_MAX_SPECIAL 1024              /* bytes of one special or scored token */
#define PV_TOKENIZER_MAX_TEXT    ((size_t)1 << 24) /* bytes of text in one call */

typedef struct pv_tokenizer pv_tokenizer;

/* Reads and checks the vocabulary. Nothing of `gguf` is referred to afterwards. Errors:
 * PV_ERR_UNSUPPORTED (another model or pre, another token type), PV_ERR_LIMIT, PV_ERR_INPUT (all
 * else, naming the key and the element), PV_ERR_NOMEM. */
pv_code pv_tokenizer_open(pv_gguf *gguf, pv_tokenizer **out, pv_error *err);
void pv_tokenizer_close(pv_tokenizer *tok); /* NULL is allowed */

uint32_t pv_tokenizer_count(const pv_tokenizer *tok);

/* False, with `*id` untouched, where the file names none. */
bool pv_tokenizer_bos(const pv_tokenizer *tok, uint32_t *id);
bool pv_tokenizer_eos(const pv_tokenizer *tok, uint32_t *id);
/* Whether pv_tokenizer_prompt puts bos in front. */
bool pv_tokenizer_adds_bos(const pv_tokenizer *tok);
/* Text to ids. User-defined tokens are recognised in the text always, control and unknown tokens
 * only with `specials`: at each position the longest that matches, from left to right. Text that is
 * not valid UTF-8 is PV_ERR_INPUT with the offset of the first bad byte in `err->byte`. `*ids` is
 * owned by the caller (free); it may be NULL when `*count` is 0. On error both are untouched.
 * Nothing is added at the ends. Time: O(n log n) for any text. Safe to call from several threads on
 * one tokenizer. */
pv_code pv_tokenizer_encode(const pv_tokenizer *tok, const char *text, size_t length, bool specials,
                            uint32_t **ids, size_t *count, pv_error *err);

/* The ids of a text as the model is to be given it: those of pv_tokenizer_encode, with bos before
 * them where tokenizer.ggml.add_bos_token is true and eos behind them where
 * tokenizer.ggml.add_eos_token is; absent keys are false, but the first is true with "llama". A
 * text that itself begins with bos gets it twice, as from Hugging Face and llama.cpp. A file that
 * wants an id which it does not name is PV_ERR_INPUT. Otherwise as pv_tokenizer_encode. */
pv_code pv_tokenizer_prompt(const pv_tokenizer *tok, const char *text, size_t length, bool specials,
                            uint32_t **ids, size_t *count, pv_error *err);

/* The bytes of one token, owned by `tok`, not NUL-terminated; often not whole UTF-8 sequences. */
pv_code pv_tokenizer_piece(const pv_tokenizer *tok, uint32_t id, const char **bytes, size_t *length,
                           pv_error *err);

/* Appends the bytes of all tokens to `out`, exactly, but for the blank that encoding put before
 * them (above). On error nothing was appended. */
pv_code pv_tokenizer_decode(const pv_tokenizer *tok, const uint32_t *ids, size_t count,
                            pv_text *out, pv_error *err);

/* Decoding token by token for a terminal, of what continues a text: no blank is taken away, and
 * what is appended is valid UTF-8 at every moment. An incomplete sequence is held back until it is
 * complete; bytes that can no longer become a character yield U+FFFD, one per maximal incomplete
 * sequence, else one per byte. Start with PV_TOKENIZER_STREAM_INIT; `finish` turns what is still
 * held into U+FFFD. */
typedef struct pv_tokenizer_stream {
  unsigned char held[4];
  unsigned held_count;
} pv_tokenizer_stream;
#define PV_TOKENIZER_STREAM_INIT ((pv_tokenizer_stream){{0}, 0})

pv_code pv_tokenizer_stream_add(const pv_tokenizer *tok, pv_tokenizer_stream *stream, uint32_t id,
                                pv_text *out, pv_error *err);
pv_code pv_tokenizer_stream_finish(pv_tokenizer_stream *stream, pv_text *out, pv_error *err);

#endif
