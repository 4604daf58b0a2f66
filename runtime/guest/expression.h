/* Expressions of a descriptor: whole numbers of 64 bits and floats over sizes and constants.
 *
 *   + - * / % << >> == != < <= > >= && || ! ( ) ceil_div(a, b) round_up(a, b) min(a, b) max(a, b)
 *   log2(a)
 *
 * Precedence as in C. `/` and `%` of whole numbers cut towards zero; a float on either side makes a
 * float of the other, and only + - * / and comparisons take floats. A comparison is 1 or 0. log2 is
 * that of the highest bit. What overflows, divides by zero or shifts too far is an error that names
 * the place in the file.
 *
 * Everything lies in the arena that is given; names are bound to their number when they are read.
 */
#ifndef PV_GUEST_EXPRESSION_H
#define PV_GUEST_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

typedef struct pv_guest_value {
  bool is_real;
  int64_t whole;
  double real;
} pv_guest_value;
#define PV_GUEST_WHOLE(n) ((pv_guest_value){.whole = (n)})

/* Where an expression stands: its text begins at this line and column of the file. */
typedef struct pv_guest_place {
  const char *file;
  int64_t line, column;
} pv_guest_place;

typedef struct pv_guest_node pv_guest_node;
typedef struct pv_guest_expression {
  const char *text;
  pv_guest_place place;
  const pv_guest_node *node;
} pv_guest_expression;

/* `names`: what may be named, `count` of them; their values come in the same order. */
pv_code pv_guest_expression_read(pv_arena *arena, const char *text, pv_guest_place place,
                                 const char *const *names, size_t count,
                                 const pv_guest_expression **out, pv_error *err);

pv_code pv_guest_expression_value(const pv_guest_expression *e, const pv_guest_value *values,
                                  pv_guest_value *out, pv_error *err);

/* A whole number from `least` to `most`; `what` is named in the error: "the grid". */
pv_code pv_guest_expression_whole(const pv_guest_expression *e, const pv_guest_value *values,
                                  const char *what, int64_t least, int64_t most, int64_t *out,
                                  pv_error *err);

#endif
