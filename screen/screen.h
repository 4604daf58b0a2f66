/* Where the programs print: how wide a terminal is, what it understands, and lines that fit it. */
#ifndef PV_SCREEN_SCREEN_H
#define PV_SCREEN_SCREEN_H

#include <stdbool.h>

/* Columns of the terminal behind `fd`: $COLUMNS where that is a number from 20 on, else what the
 * terminal says. 0: there is none, or it does not say. */
unsigned pv_screen_width(int fd);

/* Whether colours are understood and wanted: a terminal, $TERM is not "dumb", no $NO_COLOR. */
bool pv_screen_color(int fd);

/* Whether a line may be written anew: a terminal that is not "dumb". */
bool pv_screen_moves(int fd);

/* To be called once, before anything is printed: from then on what goes to standard output and
 * standard error is folded (fold.h) where they are terminals. Into a pipe or a file everything goes
 * as it is, and on a terminal what begins as JSON does. Text appears when its stream is flushed. */
void pv_screen_begin(void);

/* From here on standard output is as it is on a terminal too: text of a model, code, YAML. */
void pv_screen_raw(void);

#endif
