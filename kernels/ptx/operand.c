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

pv_code pv_ptx_read_u64(pv_ptx_parser *p, uint64_t *out) {
  const pv_ptx_token *t = &p->lexer.now;
  if (t->kind != PV_PTX_DIGITS) return pv_ptx_unexpected(p, "a number");
  if (!integer(t->text, t->length, out))
    return pv_ptx_fail(p, t, "'%.*s' is not a whole number of 64 bits",
                       (int)(t->length < 64 ? t->length : 64), t->text);
  return pv_ptx_next(p);
}

/* `+4`, `+-4` or `-4` after a base. */
static pv_code read_offset(pv_ptx_parser *p, int64_t *out) {
  const pv_ptx_token start = p->lexer.now;
  bool negative = false;
  uint64_t size = 0;
  pv_code code = PV_OK;
  if (pv_ptx_at(p, '+')) code = pv_ptx_next(p);
  if (code == PV_OK && pv_ptx_at(p, '-')) {
    negative = true;
    code = pv_ptx_next(p);
  }
  if (code == PV_OK) code = pv_ptx_read_u64(p, &size);
  if (code != PV_OK) return code;
  if (size > INT64_MAX) return pv_ptx_fail(p, &start, "the offset does not fit in 64 bits");
  *out = negative ? -(int64_t)size : (int64_t)size;
  return PV_OK;
}

static pv_code read_number(pv_ptx_parser *p, pv_ptx_operand *out) {
  const bool negative = pv_ptx_at(p, '-');
  if (negative && pv_ptx_next(p) != PV_OK) return p->err->code;
  const pv_ptx_token *t = &p->lexer.now;
  if (t->kind != PV_PTX_DIGITS) return pv_ptx_unexpected(p, "a number");
  if (!immediate(t, out))
    return pv_ptx_fail(p, t, "'%.*s' is not a number that is understood here",
                       (int)(t->length < 64 ? t->length : 64), t->text);
  if (negative && (out->number != PV_PTX_INTEGER || out->bits > (uint64_t)INT64_MAX + 1))
    return pv_ptx_fail(p, t, "this number can not be negated");
  if (negative) out->bits = 0 - out->bits;
  return pv_ptx_next(p);
}

static uint32_t use_register(pv_ptx_parser *p, pv_ptx_name *name) {
  pv_ptx_function *f = p->function;
  uint32_t index = 0;
  if (name->index != PV_PTX_UNUSED) return name->index;
  if (!pv_ck_u32(f->register_count, &index) || index == PV_PTX_UNUSED ||
      pv_ptx_room(p, &f->registers, f->register_count, &p->registers, sizeof *f->registers) !=
          PV_OK)
    return PV_PTX_UNUSED;
  f->registers[f->register_count++] = (pv_ptx_register){name->text, name->type};
  name->index = index;
  return index;
}

/* What a name stands for: a special register, a register, a variable, or for later a label or a
 * function (kind PV_PTX_LABEL without a name until it is bound). */
static pv_code read_name(pv_ptx_parser *p, pv_ptx_operand *out) {
  const pv_ptx_token t = p->lexer.now;
  pv_ptx_name *name = NULL;
  const char *special = pv_ptx_special_find(t.text, t.length);
  if (special != NULL) {
    *out = (pv_ptx_operand){.kind = PV_PTX_SPECIAL, .name = special};
    return pv_ptx_next(p);
  }
  if (t.length == 1 && t.text[0] == '_') {
    out->kind = PV_PTX_NOTHING;
    return pv_ptx_next(p);
  }
  if (pv_ptx_names_resolve(&p->names, t.text, t.length, &name, p->err) != PV_OK)
    return pv_ptx_lex_error(&p->lexer, &t, p->err);
  if (name != NULL && name->kind == PV_PTX_NAME_REGISTER) {
    if (p->function == NULL) return pv_ptx_fail(p, &t, "a register outside a function");
    *out = (pv_ptx_operand){.kind = PV_PTX_REGISTER, .index = use_register(p, name)};
    if (out->index == PV_PTX_UNUSED) return pv_ptx_nomem(p);
    out->name = name->text;
  } else if (name != NULL && name->kind == PV_PTX_NAME_VARIABLE) {
    *out =
        (pv_ptx_operand){.kind = PV_PTX_VARIABLE, .name = name->text, .variable = name->variable};
  } else if (memchr(t.text, '.', t.length) != NULL || t.text[0] == '%') {
    return pv_ptx_fail(p, &t, "'%.*s' is not declared", (int)(t.length < 100 ? t.length : 100),
                       t.text);
  } else {
    out->kind = PV_PTX_LABEL;
    out->name = pv_arena_strndup(p->arena, t.text, t.length);
    out->index = PV_PTX_UNUSED;
    if (out->name == NULL) return pv_ptx_nomem(p);
  }
  return pv_ptx_next(p);
}

pv_code pv_ptx_read_items(pv_ptx_parser *p, unsigned depth, char close, pv_ptx_operand **out,
                          size_t *count) {
  pv_ptx_operand *items = NULL;
  size_t capacity = 0, used = 0;
  if (depth >= PV_PTX_DEPTH_MAX)
    return pv_ptx_fail(p, &p->lexer.now, "nested deeper than %d", PV_PTX_DEPTH_MAX);
  pv_code code = pv_ptx_next(p);
  while (code == PV_OK && !pv_ptx_at(p, close)) {
    if (used > 0) code = pv_ptx_take(p, ',');
    if (code == PV_OK) code = pv_ptx_room(p, &items, used, &capacity, sizeof *items);
    if (code == PV_OK) code = pv_ptx_read_operand(p, depth + 1, &items[used]);
    if (code == PV_OK) used++;
  }
  if (code == PV_OK) code = pv_ptx_next(p);
  if (code != PV_OK) return code;
  *out = items;
  *count = used;
  return PV_OK;
}

