/* Tokens of PTX text. The lexer knows no names: a word may hold dots ("shfl.sync.down.b32",
 * "%tid.x", ".reg") and double colons ("L2::128B"). */
#ifndef PV_PTX_LEX_H
#define PV_PTX_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef enum pv_ptx_token_kind {
  PV_PTX_END = 0,
  PV_PTX_WORD,   /* begins with a letter or one of _ $ % . */
  PV_PTX_DIGITS, /* begins with a digit: 12, 0x1F, 0d3FF0000000000000, 9.0 */
  PV_PTX_STRING, /* with its quotes */
  PV_PTX_SIGN    /* one of { } ( ) [ ] < > , ; : + - ! | = @ */
} pv_ptx_token_kind;

typedef struct pv_ptx_token {
  pv_ptx_token_kind kind;
  const char *text; /* in the input */
  size_t length;
  uint32_t line, column;
  size_t byte;
} pv_ptx_token;

typedef struct pv_ptx_lexer {
  const char *name, *text;
  size_t length, at, line_start;
  uint32_t line;
  pv_ptx_token now, ahead; /* the current token and the one after it */
} pv_ptx_lexer;

/* After this `now` is the first token. */
pv_code pv_ptx_lex_open(pv_ptx_lexer *lexer, const char *name, const char *text, size_t length,
                        pv_error *err);
pv_code pv_ptx_lex_next(pv_ptx_lexer *lexer, pv_error *err);

bool pv_ptx_is_sign(const pv_ptx_token *token, char sign);
bool pv_ptx_is_word(const pv_ptx_token *token, const char *word);

/* Adds the token's place to an error that was just set; returns the error's code. */
pv_code pv_ptx_lex_error(const pv_ptx_lexer *lexer, const pv_ptx_token *token, pv_error *err);

#endif
