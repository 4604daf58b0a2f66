#include "tests/unit/base/folder.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[256];

const char *folder_make(void) {
  const char *base = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/pv-test-XXXXXX",
           base == NULL || *base == '\0' ? "/tmp" : base);
  return mkdtemp(folder);
}

const char *folder_path(const char *name) {
  static char paths[4][512];
  static unsigned next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

size_t folder_count(void) {
  size_t count = 0;
  DIR *dir = opendir(folder);
  if (dir == NULL) return 0;
  for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
    count += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
  closedir(dir);
  return count;
}

void folder_write(const char *name, const char *text) {
  FILE *file = fopen(folder_path(name), "wb");
  if (file == NULL) return;
  fputs(text, file);
  fclose(file);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw) {
  (void)info;
  (void)type;
  (void)ftw;
  return remove(path);
}

void folder_remove(void) {
  nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
