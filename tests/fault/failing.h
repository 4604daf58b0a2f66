/* Makes the Nth allocation fail. Link with -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,
 * --wrap=aligned_alloc. */
#ifndef PV_TEST_FAILING_H
#define PV_TEST_FAILING_H

#include <stdbool.h>

/* From now on allocations are counted; number `n` (from 1) and, with `lasting`, all later ones
 * return NULL. */
void failing_begin(unsigned n, bool lasting);
/* Stops. Returns how many allocations were asked for since failing_begin. */
unsigned failing_end(void);

/* Between these two nothing is counted and nothing fails. */
void failing_pause(void);
void failing_resume(void);

/* Counts one allocation; true when it is to fail. For allocators that are wrapped elsewhere. */
bool failing_refuses(void);

#endif
