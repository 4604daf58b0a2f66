/* pv synth: a model of any shape with random weights. */
#include <stdio.h>
#include <time.h>

#include "runtime/probe/probe.h"
#include "runtime/probe/sides.h"
#include "runtime/synth/synth.h"

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void show(void *context, uint64_t done, uint64_t total) {
  double *last = context;
  if (!pv_side_terminal() || now() - *last < 0.1) return;
  *last = now();
  fprintf(stderr, "\r%5.1f %% of %.2f GB", 100.0 * (double)done / (double)total,
          (double)total / 1e9);
}

int pv_probe_synth(int argc, char **argv) {
  pv_synth_options options = pv_synth_defaults();
  const char *path = NULL;
  bool help = false;
  uint64_t bytes = 0;
  double last = 0.0;
  pv_error err = PV_ERROR_INIT;
  pv_status status = pv_synth_parse(argc, argv, &options, &path, &help, &err);
  if (status == PV_OK && help) {
    fputs(pv_synth_help, stdout);
    return 0;
  }
  if (status == PV_OK) status = pv_synth_size(&options, &bytes, &err);
  const double start = now();
  if (status == PV_OK) status = pv_synth_write(&options, path, show, &last, &err);
  if (pv_side_terminal() && last > 0.0) fputs("\r\033[K", stderr);
  if (status == PV_OK)
    printf("%s: %.3f GB in %.2f s, %.2f GB/s\n", path, (double)bytes / 1e9, now() - start,
           (double)bytes / 1e9 / (now() - start));
  return pv_side_exit(status, &err);
}
