/* Where a contract lives and what lies around it. Paths are real (absolute, no links) unless said
 * otherwise; everything is owned by the arena. */
#ifndef PV_JUDGE_SITE_H
#define PV_JUDGE_SITE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"

#define PV_SITE_MODEL "models/tiny-coder-moe-Q4_K_M.gguf"

/* Folders are looked at from the contract's upwards, up to the repository's root (the folder with
 * .git), and never one that is on another file system, may be written by anybody or belongs to
 * another user: what lies there may be a stranger's. As with git, root acts for the user who called
 * sudo, and the owner of a repository that safe.directory names is no stranger. Nor is the owner of
 * pv's own file, whose program this process is already. */
typedef struct pv_site {
  const char *folder;     /* of the contract */
  const char *repository; /* that it lies in, or NULL */
  const char *root;       /* the nearest folder with models/, else the repository, else `folder` */
  bool models;            /* root has models that may be taken */
  const char *home;       /* the folder above: published evidence lies below home/reports; NULL when
                             it is none of those, and then no evidence is taken */
  const char *runs;       /* reports go below runs/reports: root in a repository, else `folder`, for
                             nothing is written above it; the working folder for a contract that
                             was installed or lies where nothing can be written; NULL: none of
                             them may be trusted, and */
  const char *runs_why;   /* why */
  const char *relative;   /* the contract's path from root, as it is written into evidence */
  const char *root_why, *evidence_why; /* for readers, without a path of this machine */
} pv_site;

pv_code pv_site_find(pv_arena *arena, const char *contract_path, pv_site *out, pv_error *err);

/* The nearest of the same folders from `folder` upwards that has the file `relative`: `*out` is the
 * file's path, or NULL. */
pv_code pv_site_above(pv_arena *arena, const char *folder, const char *relative, const char **out,
                      pv_error *err);

/* Why a file, by its real path, is not to be trusted with anything: it or its folder may be written
 * by anybody or belongs to another user. NULL: it is. */
const char *pv_site_distrust(const char *real);

/* The model: `given`, which must be there, else the default below root, else NULL. */
pv_code pv_site_model(pv_arena *arena, const pv_site *site, const char *given, const char **out,
                      pv_error *err);
/* The reference: `given`, which must be there, else the file beside the model whose stem begins
 * the model's name ("tiny.reference" for "tiny-Q6_K.gguf"; the longest), else NULL. */
pv_code pv_site_reference(pv_arena *arena, const char *model, const char *given, const char **out,
                          pv_error *err);

/* `path` from `root` when it lies below, else its last part: evidence names no machine's paths. */
const char *pv_site_relative(pv_arena *arena, const char *root, const char *path);
/* `path` as the user can type it here: from the current folder when it lies below. */
const char *pv_site_shown(pv_arena *arena, const char *path);

#endif
