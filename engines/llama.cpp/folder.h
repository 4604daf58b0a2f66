/* The folder of a trace (docs/trace-format.md): a file for each stage of each layer, to which rows
 * are appended, and a manifest at the end. The first failure is kept and ends all writing. */
#ifndef PV_LLAMACPP_FOLDER_H
#define PV_LLAMACPP_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "stages.h"

typedef struct folder folder;

/* What the manifest says besides tensors; what is NULL is left out. */
typedef struct folder_about {
  const char *version, *numerics, *model, *ids, *observer;
  const char *const (*configuration)[2]; /* key and text; {NULL, NULL} behind the last */
} folder_about;

/* NULL: there is something of this name, or it cannot be made; stderr says what. */
folder *folder_new(const char *path);
void folder_add(folder *f, const stage *stage);
/* False: the failure is told on stderr. `rows`: that each tensor must have. */
bool folder_finish(folder *f, const folder_about *about, size_t rows);
size_t folder_tensors(const folder *f);
/* Unless it was finished, all that was written is removed. */
void folder_free(folder *f);

#endif
