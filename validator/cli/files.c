#include "validator/cli/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "validator/judge/own.h"

#include "base/file.h"
#include "validator/model/contract_load.h"

enum { DEPTH_MAX = 32 };

bool pv_files_is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

pv_code pv_files_default(pv_arena *arena, const char **out, pv_error *err) {
  static const char here[] = "contracts";
  *out = here;
  if (access(here, F_OK) == 0) return PV_OK;
  const pv_code code = pv_own_file(arena, here, out, err);
  if (*out == NULL) *out = here;
  return code;
}

static int is_yaml(const struct dirent *entry) {
  const char *dot = strrchr(entry->d_name, '.');
  return entry->d_name[0] != '.' && dot != NULL &&
         (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

pv_code pv_files_yaml(pv_arena *arena, const char *folder, pv_strings *out, pv_error *err) {
  struct dirent **entries = NULL;
  const int count = scandir(folder, &entries, is_yaml, alphasort);
  if (count < 0) return pv_error_errno(err, errno, "cannot list '%s'", folder);
  *out = (pv_strings){.items = PV_ARENA_NEW(arena, (size_t)count + 1, char *)};
  bool whole = out->items != NULL;
  for (int i = 0; i < count; i++) {
    if (whole) out->items[i] = pv_arena_printf(arena, "%s/%s", folder, entries[i]->d_name);
    whole = whole && out->items[i] != NULL;
    free(entries[i]);
  }
  free(entries);
  out->count = (size_t)count;
  return whole ? PV_OK : pv_error_set(err, PV_ERR_NOMEM, "out of memory for '%s'", folder);
}

static int is_shown(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

/* Of what can not be parsed: was it meant to be a contract? */
static bool meant(const pv_bytes *bytes) {
  static const char *const words[] = {PV_CONTRACT_SCHEMA, "acceptance_criteria"};
  for (size_t i = 0; i < 2; i++)
    if (memmem(bytes->data, bytes->length, words[i], strlen(words[i])) != NULL) return true;
  return false;
}

/* Of all that may be YAML here. A schema of pv that is no contract's is a descriptor's. */
static bool is_contract(const pv_yaml_node *root) {
  static const char prefix[] = "pv/contract";
  const pv_yaml_node *schema = pv_yaml_get(root, "schema");
  return pv_yaml_get(root, "acceptance_criteria") != NULL ||
         (schema != NULL && schema->kind == PV_YAML_SCALAR &&
          strncmp(schema->text, prefix, sizeof prefix - 1) == 0);
}

/* Is it a contract of ours? Read as such only to know that. */
static pv_code look(const char *path, bool *ours, pv_error *err) {
  pv_arena arena = PV_ARENA_INIT;
  pv_bytes bytes = {0};
  pv_yaml_node *root = NULL;
  pv_code code = pv_file_read(path, PV_YAML_BYTES_MAX, &bytes, err);
  if (code == PV_OK) code = pv_yaml_parse(&arena, path, bytes.data, bytes.length, &root, err);
  if (code == PV_OK)
    *ours = is_contract(root);
  else if (bytes.data != NULL && !meant(&bytes))
    code = PV_OK;
  pv_bytes_free(&bytes);
  pv_arena_free(&arena);
  return code;
}

typedef struct search {
  pv_arena *arena;
  pv_strings *found;
  size_t most;
  const char *top;
} search;

static pv_code walk(search *s, const char *folder, unsigned depth, pv_error *err);

static pv_code visit(search *s, const char *path, unsigned depth, pv_error *err) {
  struct stat info;
  bool ours = false;
  const char *dot = strrchr(path, '.');
  if (lstat(path, &info) != 0) return pv_error_errno(err, errno, "cannot examine '%s'", path);
  if (S_ISDIR(info.st_mode)) return walk(s, path, depth + 1, err);
  if (dot == NULL || (strcmp(dot, ".yaml") != 0 && strcmp(dot, ".yml") != 0)) return PV_OK;
  if (pv_files_is_folder(path)) return PV_OK; /* a link to one */
  const pv_code code = look(path, &ours, err);
  if (code != PV_OK || !ours) return code;
  if (s->found->count == s->most)
    return pv_error_set(err, PV_ERR_LIMIT, "more than %zu contracts in '%s'", s->most, s->top);
  s->found->items[s->found->count++] = (char *)(uintptr_t)path;
  return PV_OK;
}

static pv_code walk(search *s, const char *folder, unsigned depth, pv_error *err) {
  struct dirent **entries = NULL;
  if (depth > DEPTH_MAX)
    return pv_error_set(err, PV_ERR_LIMIT, "'%s' has folders more than %d deep", s->top, DEPTH_MAX);
  const int count = scandir(folder, &entries, is_shown, alphasort);
  if (count < 0) return pv_error_errno(err, errno, "cannot list '%s'", folder);
  const size_t length = strlen(folder);
  const char *slash = length > 0 && folder[length - 1] == '/' ? "" : "/";
  pv_code code = PV_OK;
  for (int i = 0; i < count; i++) {
    const char *path = code == PV_OK
                           ? pv_arena_printf(s->arena, "%s%s%s", folder, slash, entries[i]->d_name)
                           : NULL;
    if (code == PV_OK)
      code = path != NULL ? visit(s, path, depth, err) : pv_error_nomem(err, "the contracts");
    free(entries[i]);
  }
  free(entries);
  return code;
}

static int by_path(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

pv_code pv_files_contracts(pv_arena *arena, const char *folder, size_t most, pv_strings *out,
                           pv_error *err) {
  search s = {.arena = arena, .found = out, .most = most, .top = folder};
  *out = (pv_strings){.items = PV_ARENA_NEW(arena, most + 1, char *)};
  if (out->items == NULL) return pv_error_nomem(err, "the contracts");
  const pv_code code = walk(&s, folder, 0, err);
  if (code != PV_OK) return code;
  if (out->count == 0)
    return pv_error_refuse(err, "`pv new contract` writes one to begin with",
                           "there is no contract in the folder '%s'", folder);
  qsort(out->items, out->count, sizeof *out->items, by_path);
  return PV_OK;
}
