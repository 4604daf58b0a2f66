#include <string.h>

#include "validator/history/history.h"
#include "validator/history/kept.h"

/* An id ends with '-' and 8 digits. */
static bool is_named(const pv_kept *kept, const char *id) {
  const char *own = kept->run.id;
  const size_t length = own == NULL ? 0 : strlen(own), asked = strlen(id);
  if (own == NULL || asked > length) return false;
  return strcmp(own, id) == 0 ||
         (asked == 8 && length > 8 && own[length - 9] == '-' && strcmp(own + length - 8, id) == 0);
}

static pv_code take(const pv_kept *kept, pv_evidence *out, const char **place, pv_error *err) {
  if (kept->run.unreadable != NULL) {
    pv_error_set(err, PV_ERR_INPUT, "the run can not be read: %s", kept->run.unreadable);
    pv_error_at(err, kept->run.place, 0, 0, -1);
    return PV_ERR_INPUT;
  }
  *out = kept->evidence;
  *place = kept->run.place;
  return PV_OK;
}

static pv_code find_id(const pv_kept_list *list, const char *id, const char *incomplete,
                       pv_evidence *out, const char **place, pv_error *err) {
  const pv_kept *found = NULL;
  for (size_t i = 0; i < list->count; i++) {
    const pv_kept *k = &list->items[i];
    if (!is_named(k, id)) continue;
    if (found != NULL && strcmp(found->run.id, k->run.id) != 0)
      return pv_error_refuse(err, "name one of them whole", "several runs end with %s: %s and %s",
                             id, found->run.id, k->run.id);
    if (found == NULL || found->run.unreadable != NULL) found = k;
  }
  if (found != NULL) return take(found, out, place, err);
  pv_error_set(err, PV_ERR_INPUT, "no run '%s' is known here", id);
  pv_error_hint(err, "%s",
                incomplete != NULL ? incomplete : "`pv history CONTRACT` lists the runs");
  return PV_ERR_INPUT;
}

static pv_code find_latest(const pv_kept_list *list, const pv_history_which *which,
                           pv_evidence *out, const char **place, pv_error *err) {
  for (size_t i = list->count; i-- > 0;) {
    const pv_kept *k = &list->items[i];
    const bool skipped =
        which->skip != NULL && k->run.id != NULL && strcmp(k->run.id, which->skip) == 0;
    if (!skipped) return take(k, out, place, err);
  }
  return pv_error_refuse(err, "`pv validate` makes one", "no %srun of %s is known here",
                         list->count > 0 ? "other " : "", which->contract);
}

pv_code pv_history_find(pv_arena *arena, const pv_history_which *which, pv_evidence *out,
                        const char **place, pv_error *err) {
  pv_kept_list list = {.arena = arena, .only = which->id};
  const char *incomplete = NULL;
  size_t left_out = 0;
  char *local = pv_arena_printf(arena, "%s/reports/runs", which->home);
  if (local == NULL) return pv_error_nomem(err, "a history");
  const pv_kept_where where = {which->home, which->repository, local,
                               which->id == NULL ? which->contract : NULL, 0};
  const pv_code code = pv_kept_gather(&list, &where, &incomplete, &left_out, err);
  if (code != PV_OK) return code;
  return which->id != NULL ? find_id(&list, which->id, incomplete, out, place, err)
                           : find_latest(&list, which, out, place, err);
}
