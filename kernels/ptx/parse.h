/* What the files of the reader share. Private to the reader. */
#ifndef PV_PTX_PARSE_H
#define PV_PTX_PARSE_H

#include "kernels/ptx/lex.h"
#include "kernels/ptx/names.h"

/* A name whose meaning may stand further down: a label or a function. */
typedef struct pv_ptx_pending {
  pv_ptx_operand *operand;
  pv_ptx_token token;
  struct pv_ptx_pending *next;
} pv_ptx_pending;

typedef struct pv_ptx_parser {
  pv_arena *arena;
  pv_error *err; /* never NULL */
  pv_ptx_lexer lexer;
  pv_ptx_names names;
  pv_ptx_module *module;
  pv_ptx_function *function; /* whose body is read, or NULL */
  pv_ptx_pending *pending[PV_PTX_DEPTH_MAX + 4];
  /* elements that the growing arrays have room for */
  size_t variables, functions, locals, registers, labels, tables, instructions, files;
  uint32_t source_file, source_line; /* of the last .loc of the function */
  bool each;                         /* a function that is not understood is left unread */
} pv_ptx_parser;

/* Room for one more element; the old array stays in the arena, so that all take at most twice the
 * bytes of the last. */
pv_code pv_ptx_room(pv_ptx_parser *p, void *items, size_t count, size_t *capacity, size_t size);

/* An error at a token; returns its code. */
pv_code pv_ptx_fail(pv_ptx_parser *p, const pv_ptx_token *token, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "want X, found Y" at the current token. */
pv_code pv_ptx_unexpected(pv_ptx_parser *p, const char *wanted);
pv_code pv_ptx_nomem(pv_ptx_parser *p);
#ifdef __clang_analyzer__ /* it can not see into parse.c: what these return is never PV_OK */
#define pv_ptx_fail(...)          (pv_ptx_fail(__VA_ARGS__), PV_ERR_INPUT)
#define pv_ptx_unexpected(p, w)   (pv_ptx_unexpected((p), (w)), PV_ERR_INPUT)
#define pv_ptx_nomem(p)           (pv_ptx_nomem(p), PV_ERR_NOMEM)
#define pv_ptx_lex_error(l, t, e) (pv_ptx_lex_error((l), (t), (e)), PV_ERR_INPUT)
#endif

pv_code pv_ptx_next(pv_ptx_parser *p);
/* Takes the current token when it is `sign`, else fails. */
pv_code pv_ptx_take(pv_ptx_parser *p, char sign);
bool pv_ptx_at(const pv_ptx_parser *p, char sign);
/* .file and .loc, which end with their line. */
pv_code pv_ptx_read_source(pv_ptx_parser *p);
/* `.pragma "text";` */
pv_code pv_ptx_skip_pragma(pv_ptx_parser *p);

/* operand.c */
pv_code pv_ptx_read_u64(pv_ptx_parser *p, uint64_t *out);
pv_code pv_ptx_read_operand(pv_ptx_parser *p, unsigned depth, pv_ptx_operand *out);
/* Items until `close`, which is taken; the opening sign is the current token. */
pv_code pv_ptx_read_items(pv_ptx_parser *p, unsigned depth, char close, pv_ptx_operand **out,
                          size_t *count);
/* Notes each operand whose name is not known yet, the items included. */
pv_code pv_ptx_note_pending(pv_ptx_parser *p, pv_ptx_operand *operands, size_t count,
                            const pv_ptx_token *token);
/* Binds what waits for a name of this scope; the rest waits for the scope around it, or fails in
 * the outermost of a function and in the module. */
pv_code pv_ptx_bind(pv_ptx_parser *p);
/* The same, and leaves the scope. */
pv_code pv_ptx_leave(pv_ptx_parser *p);

/* declare.c */
/* `.reg .b32 %r<10>, x;`, after the `.reg`. */
pv_code pv_ptx_read_registers(pv_ptx_parser *p);
/* A variable after its space, without the `;` (or `,` or `)`) that ends it. */
pv_code pv_ptx_read_variable(pv_ptx_parser *p, pv_ptx_space space, bool is_extern,
                             pv_ptx_variable **out);
pv_ptx_space pv_ptx_space_of(const pv_ptx_token *token);

/* body.c */
pv_code pv_ptx_read_body(pv_ptx_parser *p);

/* instruction.c */
pv_code pv_ptx_read_instruction(pv_ptx_parser *p);

#endif
