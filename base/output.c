#include "base/output.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

static bool told; /* a command has an error that says it */

/* errno tells only of the last write, and an earlier one may be what was lost. */
static bool reader_has_gone(void) {
  struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
  return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

pv_code pv_output_flush(pv_error *err) {
  if (fflush(stdout) == 0 && ferror(stdout) == 0) return PV_OK;
  const bool gone = reader_has_gone();
  told = told || (!gone && err != NULL);
  return pv_error_set(err, PV_ERR_IO, "%s", gone ? "" : "cannot write to standard output");
}

pv_code pv_output_write(const char *bytes, size_t length, pv_error *err) {
  if (length > 0) (void)fwrite(bytes, 1, length, stdout); /* the stream remembers */
  return pv_output_flush(err);
}

int pv_output_exit(int code) {
  const bool known = told;
  pv_error err = PV_ERROR_INIT;
  if (pv_output_flush(&err) == PV_OK) return code;
  if (reader_has_gone()) return 128 + SIGPIPE;
  if (!known) pv_error_print(&err, stderr);
  return pv_code_exit(PV_ERR_IO);
}
