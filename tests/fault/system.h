/* Makes the Nth system call of the project's own code fail. Link with system.c and the --wrap
 * options of this folder's CMakeLists.txt. Calls that cannot fail for a reason of the system's
 * (unlink of an own file, waiting for an own child) are left alone, so that a test can look for
 * what is left. */
#ifndef PV_TEST_SYSTEM_H
#define PV_TEST_SYSTEM_H

#include <stdbool.h>

/* From now on calls are counted; number `n` (from 1) and, with `lasting`, all later ones fail with
 * `error`. */
void system_begin(unsigned n, bool lasting, int error);
/* From now on no read and no write moves more than `bytes`. */
void system_short(unsigned bytes);
/* Between these two the calls are the test's own: not counted, and none fails. */
void system_pause(void);
void system_resume(void);
/* One call failed already. */
bool system_failed(void);
/* Stops. Returns how many calls were counted since system_begin. */
unsigned system_end(void);

#endif
