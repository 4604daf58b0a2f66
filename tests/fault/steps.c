/* Loaded into `pv` with LD_PRELOAD: counts the steps by which it changes files, and at step
 * PV_STEP_KILL ends it by SIGKILL, a write half done; or at step PV_STEP_FAIL refuses with EIO.
 * With PV_STEP_NO_EXCHANGE the file system can not exchange two names. PV_STEP_LOG names a file
 * that gets a line for each step. Its children are left alone. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned steps;

static unsigned setting(const char *name) {
  const char *value = getenv(name);
  return value == NULL ? 0 : (unsigned)strtoul(value, NULL, 10);
}

static void put_path(char *out, size_t room, const char *path) {
  char here[2048] = "";
  if (path[0] != '/' && getcwd(here, sizeof here - 1) != NULL) strcat(here, "/");
  snprintf(out, room, "%s%s", here, path);
}

static void log_step(const char *call, const char *path, const char *to) {
  char line[9000], from_path[4096], to_path[4096] = "";
  const char *log = getenv("PV_STEP_LOG");
  if (log == NULL) return;
  put_path(from_path, sizeof from_path, path);
  if (to != NULL) put_path(to_path, sizeof to_path, to);
  const int n = snprintf(line, sizeof line, "%s %s %s\n", call, from_path, to_path);
  const int fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  syscall(SYS_write, fd, line, (size_t)n);
  close(fd);
}

/* True when this step is to fail. */
static bool step(const char *call, const char *path, const char *to) {
  if (strcmp(program_invocation_short_name, "pv") != 0) return false;
  steps++;
  log_step(call, path, to);
  if (steps == setting("PV_STEP_KILL")) kill(getpid(), SIGKILL);
  if (steps != setting("PV_STEP_FAIL")) return false;
  errno = EIO;
  return true;
}

static bool step_fd(const char *call, int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, sizeof path - 1);
  path[n < 0 ? 0 : n] = '\0';
  return step(call, path, NULL);
}

#define EXPORT __attribute__((visibility("default")))

EXPORT int mkdir(const char *path, mode_t mode) {
  struct stat info;
  const bool there = stat(path, &info) == 0; /* then nothing is changed */
  return !there && step("mkdir", path, NULL) ? -1 : (int)syscall(SYS_mkdir, path, mode);
}
EXPORT int rmdir(const char *path) {
  return step("rmdir", path, NULL) ? -1 : (int)syscall(SYS_rmdir, path);
}
EXPORT int unlink(const char *path) {
  return step("unlink", path, NULL) ? -1 : (int)syscall(SYS_unlink, path);
}
EXPORT int rename(const char *from, const char *to) {
  return step("rename", from, to) ? -1 : (int)syscall(SYS_rename, from, to);
}
EXPORT int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags) {
  if (getenv("PV_STEP_NO_EXCHANGE") != NULL) {
    errno = EINVAL;
    return -1;
  }
  return step("exchange", from, to) ? -1
                                    : (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}
EXPORT int fsync(int fd) {
  return step_fd("fsync", fd) ? -1 : (int)syscall(SYS_fsync, fd);
}
EXPORT int fdatasync(int fd) {
  return step_fd("fdatasync", fd) ? -1 : (int)syscall(SYS_fdatasync, fd);
}
EXPORT int ftruncate64(int fd, off_t length) {
  return step_fd("ftruncate", fd) ? -1 : (int)syscall(SYS_ftruncate, fd, length);
}
EXPORT int fchmod(int fd, mode_t mode) {
  return step_fd("fchmod", fd) ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}

EXPORT ssize_t write(int fd, const void *data, size_t length) {
  struct stat info;
  const bool file = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && fd > STDERR_FILENO;
  if (file && steps + 1 == setting("PV_STEP_KILL")) syscall(SYS_write, fd, data, length / 2);
  return file && step_fd("write", fd) ? -1 : (ssize_t)syscall(SYS_write, fd, data, length);
}
/* As SQLite writes. */
EXPORT ssize_t pwrite64(int fd, const void *data, size_t length, off_t at) {
  if (steps + 1 == setting("PV_STEP_KILL")) syscall(SYS_pwrite64, fd, data, length / 2, at);
  return step_fd("pwrite", fd) ? -1 : (ssize_t)syscall(SYS_pwrite64, fd, data, length, at);
}
