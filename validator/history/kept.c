#include "validator/history/kept.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/child.h"
#include "base/file.h"

static pv_kept *add(pv_kept_list *list) {
  if (!pv_arena_room(list->arena, &list->items, list->count, &list->capacity, sizeof *list->items))
    return NULL;
  list->items[list->count] = (pv_kept){0};
  return &list->items[list->count++];
}

/* The earliest commit that has it is the one that put it there, and is told last. */
static bool take_again(pv_kept_list *list, pv_kept *kept, const char *commit) {
  kept->run.commit = pv_arena_strdup(list->arena, commit);
  list->out_of_memory |= kept->run.commit == NULL;
  return !list->out_of_memory;
}

static bool take_committed(void *context, const char *commit, const char *when, const char *blob,
                           const char *path) {
  static const char suffix[] = "/" PV_EVIDENCE_FILE;
  pv_kept_list *list = context;
  const size_t length = strlen(path);
  if (length < sizeof suffix) return true;
  for (size_t i = 0; i < list->count; i++)
    if (list->items[i].blob != NULL && strcmp(list->items[i].blob, blob) == 0)
      return take_again(list, &list->items[i], commit);
  pv_kept *kept = add(list);
  list->out_of_memory = kept == NULL;
  if (list->out_of_memory) return false;
  kept->run.origin = PV_RUN_COMMITTED;
  kept->run.place = pv_arena_strndup(list->arena, path, length - (sizeof suffix - 1));
  kept->run.committed = pv_arena_strdup(list->arena, when);
  kept->blob = pv_arena_strdup(list->arena, blob);
  list->out_of_memory =
      kept->run.place == NULL || kept->run.committed == NULL || kept->blob == NULL;
  return !list->out_of_memory && take_again(list, kept, commit);
}

pv_code pv_kept_committed(pv_kept_list *list, const char *home, const char *name, bool *answered,
                          pv_error *err) {
  char *spec = pv_arena_printf(list->arena, ":(glob)reports/published/%s/*/" PV_EVIDENCE_FILE,
                               name == NULL ? "*" : name);
  if (spec == NULL) return pv_error_nomem(err, "a history");
  *answered = pv_kept_log(home, spec, take_committed, list);
  return list->out_of_memory ? pv_error_nomem(err, "a history") : PV_OK;
}

/* Folders by name, so that they are always in one order; not what links elsewhere, nor what a run
 * that was killed left behind, nor the place of parts of runs. */
static int is_run(const struct dirent *e) {
  return e->d_name[0] != '.' && strcmp(e->d_name, PV_EVIDENCE_PARTS) != 0 &&
         (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN);
}

/* Whether git has these bytes, by the name that it gives them: the digest of a head and the bytes.
 */
static bool committed(const pv_kept_list *list, const pv_bytes *bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  char name[2 * EVP_MAX_MD_SIZE + 1], head[32];
  unsigned length = 0;
  const pv_kept *first = list->count == 0 ? NULL : &list->items[0];
  if (first == NULL || first->blob == NULL) return false;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  const int n = snprintf(head, sizeof head, "blob %zu", bytes->length);
  const bool well =
      context != NULL &&
      EVP_DigestInit_ex(context, strlen(first->blob) == 40 ? EVP_sha1() : EVP_sha256(), NULL) ==
          1 &&
      EVP_DigestUpdate(context, head, (size_t)n + 1) == 1 &&
      EVP_DigestUpdate(context, bytes->data, bytes->length) == 1 &&
      EVP_DigestFinal_ex(context, digest, &length) == 1;
  EVP_MD_CTX_free(context);
  for (unsigned i = 0; i < length; i++) snprintf(name + (size_t)2 * i, 3, "%02x", digest[i]);
  for (size_t i = 0; well && i < list->count; i++)
    if (list->items[i].blob != NULL && strcmp(list->items[i].blob, name) == 0) return true;
  return false;
}

static pv_code add_file(pv_kept_list *list, const char *folder, const char *shown, const char *name,
                        pv_run_origin origin, pv_error *err) {
  struct stat info;
  pv_bytes bytes = {0};
  char *file = pv_arena_printf(list->arena, "%s/%s/" PV_EVIDENCE_FILE, folder, name);
  if (file == NULL) return pv_error_nomem(err, "a history");
  if (lstat(file, &info) != 0) return PV_OK; /* no run */
  if (origin == PV_RUN_PUBLISHED && pv_file_read(file, PV_EVIDENCE_LIMIT, &bytes, NULL) == PV_OK) {
    const bool there = committed(list, &bytes);
    pv_bytes_free(&bytes);
    if (there) return PV_OK;
  }
  pv_kept *kept = add(list);
  if (kept == NULL) return pv_error_nomem(err, "a history");
  kept->run.origin = origin;
  kept->run.place = pv_arena_printf(list->arena, "%s/%s", shown, name);
  kept->file = file;
  return kept->run.place == NULL ? pv_error_nomem(err, "a history") : PV_OK;
}

pv_code pv_kept_files(pv_kept_list *list, const char *folder, const char *shown,
                      pv_run_origin origin, size_t most, size_t *left_out, pv_error *err) {
  struct dirent **entries = NULL;
  pv_code code = PV_OK;
  const int count = scandir(folder, &entries, is_run, alphasort);
  if (count < 0 && errno == ENOMEM) return pv_error_nomem(err, "a history");
  for (int i = 0; i < count; i++) {
    if (most > 0 && (size_t)(count - i) > most)
      ++*left_out;
    else if (code == PV_OK)
      code = add_file(list, folder, shown, entries[i]->d_name, origin, err);
    free(entries[i]);
  }
  free(entries);
  return code;
}

