/* pv completion: the scripts that make a shell ask `pv completion words` for what may be typed. */
#include <errno.h>
#include <string.h>

#include "base/options.h"
#include "base/output.h"
#include "templates.h"
#include "validator/cli/commands.h"
#include "validator/cli/complete.h"

static const struct {
  const char *name;
  const unsigned char *text;
  size_t length;
} shells[] = {
    {"bash", pv_template_completion_bash, sizeof pv_template_completion_bash},
    {"zsh", pv_template_completion_zsh, sizeof pv_template_completion_zsh},
    {"fish", pv_template_completion_fish, sizeof pv_template_completion_fish},
};

/* The script for the name by which pv was called: @NAME@, and as a part of a function's @WORD@. */
static void fill(const unsigned char *text, size_t length, pv_text *out) {
  const char *name = program_invocation_short_name;
  for (const char *at = (const char *)text, *end = at + length; at < end;) {
    const size_t left = (size_t)(end - at);
    if (left >= 6 && (strncmp(at, "@NAME@", 6) == 0 || strncmp(at, "@WORD@", 6) == 0)) {
      for (const char *p = name; *p != '\0'; p++)
        pv_text_add(out, at[1] == 'W' && *p == '-' ? "_" : p, 1);
      at += 6;
    } else {
      pv_text_add(out, at++, 1);
    }
  }
}

static pv_code print_script(const char *shell, pv_error *err) {
  size_t i = 0;
  pv_text text = PV_TEXT_INIT;
  while (i < 3 && strcmp(shells[i].name, shell) != 0) i++;
  if (i == 3)
    return pv_error_refuse(err, "there are: bash, zsh, fish", "there is no completion for '%s'",
                           shell);
  fill(shells[i].text, shells[i].length, &text);
  const pv_code code =
      text.failed ? pv_error_nomem(err, "a script") : pv_output_write(text.data, text.length, err);
  pv_text_free(&text);
  return code;
}

/* The words are anybody's: none of them is an option of this command. */
static pv_code print_words(int argc, char **argv, pv_error *err) {
  pv_arena arena = PV_ARENA_INIT;
  pv_text text = PV_TEXT_INIT;
  pv_code code =
      pv_complete(&arena, (const char *const *)argv, argc > 0 ? (size_t)argc : 0, &text, err);
  if (code == PV_OK && text.length > 0) code = pv_output_write(text.data, text.length, err);
  pv_text_free(&text);
  pv_arena_free(&arena);
  return code;
}

int pv_cmd_completion(int argc, char **argv) {
  const char *shell[1] = {NULL};
  const pv_option list[] = {{0}};
  pv_options options = {
      .command = "completion",
      .summary =
          "Prints the script that completes words of pv in a shell: commands, options, sides,\n"
          "identities, faults, shapes, ids of contracts. It asks `pv completion words WORD...`,\n"
          "which prints what the last WORD may become, so that it never is of another version.",
      .positional = "bash|zsh|fish",
      .examples = "  pv completion bash\n  pv completion words bisect cpu:i16 cpu:i16@rope\n",
      .list = list,
      .rest = shell,
      .rest_max = 1};
  pv_error err = PV_ERROR_INIT;
  bool help = false;
  pv_code code = PV_OK;
  if (argc > 1 && strcmp(argv[1], "words") == 0) {
    code = print_words(argc - 2, argv + 2, &err);
  } else {
    code = pv_options_parse(&options, argc, argv, &help, &err);
    if (code == PV_OK && !help && shell[0] == NULL)
      code =
          pv_error_refuse(&err, "for example: source <(pv completion bash)", "no shell was named");
    if (code == PV_OK && !help) code = print_script(shell[0], &err);
  }
  if (code != PV_OK) pv_error_print(&err, stderr);
  return pv_code_exit(code);
}
