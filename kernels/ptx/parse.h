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
  pv_error *err; /* never NULL; once it holds an error nothing is read, and the error is kept */
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

/* Whether nothing has failed yet. */
bool pv_ptx_ok(const pv_ptx_parser *p);
/* An error at a token. */
void pv_ptx_fail(pv_ptx_parser *p, const pv_ptx_token *token, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "want X, found Y" at the current token. */
void pv_ptx_unexpected(pv_ptx_parser *p, const char *wanted);
void pv_ptx_nomem(pv_ptx_parser *p);
/* As pv_arena_room; false also when something has failed. */
bool pv_ptx_room(pv_ptx_parser *p, void *items, size_t count, size_t *capacity, size_t size);

void pv_ptx_next(pv_ptx_parser *p);
/* Whether the current token is this one; never when something has failed. */
bool pv_ptx_at(const pv_ptx_parser *p, char sign);
bool pv_ptx_at_word(const pv_ptx_parser *p, const char *word);
/* Takes the current token when it is `sign`, else fails. */
void pv_ptx_take(pv_ptx_parser *p, char sign);
/* Takes it when it is there. */
bool pv_ptx_skip(pv_ptx_parser *p, char sign);
/* Whether a list goes on that has `count` items: takes the comma, or the sign that closes it. */
bool pv_ptx_more(pv_ptx_parser *p, size_t count, char close);
/* .file and .loc, which end with their line. */
void pv_ptx_read_source(pv_ptx_parser *p);
/* `.pragma "text";` */
void pv_ptx_skip_pragma(pv_ptx_parser *p);

/* operand.c */
uint64_t pv_ptx_read_u64(pv_ptx_parser *p);
void pv_ptx_read_operand(pv_ptx_parser *p, unsigned depth, pv_ptx_operand *out);
/* Items until `close`, which is taken. */
void pv_ptx_read_items(pv_ptx_parser *p, unsigned depth, char close, pv_ptx_operand **out,
                       size_t *count);
/* Notes each operand whose name is not known yet, the items included. */
void pv_ptx_note_pending(pv_ptx_parser *p, pv_ptx_operand *operands, size_t count,
                         const pv_ptx_token *token);
/* Binds what waits for a name of this scope; the rest waits for the scope around it, or fails in
 * the outermost of a function and in the module. */
void pv_ptx_bind(pv_ptx_parser *p);
/* The same, and leaves the scope. */
void pv_ptx_leave(pv_ptx_parser *p);

/* declare.c */
/* A new name of the current scope; NULL when something has failed. */
pv_ptx_name *pv_ptx_declare(pv_ptx_parser *p, const pv_ptx_token *token, pv_ptx_name_kind kind);
/* `.reg .b32 %r<10>, x;`, after the `.reg`. */
void pv_ptx_read_registers(pv_ptx_parser *p);
/* A variable with its space, which is the current token, into a list of them; without the `;` (or
 * `,` or `)`) that ends it. */
void pv_ptx_read_variable(pv_ptx_parser *p, bool is_extern, pv_ptx_variable ***list, size_t *count,
                          size_t *capacity);
pv_ptx_space pv_ptx_space_of(const pv_ptx_token *token);

/* body.c */
void pv_ptx_read_body(pv_ptx_parser *p);

/* instruction.c */
void pv_ptx_read_instruction(pv_ptx_parser *p);

#endif
