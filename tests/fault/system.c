#include "tests/fault/system.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool active, lasts, paused;
static unsigned asked, fails_at, most;
static int with;

void system_begin(unsigned n, bool lasting, int error) {
  active = true;
  lasts = lasting;
  asked = 0;
  fails_at = n;
  with = error;
}

void system_short(unsigned bytes) {
  most = bytes;
}

void system_pause(void) {
  paused = true;
}
void system_resume(void) {
  paused = false;
}

bool system_failed(void) {
  return active && asked >= fails_at;
}

unsigned system_end(void) {
  active = false;
  most = 0;
  return asked;
}

static bool refused(void) {
  if (!active || paused) return false;
  asked++;
  if (asked < fails_at || (asked > fails_at && !lasts)) return false;
  errno = with;
  return true;
}

/* WRAP(result, failure, name, parameters, arguments) */
#define WRAP(type, failure, name, parameters, arguments)    \
  type __real_##name parameters;                            \
  type __wrap_##name parameters;                            \
  type __wrap_##name parameters {                           \
    return refused() ? (failure) : __real_##name arguments; \
  }

WRAP(int, -1, fsync, (int fd), (fd))
WRAP(int, -1, fchmod, (int fd, mode_t mode), (fd, mode))
WRAP(int, -1, fstat, (int fd, struct stat *out), (fd, out))
WRAP(int, -1, stat, (const char *path, struct stat *out), (path, out))
WRAP(int, -1, lstat, (const char *path, struct stat *out), (path, out))
WRAP(int, -1, mkostemp, (char *path, int flags), (path, flags))
WRAP(int, -1, rename, (const char *from, const char *to), (from, to))
WRAP(int, -1, flock, (int fd, int how), (fd, how))
WRAP(int, -1, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP(int, -1, pipe2, (int fd[2], int flags), (fd, flags))
WRAP(int, -1, poll, (struct pollfd * set, nfds_t count, int ms), (set, count, ms))
WRAP(int, -1, access, (const char *path, int how), (path, how))
WRAP(pid_t, -1, fork, (void), ())
WRAP(ssize_t, -1, getrandom, (void *to, size_t n, unsigned flags), (to, n, flags))
WRAP(ssize_t, -1, readlink, (const char *path, char *to, size_t n), (path, to, n))
WRAP(char *, NULL, realpath, (const char *path, char *to), (path, to))
/* What these are called where the compiler knows how much room there is (_FORTIFY_SOURCE). */
WRAP(int, -1, __open_2, (const char *path, int flags), (path, flags))
WRAP(int, -1, __poll_chk, (struct pollfd * set, nfds_t count, int ms, size_t room),
     (set, count, ms, room))
WRAP(ssize_t, -1, __readlink_chk, (const char *path, char *to, size_t n, size_t room),
     (path, to, n, room))
WRAP(char *, NULL, __realpath_chk, (const char *path, char *to, size_t room), (path, to, room))
WRAP(DIR *, NULL, opendir, (const char *path), (path))
WRAP(struct dirent *, NULL, readdir, (DIR * dir), (dir))
WRAP(void *, MAP_FAILED, mmap,
     (void *at, size_t n, int protection, int flags, int fd, off_t offset),
     (at, n, protection, flags, fd, offset))
WRAP(EVP_MD_CTX *, NULL, EVP_MD_CTX_new, (void), ())
WRAP(int, 0, EVP_DigestInit_ex, (EVP_MD_CTX * c, const EVP_MD *type, ENGINE *e), (c, type, e))
WRAP(int, 0, EVP_DigestUpdate, (EVP_MD_CTX * c, const void *data, size_t n), (c, data, n))
WRAP(int, 0, EVP_DigestFinal_ex, (EVP_MD_CTX * c, unsigned char *out, unsigned *n), (c, out, n))

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  const bool made = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  const mode_t mode = made ? va_arg(args, mode_t) : 0;
  va_end(args);
  return refused() ? -1 : __real_open(path, flags, mode);
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...) {
  va_list args;
  va_start(args, command);
  const int value = va_arg(args, int);
  va_end(args);
  return refused() ? -1 : __real_fcntl(fd, command, value);
}

/* The descriptor is gone all the same. */
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
  const bool failed = refused();
  const int result = __real_close(fd);
  if (failed) errno = with;
  return failed ? -1 : result;
}

ssize_t __real_read(int fd, void *to, size_t n);
ssize_t __wrap_read(int fd, void *to, size_t n);
ssize_t __wrap_read(int fd, void *to, size_t n) {
  return refused() ? -1 : __real_read(fd, to, most > 0 && n > most ? most : n);
}

ssize_t __real___read_chk(int fd, void *to, size_t n, size_t room);
ssize_t __wrap___read_chk(int fd, void *to, size_t n, size_t room);
ssize_t __wrap___read_chk(int fd, void *to, size_t n, size_t room) {
  return refused() ? -1 : __real___read_chk(fd, to, most > 0 && n > most ? most : n, room);
}

ssize_t __real_pread(int fd, void *to, size_t n, off_t at);
ssize_t __wrap_pread(int fd, void *to, size_t n, off_t at);
ssize_t __wrap_pread(int fd, void *to, size_t n, off_t at) {
  return refused() ? -1 : __real_pread(fd, to, most > 0 && n > most ? most : n, at);
}

ssize_t __real___pread_chk(int fd, void *to, size_t n, off_t at, size_t room);
ssize_t __wrap___pread_chk(int fd, void *to, size_t n, off_t at, size_t room);
ssize_t __wrap___pread_chk(int fd, void *to, size_t n, off_t at, size_t room) {
  return refused() ? -1 : __real___pread_chk(fd, to, most > 0 && n > most ? most : n, at, room);
}

ssize_t __real_write(int fd, const void *from, size_t n);
ssize_t __wrap_write(int fd, const void *from, size_t n);
ssize_t __wrap_write(int fd, const void *from, size_t n) {
  return refused() ? -1 : __real_write(fd, from, most > 0 && n > most ? most : n);
}
