/* Where a contract lives and what lies around it. Paths are real (absolute, no links) unless said
 * otherwise; everything is owned by the arena. */
#ifndef PV_CLI_SITE_H
#define PV_CLI_SITE_H

#include "runtime/base/arena.h"
#include "runtime/base/error.h"

#define PV_SITE_MODEL "models/tiny-coder-moe-Q4_K_M.gguf"

typedef struct pv_site {
  const char *folder;   /* of the contract */
  const char *home;     /* the folder above it: published evidence lies below home/reports */
  const char *root;     /* the nearest folder above it with models/, else the current folder */
  const char *relative; /* the contract's path from root, as it is written into evidence */
} pv_site;

pv_status pv_site_find(pv_arena *arena, const char *contract_path, pv_site *out, pv_error *err);

/* The model: `given`, which must be there, else the default below root, else NULL. */
pv_status pv_site_model(pv_arena *arena, const pv_site *site, const char *given, const char **out,
                        pv_error *err);
/* The reference: `given`, which must be there, else the file beside the model whose stem begins
 * the model's name ("tiny.reference" for "tiny-Q6_K.gguf"; the longest), else NULL. */
pv_status pv_site_reference(pv_arena *arena, const char *model, const char *given, const char **out,
                            pv_error *err);

/* `path` from `root` when it lies below, else its last part: evidence names no machine's paths. */
const char *pv_site_relative(pv_arena *arena, const char *root, const char *path);
/* `path` as the user can type it here: from the current folder when it lies below. */
const char *pv_site_shown(pv_arena *arena, const char *path);

#endif
