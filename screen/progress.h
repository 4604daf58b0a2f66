/* What a program is doing, as one line on standard error that is written anew: of every command,
 * and the only home of it. Nothing is drawn in the first second, and nothing at all where standard
 * error is no terminal, or a dumb one. A thread draws, so that it also lives while one call takes
 * long. */
#ifndef PV_SCREEN_PROGRESS_H
#define PV_SCREEN_PROGRESS_H

#include <stdint.h>

/* Begins, or says what is done now: a few words without a full stop, of at most 120 bytes. */
void pv_progress_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* How much of it, in any unit; a total of 0 is unknown. Any thread may call it, often. */
void pv_progress_part(uint64_t done, uint64_t total);
/* Wipes the line until it is drawn again: before anything else is written. */
void pv_progress_hide(void);
/* Ends it, if it ever began. */
void pv_progress_end(void);

#endif
