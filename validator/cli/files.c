#include "validator/cli/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool pv_files_is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
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
