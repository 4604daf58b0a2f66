#include "runtime/guest/expression.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { DEPTH_MAX = 64, LENGTH_MAX = 4096, WORD_MAX = 64 };

typedef enum kind {
  NUMBER,
  NAME,
  NEGATE,
  NOT,
  ADD,
  SUBTRACT,
  MULTIPLY,
  DIVIDE,
  REMAINDER,
  LEFT,
  RIGHT,
  LESS,
  AT_MOST,
  MORE,
  AT_LEAST,
  EQUAL,
  UNEQUAL,
  AND,
  OR,
  CEIL_DIV,
  ROUND_UP,
  MIN,
  MAX,
  LOG2
} kind;

struct pv_guest_node {
  kind kind;
  size_t at; /* of its sign or word, in the text */
  pv_guest_value value;
  size_t name;
  const pv_guest_node *a, *b;
};

typedef struct reader {
  pv_arena *arena;
  const char *text;
  size_t at, depth;
  pv_guest_place place;
  const char *const *names;
  size_t count;
  pv_code code;
  pv_error *err;
} reader;

static const struct {
  const char *name;
  kind kind;
  unsigned arguments;
} functions[] = {{"ceil_div", CEIL_DIV, 2},
                 {"round_up", ROUND_UP, 2},
                 {"min", MIN, 2},
                 {"max", MAX, 2},
                 {"log2", LOG2, 1}};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* By precedence, the loosest first; a longer sign stands before one that it begins with. */
static const struct {
  unsigned level;
  const char *sign;
  kind kind;
} operators[] = {{0, "||", OR},      {1, "&&", AND},   {2, "==", EQUAL},   {2, "!=", UNEQUAL},
                 {4, "<<", LEFT},    {4, ">>", RIGHT}, {3, "<=", AT_MOST}, {3, ">=", AT_LEAST},
                 {3, "<", LESS},     {3, ">", MORE},   {5, "+", ADD},      {5, "-", SUBTRACT},
                 {6, "*", MULTIPLY}, {6, "/", DIVIDE}, {6, "%", REMAINDER}};
enum { OPERATORS = sizeof operators / sizeof *operators, LEVELS = 7 };

static void place_error(const pv_guest_place *place, size_t at, pv_error *err) {
  pv_error_at(err, place->file, place->line, place->column + (int64_t)at, -1);
}

static const pv_guest_node *fail(reader *r, size_t at, const char *what) {
  if (r->code != PV_OK) return NULL;
  r->code = pv_error_set(r->err, PV_ERR_INPUT, "%s in '%.100s'", what, r->text);
  place_error(&r->place, at, r->err);
  return NULL;
}

static const pv_guest_node *unclosed(reader *r) {
  if (r->code != PV_OK) return NULL;
  fail(r, r->at, "a ',' or ')' is wanted");
  pv_error_hint(r->err, "inside { } a comma ends the text: put the expression in quotes");
  return NULL;
}

static void skip_blanks(reader *r) {
  while (r->text[r->at] == ' ' || r->text[r->at] == '\n' || r->text[r->at] == '\t') r->at++;
}

static bool skip(reader *r, char sign) {
  skip_blanks(r);
  if (r->text[r->at] != sign) return false;
  r->at++;
  return true;
}

static pv_guest_node *node(reader *r, kind what, size_t at) {
  pv_guest_node *n = PV_ARENA_NEW(r->arena, 1, pv_guest_node);
  if (n == NULL)
    r->code = pv_error_nomem(r->err, "an expression");
  else
    *n = (pv_guest_node){.kind = what, .at = at};
  return n;
}

static const pv_guest_node *read_level(reader *r, unsigned level);

static const pv_guest_node *read_number(reader *r) {
  const size_t at = r->at;
  const char *begin = r->text + at, *end = begin;
  bool is_real = false;
  while (isalnum((unsigned char)*end) || *end == '.' ||
         ((*end == '-' || *end == '+') && (end[-1] == 'e' || end[-1] == 'E'))) {
    is_real |= *end == '.' || *end == 'e' || *end == 'E';
    end++;
  }
  uint64_t whole = 0;
  double real = 0;
  r->at = (size_t)(end - r->text);
  if (is_real ? !pv_parse_f64(begin, (size_t)(end - begin), &real)
              : !pv_parse_u64(begin, (size_t)(end - begin), &whole) || whole > INT64_MAX)
    return fail(r, at, "a number that is none, or too large,");
  pv_guest_node *n = node(r, NUMBER, at);
  if (n != NULL) n->value = (pv_guest_value){is_real, (int64_t)whole, real};
  return n;
}

