#include "kernels/ptx/names.h"

#include "base/text.h"

/* A tree of bytes: no hash that a text could be written against. A byte of a name has at most 64
 * siblings, so that a look-up is linear in the name. */
typedef struct pv_ptx_slot {
  char byte;
  pv_ptx_name *top;                    /* the innermost declaration of the name that ends here */
  struct pv_ptx_slot *child, *sibling; /* one byte more; another byte at this place */
} pv_ptx_slot;

pv_code pv_ptx_names_open(pv_ptx_names *names, pv_arena *arena, pv_error *err) {
  *names = (pv_ptx_names){.arena = arena};
  names->root = PV_ARENA_NEW(arena, 1, pv_ptx_slot);
  return names->root != NULL ? PV_OK : pv_error_set(err, PV_ERR_NOMEM, "out of memory");
}

bool pv_ptx_names_push(pv_ptx_names *names) {
  if (names->depth + 1 >= sizeof names->scopes / sizeof *names->scopes) return false;
  names->scopes[++names->depth] = NULL;
  return true;
}

void pv_ptx_names_pop(pv_ptx_names *names) {
  for (pv_ptx_name *n = names->scopes[names->depth]; n != NULL; n = n->next)
    n->slot->top = n->outer;
  names->depth--;
}

/* The slot of a name; NULL when there is none, or no memory to `make` it. */
static pv_ptx_slot *find_slot(const pv_ptx_names *names, const char *text, size_t length,
                              bool make) {
  pv_ptx_slot *slot = names->root;
  for (size_t i = 0; i < length; i++) {
    pv_ptx_slot *child = slot->child;
    while (child != NULL && child->byte != text[i]) child = child->sibling;
    if (child == NULL) {
      child = make ? PV_ARENA_NEW(names->arena, 1, pv_ptx_slot) : NULL;
      if (child == NULL) return NULL;
      *child = (pv_ptx_slot){.byte = text[i], .sibling = slot->child};
      slot->child = child;
    }
    slot = child;
  }
  return slot;
}

pv_ptx_name *pv_ptx_names_get(const pv_ptx_names *names, const char *text, size_t length) {
  const pv_ptx_slot *slot = find_slot(names, text, length, false);
  return slot != NULL ? slot->top : NULL;
}

/* Declarations of one text lie in the order of their depths: what is added is never further out
 * than what is there, since the innermost one would have been found instead. */
static pv_code declare(pv_ptx_names *names, const char *text, size_t length, unsigned depth,
                       pv_ptx_name **out, pv_error *err) {
  pv_ptx_slot *slot = find_slot(names, text, length, true);
  pv_ptx_name *name = PV_ARENA_NEW(names->arena, 1, pv_ptx_name);
  const char *copy = pv_arena_strndup(names->arena, text, length);
  if (slot == NULL || name == NULL || copy == NULL)
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory");
  *name = (pv_ptx_name){.text = copy,
                        .index = PV_PTX_UNUSED,
                        .depth = depth,
                        .slot = slot,
                        .outer = slot->top,
                        .next = names->scopes[depth]};
  slot->top = name;
  names->scopes[depth] = name;
  *out = name;
  return PV_OK;
}

pv_code pv_ptx_names_add(pv_ptx_names *names, const char *text, size_t length,
                         pv_ptx_name_kind kind, pv_ptx_name **out, pv_error *err) {
  const pv_ptx_name *there = pv_ptx_names_get(names, text, length);
  if (there != NULL && there->depth == names->depth)
    return pv_error_set(err, PV_ERR_INPUT, "'%.*s' is declared twice",
                        (int)(length < 100 ? length : 100), text);
  const pv_code code = declare(names, text, length, names->depth, out, err);
  if (code == PV_OK) (*out)->kind = kind;
  return code;
}

/* The innermost range that declares `text`, or NULL: %r12 by %r<13>, but not %r012. */
static pv_ptx_name *find_range(const pv_ptx_names *names, const char *text, size_t length) {
  size_t stem = length;
  uint64_t number = 0;
  while (stem > 0 && text[stem - 1] >= '0' && text[stem - 1] <= '9') stem--;
  if (stem == 0 || stem == length || !pv_parse_u64(text + stem, length - stem, &number))
    return NULL;
  pv_ptx_name *range = pv_ptx_names_get(names, text, stem);
  while (range != NULL && !(range->kind == PV_PTX_NAME_RANGE && number < range->count))
    range = range->outer;
  return range;
}

pv_code pv_ptx_names_resolve(pv_ptx_names *names, const char *text, size_t length,
                             pv_ptx_name **out, pv_error *err) {
  pv_ptx_name *exact = pv_ptx_names_get(names, text, length);
  pv_ptx_name *range = find_range(names, text, length);
  if (exact != NULL && exact->kind == PV_PTX_NAME_RANGE) exact = NULL; /* its stem alone */
  *out = exact;
  if (range == NULL || (exact != NULL && exact->depth > range->depth)) return PV_OK;
  if (exact != NULL && exact->depth == range->depth)
    return exact->derived ? PV_OK
                          : pv_error_set(err, PV_ERR_INPUT, "'%.*s' is declared twice",
                                         (int)(length < 100 ? length : 100), text);
  pv_ptx_name *made = NULL;
  const pv_code code = declare(names, text, length, range->depth, &made, err);
  if (code != PV_OK) return code;
  made->kind = PV_PTX_NAME_REGISTER;
  made->type = range->type;
  made->derived = true;
  *out = made;
  return PV_OK;
}
