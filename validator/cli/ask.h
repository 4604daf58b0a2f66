/* What pv says of itself when it is asked: the help texts are the one place where commands, options
 * and verbs stand, and everything else reads them there. */
#ifndef PV_CLI_ASK_H
#define PV_CLI_ASK_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

typedef struct pv_help_line {
  const char *name, *value, *about; /* value: what an option takes, NULL for a flag or a command */
} pv_help_line;

typedef struct pv_help_lines {
  pv_help_line *items;
  size_t count;
} pv_help_lines;

/* Calls this program and appends what it prints, or with `errors` what it has against the call. */
pv_code pv_ask(const char *const *arguments, bool errors, pv_text *out, pv_error *err);

/* The same of another program, by its path. */
pv_code pv_ask_program(const char *program, const char *const *arguments, pv_text *out,
                       pv_error *err);

/* The commands of `pv --help`, in the arena. */
pv_code pv_help_commands(pv_arena *arena, const char *help, pv_help_lines *out, pv_error *err);
/* The options of a command's help. */
pv_code pv_help_options(pv_arena *arena, const char *help, pv_help_lines *out, pv_error *err);
/* The words in small letters that stand behind the command in its usage: "check", "contract". */
pv_code pv_help_verbs(pv_arena *arena, const char *help, const char *command, pv_help_lines *out,
                      pv_error *err);

#endif
