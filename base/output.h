/* Standard output of the programs: what could not be written is an error, unless whoever read it
 * has enough, as `head` has. */
#ifndef PV_BASE_OUTPUT_H
#define PV_BASE_OUTPUT_H

#include <stddef.h>

#include "base/error.h"

/* Writes out all that was printed. PV_ERR_IO when any of it was lost; where nobody reads any more
 * the error has no message, so that pv_error_print is silent. */
pv_code pv_output_flush(pv_error *err);

/* Prints `length` bytes and flushes. */
pv_code pv_output_write(const char *bytes, size_t length, pv_error *err);

/* The last call of a program that would end with `code`: 128 + SIGPIPE, as a program that the
 * signal ends, when nobody reads any more; 2 when output was lost otherwise, and then it is said.
 */
int pv_output_exit(int code);

#endif
