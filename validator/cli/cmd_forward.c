/* Commands that touch a model are the probe's: same arguments, same standard streams. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "validator/cli/commands.h"
#include "validator/run/run.h"

int pv_cmd_forward(int argc, char **argv) {
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  const char *probe = NULL;
  pv_code code = pv_run_find_probe(&arena, NULL, &probe, &err);
  char **all = code == PV_OK ? calloc((size_t)argc + 2, sizeof *all) : NULL;
  if (code == PV_OK && all == NULL) code = pv_error_set(&err, PV_ERR_NOMEM, "out of memory");
  if (code == PV_OK) {
    all[0] = (char *)(uintptr_t)probe;
    for (int i = 0; i < argc; i++) all[i + 1] = argv[i];
    execv(probe, all);
    code = pv_error_errno(&err, errno, "cannot start '%s'", probe);
  }
  free(all);
  pv_arena_free(&arena);
  pv_error_print(&err, stderr);
  return pv_code_exit(code);
}