/* [base], [base+4], [16] */
static pv_code read_address(pv_ptx_parser *p, pv_ptx_operand *out) {
  pv_ptx_operand *base = PV_ARENA_NEW(p->arena, 1, pv_ptx_operand);
  if (base == NULL) return pv_ptx_nomem(p);
  pv_code code = pv_ptx_take(p, '[');
  if (code == PV_OK) {
    if (p->lexer.now.kind == PV_PTX_WORD)
      code = read_name(p, base);
    else
      code = read_number(p, base);
  }
  if (code == PV_OK && (pv_ptx_at(p, '+') || pv_ptx_at(p, '-')))
    code = read_offset(p, &out->offset);
  if (code == PV_OK) code = pv_ptx_take(p, ']');
  out->kind = PV_PTX_ADDRESS;
  out->items = base;
  out->item_count = 1;
  return code;
}

/* a|b: a result and a predicate, or two predicates. */
static pv_code read_pair(pv_ptx_parser *p, pv_ptx_operand *out) {
  pv_ptx_operand *items = PV_ARENA_NEW(p->arena, 2, pv_ptx_operand);
  if (items == NULL) return pv_ptx_nomem(p);
  items[0] = *out;
  pv_code code = pv_ptx_take(p, '|');
  if (code == PV_OK && p->lexer.now.kind != PV_PTX_WORD) return pv_ptx_unexpected(p, "a register");
  if (code == PV_OK) code = read_name(p, &items[1]);
  *out = (pv_ptx_operand){.kind = PV_PTX_PAIR, .items = items, .item_count = 2};
  return code;
}

pv_code pv_ptx_read_operand(pv_ptx_parser *p, unsigned depth, pv_ptx_operand *out) {
  const bool negated = pv_ptx_at(p, '!');
  pv_code code = negated ? pv_ptx_next(p) : PV_OK;
  *out = (pv_ptx_operand){.negated = negated};
  if (code != PV_OK) return code;
  if (negated && p->lexer.now.kind != PV_PTX_WORD) return pv_ptx_unexpected(p, "a predicate");
  if (p->lexer.now.kind == PV_PTX_WORD) {
    code = read_name(p, out);
    out->negated = negated;
    if (code == PV_OK && pv_ptx_at(p, '|')) return read_pair(p, out);
    if (code == PV_OK && out->kind == PV_PTX_VARIABLE && (pv_ptx_at(p, '+') || pv_ptx_at(p, '-')))
      code = read_offset(p, &out->offset);
    return code;
  }
  if (pv_ptx_at(p, '{')) {
    out->kind = PV_PTX_VECTOR;
    return pv_ptx_read_items(p, depth, '}', &out->items, &out->item_count);
  }
  if (pv_ptx_at(p, '(')) {
    out->kind = PV_PTX_LIST;
    return pv_ptx_read_items(p, depth, ')', &out->items, &out->item_count);
  }
  if (pv_ptx_at(p, '[')) return read_address(p, out);
  if (p->lexer.now.kind == PV_PTX_DIGITS || pv_ptx_at(p, '-')) return read_number(p, out);
  return pv_ptx_unexpected(p, "an operand");
}

pv_code pv_ptx_note_pending(pv_ptx_parser *p, pv_ptx_operand *operands, size_t count,
                            const pv_ptx_token *token) {
  for (size_t i = 0; i < count; i++) {
    pv_ptx_operand *o = &operands[i];
    if (o->kind == PV_PTX_LABEL && o->index == PV_PTX_UNUSED) {
      pv_ptx_pending *pending = PV_ARENA_NEW(p->arena, 1, pv_ptx_pending);
      if (pending == NULL) return pv_ptx_nomem(p);
      *pending = (pv_ptx_pending){o, *token, p->pending[p->names.depth]};
      p->pending[p->names.depth] = pending;
    }
    /* The depth of items is bounded where they are read. */
    const pv_code code = pv_ptx_note_pending(p, o->items, o->item_count, token);
    if (code != PV_OK) return code;
  }
  return PV_OK;
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

pv_code pv_ptx_bind(pv_ptx_parser *p) {
  const unsigned depth = p->names.depth;
  pv_ptx_pending *next = NULL;
  for (pv_ptx_pending *w = p->pending[depth]; w != NULL; w = next) {
    next = w->next;
    const pv_ptx_name *name =
        pv_ptx_names_get(&p->names, w->operand->name, strlen(w->operand->name));
    const bool here = name != NULL && (depth <= 1 || name->depth == depth);
    if (here && bind(w->operand, name)) continue;
    if (here || depth <= 1)
      return pv_ptx_fail(p, &w->token, "'%.100s' is not declared, or not as a label or function",
                         w->operand->name);
    w->next = p->pending[depth - 1];
    p->pending[depth - 1] = w;
  }
  p->pending[depth] = NULL;
  return PV_OK;
}

pv_code pv_ptx_leave(pv_ptx_parser *p) {
  const pv_code code = pv_ptx_bind(p);
  if (code == PV_OK) pv_ptx_names_pop(&p->names);
  return code;
}
