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

static pv_ptx_type read_type(pv_ptx_parser *p) {
  const pv_ptx_type type = type_of(&p->lexer.now);
  if (type == PV_PTX_NO_TYPE) pv_ptx_unexpected(p, "a type");
  pv_ptx_next(p);
  return type;
}

/* A name that is declared: a word without a dot. */
static pv_ptx_token read_new_name(pv_ptx_parser *p) {
  const pv_ptx_token t = p->lexer.now;
  if (t.kind != PV_PTX_WORD || memchr(t.text, '.', t.length) != NULL)
    pv_ptx_unexpected(p, "a name");
  pv_ptx_next(p);
  return t;
}

pv_ptx_name *pv_ptx_declare(pv_ptx_parser *p, const pv_ptx_token *t, pv_ptx_name_kind kind) {
  pv_ptx_name *name = NULL;
  if (pv_ptx_ok(p) && pv_ptx_names_add(&p->names, t->text, t->length, kind, &name, p->err) != PV_OK)
    pv_ptx_lex_error(&p->lexer, t, p->err);
  return name;
}

static void read_register(pv_ptx_parser *p, pv_ptx_type type) {
  const pv_ptx_token t = read_new_name(p);
  uint64_t count = 0;
  const bool range = pv_ptx_at(p, '<');
  if (range) {
    /* %r1<10> could mean %r15 or %r1 and 5: not a guess that a reader may make. */
    if (t.text[t.length - 1] >= '0' && t.text[t.length - 1] <= '9')
      pv_ptx_fail(p, &t, "the name of a range of registers ends with a digit");
    pv_ptx_next(p);
    count = pv_ptx_read_u64(p);
    pv_ptx_take(p, '>');
  }
  pv_ptx_name *name = pv_ptx_declare(p, &t, range ? PV_PTX_NAME_RANGE : PV_PTX_NAME_REGISTER);
  if (name == NULL) return;
  name->type = type;
  name->count = count;
}

void pv_ptx_read_registers(pv_ptx_parser *p) {
  const pv_ptx_type type = read_type(p);
  do read_register(p, type);
  while (pv_ptx_skip(p, ','));
  pv_ptx_take(p, ';');
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

static uint64_t read_alignment(pv_ptx_parser *p) {
  const pv_ptx_token t = p->lexer.now;
  pv_ptx_next(p);
  const uint64_t value = pv_ptx_read_u64(p);
  if (value == 0 || (value & (value - 1)) != 0)
    pv_ptx_fail(p, &t, "an alignment is a power of two");
  return value;
}

/* `.ptr .global .align 16`: what a parameter points to. It says nothing about the parameter. */
static void skip_pointer(pv_ptx_parser *p) {
  pv_ptx_next(p);
  if (pv_ptx_space_of(&p->lexer.now) != PV_PTX_NO_SPACE) pv_ptx_next(p);
  if (pv_ptx_at_word(p, ".align")) read_alignment(p);
}

/* `.attribute(.managed)` and `.attribute(.unified(1, 2))`: where the memory is. */
static void skip_attribute(pv_ptx_parser *p) {
  size_t depth = 0;
  pv_ptx_next(p);
  if (!pv_ptx_at(p, '(')) pv_ptx_unexpected(p, "'('");
  do {
    if (p->lexer.now.kind == PV_PTX_END || pv_ptx_at(p, ';')) pv_ptx_unexpected(p, "')'");
    depth += pv_ptx_at(p, '(');
    depth -= pv_ptx_at(p, ')');
    pv_ptx_next(p);
  } while (pv_ptx_ok(p) && depth > 0);
}

/* Dimensions; [] only where nothing is initialised and somebody else gives the size. */
static uint64_t read_dimensions(pv_ptx_parser *p) {
  uint64_t elements = 1;
  bool sized = true;
  while (pv_ptx_at(p, '[')) {
    const pv_ptx_token t = p->lexer.now;
    uint64_t size = 0;
    pv_ptx_next(p);
    if (pv_ptx_at(p, ']'))
      sized = false;
    else
      size = pv_ptx_read_u64(p);
    pv_ptx_take(p, ']');
    if (sized && !pv_ck_mul(elements, size, &elements))
      pv_ptx_fail(p, &t, "the size does not fit in 64 bits");
  }
  return sized ? elements : 0;
}

static void read_values(pv_ptx_parser *p, pv_ptx_variable *v) {
  const pv_ptx_token t = p->lexer.now;
  size_t capacity = 0;
  pv_ptx_take(p, '=');
  if (pv_ptx_skip(p, '{'))
    pv_ptx_read_items(p, 1, '}', &v->values, &v->value_count);
  else if (pv_ptx_room(p, &v->values, 0, &capacity, sizeof *v->values))
    pv_ptx_read_operand(p, 0, &v->values[v->value_count++]);
  pv_ptx_note_pending(p, v->values, v->value_count, &t);
}

void pv_ptx_read_variable(pv_ptx_parser *p, bool is_extern, pv_ptx_variable ***list, size_t *count,
                          size_t *capacity) {
  pv_ptx_variable *v = PV_ARENA_NEW(p->arena, 1, pv_ptx_variable);
  if (v == NULL) {
    pv_ptx_nomem(p);
    return;
  }
  *v = (pv_ptx_variable){.space = pv_ptx_space_of(&p->lexer.now), .is_extern = is_extern};
  pv_ptx_next(p);
  if (pv_ptx_at_word(p, ".attribute")) skip_attribute(p);
  if (pv_ptx_at_word(p, ".align")) v->align = read_alignment(p);
  v->type = read_type(p);
  if (v->type == PV_PTX_PRED) pv_ptx_fail(p, &p->lexer.now, "a variable can not be a predicate");
  if (pv_ptx_at_word(p, ".ptr")) skip_pointer(p);
  const pv_ptx_token t = read_new_name(p);
  v->line = t.line;
  v->name = pv_arena_strndup(p->arena, t.text, t.length);
  if (v->name == NULL) pv_ptx_nomem(p);
  v->is_array = pv_ptx_at(p, '[');
  if (v->align == 0) v->align = pv_ptx_type_bytes(v->type);
  if (!pv_ck_mul(read_dimensions(p), pv_ptx_type_bytes(v->type), &v->bytes))
    pv_ptx_fail(p, &t, "the size does not fit in 64 bits");
  if (v->name != NULL && strcmp(v->name, "_") != 0) {
    pv_ptx_name *name = pv_ptx_declare(p, &t, PV_PTX_NAME_VARIABLE);
    if (name != NULL) name->variable = v;
  }
  if (pv_ptx_at(p, '=')) read_values(p, v);
  if (pv_ptx_room(p, list, *count, capacity, sizeof **list)) (*list)[(*count)++] = v;
}