/* The id that an evidence of any schema names; NULL without. */
static char *id_in(pv_arena *arena, const pv_bytes *bytes) {
  json_error_t where;
  json_t *root = json_loadb((const char *)bytes->data, bytes->length, 0, &where);
  const char *id = json_string_value(json_object_get(json_object_get(root, "run"), "id"));
  char *out = id == NULL ? NULL : pv_arena_strdup(arena, id);
  json_decref(root);
  return out;
}

static pv_code unreadable(pv_kept_list *list, pv_kept *kept, const char *why, pv_error *err) {
  kept->run.unreadable = pv_arena_strdup(list->arena, why);
  return kept->run.unreadable == NULL ? pv_error_nomem(err, "a history") : PV_OK;
}

static pv_code read_one(pv_kept_list *list, pv_kept *kept, const pv_bytes *bytes, pv_error *err) {
  pv_error local = PV_ERROR_INIT;
  if (list->only != NULL &&
      memmem(bytes->data, bytes->length, list->only, strlen(list->only)) == NULL)
    return PV_OK;
  const pv_code code =
      pv_evidence_read_sealed(list->arena, kept->run.place, bytes, &kept->evidence, &local);
  if (code == PV_ERR_NOMEM) return pv_error_nomem(err, "a history");
  if (code == PV_OK) {
    kept->run.id = kept->evidence.result->run_id;
    return PV_OK;
  }
  kept->run.id = id_in(list->arena, bytes);
  return unreadable(list, kept, local.message, err);
}

typedef struct reading {
  pv_kept_list *list;
  const size_t *which; /* items of the list */
} reading;

static pv_code read_blob(void *context, size_t index, const char *bytes, size_t length,
                         pv_error *err) {
  const reading *r = context;
  pv_kept *kept = &r->list->items[r->which[index]];
  if (length == 0) return unreadable(r->list, kept, "git does not have its bytes", err);
  if (length > PV_EVIDENCE_LIMIT)
    return unreadable(r->list, kept, "it is larger than evidence can be", err);
  const pv_bytes all = {(unsigned char *)(uintptr_t)bytes, length};
  return read_one(r->list, kept, &all, err);
}

static pv_code read_file(pv_kept_list *list, pv_kept *kept, pv_error *err) {
  pv_bytes bytes = {0};
  pv_error local = PV_ERROR_INIT;
  pv_code code = pv_file_read(kept->file, PV_EVIDENCE_LIMIT, &bytes, &local);
  if (code == PV_ERR_NOMEM) return pv_error_nomem(err, "a history");
  code = code == PV_OK ? read_one(list, kept, &bytes, err)
                       : unreadable(list, kept, local.message, err);
  pv_bytes_free(&bytes);
  return code;
}

pv_code pv_kept_read(pv_kept_list *list, const char *home, pv_error *err) {
  size_t *which = PV_ARENA_NEW(list->arena, list->count + 1, size_t), blobs = 0;
  const char **names = PV_ARENA_NEW(list->arena, list->count + 1, const char *);
  bool answered = true;
  pv_code code = PV_OK;
  if (which == NULL || names == NULL) return pv_error_nomem(err, "a history");
  for (size_t i = 0; i < list->count && code == PV_OK; i++) {
    if (list->items[i].file != NULL) {
      code = read_file(list, &list->items[i], err);
    } else {
      which[blobs] = i;
      names[blobs++] = list->items[i].blob;
    }
  }
  reading r = {list, which};
  const pv_kept_blobs all = {home, names, blobs, read_blob, &r};
  if (code == PV_OK) code = pv_kept_blobs_read(&all, &answered, err);
  for (size_t i = 0; i < blobs && !answered && code == PV_OK; i++) {
    pv_kept *kept = &list->items[which[i]];
    if (kept->evidence.result == NULL && kept->run.unreadable == NULL)
      code = unreadable(list, kept, "git does not give its bytes", err);
  }
  return code;
}

/* When it was: a local folder is named after its run. */
static const char *moment(const pv_kept *kept) {
  if (kept->run.id != NULL) return kept->run.id;
  return kept->run.committed != NULL ? kept->run.committed : strrchr(kept->run.place, '/') + 1;
}

/* Of one run what can be read comes first. */
static int by_moment(const void *a, const void *b) {
  const pv_kept *left = a, *right = b;
  const bool bad[] = {left->run.unreadable != NULL, right->run.unreadable != NULL};
  int order = strcmp(moment(left), moment(right));
  if (order == 0) order = (int)bad[0] - (int)bad[1];
  if (order == 0) order = (int)left->run.origin - (int)right->run.origin;
  return order != 0 ? order : strcmp(left->run.place, right->run.place);
}

/* Nothing that says something else is left out. */
static bool is_copy(const pv_kept *kept, const pv_kept *of) {
  const char *a = kept->run.unreadable, *b = of->run.unreadable;
  if (kept->run.id == NULL || of->run.id == NULL || strcmp(kept->run.id, of->run.id) != 0)
    return false;
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

void pv_kept_sort(pv_kept_list *list) {
  size_t kept = 0;
  if (list->count == 0) return;
  qsort(list->items, list->count, sizeof *list->items, by_moment);
  for (size_t i = 0; i < list->count; i++)
    if (kept == 0 || !is_copy(&list->items[i], &list->items[kept - 1]))
      list->items[kept++] = list->items[i];
  list->count = kept;
}
