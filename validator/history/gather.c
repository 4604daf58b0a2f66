/* All evidence that is kept of a contract, from wherever it is. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "validator/history/kept.h"
#include "validator/store/git.h"

typedef struct gathering {
  pv_kept_list *list;
  const pv_kept_where *where;
  size_t left_out;
} gathering;

/* What git says of the repository: whether it may lack commits, or nothing at all. */
static const char *missing(const char *home) {
  static const char *const words[] = {"rev-parse", "--is-shallow-repository", NULL};
  const pv_git_call call = {.folder = home, .arguments = words};
  pv_text text = PV_TEXT_INIT;
  const bool well = pv_git_says(&call, &text);
  const bool shallow = well && strncmp(text.data == NULL ? "" : text.data, "true", 4) == 0;
  pv_text_free(&text);
  if (!well) return "git does not answer: only what lies in the working tree is known";
  return shallow ? "the clone is shallow, so older runs are not here: git fetch --unshallow" : NULL;
}

static pv_code find_committed(gathering *g, const char **incomplete, pv_error *err) {
  const pv_kept_where *w = g->where;
  bool answered = true;
  *incomplete = "published runs are not looked at: no folder above the contract's may be trusted";
  if (w->home == NULL) return PV_OK;
  *incomplete = "there is no git repository, which would keep earlier published runs";
  if (!w->repository) return PV_OK;
  const pv_code code = pv_kept_committed(g->list, w->home, w->name, &answered, err);
  *incomplete = missing(w->home);
  if (!answered && *incomplete == NULL)
    *incomplete = "git has no commit yet: only what lies in the working tree is known";
  return code;
}

/* The last ones are enough, and come first; what lies in files stays behind them. */
static void keep_last(gathering *g, size_t committed) {
  const size_t most = g->where->most, out = most == 0 || committed <= most ? 0 : committed - most;
  pv_kept *items = g->list->items;
  if (out == 0) return;
  memmove(items + most, items + committed, (g->list->count - committed) * sizeof *items);
  g->list->count -= out;
  g->left_out += out;
}

/* Those of one contract below `folder`, which is shown as `shown`. */
static pv_code add_named(gathering *g, const char *folder, const char *shown, const char *name,
                         pv_run_origin origin, pv_error *err) {
  char *path = pv_arena_printf(g->list->arena, "%s/%s", folder, name);
  char *place = pv_arena_printf(g->list->arena, "%s/%s", shown, name);
  if (path == NULL || place == NULL) return pv_error_nomem(err, "a history");
  const size_t most = origin == PV_RUN_LOCAL ? g->where->most : 0;
  return pv_kept_files(g->list, path, place, origin, most, &g->left_out, err);
}

static int is_shown(const struct dirent *e) {
  return e->d_name[0] != '.';
}

static pv_code add_files(gathering *g, const char *folder, const char *shown, pv_run_origin origin,
                         pv_error *err) {
  struct dirent **entries = NULL;
  pv_code code = PV_OK;
  if (g->where->name != NULL) return add_named(g, folder, shown, g->where->name, origin, err);
  const int count = scandir(folder, &entries, is_shown, alphasort);
  for (int i = 0; i < count; i++) {
    if (code == PV_OK) code = add_named(g, folder, shown, entries[i]->d_name, origin, err);
    free(entries[i]);
  }
  free(entries);
  return code;
}

pv_code pv_kept_gather(pv_kept_list *list, const pv_kept_where *where, const char **incomplete,
                       size_t *left_out, pv_error *err) {
  gathering g = {list, where, 0};
  pv_code code = find_committed(&g, incomplete, err);
  const size_t committed = list->count;
  char *tree =
      pv_arena_printf(list->arena, "%s/reports/published", where->home == NULL ? "" : where->home);
  if (code == PV_OK && tree == NULL) code = pv_error_nomem(err, "a history");
  if (code == PV_OK && where->home != NULL)
    code = add_files(&g, tree, "reports/published", PV_RUN_PUBLISHED, err);
  if (code == PV_OK) keep_last(&g, committed);
  if (code == PV_OK && where->local != NULL)
    code = add_files(&g, where->local, "reports/runs", PV_RUN_LOCAL, err);
  if (code == PV_OK) code = pv_kept_read(list, where->home, err);
  if (code != PV_OK) return code;
  pv_kept_sort(list);
  if (where->most > 0 && list->count > where->most) {
    g.left_out += list->count - where->most;
    list->items += list->count - where->most;
    list->count = where->most;
  }
  *left_out = g.left_out;
  return PV_OK;
}
