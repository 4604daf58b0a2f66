/* A reader for PTX as nvcc emits it (PTX ISA 9.0; the subset is in docs/ptx.md).
 *
 * Ownership: a module and everything it points to lies in the arena that was given to
 * pv_ptx_parse, names included; the text may be freed afterwards.
 * Units: lines and columns count from 1, columns in bytes; sizes and offsets are bytes.
 * Errors: what the reader does not understand is PV_ERR_INPUT with line, column and byte, or a
 * function that is left unread, never a guess. Time and memory are linear in the length of the
 * text. */
#ifndef PV_PTX_PTX_H
#define PV_PTX_PTX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

/* Scopes and braces may nest this deep. */
enum { PV_PTX_DEPTH_MAX = 16 };

typedef enum pv_ptx_type {
  PV_PTX_NO_TYPE = 0,
  PV_PTX_PRED,
  PV_PTX_B8,
  PV_PTX_B16,
  PV_PTX_B32,
  PV_PTX_B64,
  PV_PTX_B128,
  PV_PTX_U8,
  PV_PTX_U16,
  PV_PTX_U32,
  PV_PTX_U64,
  PV_PTX_S8,
  PV_PTX_S16,
  PV_PTX_S32,
  PV_PTX_S64,
  PV_PTX_F16,
  PV_PTX_F16X2,
  PV_PTX_BF16,
  PV_PTX_BF16X2,
  PV_PTX_F32,
  PV_PTX_F64,
  PV_PTX_TYPES
} pv_ptx_type;

/* "f64" for PV_PTX_F64; PV_PTX_NO_TYPE when there is no such type. */
const char *pv_ptx_type_name(pv_ptx_type type);
pv_ptx_type pv_ptx_type_find(const char *name);
uint32_t pv_ptx_type_bytes(pv_ptx_type type); /* 0 for a predicate */

typedef enum pv_ptx_space {
  PV_PTX_NO_SPACE = 0,
  PV_PTX_PARAM,
  PV_PTX_GLOBAL,
  PV_PTX_CONST,
  PV_PTX_SHARED,
  PV_PTX_LOCAL
} pv_ptx_space;

typedef enum pv_ptx_kind {
  PV_PTX_NOTHING = 0, /* `_` */
  PV_PTX_REGISTER,    /* index: into the function's registers */
  PV_PTX_SPECIAL,     /* name: "%tid.x" */
  PV_PTX_IMMEDIATE,   /* bits, number */
  PV_PTX_VARIABLE,    /* variable, offset; bits: the mask of an initialiser's address, or 0 */
  PV_PTX_LABEL,       /* index: into the function's labels */
  PV_PTX_TABLE,       /* index: into the function's branch tables */
  PV_PTX_FUNCTION,    /* function */
  PV_PTX_ADDRESS,     /* [items[0] + offset] */
  PV_PTX_VECTOR,      /* {items} */
  PV_PTX_LIST,        /* (items), of a call */
  PV_PTX_PAIR         /* items[0]|items[1] */
} pv_ptx_kind;

typedef enum pv_ptx_number { PV_PTX_INTEGER = 0, PV_PTX_SINGLE, PV_PTX_DOUBLE } pv_ptx_number;

struct pv_ptx_variable;
struct pv_ptx_function;

typedef struct pv_ptx_operand {
  pv_ptx_kind kind;
  bool negated;         /* !%p1 */
  pv_ptx_number number; /* of an immediate: what `bits` holds */
  uint32_t index;
  const char *name; /* as written, of what has a name; else NULL */
  uint64_t bits;    /* 64 bits, two's complement; 32 or 64 bits of IEEE 754 */
  int64_t offset;
  const struct pv_ptx_variable *variable;
  const struct pv_ptx_function *function;
  struct pv_ptx_operand *items;
  size_t item_count;
} pv_ptx_operand;

typedef struct pv_ptx_variable {
  const char *name;
  pv_ptx_space space;
  pv_ptx_type type;
  uint64_t bytes; /* 0: unsized, `.extern .shared x[]` */
  uint64_t align; /* a power of two */
  bool is_array, is_extern;
  uint32_t line;
  pv_ptx_operand *values; /* the initialiser, element by element; the rest is zero */
  size_t value_count;
} pv_ptx_variable;

