/* The file: space checked first, pieces of equal length made and written by several threads to a
 * temporary file, which is renamed when it is complete.
 *
 * Large files are written past the page cache (O_DIRECT) where the file system can: copying and
 * allocating cached pages takes longer than making the weights, and a model of 18 GB would push
 * everything else out of memory. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/child.h"
#include "base/ck.h"
#include "runtime/synth/internal.h"

#define PIECE       ((size_t)4 << 20)
#define BLOCK       4096u               /* what direct writes are multiples of */
#define DIRECT_FROM (UINT64_C(1) << 28) /* smaller files are likely to be read at once: cached */

typedef struct job {
  const synth_plan *plan;
  const char *path; /* for messages */
  const pv_text *header;
  int fd;
  bool direct;
  pv_synth_progress progress;
  void *context;
  uint64_t total;
  atomic_uint_fast64_t next, done; /* pieces taken, bytes written */
  atomic_bool stop;
  pthread_mutex_t guard;
  pv_code code; /* the first failure, under the guard */
  pv_error err;
} job;

/* What one thread needs. */
typedef struct worker {
  job *shared;
  synth_maker *maker;
  unsigned char *piece, *row; /* PIECE bytes; the longest row of the plan */
} worker;

static pv_code placed(const char *path, pv_code code, pv_error *err) {
  pv_error_at(err, path, 0, 0, -1);
  return code;
}

static pv_code system_error(const char *path, const char *what, int number, pv_error *err) {
  const pv_code code = placed(path, pv_error_errno(err, number, "cannot %s '%s'", what, path), err);
  if (number == ENOSPC || number == EDQUOT)
    pv_error_hint(err, "free some space or write to another disk; nothing was left behind");
  return code;
}

