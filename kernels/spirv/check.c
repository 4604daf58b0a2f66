#include <string.h>

#include "base/text.h"
#include "kernels/spirv/opcodes.h"
#include "kernels/spirv/spirv.h"

#define MAGIC         UINT32_C(0x07230203)
#define MAGIC_SWAPPED UINT32_C(0x03022307)
#define NEWEST        UINT32_C(0x00010600)

enum { HEADER = 5, MOST_IDS = 0x3fffff, IDS_A_WORD = 16 };

/* Instructions that are read and not only looked up, and words of them. */
enum {
  OP_NAME = 5,
  OP_EXT_INST_IMPORT = 11,
  OP_ENTRY_POINT = 15,
  OP_EXECUTION_MODE = 16,
  OP_CAPABILITY = 17,
  OP_TYPE_FLOAT = 22,
  OP_TYPE_VECTOR = 23,
  OP_FUNCTION = 54,
  OP_FUNCTION_END = 56,
  OP_DECORATE = 71,
  OP_MEMBER_DECORATE = 72,
  RELAXED_PRECISION = 0,
  FP_ROUNDING_MODE = 39,
  FP_FAST_MATH_MODE = 40,
  NO_CONTRACTION = 42,
  GL_COMPUTE = 5,
  SHADER = 1
};

const char *const pv_spirv_rules[] = {"no_contraction", "no_fma",
                                      "chosen_form",    "no_approximation",
                                      "stated_order",   "no_float_atomics",
                                      "no_relaxed",     "modes",
                                      "known",          NULL};

typedef struct id_facts {
  uint32_t name;           /* the word where a name begins; 0: none */
  uint16_t width;          /* of a float type, or of a vector of it; 0: another type */
  bool uncontracted;       /* decorated NoContraction */
  bool is_glsl, is_silent; /* an imported set: GLSL.std.450, or one without a meaning */
} id_facts;

typedef struct module {
  pv_arena *arena;
  const unsigned char *bytes;
  size_t words;
  id_facts *ids;
  uint32_t bound;
  uint32_t function; /* that is read */
  bool has_shader, has_entry;
  pv_spirv_report *report;
} module;

typedef struct instruction {
  size_t at; /* word */
  uint16_t opcode, count;
} instruction;

static uint32_t word(const module *m, size_t at) {
  uint32_t w;
  memcpy(&w, m->bytes + at * sizeof w, sizeof w);
  return w;
}

static pv_code refuse(size_t at, pv_error *err, const char *why) {
  pv_error_set(err, PV_ERR_INPUT, "no SPIR-V that can be read: %s", why);
  pv_error_at(err, NULL, 0, 0, (int64_t)(at * sizeof(uint32_t)));
  return PV_ERR_INPUT;
}

static pv_code next(const module *m, size_t at, instruction *out, pv_error *err) {
  const uint32_t first = word(m, at);
  *out = (instruction){at, (uint16_t)(first & 0xffff), (uint16_t)(first >> 16)};
  if (out->count == 0) return refuse(at, err, "an instruction without words");
  if (out->count > m->words - at) return refuse(at, err, "an instruction is cut off");
  return PV_OK;
}

/* Word `index` of an instruction, and the facts of the id that it is. */
static pv_code operand(const module *m, const instruction *in, uint16_t index, uint32_t *out,
                       pv_error *err) {
  if (index >= in->count) return refuse(in->at, err, "an instruction lacks operands");
  *out = word(m, in->at + index);
  return PV_OK;
}

static pv_code id_operand(const module *m, const instruction *in, uint16_t index, id_facts **out,
                          pv_error *err) {
  uint32_t id = 0;
  const pv_code code = operand(m, in, index, &id, err);
  if (code != PV_OK) return code;
  if (id == 0 || id >= m->bound) return refuse(in->at + index, err, "an id is out of bounds");
  *out = &m->ids[id];
  return PV_OK;
}

