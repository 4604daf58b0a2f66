#include "kernels/ptx/lex.h"

#include <string.h>

#include "base/ck.h"

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c == '%' ||
         c == '.';
}

static bool is_follow(char c) {
  return (is_start(c) && c != '%') || is_digit(c);
}

static char peek(const pv_ptx_lexer *lexer, size_t ahead) {
  return pv_ck_range(lexer->at, ahead, lexer->length) && lexer->at + ahead < lexer->length
             ? lexer->text[lexer->at + ahead]
             : '\0';
}

static pv_code fail_here(const pv_ptx_lexer *lexer, pv_error *err, const char *what) {
  pv_error_set(err, PV_ERR_INPUT, "%s", what);
  pv_error_at(err, lexer->name, lexer->line, (int64_t)(lexer->at - lexer->line_start) + 1,
              (int64_t)lexer->at);
  return PV_ERR_INPUT;
}

static pv_code newline(pv_ptx_lexer *lexer, pv_error *err) {
  uint64_t line = 0;
  if (!pv_ck_add(lexer->line, 1, &line) || !pv_ck_u32(line, &lexer->line))
    return fail_here(lexer, err, "the text has too many lines");
  lexer->line_start = lexer->at + 1;
  return PV_OK;
}

static pv_code skip_comment(pv_ptx_lexer *lexer, pv_error *err) {
  const bool to_line_end = peek(lexer, 1) == '/';
  pv_ptx_lexer start = *lexer;
  lexer->at += 2;
  for (; lexer->at < lexer->length; lexer->at++) {
    const char c = lexer->text[lexer->at];
    if (to_line_end && c == '\n') return PV_OK; /* the newline is counted as a blank */
    if (!to_line_end && c == '*' && peek(lexer, 1) == '/') {
      lexer->at += 2;
      return PV_OK;
    }
    if (c == '\n' && newline(lexer, err) != PV_OK) return PV_ERR_INPUT;
  }
  return to_line_end ? PV_OK : fail_here(&start, err, "this comment does not end");
}

static pv_code skip_blanks(pv_ptx_lexer *lexer, pv_error *err) {
  while (lexer->at < lexer->length) {
    const char c = lexer->text[lexer->at];
    if (c == '/' && (peek(lexer, 1) == '/' || peek(lexer, 1) == '*')) {
      if (skip_comment(lexer, err) != PV_OK) return PV_ERR_INPUT;
      continue;
    }
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') return PV_OK;
    if (c == '\n' && newline(lexer, err) != PV_OK) return PV_ERR_INPUT;
    lexer->at++;
  }
  return PV_OK;
}

static void take_word(pv_ptx_lexer *lexer) {
  lexer->at++;
  for (;;) {
    if (is_follow(peek(lexer, 0)))
      lexer->at++;
    else if (peek(lexer, 0) == ':' && peek(lexer, 1) == ':' && is_follow(peek(lexer, 2)))
      lexer->at += 2;
    else
      return;
  }
}

static pv_code take_string(pv_ptx_lexer *lexer, pv_error *err) {
  const pv_ptx_lexer start = *lexer;
  for (lexer->at++; lexer->at < lexer->length; lexer->at++) {
    const char c = lexer->text[lexer->at];
    if (c == '\n') break;
    if (c == '\\') lexer->at++;
    if (c == '"') {
      lexer->at++;
      return PV_OK;
    }
  }
  return fail_here(&start, err, "this string does not end");
}

static pv_code scan(pv_ptx_lexer *lexer, pv_ptx_token *out, pv_error *err) {
  if (skip_blanks(lexer, err) != PV_OK) return PV_ERR_INPUT;
  const size_t start = lexer->at;
  uint64_t column = 0;
  *out = (pv_ptx_token){.text = lexer->text + start, .line = lexer->line, .byte = start};
  if (!pv_ck_add(start - lexer->line_start, 1, &column) || !pv_ck_u32(column, &out->column))
    return fail_here(lexer, err, "the line is too long");
  if (start == lexer->length) return PV_OK;
  const char c = lexer->text[start];
  if (is_start(c)) {
    out->kind = PV_PTX_WORD;
    take_word(lexer);
  } else if (is_digit(c)) {
    out->kind = PV_PTX_DIGITS;
    while (is_follow(peek(lexer, 0))) lexer->at++;
  } else if (c == '"') {
    out->kind = PV_PTX_STRING;
    if (take_string(lexer, err) != PV_OK) return PV_ERR_INPUT;
  } else if (c != '\0' && strchr("{}()[]<>,;:+-!|=@", c) != NULL) {
    out->kind = PV_PTX_SIGN;
    lexer->at++;
  } else {
    return fail_here(lexer, err, "this character has no place in PTX");
  }
  out->length = lexer->at - start;
  return PV_OK;
}

pv_code pv_ptx_lex_open(pv_ptx_lexer *lexer, const char *name, const char *text, size_t length,
                        pv_error *err) {
  *lexer = (pv_ptx_lexer){.name = name, .text = text, .length = length, .line = 1};
  if (scan(lexer, &lexer->now, err) != PV_OK) return PV_ERR_INPUT;
  return scan(lexer, &lexer->ahead, err);
}

pv_code pv_ptx_lex_next(pv_ptx_lexer *lexer, pv_error *err) {
  lexer->now = lexer->ahead;
  return scan(lexer, &lexer->ahead, err);
}

bool pv_ptx_is_sign(const pv_ptx_token *token, char sign) {
  return token->kind == PV_PTX_SIGN && token->text[0] == sign;
}

bool pv_ptx_is_word(const pv_ptx_token *token, const char *word) {
  return token->kind == PV_PTX_WORD && strlen(word) == token->length &&
         memcmp(token->text, word, token->length) == 0;
}

pv_code pv_ptx_lex_error(const pv_ptx_lexer *lexer, const pv_ptx_token *token, pv_error *err) {
  pv_error_at(err, lexer->name, token->line, token->column, (int64_t)token->byte);
  return err != NULL ? err->code : PV_ERR_INPUT;
}
