/* Files named evidence.json, wherever they are kept. */
#ifndef PV_HISTORY_KEPT_H
#define PV_HISTORY_KEPT_H

#include "validator/model/history.h"
#include "validator/store/evidence.h"

typedef struct pv_kept {
  pv_past_run run;      /* origin, place and commit; once read also `id`, or why it can not be */
  const char *blob;     /* its name in git, or NULL */
  const char *file;     /* its path where it is a file, else NULL */
  pv_evidence evidence; /* once read, unless run.unreadable */
} pv_kept;

typedef struct pv_kept_list {
  pv_arena *arena;
  pv_kept *items;
  size_t count, capacity;
  bool out_of_memory;
  const char *only; /* what has not this text is not read: neither `evidence` nor `unreadable` */
} pv_kept_list;

/* Each ever committed below `home`/reports/published/NAME (NULL: of any contract), the last commit
 * first, each content once. `*answered`: git says. */
pv_code pv_kept_committed(pv_kept_list *list, const char *home, const char *name, bool *answered,
                          pv_error *err);
/* Adds those that lie in folders below `folder`, with `shown` before their names; only the last
 * `most` by name (0: all), and `*left_out` counts the others. No folder has none. What is published
 * and as git has it is in the list already. */
pv_code pv_kept_files(pv_kept_list *list, const char *folder, const char *shown,
                      pv_run_origin origin, size_t most, size_t *left_out, pv_error *err);
/* Reads all of them. What can not be read is told in `unreadable`;
 * an error is only that memory is out, or Ctrl-C. */
pv_code pv_kept_read(pv_kept_list *list, const char *home, pv_error *err);
/* Oldest first; one run that is kept twice is in the list once, as committed before local. */
void pv_kept_sort(pv_kept_list *list);

typedef struct pv_kept_where {
  const char *home;  /* has reports/published; NULL: none */
  bool repository;   /* git has it */
  const char *local; /* has CONTRACT/RUN; NULL: none */
  const char *name;  /* of the contract; NULL: of any that has a folder or is in git */
  size_t most;       /* the last ones; 0: all */
} pv_kept_where;
/* All of these, read and sorted. `*left_out` counts those that are beyond `most`; `*incomplete`
 * says why there may have been others, or is NULL. */
pv_code pv_kept_gather(pv_kept_list *list, const pv_kept_where *where, const char **incomplete,
                       size_t *left_out, pv_error *err);

/* Blobs of git by their names, in the order of the names; one that git does not have is empty.
 * `visit` has each for the time of its call. */
typedef struct pv_kept_blobs {
  const char *folder;
  const char *const *names;
  size_t count;
  pv_code (*visit)(void *context, size_t index, const char *bytes, size_t length, pv_error *err);
  void *context;
} pv_kept_blobs;
/* `*answered`: git gave them all. An error is that of `visit`, or Ctrl-C. */
pv_code pv_kept_blobs_read(const pv_kept_blobs *blobs, bool *answered, pv_error *err);

/* Every blob that a path below `folder` (a pathspec of git) ever had, as `take` is called with it:
 * the last commit first, the same again where it was there again. False when git does not answer,
 * or `take` is false. */
typedef bool (*pv_kept_take)(void *context, const char *commit, const char *when, const char *blob,
                             const char *path);
bool pv_kept_log(const char *folder, const char *pathspec, pv_kept_take take, void *context);

#endif
