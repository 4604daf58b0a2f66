/* A folder that a test can fill and that is removed with everything in it. */
#ifndef PV_TESTS_SYNTH_TEMPORARY_H
#define PV_TESTS_SYNTH_TEMPORARY_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char temporary[64];

static inline const char *in_temporary(const char *name) {
  static char paths[4][512];
  static unsigned turn;
  if (temporary[0] == '\0') {
    snprintf(temporary, sizeof temporary, "/tmp/pv-test-synth-XXXXXX");
    if (mkdtemp(temporary) == NULL) abort();
  }
  char *path = paths[turn++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", temporary, name);
  return path;
}

/* The number of files, which are removed when `clear` is set. */
static inline unsigned temporary_files(int clear) {
  unsigned count = 0;
  DIR *folder = opendir(temporary);
  if (folder == NULL) return 0;
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    count++;
    if (clear) unlink(in_temporary(entry->d_name));
  }
  closedir(folder);
  return count;
}

static inline void temporary_remove(void) {
  temporary_files(1);
  if (temporary[0] != '\0') rmdir(temporary);
}

#endif
