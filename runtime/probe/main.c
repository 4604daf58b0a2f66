/* The program that parses model files and runs kernels, so that `pv` never does. */
#include <stdio.h>
#include <string.h>

#include "base/child.h"
#include "base/output.h"
#include "runtime/library/library.h"
#include "runtime/probe/probe.h"
#include "screen/progress.h"
#include "screen/screen.h"

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
  } commands[] = {
      {"serve", pv_probe_serve},
      {"describe", pv_probe_describe},
      {"digest", pv_probe_digest},
      {"trace", pv_probe_trace},
      {"compare", pv_probe_compare},
      {"bisect", pv_probe_bisect},
      {"judge", pv_probe_judge},
      {"noise", pv_probe_noise},
      {"perplexity", pv_probe_perplexity},
      {"faults", pv_probe_faults},
      {"run", pv_probe_run},
      {"bench", pv_probe_bench},
      {"kernel", pv_probe_kernel},
      {"inspect", pv_probe_inspect},
      {"tensors", pv_probe_tensors},
      {"synth", pv_probe_synth},
      {"ptx", pv_probe_ptx},
      {"vulkan", pv_probe_vulkan},
      {"spirv", pv_probe_spirv},
      {"reference", pv_probe_reference},
      {"version", pv_probe_version},
      {"library", pv_library_host},
  };
  pv_cancel_install();
  pv_screen_begin();
  for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++)
    if (strcmp(argv[1], commands[i].name) == 0) {
      pv_progress_say("%s", argv[1]);
      const int code = commands[i].run(argc - 1, argv + 1);
      pv_progress_end();
      return pv_output_exit(code);
    }
  fputs("pv-probe is started by pv; its commands are those of pv: see pv --help\n", stderr);
  return 2;
}