/* Text that begins at a word of an instruction and must end in it. */
static pv_code text_operand(const module *m, const instruction *in, uint16_t index,
                            const char **out, pv_error *err) {
  if (index >= in->count) return refuse(in->at, err, "an instruction lacks operands");
  const char *text = (const char *)m->bytes + (in->at + index) * sizeof(uint32_t);
  if (memchr(text, '\0', (size_t)(in->count - index) * sizeof(uint32_t)) == NULL)
    return refuse(in->at, err, "a text does not end");
  *out = text;
  return PV_OK;
}

static pv_code find(module *m, const instruction *in, const char *rule, const char *text,
                    pv_error *err) {
  pv_spirv_report *r = m->report;
  if (text == NULL ||
      !pv_arena_room(m->arena, &r->findings, r->count, &r->capacity, sizeof *r->findings))
    return pv_error_nomem(err, "findings");
  const uint32_t name = m->function != 0 ? m->ids[m->function].name : 0;
  const char *function = NULL;
  if (name != 0) {
    function = pv_arena_strdup(m->arena, (const char *)m->bytes + (size_t)name * sizeof(uint32_t));
    if (function == NULL) return pv_error_nomem(err, "findings");
  }
  r->findings[r->count++] = (pv_spirv_finding){rule, in->at * sizeof(uint32_t), function, text};
  return PV_OK;
}

/* The first time: what an id is, by types, names, sets and decorations, and the modes. */
static pv_code learn_type(module *m, const instruction *in, pv_error *err) {
  id_facts *result = NULL, *of = NULL;
  uint32_t width = 0;
  pv_code code = id_operand(m, in, 1, &result, err);
  if (code != PV_OK) return code;
  if (in->opcode == OP_TYPE_FLOAT) {
    code = operand(m, in, 2, &width, err);
    if (code == PV_OK) result->width = width <= 64 ? (uint16_t)width : UINT16_MAX;
  } else {
    code = id_operand(m, in, 2, &of, err);
    if (code == PV_OK) result->width = of->width;
  }
  return code;
}

static pv_code learn_name(module *m, const instruction *in, pv_error *err) {
  id_facts *id = NULL;
  const char *text = NULL;
  pv_code code = id_operand(m, in, 1, &id, err);
  if (code == PV_OK) code = text_operand(m, in, 2, &text, err);
  if (code != PV_OK) return code;
  if (in->opcode == OP_NAME) {
    id->name = (uint32_t)(in->at + 2);
  } else {
    id->is_glsl = strcmp(text, "GLSL.std.450") == 0;
    id->is_silent = strncmp(text, "NonSemantic.", 12) == 0;
  }
  return PV_OK;
}

static pv_code learn_decoration(module *m, const instruction *in, pv_error *err) {
  const uint16_t index = in->opcode == OP_DECORATE ? 2 : 3;
  id_facts *id = NULL;
  uint32_t decoration = 0;
  pv_code code = id_operand(m, in, 1, &id, err);
  if (code == PV_OK) code = operand(m, in, index, &decoration, err);
  if (code != PV_OK) return code;
  if (decoration == NO_CONTRACTION && in->opcode == OP_DECORATE) id->uncontracted = true;
  const uint32_t target = word(m, in->at + 1);
  if (decoration == RELAXED_PRECISION)
    return find(m, in, "no_relaxed",
                pv_arena_printf(m->arena, "%%%u is decorated RelaxedPrecision", target), err);
  if (decoration == FP_ROUNDING_MODE || decoration == FP_FAST_MATH_MODE)
    return find(
        m, in, "modes",
        pv_arena_printf(m->arena, "%%%u is decorated %s", target,
                        decoration == FP_ROUNDING_MODE ? "FPRoundingMode" : "FPFastMathMode"),
        err);
  return PV_OK;
}

/* Sizes of a group; DenormPreserve, SignedZeroInfNanPreserve and RoundingModeRTE, which ask for
 * what is proved anyway. */
static pv_code learn_mode(module *m, const instruction *in, pv_error *err) {
  static const uint32_t harmless[] = {17, 4459, 4461, 4462};
  uint32_t mode = 0;
  const pv_code code = operand(m, in, 2, &mode, err);
  if (code != PV_OK) return code;
  for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
    if (mode == harmless[i]) return PV_OK;
  return find(
      m, in, "modes",
      pv_arena_printf(m->arena, "the execution mode %u is not one of those that are sound", mode),
      err);
}

