/* Names in nested scopes: what a name means at a place of the text. Private to the reader. */
#ifndef PV_PTX_NAMES_H
#define PV_PTX_NAMES_H

#include "kernels/ptx/ptx.h"

typedef enum pv_ptx_name_kind {
  PV_PTX_NAME_REGISTER = 0,
  PV_PTX_NAME_RANGE, /* `%r<100>`: the registers %r0 to %r99 */
  PV_PTX_NAME_VARIABLE,
  PV_PTX_NAME_LABEL,
  PV_PTX_NAME_TABLE,
  PV_PTX_NAME_FUNCTION
} pv_ptx_name_kind;

enum { PV_PTX_UNUSED = UINT32_MAX };

struct pv_ptx_slot;

/* One declaration. Owned by the arena. */
typedef struct pv_ptx_name {
  pv_ptx_name_kind kind;
  const char *text; /* NUL-terminated */
  pv_ptx_type type; /* of a register or a range */
  uint64_t count;   /* of a range */
  uint32_t index;   /* of a register (PV_PTX_UNUSED before its first use), label or table */
  pv_ptx_variable *variable;
  pv_ptx_function *function;
  bool derived; /* a register that a range declares */
  unsigned depth;
  struct pv_ptx_slot *slot;
  struct pv_ptx_name *outer; /* the same name, further out */
  struct pv_ptx_name *next;  /* the next declaration of this scope */
} pv_ptx_name;

typedef struct pv_ptx_names {
  pv_arena *arena;
  struct pv_ptx_slot *root;
  pv_ptx_name *scopes[PV_PTX_DEPTH_MAX + 4]; /* declarations of each scope */
  unsigned depth;                            /* 0: the module */
} pv_ptx_names;

pv_code pv_ptx_names_open(pv_ptx_names *names, pv_arena *arena, pv_error *err);
/* False when scopes are nested deeper than PV_PTX_DEPTH_MAX. */
bool pv_ptx_names_push(pv_ptx_names *names);
void pv_ptx_names_pop(pv_ptx_names *names);

/* The innermost declaration, or NULL. */
pv_ptx_name *pv_ptx_names_get(const pv_ptx_names *names, const char *text, size_t length);

/* Declares a name in the current scope. PV_ERR_INPUT when it is declared there already. */
pv_code pv_ptx_names_add(pv_ptx_names *names, const char *text, size_t length,
                         pv_ptx_name_kind kind, pv_ptx_name **out, pv_error *err);

/* What `text` means here: as get, but a register of a range becomes a declaration of its own.
 * `*out` is NULL when nothing of that name is declared. */
pv_code pv_ptx_names_resolve(pv_ptx_names *names, const char *text, size_t length,
                             pv_ptx_name **out, pv_error *err);

#endif
