/* git, asked as a program: what it keeps of earlier runs and contracts, and which commit is out. */
#ifndef PV_STORE_GIT_H
#define PV_STORE_GIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

typedef struct pv_git_call {
  const char *folder;           /* that git works in */
  const char *const *arguments; /* NULL-terminated, at most 20 */
  const char *input;            /* its standard input; may be NULL */
  size_t input_length;
  size_t limit; /* of its answer, in bytes; 0: 1 MiB */
} pv_git_call;

/* Appends to `out` what git prints. False when git is not there, says no, takes longer than 20 s,
 * answers more than the limit, or Ctrl-C was pressed. A stranger's repository is read and nothing
 * else: no program that its configuration names is started, nothing is fetched. */
bool pv_git_says(const pv_git_call *call, pv_text *out);

#endif
