/* Commands that touch a model are the probe's: same arguments, same standard streams. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/options.h"
#include "runtime/base/sha256.h"
#include "validator/cli/commands.h"
#include "validator/run/run.h"

int pv_cmd_forward(int argc, char **argv) {
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  const char *probe = NULL;
  pv_status status = pv_run_find_probe(&arena, NULL, &probe, &err);
  char **all = status == PV_OK ? calloc((size_t)argc + 2, sizeof *all) : NULL;
  if (status == PV_OK && all == NULL) status = pv_error_set(&err, PV_ERR_NOMEM, "out of memory");
  if (status == PV_OK) {
    all[0] = (char *)(uintptr_t)probe;
    for (int i = 0; i < argc; i++) all[i + 1] = argv[i];
    execv(probe, all);
    status = pv_error_errno(&err, errno, "cannot start '%s'", probe);
  }
  free(all);
  pv_arena_free(&arena);
  pv_error_print(&err, stderr);
  return pv_status_exit(status);
}

int pv_cmd_version(int argc, char **argv) {
  const pv_option list[] = {{0}};
  bool help = false;
  pv_options options = {.command = "version",
                        .summary = "Versions and digests of pv and of its probe, as JSON.",
                        .examples = "  pv version\n",
                        .list = list};
  pv_error err = PV_ERROR_INIT;
  char digest[PV_SHA256_HEX] = "unknown";
  const pv_status status = pv_options_parse(&options, argc, argv, &help, &err);
  if (status != PV_OK) {
    pv_error_print(&err, stderr);
    return pv_status_exit(status);
  }
  if (help) return 0;
  (void)pv_sha256_file("/proc/self/exe", digest, NULL);
  printf("{\"pv\": \"%s\", \"pv_sha256\": \"%s\", \"probe\":\n", PV_VERSION, digest);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) _exit(pv_cmd_forward(1, (char *[]){(char[]){"version"}, NULL}));
  int wait_status = 0;
  if (child < 0 || waitpid(child, &wait_status, 0) != child || wait_status != 0) puts("null");
  puts("}");
  return 0;
}
