/* Lines that fit a width: prose is broken between words, commands so that a shell still takes them,
 * and tables between their columns, the same in every row. */
#ifndef PV_SCREEN_FOLD_H
#define PV_SCREEN_FOLD_H

#include <stddef.h>

#include "base/text.h"

/* Appends `length` bytes of whole lines to `out`; what fits into `width` columns (at least 20)
 * stays as it is. A character is one column, an escape sequence of colours none. Rows are lines
 * with two blanks or more between words: blanks that all rows of a paragraph have in one place
 * shrink to two, and what is still too long goes on below, indented. Rows of a table in Markdown
 * are broken between their cells. A word longer than the line stays whole: it may be a path. */
void pv_fold(const char *text, size_t length, unsigned width, pv_text *out);

#endif