static pv_code learn(module *m, const instruction *in, pv_error *err) {
  uint32_t value = 0;
  pv_code code = PV_OK;
  switch (in->opcode) {
    case OP_TYPE_FLOAT:
    case OP_TYPE_VECTOR:
      return learn_type(m, in, err);
    case OP_NAME:
    case OP_EXT_INST_IMPORT:
      return learn_name(m, in, err);
    case OP_DECORATE:
    case OP_MEMBER_DECORATE:
      return learn_decoration(m, in, err);
    case OP_EXECUTION_MODE:
      return learn_mode(m, in, err);
    case OP_CAPABILITY:
      code = operand(m, in, 1, &value, err);
      if (value == SHADER) m->has_shader = true;
      return code;
    case OP_ENTRY_POINT:
      code = operand(m, in, 1, &value, err);
      if (code == PV_OK && value == GL_COMPUTE) m->has_entry = true;
      return code;
    default:
      return PV_OK;
  }
}

/* Of GLSL.std.450: what is exact. */
static pv_code look_at_extended(module *m, const instruction *in, pv_error *err) {
  enum { SQRT = 31, FMA = 50 };
  static const uint8_t exact[] = {2,  3,  4,  5,  6,  7,  8,  9,  38, 39,
                                  41, 42, 44, 45, 59, 60, 62, 73, 74, 75};
  id_facts *type = NULL, *set = NULL;
  uint32_t number = 0;
  pv_code code = id_operand(m, in, 1, &type, err);
  if (code == PV_OK) code = id_operand(m, in, 3, &set, err);
  if (code == PV_OK) code = operand(m, in, 4, &number, err);
  if (code != PV_OK || set->is_silent) return code;
  if (!set->is_glsl)
    return find(m, in, "known", pv_arena_strdup(m->arena, "an instruction of an unknown set"), err);
  for (size_t i = 0; i < sizeof exact; i++)
    if (number == exact[i]) return PV_OK;
  m->report->float_operations++;
  const uint32_t id = word(m, in->at + 2);
  if (number == FMA)
    return find(m, in, "no_fma",
                pv_arena_printf(m->arena, "Fma %%%u: a device may round it twice", id), err);
  if (number != SQRT)
    return find(m, in, "no_approximation",
                pv_arena_printf(m->arena, "GLSL.std.450 %u %%%u is not exact", number, id), err);
  return find(m, in, "chosen_form",
              pv_arena_printf(m->arena, "Sqrt %%%u of %u bits may be 2.5 ulp off", id,
                              (unsigned)type->width),
              err);
}

static pv_code look_at_rounded(module *m, const instruction *in, const pv_spirv_opcode *op,
                               pv_error *err) {
  id_facts *type = NULL, *result = NULL;
  pv_code code = id_operand(m, in, 1, &type, err);
  if (code == PV_OK) code = id_operand(m, in, 2, &result, err);
  if (code != PV_OK) return code;
  const uint32_t id = word(m, in->at + 2);
  m->report->float_operations++;
  if (!result->uncontracted)
    code = find(m, in, "no_contraction",
                pv_arena_printf(m->arena, "%s %%%u is not decorated NoContraction", op->name, id),
                err);
  if (code != PV_OK || op->kind != PV_SPIRV_QUOTIENT) return code;
  return find(m, in, "chosen_form",
              pv_arena_printf(m->arena, "%s %%%u of %u bits may be 2.5 ulp off", op->name, id,
                              (unsigned)type->width),
              err);
}

static pv_code look_at_inner(module *m, const instruction *in, pv_error *err) {
  uint32_t number = 0;
  const pv_code code = operand(m, in, 3, &number, err);
  const pv_spirv_opcode *op = number <= UINT16_MAX ? pv_spirv_opcode_find((uint16_t)number) : NULL;
  if (code != PV_OK || (op != NULL && op->kind == PV_SPIRV_NEUTRAL)) return code;
  return find(m, in, "known",
              pv_arena_printf(m->arena, "OpSpecConstantOp computes %s, which no driver is held to",
                              op != NULL ? op->name : "what is not known"),
              err);
}

