/* Prompts that the call gives: a reference without outputs that a probe makes of them, for one run.
 */
#ifndef PV_JUDGE_GIVEN_H
#define PV_JUDGE_GIVEN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/child.h"
#include "base/error.h"

typedef struct pv_given_prompts { /* at most one of ids, prompt and text; NULL: none */
  const char *ids, *prompt, *text;
  bool plain; /* names of control tokens are text */
} pv_given_prompts;

bool pv_given_any(const pv_given_prompts *given);

/* Makes the file with `pv reference build`, in a folder that pv_given_remove removes: `*path`. What
 * the probe refuses is its error; what it has to say of the text is printed on standard error. */
pv_code pv_given_make(pv_arena *arena, const char *probe, const char *model,
                      const pv_given_prompts *given, pv_child_place *place, const char **path,
                      pv_error *err);
void pv_given_remove(const pv_child_place *place); /* one without a folder is allowed */

#endif
