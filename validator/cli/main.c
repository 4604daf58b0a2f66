/* The program `pv`: reads contracts, starts probes, writes statuses. It parses no model and opens
 * no CUDA context. */
#include <stdio.h>
#include <string.h>

#include "base/child.h"
#include "base/output.h"
#include "base/text.h"
#include "screen/progress.h"
#include "screen/screen.h"
#include "validator/cli/commands.h"

typedef struct command {
  const char *name, *about;
  int (*run)(int argc, char **argv);
} command;

static const command commands[] = {
    {"validate", "run the falsifiers of contracts and judge", pv_cmd_validate},
    {"lint", "check contracts without running anything", pv_cmd_lint},
    {"status", "what supports the status of each contract", pv_cmd_status},
    {"diff", "what changed between two versions of a contract, or two runs", pv_cmd_diff},
    {"history", "the runs of a contract, and their margins over time", pv_cmd_history},
    {"explain", "what any word that pv prints means", pv_cmd_explain},
    {"new", "write a check of your own, or a contract, to begin with", pv_cmd_new},
    {"evidence", "verify, show or join folders of evidence", pv_cmd_evidence},
    {"campaign", "scripts that judge in parts, on many hosts", pv_cmd_campaign},
    {"signature", "who signed a model, and whether it is still that model", pv_cmd_signature},
    {"run", "generate text", pv_cmd_forward},
    {"trace", "write the stages of a forward to files", pv_cmd_forward},
    {"compare", "compare two sides, or two trace folders, bit by bit", pv_cmd_forward},
    {"bisect", "where two sides part, which one is wrong, and by how much", pv_cmd_forward},
    {"judge", "is another engine's run what its arithmetic explains?", pv_cmd_forward},
    {"noise", "how far a sound forward moves: the floor under tolerances", pv_cmd_forward},
    {"perplexity", "how well a text is predicted, and what a quantisation costs", pv_cmd_forward},
    {"faults", "list the defects that can be planted", pv_cmd_forward},
    {"inspect", "what a model file is, and what pv can do with it", pv_cmd_forward},
    {"tensors", "list what a model file holds", pv_cmd_forward},
    {"synth", "write a model of any shape with random weights", pv_cmd_forward},
    {"reference", "write known outputs of a model, from somebody else's logits", pv_cmd_forward},
    {"bench", "measure decode, prefill and read bandwidth", pv_cmd_forward},
    {"kernel", "one kernel alone: list, check bits, measure time", pv_cmd_forward},
    {"ptx", "list, show and check the PTX of the kernels", pv_cmd_forward},
    {"vulkan", "GPUs of any make: do they compute the CPU's bits?", pv_cmd_forward},
    {"spirv", "check the SPIR-V of the shaders, or of a file", pv_cmd_forward},
    {"completion", "the script that completes words of pv in a shell", pv_cmd_completion},
    {"version", "versions and digests of pv and its probe", pv_cmd_version},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* Of every command; docs/exit-codes.md says what that is for each. */
static const struct {
  int code;
  const char *about;
} exits[] = {
    {0, "what is claimed holds; what was asked for was done"},
    {1, "something is falsified, differs or was changed"},
    {2, "the input or the call is wrong, or a file can not be read or written"},
    {3, "nothing is falsified, but not everything could be judged"},
    {4, "an internal error, no memory, or a device that failed"},
    {130, "interrupted, by Ctrl-C or SIGTERM"},
    {141, "whoever read standard output had enough"},
};

static void print_help(FILE *out) {
  fputs(
      "pv proves, or refutes, numerical claims about a model's forward pass.\n\n"
      "Usage: pv COMMAND [arguments]\n\nCommands:\n",
      out);
  for (size_t i = 0; i < COMMANDS; i++)
    fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].about);
  fputs(
      "\nExamples:\n"
      "  pv validate contracts/qwen3-moe-forward-gpu-v1.yaml\n"
      "  pv explain AC_GPU_MOE_001\n"
      "  pv run models/tiny-coder-moe-Q4_K_M.gguf 'def main():'\n\n"
      "`pv COMMAND --help` shows the options of a command.\n\nExit codes:\n",
      out);
  for (size_t i = 0; i < sizeof exits / sizeof *exits; i++)
    fprintf(out, "  %-10d %s\n", exits[i].code, exits[i].about);
}

static const command *find(const char *name) {
  return pv_text_find(name, commands, COMMANDS, sizeof *commands);
}

static int unknown(const char *name) {
  pv_error err = PV_ERROR_INIT;
  const char *best = pv_text_nearest(name, commands, COMMANDS, sizeof *commands, 4);
  pv_error_set(&err, PV_ERR_INPUT, "pv has no command '%s'", name);
  if (best != NULL)
    pv_error_hint(&err, "did you mean %s?", best);
  else
    pv_error_hint(&err, "see: pv --help");
  pv_error_print(&err, stderr);
  return 2;
}

static bool is_help(const char *word) {
  return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int dispatch(int argc, char **argv) {
  if (argc < 2) {
    print_help(stderr);
    return 2;
  }
  const char *name = argv[1];
  if (strcmp(name, "--version") == 0) name = "version";
  if (is_help(name) || strcmp(name, "help") == 0) {
    if (argc > 2 && is_help(argv[2])) argc = 2;
    const command *about = argc > 2 ? find(argv[2]) : NULL;
    char *ask[] = {about != NULL ? argv[2] : argv[0], (char[]){"--help"}, NULL};
    if (about != NULL) return about->run(2, ask);
    if (argc > 2) return unknown(argv[2]);
    print_help(stdout);
    return 0;
  }
  const command *c = find(name);
  if (c == NULL) return unknown(name);
  pv_progress_say("%s", name);
  const int code = c->run(argc - 1, argv + 1);
  pv_progress_end();
  return code;
}

int main(int argc, char **argv) {
  pv_cancel_install();
  pv_screen_begin();
  return pv_output_exit(dispatch(argc, argv));
}