static pv_code look_at(module *m, const instruction *in, pv_error *err) {
  const pv_spirv_opcode *op = pv_spirv_opcode_find(in->opcode);
  m->report->instructions++;
  if (op == NULL)
    return find(m, in, "known",
                pv_arena_printf(m->arena, "instruction %u is not known", (unsigned)in->opcode),
                err);
  if (in->opcode == OP_FUNCTION) {
    id_facts *unused = NULL;
    const pv_code code = id_operand(m, in, 2, &unused, err);
    if (code == PV_OK) m->function = word(m, in->at + 2);
    return code;
  }
  if (in->opcode == OP_FUNCTION_END) m->function = 0;
  switch (op->kind) {
    case PV_SPIRV_NEUTRAL:
      return PV_OK;
    case PV_SPIRV_ROUNDED:
    case PV_SPIRV_QUOTIENT:
      return look_at_rounded(m, in, op, err);
    case PV_SPIRV_EXTENDED:
      return look_at_extended(m, in, err);
    case PV_SPIRV_SPECIALISED:
      return look_at_inner(m, in, err);
    default:
      break;
  }
  m->report->float_operations++;
  if (op->kind == PV_SPIRV_UNORDERED)
    return find(m, in, "stated_order",
                pv_arena_printf(m->arena, "%s adds in an order that is not stated", op->name), err);
  if (op->kind == PV_SPIRV_ATOMIC)
    return find(m, in, "no_float_atomics",
                pv_arena_printf(m->arena, "%s: its order is that of a race", op->name), err);
  return find(m, in, "no_approximation", pv_arena_printf(m->arena, "%s is not exact", op->name),
              err);
}

static pv_code read_header(module *m, size_t length, pv_error *err) {
  if (length > PV_SPIRV_LIMIT)
    return pv_error_set(err, PV_ERR_LIMIT, "SPIR-V of more than %zu MiB", PV_SPIRV_LIMIT >> 20);
  if (length < HEADER * sizeof(uint32_t)) return refuse(0, err, "it is shorter than its header");
  if (word(m, 0) == MAGIC_SWAPPED)
    return pv_error_set(err, PV_ERR_UNSUPPORTED, "SPIR-V of the other byte order is not read");
  if (word(m, 0) != MAGIC) return refuse(0, err, "it does not begin with 0x07230203");
  if (length % sizeof(uint32_t) != 0) return refuse(m->words, err, "it ends within a word");
  if (word(m, 1) > NEWEST)
    return pv_error_set(err, PV_ERR_UNSUPPORTED, "SPIR-V %u.%u is not read, 1.6 is the last",
                        word(m, 1) >> 16 & 0xff, word(m, 1) >> 8 & 0xff);
  m->bound = word(m, 3);
  if (m->bound == 0 || m->bound > MOST_IDS || m->bound > m->words * IDS_A_WORD)
    return refuse(3, err, "its number of ids fits it not");
  m->ids = PV_ARENA_NEW(m->arena, m->bound, id_facts);
  return m->ids != NULL ? PV_OK : pv_error_nomem(err, "SPIR-V");
}

/* Twice over all words, so that nothing is taken from the order in which a module should have them.
 */
pv_code pv_spirv_check(pv_arena *arena, const void *bytes, size_t length, pv_spirv_report *out,
                       pv_error *err) {
  module m = {.arena = arena, .bytes = bytes, .words = length / sizeof(uint32_t), .report = out};
  instruction in;
  pv_code code = read_header(&m, length, err);
  *out = (pv_spirv_report){0};
  for (size_t at = HEADER; code == PV_OK && at < m.words; at += in.count) {
    code = next(&m, at, &in, err);
    if (code == PV_OK) code = learn(&m, &in, err);
    if (code != PV_OK) break;
  }
  for (size_t at = HEADER; code == PV_OK && at < m.words; at += in.count) {
    code = next(&m, at, &in, err);
    if (code == PV_OK) code = look_at(&m, &in, err);
    if (code != PV_OK) break;
  }
  if (code != PV_OK) return code;
  return m.has_shader && m.has_entry ? PV_OK
                                     : refuse(m.words, err, "it has no compute shader to enter");
}
