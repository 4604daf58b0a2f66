/* Declarations of registers and variables. */
#include <string.h>

#include "base/ck.h"
#include "kernels/ptx/parse.h"

static const struct {
  const char *name;
  uint32_t bytes;
} types[PV_PTX_TYPES] = {
    [PV_PTX_NO_TYPE] = {"", 0},      [PV_PTX_PRED] = {"pred", 0},   [PV_PTX_B8] = {"b8", 1},
    [PV_PTX_B16] = {"b16", 2},       [PV_PTX_B32] = {"b32", 4},     [PV_PTX_B64] = {"b64", 8},
    [PV_PTX_B128] = {"b128", 16},    [PV_PTX_U8] = {"u8", 1},       [PV_PTX_U16] = {"u16", 2},
    [PV_PTX_U32] = {"u32", 4},       [PV_PTX_U64] = {"u64", 8},     [PV_PTX_S8] = {"s8", 1},
    [PV_PTX_S16] = {"s16", 2},       [PV_PTX_S32] = {"s32", 4},     [PV_PTX_S64] = {"s64", 8},
    [PV_PTX_F16] = {"f16", 2},       [PV_PTX_F16X2] = {"f16x2", 4}, [PV_PTX_BF16] = {"bf16", 2},
    [PV_PTX_BF16X2] = {"bf16x2", 4}, [PV_PTX_F32] = {"f32", 4},     [PV_PTX_F64] = {"f64", 8},
};

const char *pv_ptx_type_name(pv_ptx_type type) {
  return types[type].name;
}

uint32_t pv_ptx_type_bytes(pv_ptx_type type) {
  return types[type].bytes;
}

pv_ptx_type pv_ptx_type_find(const char *name) {
  for (int i = PV_PTX_NO_TYPE + 1; i < PV_PTX_TYPES; i++)
    if (strcmp(types[i].name, name) == 0) return (pv_ptx_type)i;
  return PV_PTX_NO_TYPE;
}

/* ".b32" as a type. */
static pv_ptx_type type_of(const pv_ptx_token *t) {
  for (int i = PV_PTX_NO_TYPE + 1; t->kind == PV_PTX_WORD && i < PV_PTX_TYPES; i++)
    if (t->length == strlen(types[i].name) + 1 && t->text[0] == '.' &&
        memcmp(t->text + 1, types[i].name, t->length - 1) == 0)
      return (pv_ptx_type)i;
  return PV_PTX_NO_TYPE;
}

static pv_code read_type(pv_ptx_parser *p, pv_ptx_type *out) {
  *out = type_of(&p->lexer.now);
  return *out != PV_PTX_NO_TYPE ? pv_ptx_next(p) : pv_ptx_unexpected(p, "a type");
}

/* A name that is declared: a word without a dot. */
static pv_code read_new_name(pv_ptx_parser *p, pv_ptx_token *out) {
  *out = p->lexer.now;
  if (out->kind != PV_PTX_WORD || memchr(out->text, '.', out->length) != NULL)
    return pv_ptx_unexpected(p, "a name");
  return pv_ptx_next(p);
}

static pv_code declare(pv_ptx_parser *p, const pv_ptx_token *t, pv_ptx_name_kind kind,
                       pv_ptx_name **out) {
  if (pv_ptx_names_add(&p->names, t->text, t->length, kind, out, p->err) != PV_OK)
    return pv_ptx_lex_error(&p->lexer, t, p->err);
  return PV_OK;
}

static pv_code read_register(pv_ptx_parser *p, pv_ptx_type type) {
  pv_ptx_token t;
  pv_ptx_name *name = NULL;
  uint64_t count = 0;
  pv_code code = read_new_name(p, &t);
  if (code != PV_OK) return code;
  const bool range = pv_ptx_at(p, '<');
  if (range) {
    /* %r1<10> could mean %r15 or %r1 and 5: not a guess that a reader may make. */
    if (t.text[t.length - 1] >= '0' && t.text[t.length - 1] <= '9')
      return pv_ptx_fail(p, &t, "the name of a range of registers ends with a digit");
    code = pv_ptx_next(p);
    if (code == PV_OK) code = pv_ptx_read_u64(p, &count);
    if (code == PV_OK) code = pv_ptx_take(p, '>');
  }
  if (code == PV_OK) code = declare(p, &t, range ? PV_PTX_NAME_RANGE : PV_PTX_NAME_REGISTER, &name);
  if (code != PV_OK) return code;
  name->type = type;
  name->count = count;
  return PV_OK;
}

pv_code pv_ptx_read_registers(pv_ptx_parser *p) {
  pv_ptx_type type = PV_PTX_NO_TYPE;
  pv_code code = read_type(p, &type);
  if (code == PV_OK) code = read_register(p, type);
  while (code == PV_OK && pv_ptx_at(p, ',')) {
    code = pv_ptx_next(p);
    if (code == PV_OK) code = read_register(p, type);
  }
  return code == PV_OK ? pv_ptx_take(p, ';') : code;
}

pv_ptx_space pv_ptx_space_of(const pv_ptx_token *token) {
  static const struct {
    const char *name;
    pv_ptx_space space;
  } list[] = {{".param", PV_PTX_PARAM},
              {".global", PV_PTX_GLOBAL},
              {".const", PV_PTX_CONST},
              {".shared", PV_PTX_SHARED},
              {".local", PV_PTX_LOCAL}};
  for (size_t i = 0; i < sizeof list / sizeof *list; i++)
    if (pv_ptx_is_word(token, list[i].name)) return list[i].space;
  return PV_PTX_NO_SPACE;
}