static pv_code write_at(int fd, const char *path, const void *data, size_t length, uint64_t at,
                        pv_error *err) {
  const char *from = data;
  while (length > 0) {
    const ssize_t n = pwrite(fd, from, length, (off_t)at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(path, "write", errno, err);
    if (n == 0) return system_error(path, "write", EIO, err);
    from += n;
    at += (uint64_t)n;
    length -= (size_t)n;
  }
  return PV_OK;
}

static void fail(job *self, pv_code code, const pv_error *err) {
  pthread_mutex_lock(&self->guard);
  if (self->code == PV_OK) {
    self->code = code;
    self->err = *err;
  }
  pthread_mutex_unlock(&self->guard);
  atomic_store(&self->stop, true);
}

/* The first tensor whose data ends behind byte `at` of the data section, or the count. */
static uint64_t tensor_behind(const synth_plan *plan, uint64_t at) {
  uint64_t low = 0, high = plan->count;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (plan->tensors[middle].offset + plan->tensors[middle].bytes <= at)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Bytes [from, to) of one tensor: whole rows in place, cut ones by way of `row`. */
static void make_bytes(worker *self, const synth_tensor *t, uint64_t from, uint64_t to,
                       unsigned char *out) {
  while (from < to) {
    const uint64_t index = from / t->row_bytes, skip = from % t->row_bytes;
    const uint64_t whole = skip == 0 ? (to - from) / t->row_bytes : 0;
    uint64_t bytes = whole * t->row_bytes;
    if (whole > 0) {
      synth_fill(self->maker, t, index, whole, out);
    } else {
      bytes = t->row_bytes - skip < to - from ? t->row_bytes - skip : to - from;
      synth_fill(self->maker, t, index, 1, self->row);
      memcpy(out, self->row + skip, (size_t)bytes);
    }
    from += bytes;
    out += bytes;
  }
}

/* Bytes [from, to) of the file, with zeros between tensors. */
static void make_piece(worker *self, uint64_t from, uint64_t to) {
  const synth_plan *plan = self->shared->plan;
  const pv_text *header = self->shared->header;
  unsigned char *out = self->piece;
  if (from < header->length) {
    const uint64_t end = to < header->length ? to : header->length;
    memcpy(out, header->data + from, (size_t)(end - from));
    out += end - from;
    from = end;
  }
  if (from == to) return;
  from -= header->length;
  to -= header->length;
  for (uint64_t i = tensor_behind(plan, from); i < plan->count && from < to; i++) {
    const synth_tensor *t = &plan->tensors[i];
    if (t->offset > from) {
      const uint64_t gap = (t->offset < to ? t->offset : to) - from;
      memset(out, 0, (size_t)gap);
      out += gap;
      from += gap;
    }
    const uint64_t end = t->offset + t->bytes < to ? t->offset + t->bytes : to;
    if (end <= from) continue;
    make_bytes(self, t, from - t->offset, end - t->offset, out);
    out += end - from;
    from = end;
  }
}

static pv_code write_piece(worker *self, uint64_t index, pv_error *err) {
  job *shared = self->shared;
  const uint64_t from = index * PIECE;
  const uint64_t to = shared->total - from < PIECE ? shared->total : from + PIECE;
  size_t bytes = (size_t)(to - from);
  make_piece(self, from, to);
  if (shared->direct && bytes % BLOCK != 0) { /* the last one: cut off again at the end */
    const size_t rest = BLOCK - bytes % BLOCK;
    memset(self->piece + bytes, 0, rest);
    bytes += rest;
  }
  const pv_code code = write_at(shared->fd, shared->path, self->piece, bytes, from, err);
  if (code != PV_OK) return code;
  /* Start the disk early, so that the sync at the end finds little left. */
  if (!shared->direct && !shared->plan->options->no_sync)
    (void)sync_file_range(shared->fd, (off_t)from, (off_t)bytes, SYNC_FILE_RANGE_WRITE);
  atomic_fetch_add(&shared->done, to - from);
  return PV_OK;
}

static pv_code worker_make(worker *self, job *shared, pv_error *err) {
  uint64_t longest = 1;
  for (uint64_t i = 0; i < shared->plan->count; i++)
    if (shared->plan->tensors[i].row_bytes > longest) longest = shared->plan->tensors[i].row_bytes;
  *self = (worker){.shared = shared,
                   .maker = synth_maker_new(shared->plan),
                   .piece = aligned_alloc(BLOCK, PIECE),
                   .row = malloc((size_t)longest)};
  if (self->maker != NULL && self->piece != NULL && self->row != NULL) return PV_OK;
  return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a write buffer");
}

static void work(job *shared, bool reports) {
  worker self;
  pv_error err = PV_ERROR_INIT;
  pv_code code = worker_make(&self, shared, &err);
  while (code == PV_OK && !atomic_load(&shared->stop)) {
    const uint64_t index = atomic_fetch_add(&shared->next, 1);
    if (index >= (shared->total + PIECE - 1) / PIECE) break;
    if (pv_cancelled())
      code = placed(
          shared->path,
          pv_error_set(&err, PV_ERR_CANCELLED, "cancelled; '%s' was not written", shared->path),
          &err);
    else
      code = write_piece(&self, index, &err);
    if (code == PV_OK && reports && shared->progress != NULL)
      shared->progress(shared->context, atomic_load(&shared->done), shared->total);
  }
  if (code != PV_OK) fail(shared, code, &err);
  synth_maker_free(self.maker);
  free(self.piece);
  free(self.row);
}

static void *work_quietly(void *self) {
  work(self, false);
  return NULL;
}

/* By default two for each processor: one makes a piece while the other waits for the disk. Fewer
 * threads than wanted is no failure: the bytes are the same. */
static void run(job *self) {
  pthread_t threads[256];
  unsigned started = 0;
  long wanted = (long)self->plan->options->threads;
  if (wanted == 0) wanted = 2 * sysconf(_SC_NPROCESSORS_ONLN);
  if (wanted < 1) wanted = 1;
  if (wanted > 256) wanted = 256;
  while (started + 1 < (unsigned)wanted &&
         pthread_create(&threads[started], NULL, work_quietly, self) == 0)
    started++;
  work(self, true);
  for (unsigned i = 0; i < started; i++) pthread_join(threads[i], NULL);
  if (self->code == PV_OK && self->progress != NULL)
    self->progress(self->context, atomic_load(&self->done), self->total);
}

/* The folder that `path` lies in. */
static bool folder_of(const char *path, char *out, size_t room) {
  const char *slash = strrchr(path, '/');
  const size_t length = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
  if (length + 1 > room) return false;
  memcpy(out, slash == NULL ? "." : path, length);
  out[length] = '\0';
  return true;
}

static pv_code check_place(const char *path, bool force, pv_error *err) {
  struct stat info;
  if (lstat(path, &info) != 0) {
    if (errno == ENOENT && path[0] != '\0') return PV_OK;
    return system_error(path, "examine", errno, err);
  }
  const char *why = NULL, *cure = "choose another path";
  if (S_ISLNK(info.st_mode)) {
    why = "is a symbolic link";
  } else if (!S_ISREG(info.st_mode)) {
    why = "exists and is not a regular file";
  } else if (!force) {
    why = "exists already";
    cure = "choose another path, or replace the file with --force";
  }
  if (why == NULL) return PV_OK;
  const pv_code code = placed(path, pv_error_set(err, PV_ERR_INPUT, "'%s' %s", path, why), err);
  pv_error_hint(err, "%s", cure);
  return code;
}

static pv_code check_space(const char *path, const char *folder, uint64_t need, pv_error *err) {
  struct statvfs info;
  uint64_t room = 0;
  if (statvfs(folder, &info) != 0) return system_error(folder, "examine the folder", errno, err);
  if (!pv_ck_mul(info.f_bavail, info.f_frsize, &room)) room = UINT64_MAX;
  if (room >= need) return PV_OK;
  const pv_code code =
      placed(path,
             pv_error_set(err, PV_ERR_IO, "'%s' needs %.3f GB, but only %.3f GB are free in '%s'",
                          path, (double)need / 1e9, (double)room / 1e9, folder),
             err);
  pv_error_hint(err, "free some space, write to another disk, or lower --layers");
  return code;
}

/* A name for an open file without one; -1 with errno. */
static int give_name(int unnamed, const char *out) {
  char handle[40];
  snprintf(handle, sizeof handle, "/proc/self/fd/%d", unnamed);
  return linkat(AT_FDCWD, handle, AT_FDCWD, out, AT_SYMLINK_FOLLOW);
}

/* A name beside `path` that nobody else uses, into `out`: for a new file, which `*fd` becomes, or
 * for `*fd` when it is an open file without a name. */
static pv_code name_beside(const char *path, char *out, size_t room, int *fd, pv_error *err) {
  for (unsigned attempt = 0; attempt < 100; attempt++) {
    const int length = snprintf(out, room, "%s.part-%ld-%u", path, (long)getpid(), attempt);
    if (length < 0 || (size_t)length >= room)
      return placed(path, pv_error_set(err, PV_ERR_INPUT, "the path is too long"), err);
    if (*fd >= 0) {
      if (give_name(*fd, out) == 0) return PV_OK;
    } else {
      *fd = open(out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
      if (*fd >= 0) return PV_OK;
    }
    if (errno != EEXIST) return system_error(path, "create a file beside", errno, err);
  }
  return system_error(path, "create a file beside", EEXIST, err);
}

/* Where it can be, the file has no name while it is written: a killed process leaves nothing. */
static pv_code open_temporary(const char *path, const char *folder, char *out, size_t room,
                              job *self, pv_error *err) {
  pv_code code = PV_OK;
  if (access("/proc/self/fd", X_OK) == 0) /* which give_name needs */
    self->fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  if (self->fd < 0) code = name_beside(path, out, room, &self->fd, err);
  self->direct = self->total >= DIRECT_FROM;
  /* Asked for afterwards: a file system that cannot do it has made no file then. */
  if (code == PV_OK && self->direct) self->direct = fcntl(self->fd, F_SETFL, O_DIRECT) == 0;
  return code;
}

/* Reserves the blocks, so that a full disk is noticed now and not after minutes. */
static pv_code reserve(int fd, const char *path, uint64_t bytes, pv_error *err) {
  if (fallocate(fd, 0, 0, (off_t)bytes) == 0) return PV_OK;
  if (errno != EOPNOTSUPP && errno != EINTR && errno != ENOSYS)
    return system_error(path, "reserve space for", errno, err);
  if (ftruncate(fd, (off_t)bytes) == 0) return PV_OK;
  return system_error(path, "set the length of", errno, err);
}

static pv_code publish(const char *temporary, const char *path, const char *folder,
                       const pv_synth_options *o, pv_error *err) {
  const unsigned flags = o->force ? 0 : RENAME_NOREPLACE;
  int result = renameat2(AT_FDCWD, temporary, AT_FDCWD, path, flags);
  if (result != 0 && (errno == EINVAL || errno == ENOSYS)) { /* not every file system has flags */
    const pv_code code = check_place(path, o->force, err);
    if (code != PV_OK) return code;
    result = rename(temporary, path);
  }
  if (result != 0) return system_error(path, "rename the finished file to", errno, err);
  const int fd = o->no_sync ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    (void)fsync(fd);
    close(fd);
  }
  return PV_OK;
}

static pv_code write_file(job *self, pv_error *err) {
  const pv_code code = reserve(self->fd, self->path, self->total, err);
  if (code != PV_OK) return code;
  run(self);
  if (self->code != PV_OK) {
    if (err != NULL) *err = self->err;
    return self->code;
  }
  if (self->direct && ftruncate(self->fd, (off_t)self->total) != 0)
    return system_error(self->path, "set the length of", errno, err);
  if (!self->plan->options->no_sync && fsync(self->fd) != 0)
    return system_error(self->path, "write", errno, err);
  return PV_OK;
}

/* The last tensor is not padded: the file ends with its data. */
static uint64_t data_end(const synth_plan *plan) {
  const synth_tensor *last = &plan->tensors[plan->count - 1];
  return last->offset + last->bytes;
}

pv_code pv_synth_size(const pv_synth_options *options, uint64_t *bytes, pv_error *err) {
  synth_plan plan = {0};
  pv_text header = PV_TEXT_INIT;
  pv_code code = synth_plan_make(options, &plan, err);
  if (code != PV_OK) return code;
  code = synth_header(&plan, &header, err);
  if (code == PV_OK) *bytes = header.length + data_end(&plan);
  pv_text_free(&header);
  synth_plan_free(&plan);
  return code;
}

pv_code pv_synth_write(const pv_synth_options *options, const char *path,
                       pv_synth_progress progress, void *context, pv_error *err) {
  char temporary[PATH_MAX] = "", folder[PATH_MAX];
  synth_plan plan = {0};
  pv_text header = PV_TEXT_INIT;
  job self = {.plan = &plan,
              .path = path,
              .header = &header,
              .fd = -1,
              .progress = progress,
              .context = context,
              .guard = PTHREAD_MUTEX_INITIALIZER};
  bool named = false;
  pv_code code = synth_plan_make(options, &plan, err);
  if (code == PV_OK) code = check_place(path, options->force, err);
  if (code == PV_OK && !folder_of(path, folder, sizeof folder))
    code = placed(path, pv_error_set(err, PV_ERR_INPUT, "the path is too long"), err);
  if (code == PV_OK) code = synth_header(&plan, &header, err);
  if (code != PV_OK) goto cleanup;
  self.total = header.length + data_end(&plan);
  code = check_space(path, folder, self.total, err);
  if (code != PV_OK) goto cleanup;
  code = open_temporary(path, folder, temporary, sizeof temporary, &self, err);
  if (code != PV_OK) goto cleanup;
  named = temporary[0] != '\0';
  code = write_file(&self, err);
  if (code == PV_OK && !named) {
    code = name_beside(path, temporary, sizeof temporary, &self.fd, err);
    named = code == PV_OK;
  }
  if (close(self.fd) != 0 && code == PV_OK) code = system_error(path, "write", errno, err);
  if (code == PV_OK) code = publish(temporary, path, folder, options, err);

cleanup:
  if (named && code != PV_OK) unlink(temporary);
  pthread_mutex_destroy(&self.guard);
  pv_text_free(&header);
  synth_plan_free(&plan);
  return code;
}