static const pv_guest_node *read_call(reader *r, size_t function, size_t at) {
  const pv_guest_node *arguments[2] = {NULL, NULL};
  for (unsigned i = 0; i < functions[function].arguments && r->code == PV_OK; i++) {
    if (i > 0 && !skip(r, ',')) return unclosed(r);
    arguments[i] = read_level(r, 0);
  }
  if (!skip(r, ')')) return unclosed(r);
  pv_guest_node *n = r->code == PV_OK ? node(r, functions[function].kind, at) : NULL;
  if (n == NULL) return NULL;
  n->a = arguments[0];
  n->b = arguments[1];
  return n;
}

static const pv_guest_node *unknown(reader *r, const char *word, size_t at) {
  const char *best = pv_text_nearest(word, r->names, r->count, sizeof *r->names, 3);
  pv_text list = PV_TEXT_INIT;
  fail(r, at, "an unknown name");
  for (size_t i = 0; best == NULL && i < r->count; i++)
    pv_text_printf(&list, "%s%s", i > 0 ? ", " : "", r->names[i]);
  if (best != NULL)
    pv_error_hint(r->err, "did you mean %s?", best);
  else if (list.failed)
    r->code = pv_error_nomem(r->err, "a list of names");
  else
    pv_error_hint(r->err, "known here: %.200s", list.data != NULL ? list.data : "no names");
  pv_text_free(&list);
  return NULL;
}

static const pv_guest_node *read_word(reader *r) {
  const size_t at = r->at;
  char word[WORD_MAX];
  size_t length = 0;
  while (isalnum((unsigned char)r->text[r->at]) || r->text[r->at] == '_') {
    if (length + 1 < WORD_MAX) word[length++] = r->text[r->at];
    r->at++;
  }
  word[length] = '\0';
  if (skip(r, '(')) {
    for (size_t i = 0; i < FUNCTIONS; i++)
      if (strcmp(functions[i].name, word) == 0) return read_call(r, i, at);
    fail(r, at, "an unknown function");
    pv_error_hint(r->err, "there are ceil_div, round_up, min, max and log2");
    return NULL;
  }
  for (size_t i = 0; i < r->count; i++)
    if (strcmp(r->names[i], word) == 0) {
      pv_guest_node *n = node(r, NAME, at);
      if (n != NULL) n->name = i;
      return n;
    }
  return unknown(r, word, at);
}

static const pv_guest_node *read_primary(reader *r) {
  skip_blanks(r);
  const size_t at = r->at;
  const char c = r->text[at];
  if (c == '-' || c == '!') {
    r->at++;
    if (++r->depth > DEPTH_MAX * LEVELS) return fail(r, at, "too much nesting");
    const pv_guest_node *a = read_primary(r);
    r->depth--;
    pv_guest_node *n = r->code == PV_OK ? node(r, c == '-' ? NEGATE : NOT, at) : NULL;
    if (n != NULL) n->a = a;
    return n;
  }
  if (c == '(') {
    r->at++;
    const pv_guest_node *inside = read_level(r, 0);
    if (r->code == PV_OK && !skip(r, ')')) return unclosed(r);
    return inside;
  }
  if (isdigit((unsigned char)c)) return read_number(r);
  if (isalpha((unsigned char)c) || c == '_') return read_word(r);
  return fail(r, at, c == '\0' ? "the end where a value is wanted" : "a sign that is not known");
}

/* The operator of the level that stands here, or OPERATORS. */
static size_t operator_at(reader *r, unsigned level) {
  skip_blanks(r);
  for (size_t i = 0; i < OPERATORS; i++) {
    const size_t length = strlen(operators[i].sign);
    if (strncmp(r->text + r->at, operators[i].sign, length) == 0)
      return operators[i].level == level ? i : OPERATORS;
  }
  return OPERATORS;
}