static pv_code read_alignment(pv_ptx_parser *p, uint64_t *out) {
  const pv_ptx_token t = p->lexer.now;
  uint64_t value = 0;
  pv_code code = pv_ptx_next(p);
  if (code == PV_OK) code = pv_ptx_read_u64(p, &value);
  if (code != PV_OK) return code;
  if (value == 0 || (value & (value - 1)) != 0)
    return pv_ptx_fail(p, &t, "an alignment is a power of two");
  *out = value;
  return PV_OK;
}

/* `.ptr .global .align 16`: what a parameter points to. It says nothing about the parameter. */
static pv_code skip_pointer(pv_ptx_parser *p) {
  uint64_t alignment = 0;
  pv_code code = pv_ptx_next(p);
  if (code == PV_OK && pv_ptx_space_of(&p->lexer.now) != PV_PTX_NO_SPACE) code = pv_ptx_next(p);
  if (code == PV_OK && pv_ptx_is_word(&p->lexer.now, ".align"))
    code = read_alignment(p, &alignment);
  return code;
}

/* `.attribute(.managed)` and `.attribute(.unified(1, 2))`: where the memory is. */
static pv_code skip_attribute(pv_ptx_parser *p) {
  pv_code code = pv_ptx_next(p);
  size_t depth = 0;
  if (code == PV_OK && !pv_ptx_at(p, '(')) return pv_ptx_unexpected(p, "'('");
  do {
    if (p->lexer.now.kind == PV_PTX_END || pv_ptx_at(p, ';')) return pv_ptx_unexpected(p, "')'");
    depth += pv_ptx_at(p, '(');
    depth -= pv_ptx_at(p, ')');
    code = pv_ptx_next(p);
  } while (code == PV_OK && depth > 0);
  return code;
}

/* Dimensions; [] only where nothing is initialised and somebody else gives the size. */
static pv_code read_dimensions(pv_ptx_parser *p, uint64_t *elements, bool *sized) {
  pv_code code = PV_OK;
  while (code == PV_OK && pv_ptx_at(p, '[')) {
    const pv_ptx_token t = p->lexer.now;
    uint64_t size = 0;
    code = pv_ptx_next(p);
    if (code == PV_OK && pv_ptx_at(p, ']'))
      *sized = false;
    else if (code == PV_OK)
      code = pv_ptx_read_u64(p, &size);
    if (code == PV_OK) code = pv_ptx_take(p, ']');
    if (code == PV_OK && *sized && !pv_ck_mul(*elements, size, elements))
      return pv_ptx_fail(p, &t, "the size does not fit in 64 bits");
  }
  return code;
}

static pv_code read_values(pv_ptx_parser *p, pv_ptx_variable *v) {
  const pv_ptx_token t = p->lexer.now;
  pv_code code = pv_ptx_next(p);
  if (code != PV_OK) return code;
  if (pv_ptx_at(p, '{')) {
    code = pv_ptx_read_items(p, 0, '}', &v->values, &v->value_count);
  } else {
    v->values = PV_ARENA_NEW(p->arena, 1, pv_ptx_operand);
    if (v->values == NULL) return pv_ptx_nomem(p);
    v->value_count = 1;
    code = pv_ptx_read_operand(p, 0, v->values);
  }
  return code == PV_OK ? pv_ptx_note_pending(p, v->values, v->value_count, &t) : code;
}

pv_code pv_ptx_read_variable(pv_ptx_parser *p, pv_ptx_space space, bool is_extern,
                             pv_ptx_variable **out) {
  pv_ptx_variable *v = PV_ARENA_NEW(p->arena, 1, pv_ptx_variable);
  pv_ptx_token t;
  pv_ptx_name *name = NULL;
  uint64_t elements = 1;
  bool sized = true;
  if (v == NULL) return pv_ptx_nomem(p);
  *v = (pv_ptx_variable){.space = space, .is_extern = is_extern};
  pv_code code = PV_OK;
  if (pv_ptx_is_word(&p->lexer.now, ".attribute")) code = skip_attribute(p);
  if (code == PV_OK && pv_ptx_is_word(&p->lexer.now, ".align")) code = read_alignment(p, &v->align);
  if (code == PV_OK) code = read_type(p, &v->type);
  if (code == PV_OK && v->type == PV_PTX_PRED)
    return pv_ptx_fail(p, &p->lexer.now, "a variable can not be a predicate");
  if (code == PV_OK && pv_ptx_is_word(&p->lexer.now, ".ptr")) code = skip_pointer(p);
  if (code == PV_OK) code = read_new_name(p, &t);
  if (code != PV_OK) return code;
  v->line = t.line;
  v->name = pv_arena_strndup(p->arena, t.text, t.length);
  if (v->name == NULL) return pv_ptx_nomem(p);
  v->is_array = pv_ptx_at(p, '[');
  if (v->align == 0) v->align = pv_ptx_type_bytes(v->type);
  code = read_dimensions(p, &elements, &sized);
  if (code == PV_OK && !sized) elements = 0;
  if (code == PV_OK && !pv_ck_mul(elements, pv_ptx_type_bytes(v->type), &v->bytes))
    return pv_ptx_fail(p, &t, "the size does not fit in 64 bits");
  if (code == PV_OK && strcmp(v->name, "_") != 0)
    code = declare(p, &t, PV_PTX_NAME_VARIABLE, &name);
  if (code == PV_OK && name != NULL) name->variable = v;
  if (code == PV_OK && pv_ptx_at(p, '=')) code = read_values(p, v);
  if (code == PV_OK) *out = v;
  return code;
}
