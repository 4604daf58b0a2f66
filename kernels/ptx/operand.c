/* Operands, numbers, and names that are bound later. */
#include <string.h>

#include "base/ck.h"
#include "kernels/ptx/parse.h"
#include "kernels/ptx/words.h"

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* All of `text` as digits of `base`; false when it is none or does not fit. */
static bool digits(const char *text, size_t length, unsigned base, uint64_t *out) {
  uint64_t value = 0;
  if (length == 0) return false;
  for (size_t i = 0; i < length; i++) {
    const int digit = digit_of(text[i]);
    if (digit < 0 || (unsigned)digit >= base || !pv_ck_mul(value, base, &value) ||
        !pv_ck_add(value, (unsigned)digit, &value))
      return false;
  }
  *out = value;
  return true;
}

/* 12, 12U, 0x1F, 0b11, 017 */
static bool integer(const char *text, size_t length, uint64_t *out) {
  if (length > 1 && text[length - 1] == 'U') length--;
  const char mark = length > 2 && text[0] == '0' ? text[1] : '\0';
  if (mark == 'x' || mark == 'X') return digits(text + 2, length - 2, 16, out);
  if (mark == 'b' || mark == 'B') return digits(text + 2, length - 2, 2, out);
  if (length > 1 && text[0] == '0') return digits(text + 1, length - 1, 8, out);
  return digits(text, length, 10, out);
}

static bool immediate(const pv_ptx_token *t, pv_ptx_operand *out) {
  const char mark = t->length > 2 && t->text[0] == '0' ? t->text[1] : '\0';
  out->kind = PV_PTX_IMMEDIATE;
  if (mark == 'f' || mark == 'F') {
    out->number = PV_PTX_SINGLE;
    return t->length == 10 && digits(t->text + 2, 8, 16, &out->bits);
  }
  if (mark == 'd' || mark == 'D') {
    out->number = PV_PTX_DOUBLE;
    return t->length == 18 && digits(t->text + 2, 16, 16, &out->bits);
  }
  return integer(t->text, t->length, &out->bits);
}

uint64_t pv_ptx_read_u64(pv_ptx_parser *p) {
  const pv_ptx_token t = p->lexer.now;
  uint64_t value = 0;
  if (t.kind != PV_PTX_DIGITS)
    pv_ptx_unexpected(p, "a number");
  else if (!integer(t.text, t.length, &value))
    pv_ptx_fail(p, &t, "'%.*s' is not a whole number of 64 bits",
                (int)(t.length < 64 ? t.length : 64), t.text);
  pv_ptx_next(p);
  return pv_ptx_ok(p) ? value : 0;
}

/* `+4`, `+-4` or `-4` after a base, or nothing. */
static int64_t read_offset(pv_ptx_parser *p) {
  const pv_ptx_token start = p->lexer.now;
  const bool plus = pv_ptx_skip(p, '+'), negative = pv_ptx_skip(p, '-');
  if (!plus && !negative) return 0;
  const uint64_t size = pv_ptx_read_u64(p);
  if (size > INT64_MAX) {
    pv_ptx_fail(p, &start, "the offset does not fit in 64 bits");
    return 0;
  }
  return negative ? -(int64_t)size : (int64_t)size;
}

static void read_number(pv_ptx_parser *p, pv_ptx_operand *out) {
  const bool negative = pv_ptx_skip(p, '-');
  const pv_ptx_token t = p->lexer.now;
  if (t.kind != PV_PTX_DIGITS)
    pv_ptx_unexpected(p, "a number");
  else if (!immediate(&t, out))
    pv_ptx_fail(p, &t, "'%.*s' is not a number that is understood here",
                (int)(t.length < 64 ? t.length : 64), t.text);
  else if (negative && (out->number != PV_PTX_INTEGER || out->bits > (uint64_t)INT64_MAX + 1))
    pv_ptx_fail(p, &t, "this number can not be negated");
  if (negative) out->bits = 0 - out->bits;
  pv_ptx_next(p);
}

static uint32_t use_register(pv_ptx_parser *p, pv_ptx_name *name) {
  pv_ptx_function *f = p->function;
  uint32_t index = 0;
  if (name->index != PV_PTX_UNUSED) return name->index;
  if (!pv_ck_u32(f->register_count, &index) || index == PV_PTX_UNUSED ||
      !pv_ptx_room(p, &f->registers, f->register_count, &p->registers, sizeof *f->registers))
    return PV_PTX_UNUSED;
  f->registers[f->register_count++] = (pv_ptx_register){name->text, name->type};
  name->index = index;
  return index;
}