static const pv_guest_node *read_level(reader *r, unsigned level) {
  if (level == LEVELS) return read_primary(r);
  if (++r->depth > DEPTH_MAX * LEVELS) return fail(r, r->at, "too much nesting");
  const pv_guest_node *a = read_level(r, level + 1);
  for (size_t i = OPERATORS; r->code == PV_OK && (i = operator_at(r, level)) != OPERATORS;) {
    pv_guest_node *n = node(r, operators[i].kind, r->at);
    r->at += strlen(operators[i].sign);
    const pv_guest_node *b = read_level(r, level + 1);
    if (n == NULL || r->code != PV_OK) return NULL;
    n->a = a;
    n->b = b;
    a = n;
  }
  r->depth--;
  return a;
}

pv_code pv_guest_expression_read(pv_arena *arena, const char *text, pv_guest_place place,
                                 const char *const *names, size_t count,
                                 const pv_guest_expression **out, pv_error *err) {
  pv_error local = PV_ERROR_INIT;
  reader r = {arena, text, 0, 0, place, names, count, PV_OK, &local};
  pv_guest_expression *made = PV_ARENA_NEW(arena, 1, pv_guest_expression);
  const char *copy = pv_arena_strdup(arena, text);
  if (made == NULL || copy == NULL) return pv_error_nomem(err, "an expression");
  if (strlen(text) > LENGTH_MAX) fail(&r, 0, "more than 4096 bytes");
  const pv_guest_node *node = r.code == PV_OK ? read_level(&r, 0) : NULL;
  skip_blanks(&r);
  if (r.code == PV_OK && text[r.at] != '\0') fail(&r, r.at, "something behind the end");
  if (r.code != PV_OK) {
    if (err != NULL) *err = local;
    return r.code;
  }
  *made = (pv_guest_expression){copy, place, node};
  *out = made;
  return PV_OK;
}

typedef struct evaluation {
  const pv_guest_expression *e;
  const pv_guest_value *values;
  pv_code code;
  pv_error *err;
} evaluation;

static pv_guest_value refuse(evaluation *v, const pv_guest_node *n, const char *what) {
  if (v->code == PV_OK) {
    v->code = pv_error_set(v->err, PV_ERR_INPUT, "%s in '%.100s'", what, v->e->text);
    place_error(&v->e->place, n->at, v->err);
  }
  return PV_GUEST_WHOLE(0);
}

static double real_of(pv_guest_value x) {
  return x.is_real ? x.real : (double)x.whole;
}

static pv_guest_value of_reals(evaluation *v, const pv_guest_node *n, double a, double b) {
  pv_guest_value out = {.is_real = true};
  switch (n->kind) {
    case ADD:
      out.real = a + b;
      break;
    case SUBTRACT:
      out.real = a - b;
      break;
    case MULTIPLY:
      out.real = a * b;
      break;
    case DIVIDE:
      if (b == 0) return refuse(v, n, "a division by zero");
      out.real = a / b;
      break;
    case MIN:
      out.real = a < b ? a : b;
      break;
    case MAX:
      out.real = a > b ? a : b;
      break;
    case LESS:
      return PV_GUEST_WHOLE(a < b);
    case AT_MOST:
      return PV_GUEST_WHOLE(a <= b);
    case MORE:
      return PV_GUEST_WHOLE(a > b);
    case AT_LEAST:
      return PV_GUEST_WHOLE(a >= b);
    case EQUAL:
      return PV_GUEST_WHOLE(a == b);
    case UNEQUAL:
      return PV_GUEST_WHOLE(a != b);
    default:
      return refuse(v, n, "a float where a whole number is wanted");
  }
  return isfinite(out.real) ? out : refuse(v, n, "a float that overflows");
}

/* a / b rounded up; neither is negative. */
static bool ceil_div(int64_t a, int64_t b, int64_t *out) {
  if (a < 0 || b <= 0) return false;
  *out = a / b + (a % b != 0);
  return true;
}

/* The operations that can fail; false: they did. */
static bool arithmetic(kind what, int64_t a, int64_t b, int64_t *out) {
  switch (what) {
    case ADD:
      return !__builtin_add_overflow(a, b, out);
    case SUBTRACT:
      return !__builtin_sub_overflow(a, b, out);
    case MULTIPLY:
      return !__builtin_mul_overflow(a, b, out);
    case DIVIDE:
    case REMAINDER:
      if (b == 0 || (a == INT64_MIN && b == -1)) return false;
      *out = what == DIVIDE ? a / b : a % b;
      return true;
    case LEFT:
      return b >= 0 && b < 63 && !__builtin_mul_overflow(a, INT64_C(1) << b, out);
    case RIGHT:
      if (a < 0 || b < 0 || b > 63) return false;
      *out = a >> b;
      return true;
    case CEIL_DIV:
      return ceil_div(a, b, out);
    default: /* ROUND_UP */
      return ceil_div(a, b, out) && !__builtin_mul_overflow(*out, b, out);
  }
}

