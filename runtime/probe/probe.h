/* Commands of the program pv-probe. Each takes its own argv (argv[0] is the command's name) and
 * returns an exit code. */
#ifndef PV_PROBE_PROBE_H
#define PV_PROBE_PROBE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

int pv_probe_serve(int argc, char **argv);    /* "serve": answers one request of frame.h */
int pv_probe_describe(int argc, char **argv); /* what there is to ask for, as JSON */
int pv_probe_digest(int argc, char **argv);   /* one SHA-256 over all stages of one sequence */
int pv_probe_trace(int argc, char **argv);
int pv_probe_compare(int argc, char **argv);
int pv_probe_bisect(int argc, char **argv);
int pv_probe_judge(int argc, char **argv);
int pv_probe_noise(int argc, char **argv);
int pv_probe_perplexity(int argc, char **argv);
int pv_probe_faults(int argc, char **argv);
int pv_probe_run(int argc, char **argv);
int pv_probe_bench(int argc, char **argv);
int pv_probe_kernel(int argc, char **argv);
int pv_probe_ptx(int argc, char **argv); /* PTX is data: no driver is touched */
int pv_probe_vulkan(int argc, char **argv);
int pv_probe_spirv(int argc, char **argv); /* SPIR-V is data: no driver is touched */
int pv_probe_inspect(int argc, char **argv);
int pv_probe_tensors(int argc, char **argv);
int pv_probe_synth(int argc, char **argv);
int pv_probe_reference(int argc, char **argv);
int pv_probe_version(int argc, char **argv);

/* kernel check FILE: of a shared object (runtime/library), and whether the name is that of one. */
bool pv_probe_is_library(const char *name);
int pv_probe_library_check(const char *path, bool json, pv_error *err);

/* The faults as `pv faults --json` tells them; NULL when memory is out. */
json_t *pv_probe_faults_json(void);

#endif