/* What a name stands for: a special register, a register, a variable, or for later a label or a
 * function (kind PV_PTX_LABEL without a name until it is bound). */
static void read_name(pv_ptx_parser *p, pv_ptx_operand *out) {
  const pv_ptx_token t = p->lexer.now;
  pv_ptx_name *name = NULL;
  if (!pv_ptx_ok(p)) return;
  const char *special = pv_ptx_special_find(t.text, t.length);
  if (special != NULL) {
    *out = (pv_ptx_operand){.kind = PV_PTX_SPECIAL, .name = special};
  } else if (t.length == 1 && t.text[0] == '_') {
    out->kind = PV_PTX_NOTHING;
  } else if (pv_ptx_names_resolve(&p->names, t.text, t.length, &name, p->err) != PV_OK) {
    pv_ptx_lex_error(&p->lexer, &t, p->err);
  } else if (name != NULL && name->kind == PV_PTX_NAME_REGISTER) {
    *out = (pv_ptx_operand){.kind = PV_PTX_REGISTER, .name = name->text};
    if (p->function == NULL)
      pv_ptx_fail(p, &t, "a register outside a function");
    else if ((out->index = use_register(p, name)) == PV_PTX_UNUSED)
      pv_ptx_nomem(p);
  } else if (name != NULL && name->kind == PV_PTX_NAME_VARIABLE) {
    *out =
        (pv_ptx_operand){.kind = PV_PTX_VARIABLE, .name = name->text, .variable = name->variable};
  } else if (memchr(t.text, '.', t.length) != NULL || t.text[0] == '%') {
    pv_ptx_fail(p, &t, "'%.*s' is not declared", (int)(t.length < 100 ? t.length : 100), t.text);
  } else {
    out->kind = PV_PTX_LABEL;
    out->name = pv_arena_strndup(p->arena, t.text, t.length);
    out->index = PV_PTX_UNUSED;
    if (out->name == NULL) pv_ptx_nomem(p);
  }
  pv_ptx_next(p);
}

void pv_ptx_read_items(pv_ptx_parser *p, unsigned depth, char close, pv_ptx_operand **out,
                       size_t *count) {
  size_t capacity = 0;
  while (pv_ptx_more(p, *count, close) && pv_ptx_room(p, out, *count, &capacity, sizeof **out)) {
    pv_ptx_read_operand(p, depth, &(*out)[*count]);
    ++*count;
  }
}

/* [base], [base+4], [16] */
static void read_address(pv_ptx_parser *p, pv_ptx_operand *out) {
  pv_ptx_operand *base = PV_ARENA_NEW(p->arena, 1, pv_ptx_operand);
  if (base == NULL) {
    pv_ptx_nomem(p);
    return;
  }
  pv_ptx_take(p, '[');
  if (p->lexer.now.kind == PV_PTX_WORD)
    read_name(p, base);
  else
    read_number(p, base);
  *out = (pv_ptx_operand){
      .kind = PV_PTX_ADDRESS, .offset = read_offset(p), .items = base, .item_count = 1};
  pv_ptx_take(p, ']');
}

/* a|b: a result and a predicate, or two predicates. */
static void read_pair(pv_ptx_parser *p, pv_ptx_operand *out) {
  pv_ptx_operand *items = PV_ARENA_NEW(p->arena, 2, pv_ptx_operand);
  if (items == NULL) {
    pv_ptx_nomem(p);
    return;
  }
  items[0] = *out;
  pv_ptx_take(p, '|');
  if (p->lexer.now.kind != PV_PTX_WORD) pv_ptx_unexpected(p, "a register");
  read_name(p, &items[1]);
  *out = (pv_ptx_operand){.kind = PV_PTX_PAIR, .items = items, .item_count = 2};
}

/* generic(name)+4 of an initialiser: the generic address of a variable. 0xFF00(generic(name)): the
 * bits of it that the mask covers. */
static void read_generic(pv_ptx_parser *p, pv_ptx_operand *out) {
  const bool masked = p->lexer.now.kind == PV_PTX_DIGITS;
  const uint64_t mask = masked ? pv_ptx_read_u64(p) : 0;
  if (masked) pv_ptx_take(p, '(');
  const bool generic = pv_ptx_at_word(p, "generic");
  if (generic) pv_ptx_next(p);
  if (generic) pv_ptx_take(p, '(');
  if (p->lexer.now.kind != PV_PTX_WORD) pv_ptx_unexpected(p, "the name of a variable");
  const pv_ptx_token t = p->lexer.now;
  read_name(p, out);
  if (out->kind != PV_PTX_VARIABLE) pv_ptx_fail(p, &t, "this is not the name of a variable");
  if (masked && mask == 0) pv_ptx_fail(p, &t, "the mask of an address is 0");
  if (generic) pv_ptx_take(p, ')');
  out->offset = read_offset(p);
  if (masked) pv_ptx_take(p, ')');
  out->bits = mask;
}

