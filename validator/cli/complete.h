/* What can stand in the place of the word that is being typed. */
#ifndef PV_CLI_COMPLETE_H
#define PV_CLI_COMPLETE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* `words` are those behind `pv` so far; the last one, which may be "", is being typed. Appends a
 * line for each candidate, the whole word, a tab and what it is; and where a file's or a folder's
 * name may stand the line "@files" or "@folders". */
pv_code pv_complete(pv_arena *arena, const char *const *words, size_t count, pv_text *out,
                    pv_error *err);

#endif
