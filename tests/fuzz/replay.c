/* Stands in for libFuzzer where it is not built: runs the target once on each file of the folders
 * given. A run over no file fails. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

#define INPUT_LIMIT ((size_t)1 << 24)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int visible(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

/* The number of files replayed, or -1. */
static int replay_folder(const char *folder) {
  struct dirent **entries = NULL;
  const int count = scandir(folder, &entries, visible, alphasort);
  int done = 0;
  if (count < 0) perror(folder);
  for (int i = 0; i < count; i++) {
    char path[4096];
    pv_bytes bytes = {0};
    pv_error err = PV_ERROR_INIT;
    snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
    free(entries[i]);
    if (done < 0) continue;
    if (pv_file_read(path, INPUT_LIMIT, &bytes, &err) != PV_OK) {
      pv_error_print(&err, stderr);
      done = -1;
      continue;
    }
    fprintf(stderr, "%s\n", path); /* the last one printed is the one that crashed */
    (void)LLVMFuzzerTestOneInput(bytes.data, bytes.length);
    pv_bytes_free(&bytes);
    done++;
  }
  free(entries);
  return count < 0 ? -1 : done;
}

int main(int argc, char **argv) {
  int total = 0;
  for (int i = 1; i < argc; i++) {
    const int done = replay_folder(argv[i]);
    if (done <= 0) {
      fprintf(stderr, "%s: no input was replayed\n", argv[i]);
      return 1;
    }
    total += done;
  }
  printf("%d inputs replayed\n", total);
  return total > 0 ? 0 : 1;
}