void pv_ptx_read_operand(pv_ptx_parser *p, unsigned depth, pv_ptx_operand *out) {
  const bool called = pv_ptx_ok(p) && pv_ptx_is_sign(&p->lexer.ahead, '(');
  const bool negated = pv_ptx_skip(p, '!');
  const char close = pv_ptx_at(p, '{') ? '}' : pv_ptx_at(p, '(') ? ')' : '\0';
  *out = (pv_ptx_operand){.negated = negated};
  if (negated && p->lexer.now.kind != PV_PTX_WORD) pv_ptx_unexpected(p, "a predicate");
  if (called && (pv_ptx_at_word(p, "generic") || p->lexer.now.kind == PV_PTX_DIGITS)) {
    read_generic(p, out);
  } else if (p->lexer.now.kind == PV_PTX_WORD) {
    read_name(p, out);
    out->negated = negated;
    if (pv_ptx_at(p, '|'))
      read_pair(p, out);
    else if (out->kind == PV_PTX_VARIABLE)
      out->offset = read_offset(p);
  } else if (close != '\0') {
    out->kind = close == '}' ? PV_PTX_VECTOR : PV_PTX_LIST;
    if (depth >= PV_PTX_DEPTH_MAX)
      pv_ptx_fail(p, &p->lexer.now, "nested deeper than %d", PV_PTX_DEPTH_MAX);
    pv_ptx_next(p);
    pv_ptx_read_items(p, depth + 1, close, &out->items, &out->item_count);
  } else if (pv_ptx_at(p, '[')) {
    read_address(p, out);
  } else if (p->lexer.now.kind == PV_PTX_DIGITS || pv_ptx_at(p, '-')) {
    read_number(p, out);
  } else {
    pv_ptx_unexpected(p, "an operand");
  }
}

void pv_ptx_note_pending(pv_ptx_parser *p, pv_ptx_operand *operands, size_t count,
                         const pv_ptx_token *token) {
  for (size_t i = 0; i < count && pv_ptx_ok(p); i++) {
    pv_ptx_operand *o = &operands[i];
    if (o->kind == PV_PTX_LABEL && o->index == PV_PTX_UNUSED) {
      pv_ptx_pending *pending = PV_ARENA_NEW(p->arena, 1, pv_ptx_pending);
      if (pending == NULL) {
        pv_ptx_nomem(p);
        return;
      }
      *pending = (pv_ptx_pending){o, *token, p->pending[p->names.depth]};
      p->pending[p->names.depth] = pending;
    }
    /* The depth of items is bounded where they are read. */
    pv_ptx_note_pending(p, o->items, o->item_count, token);
  }
}

static bool bind(pv_ptx_operand *operand, const pv_ptx_name *name) {
  switch (name->kind) {
    case PV_PTX_NAME_LABEL:
      operand->index = name->index;
      return true;
    case PV_PTX_NAME_TABLE:
      operand->kind = PV_PTX_TABLE;
      operand->index = name->index;
      return true;
    case PV_PTX_NAME_FUNCTION:
      operand->kind = PV_PTX_FUNCTION;
      operand->function = name->function;
      return true;
    default:
      return false;
  }
}

void pv_ptx_bind(pv_ptx_parser *p) {
  const unsigned depth = p->names.depth;
  pv_ptx_pending *next = NULL;
  for (pv_ptx_pending *w = p->pending[depth]; w != NULL && pv_ptx_ok(p); w = next) {
    next = w->next;
    const pv_ptx_name *name =
        pv_ptx_names_get(&p->names, w->operand->name, strlen(w->operand->name));
    const bool here = name != NULL && (depth <= 1 || name->depth == depth);
    if (here && bind(w->operand, name)) continue;
    if (here || depth <= 1) {
      pv_ptx_fail(p, &w->token, "'%.100s' is not declared, or not as a label or function",
                  w->operand->name);
      return;
    }
    w->next = p->pending[depth - 1];
    p->pending[depth - 1] = w;
  }
  p->pending[depth] = NULL;
}

void pv_ptx_leave(pv_ptx_parser *p) {
  pv_ptx_bind(p);
  if (pv_ptx_ok(p)) pv_ptx_names_pop(&p->names);
}
