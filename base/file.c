#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "base/ck.h"

static pv_code fail(pv_error *err, const char *path, const char *what) {
  const pv_code code = pv_error_errno(err, errno, "cannot %s '%s'", what, path);
  pv_error_at(err, path, 0, 0, -1);
  return code;
}

static pv_code refuse(pv_error *err, pv_code code, const char *path, const char *why) {
  pv_error_set(err, code, "'%s' %s", path, why);
  pv_error_at(err, path, 0, 0, -1);
  return code;
}

/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
static pv_code open_regular(const char *path, int *fd, uint64_t *length, pv_error *err) {
  struct stat info;
  *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (*fd < 0) return fail(err, path, "open");
  if (fstat(*fd, &info) != 0) return fail(err, path, "examine");
  if (!S_ISREG(info.st_mode)) return refuse(err, PV_ERR_INPUT, path, "is not a regular file");
  *length = (uint64_t)info.st_size;
  return PV_OK;
}

pv_code pv_file_read(const char *path, size_t limit, pv_bytes *out, pv_error *err) {
  int fd = -1;
  uint64_t length = 0;
  unsigned char *data = NULL;
  size_t have = 0;
  pv_code code = open_regular(path, &fd, &length, err);
  if (code != PV_OK) goto cleanup;
  if (length > limit) {
    code = refuse(err, PV_ERR_LIMIT, path, "is larger than the limit");
    pv_error_hint(err, "the limit is %zu bytes", limit);
    goto cleanup;
  }
  uint64_t room = 0;
  data = pv_ck_add(length, 2, &room) ? calloc(1, room) : NULL;
  if (data == NULL) {
    code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for '%s'", path);
    goto cleanup;
  }
  for (;;) { /* one byte more than the length: a file that grows is noticed */
    const ssize_t n = read(fd, data + have, (size_t)length + 1 - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) code = fail(err, path, "read");
    if (n <= 0) break;
    have += (size_t)n;
    if (have > length) {
      code = refuse(err, PV_ERR_CONFLICT, path, "grew while it was read");
      break;
    }
  }
cleanup:
  if (fd >= 0) close(fd);
  if (code != PV_OK) {
    free(data);
    return code;
  }
  *out = (pv_bytes){data, have};
  return PV_OK;
}

void pv_bytes_free(pv_bytes *bytes) {
  free(bytes->data);
  *bytes = (pv_bytes){0};
}

pv_code pv_map_open(const char *path, pv_map *out, pv_error *err) {
  int fd = -1;
  uint64_t length = 0;
  pv_code code = open_regular(path, &fd, &length, err);
  if (code == PV_OK && length == 0) code = refuse(err, PV_ERR_INPUT, path, "is empty");
  if (code == PV_OK) {
    void *data = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
      code = fail(err, path, "map");
    else
      *out = (pv_map){data, length};
  }
  if (fd >= 0) close(fd);
  return code;
}

void pv_map_close(pv_map *map) {
  if (map->data != NULL) munmap((void *)(uintptr_t)map->data, map->length);
  *map = (pv_map){0};
}

static pv_code write_all(int fd, const char *path, const void *data, size_t length, pv_error *err) {
  const char *p = data;
  while (length > 0) {
    const ssize_t n = write(fd, p, length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(err, path, "write");
    p += n;
    length -= (size_t)n;
  }
  return PV_OK;
}

pv_code pv_folder_sync(const char *folder, pv_error *err) {
  const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail(err, folder, "open");
  /* EINVAL: a file system that can not sync a folder. */
  const pv_code code = fsync(fd) == 0 || errno == EINVAL ? PV_OK : fail(err, folder, "sync");
  close(fd);
  return code;
}

static pv_code sync_parent(const char *path, pv_error *err) {
  char copy[PATH_MAX];
  if (strlen(path) >= sizeof copy) return refuse(err, PV_ERR_LIMIT, path, "is too long a name");
  strcpy(copy, path);
  return pv_folder_sync(dirname(copy), err);
}

/* The mode the new file gets; refuses what must not be replaced. */
static pv_code target_mode(const char *path, mode_t *mode, pv_error *err) {
  struct stat info;
  if (lstat(path, &info) != 0) {
    if (errno != ENOENT) return fail(err, path, "examine");
    const mode_t mask = umask(0);
    umask(mask);
    *mode = 0666 & ~mask;
    return PV_OK;
  }
  if (S_ISLNK(info.st_mode))
    return refuse(err, PV_ERR_INPUT, path, "is a symbolic link: name the file itself");
  if (!S_ISREG(info.st_mode)) return refuse(err, PV_ERR_INPUT, path, "is not a regular file");
  *mode = info.st_mode & 07777;
  return PV_OK;
}

pv_code pv_file_replace(const char *path, const void *data, size_t length, pv_error *err) {
  char temporary[PATH_MAX];
  int fd = -1;
  mode_t mode = 0;
  pv_code code = target_mode(path, &mode, err);
  if (code != PV_OK) return code;
  const int n = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
  if (n < 0 || (size_t)n >= sizeof temporary)
    return refuse(err, PV_ERR_LIMIT, path, "is too long a name");
  fd = mkostemp(temporary, O_CLOEXEC);
  if (fd < 0) return fail(err, path, "write beside");
  code = write_all(fd, path, data, length, err);
  if (code == PV_OK && fchmod(fd, mode) != 0) code = fail(err, path, "set the mode of");
  if (code == PV_OK && fsync(fd) != 0) code = fail(err, path, "sync");
  if (close(fd) != 0 && code == PV_OK) code = fail(err, path, "close");
  if (code == PV_OK && rename(temporary, path) != 0) code = fail(err, path, "replace");
  if (code != PV_OK) {
    unlink(temporary);
    return code;
  }
  return sync_parent(path, err);
}

pv_code pv_lock_take(const char *path, unsigned wait_ms, pv_lock *out, pv_error *err) {
  char name[PATH_MAX];
  const int n = snprintf(name, sizeof name, "%s.lock", path);
  if (n < 0 || (size_t)n >= sizeof name)
    return refuse(err, PV_ERR_LIMIT, path, "is too long a name");
  const int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0) return fail(err, name, "open");
  for (unsigned waited = 0;; waited += 5) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
      out->fd = fd;
      return PV_OK;
    }
    if (errno != EWOULDBLOCK && errno != EINTR) break;
    if (waited >= wait_ms || pv_cancelled()) {
      close(fd);
      return refuse(err, PV_ERR_CONFLICT, path, "is locked by another process");
    }
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  const pv_code code = fail(err, name, "lock");
  close(fd);
  return code;
}

void pv_lock_release(pv_lock *lock) {
  if (lock->fd >= 0) close(lock->fd);
  lock->fd = -1;
}

pv_code pv_folder_make(const char *path, pv_error *err) {
  char copy[PATH_MAX];
  if (path[0] == '\0' || strlen(path) >= sizeof copy)
    return refuse(err, PV_ERR_INPUT, path, "is no usable folder name");
  strcpy(copy, path);
  for (char *p = copy + 1;; p++) {
    if (*p != '/' && *p != '\0') continue;
    const char kept = *p;
    *p = '\0';
    struct stat info;
    if (mkdir(copy, 0777) == 0) {
      const pv_code code = sync_parent(copy, err);
      if (code != PV_OK) return code;
    } else if (errno != EEXIST) {
      return fail(err, copy, "make the folder");
    } else if (stat(copy, &info) != 0 || !S_ISDIR(info.st_mode)) {
      return refuse(err, PV_ERR_INPUT, copy, "is not a folder");
    }
    *p = kept;
    if (kept == '\0') return PV_OK;
  }
}
