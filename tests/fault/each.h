/* Runs one piece of work again and again, each time with one more call before the one that fails,
 * until a run has no failure. Checked after each run: no descriptor and no child is left. */
#ifndef PV_TEST_EACH_H
#define PV_TEST_EACH_H

#include <stdbool.h>

/* True when everything went well and the result is the right one. What a failure must look like (an
 * error that says so, outputs and files as they were) it checks by itself. */
typedef bool (*each_work)(void);

/* Each allocation, once and from then on. Success exactly when none was refused: a refusal that
 * nobody noticed is a defect. */
void each_allocation(each_work work, unsigned at_least);

/* Each system call: once and from then on, as EIO, ENOSPC, EINTR and ENOMEM. A call may be one that
 * can be done without; a run in which none failed succeeds. Then reads and writes of one byte,
 * which are no failure at all. */
void each_call(each_work work, unsigned at_least);

/* Between these two the calls are the test's own: none is counted, and none fails. */
void each_rest(void);
void each_go_on(void);

/* Failures injected up to now. */
unsigned each_injected(void);

#endif