static pv_guest_value of_wholes(evaluation *v, const pv_guest_node *n, int64_t a, int64_t b) {
  int64_t out = 0;
  switch (n->kind) {
    case LESS:
      return PV_GUEST_WHOLE(a < b);
    case AT_MOST:
      return PV_GUEST_WHOLE(a <= b);
    case MORE:
      return PV_GUEST_WHOLE(a > b);
    case AT_LEAST:
      return PV_GUEST_WHOLE(a >= b);
    case EQUAL:
      return PV_GUEST_WHOLE(a == b);
    case UNEQUAL:
      return PV_GUEST_WHOLE(a != b);
    case AND:
      return PV_GUEST_WHOLE(a != 0 && b != 0);
    case OR:
      return PV_GUEST_WHOLE(a != 0 || b != 0);
    case MIN:
      return PV_GUEST_WHOLE(a < b ? a : b);
    case MAX:
      return PV_GUEST_WHOLE(a > b ? a : b);
    default:
      return arithmetic(n->kind, a, b, &out)
                 ? PV_GUEST_WHOLE(out)
                 : refuse(v, n, "an overflow, a division by zero or a negative number");
  }
}

static pv_guest_value value_of(evaluation *v, const pv_guest_node *n) {
  if (n->kind == NUMBER) return n->value;
  if (n->kind == NAME) return v->values[n->name];
  const pv_guest_value a = value_of(v, n->a);
  /* What is not needed is not computed: k != 0 && rows % k == 0. */
  if (n->kind == AND && !a.is_real && a.whole == 0) return PV_GUEST_WHOLE(0);
  if (n->kind == OR && !a.is_real && a.whole != 0) return PV_GUEST_WHOLE(1);
  if (n->kind == NEGATE)
    return a.is_real              ? (pv_guest_value){.is_real = true, .real = -a.real}
           : a.whole == INT64_MIN ? refuse(v, n, "an overflow")
                                  : PV_GUEST_WHOLE(-a.whole);
  if (n->kind == NOT)
    return a.is_real ? refuse(v, n, "a float where a whole number is wanted")
                     : PV_GUEST_WHOLE(a.whole == 0);
  if (n->kind == LOG2)
    return a.is_real || a.whole <= 0
               ? refuse(v, n, "log2 of what is no positive whole number")
               : PV_GUEST_WHOLE(63 - __builtin_clzll((unsigned long long)a.whole));
  const pv_guest_value b = value_of(v, n->b);
  if (v->code != PV_OK) return PV_GUEST_WHOLE(0);
  return a.is_real || b.is_real ? of_reals(v, n, real_of(a), real_of(b))
                                : of_wholes(v, n, a.whole, b.whole);
}

pv_code pv_guest_expression_value(const pv_guest_expression *e, const pv_guest_value *values,
                                  pv_guest_value *out, pv_error *err) {
  pv_error local = PV_ERROR_INIT;
  evaluation v = {e, values, PV_OK, &local};
  const pv_guest_value value = value_of(&v, e->node);
  if (v.code == PV_OK)
    *out = value;
  else if (err != NULL)
    *err = local;
  return v.code;
}

pv_code pv_guest_expression_whole(const pv_guest_expression *e, const pv_guest_value *values,
                                  const char *what, int64_t least, int64_t most, int64_t *out,
                                  pv_error *err) {
  pv_guest_value value;
  pv_code code = pv_guest_expression_value(e, values, &value, err);
  if (code != PV_OK) return code;
  if (value.is_real)
    code = pv_error_set(err, PV_ERR_INPUT, "%s is %g by '%.100s': no whole number", what,
                        value.real, e->text);
  else if (value.whole < least || value.whole > most)
    code = pv_error_set(err, PV_ERR_INPUT, "%s is %lld by '%.100s': it must be from %lld to %lld",
                        what, (long long)value.whole, e->text, (long long)least, (long long)most);
  if (code != PV_OK)
    place_error(&e->place, 0, err);
  else
    *out = value.whole;
  return code;
}