/* A register that is used. The same name in another scope is another register. */
typedef struct pv_ptx_register {
  const char *name;
  pv_ptx_type type;
} pv_ptx_register;

typedef struct pv_ptx_label {
  const char *name;
  size_t at; /* of the instruction that follows; instruction_count at the end */
  uint32_t line;
} pv_ptx_label;

/* The labels that a `brx.idx` chooses from. */
typedef struct pv_ptx_table {
  const char *name;
  pv_ptx_operand *labels;
  size_t label_count;
} pv_ptx_table;

typedef struct pv_ptx_instruction {
  const char *opcode;       /* "shfl.sync.down.b32" */
  const char *const *parts; /* "shfl", "sync", "down", "b32" */
  size_t part_count;
  uint32_t line, column;
  uint32_t source_file, source_line; /* of the last .loc before it, 0 when there is none */
  bool guarded, guard_negated;       /* @%p1 or @!%p1 */
  uint32_t guard;                    /* index of the register */
  bool writes;                       /* operand 0 is the result, or holds the results */
  pv_ptx_operand *operands;
  size_t operand_count;
} pv_ptx_instruction;

/* Why a function is not read: one instruction of it is enough. */
typedef struct pv_ptx_unread {
  uint32_t line, column;
  const char *why;  /* "no modifier '.tensor' is known" */
  const char *text; /* the line, or the part of it that begins there; at most 100 bytes */
} pv_ptx_unread;

typedef struct pv_ptx_function {
  const char *name;
  bool is_entry, has_body;
  const pv_ptx_unread *unread; /* else NULL; when set nothing of the body is here */
  uint32_t line, last_line;
  pv_ptx_variable **params, **results;
  size_t param_count, result_count;
  uint32_t required_threads[3], most_threads[3]; /* .reqntid, .maxntid; 0: not said */
  pv_ptx_variable **variables;                   /* declared in the body, in all scopes */
  size_t variable_count;
  pv_ptx_register *registers;
  size_t register_count;
  pv_ptx_label *labels;
  size_t label_count;
  pv_ptx_table *tables;
  size_t table_count;
  pv_ptx_instruction *instructions;
  size_t instruction_count;
} pv_ptx_function;

typedef struct pv_ptx_file { /* `.file 1 "kernel.cu"` */
  uint32_t number;
  const char *name;
} pv_ptx_file;

typedef struct pv_ptx_module {
  const char *name; /* as given */
  uint32_t version_major, version_minor;
  const char *target; /* "sm_80" */
  uint32_t address_size;
  pv_ptx_variable **variables;
  size_t variable_count;
  pv_ptx_function **functions; /* kernels and others, in the order of the text */
  size_t function_count;
  pv_ptx_file *files;
  size_t file_count;
} pv_ptx_module;

/* `name` stands in errors in place of a file. On an error `*out` is untouched; what was allocated
 * until then goes with the arena. */
pv_code pv_ptx_parse(pv_arena *arena, const char *name, const char *text, size_t length,
                     pv_ptx_module **out, pv_error *err);

/* The same, but a function whose head or body is not understood spoils no other: it is passed over,
 * brace by brace, and `unread` says why. What is no PTX for any reader (a character, a comment or a
 * string, braces that do not close), and what stands outside functions, is an error as above. */
pv_code pv_ptx_parse_each(pv_arena *arena, const char *name, const char *text, size_t length,
                          pv_ptx_module **out, pv_error *err);

/* The kernel (.entry) of that name, or NULL. */
const pv_ptx_function *pv_ptx_kernel(const pv_ptx_module *module, const char *name);

/* The name of a source file, or NULL. */
const char *pv_ptx_file_name(const pv_ptx_module *module, uint32_t number);

/* What an instruction writes: `count` operands, each a register, a variable of a call, or
 * PV_PTX_NOTHING. */
const pv_ptx_operand *pv_ptx_results(const pv_ptx_instruction *instruction, size_t *count);

/* Whether one of the parts after the opcode is `part`. */
bool pv_ptx_has_part(const pv_ptx_instruction *instruction, const char *part);

/* Bytes of the .shared variables that the body declares, each aligned as declared. What the module
 * declares is not among them. False when the sum does not fit. */
bool pv_ptx_shared_bytes(const pv_ptx_function *function, uint64_t *out);

#endif
