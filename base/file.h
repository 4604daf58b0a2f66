/* Files: read whole, map, replace atomically, lock. */
#ifndef PV_BASE_FILE_H
#define PV_BASE_FILE_H

#include <stdint.h>

#include "base/error.h"

typedef struct pv_bytes {
  unsigned char *data; /* owned by whoever received the struct */
  size_t length;
} pv_bytes;

/* Reads a regular file of at most `limit` bytes. One extra NUL follows the data. Free with
 * pv_bytes_free. A directory, a FIFO or a file that grows past the limit is an error. */
pv_code pv_file_read(const char *path, size_t limit, pv_bytes *out, pv_error *err);
void pv_bytes_free(pv_bytes *bytes);

/* A read-only private mapping of a regular file. Nothing is copied. */
typedef struct pv_map {
  const unsigned char *data;
  uint64_t length;
} pv_map;
pv_code pv_map_open(const char *path, pv_map *out, pv_error *err);
void pv_map_close(pv_map *map);

/* Writes `data` to a new file in the folder of `path`, syncs it, renames it over `path` and syncs
 * the folder: a reader sees the old bytes or the new ones. Keeps the mode of an existing file.
 * Nothing is left behind on failure. A symbolic link at `path` is refused (PV_ERR_INPUT). When only
 * the last step fails, an error is returned though the new bytes are in place: a power cut could
 * still bring back the old ones. */
pv_code pv_file_replace(const char *path, const void *data, size_t length, pv_error *err);

/* Takes an exclusive lock on `<path>.lock` beside the file (created, never removed), waiting at
 * most `wait_ms`; PV_ERR_CONFLICT when it is still held. */
typedef struct pv_lock {
  int fd;
} pv_lock;
pv_code pv_lock_take(const char *path, unsigned wait_ms, pv_lock *out, pv_error *err);
void pv_lock_release(pv_lock *lock);

/* Makes what was made, renamed or removed in this folder last through a power cut. */
pv_code pv_folder_sync(const char *folder, pv_error *err);

/* mkdir -p; new folders last. An existing folder is fine, an existing file is not. */
pv_code pv_folder_make(const char *path, pv_error *err);

#endif
