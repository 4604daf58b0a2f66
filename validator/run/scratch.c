#include "validator/run/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

/* What a program needs to start and to speak; nothing that a shell happens to know. */
static const char *const kept[] = {"PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE"};
enum { KEPT = sizeof kept / sizeof *kept, OWN = 2 };

static pv_code make_environment(pv_arena *arena, const char *folder, const char *const **out,
                                pv_error *err) {
  const char **list = PV_ARENA_NEW(arena, KEPT + OWN + 1, const char *);
  size_t count = 0;
  if (list == NULL) return pv_error_nomem(err, "a provider");
  for (size_t i = 0; i < KEPT; i++) {
    const char *value = getenv(kept[i]);
    if (value == NULL) continue;
    list[count] = pv_arena_printf(arena, "%s=%s", kept[i], value);
    if (list[count++] == NULL) return pv_error_nomem(err, "a provider");
  }
  list[count++] = pv_arena_printf(arena, "TMPDIR=%s", folder);
  list[count] = "PYTHONDONTWRITEBYTECODE=1"; /* it would be written beside the program */
  if (list[count - 1] == NULL) return pv_error_nomem(err, "a provider");
  *out = list;
  return PV_OK;
}

pv_code pv_scratch_make(pv_arena *arena, pv_child_place *out, pv_error *err) {
  const char *given = getenv("TMPDIR");
  const char *base = given != NULL && given[0] == '/' ? given : "/tmp";
  char *folder = pv_arena_printf(arena, "%s/pv-provider-XXXXXX", base);
  pv_child_place made = {0};
  if (folder == NULL) return pv_error_nomem(err, "a provider");
  if (!pv_utf8_valid(base, strlen(base))) /* it stands in the request */
    return pv_error_refuse(err, "set TMPDIR to a folder with another name",
                           "a provider's folder has to be UTF-8");
  if (mkdtemp(folder) == NULL)
    return pv_error_errno(err, errno, "cannot make a folder below '%s' for a provider", base);
  made.folder = folder;
  const pv_code code = make_environment(arena, folder, &made.environment, err);
  if (code != PV_OK)
    pv_scratch_remove(&made);
  else
    *out = made;
  return code;
}

/* To open a folder and to empty it, it has to be ours to read and to write. Nothing else has its
 * mode changed: it may be a link to a file elsewhere. */
static void make_ours(int folder, const char *name) {
  struct stat info;
  if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(info.st_mode)) return;
  const int ignored = fchmodat(folder, name, S_IRWXU, 0);
  (void)ignored;
}

static DIR *look_into(int folder, const char *name) {
  make_ours(folder, name);
  const int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *dir = fd < 0 ? NULL : fdopendir(fd);
  if (fd >= 0 && dir == NULL) close(fd);
  return dir;
}

static bool is_itself(const char *name) {
  return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool taken(int error) {
  return error == EEXIST || error == ENOTEMPTY || error == ENOTDIR;
}

/* Takes all from a folder in `top`: files are removed, folders become ones of `top`. So no tree is
 * too deep, for names, for open files or for the stack. */
static void empty_into(int top, const char *name, unsigned long *moved) {
  DIR *dir = look_into(top, name);
  if (dir == NULL) return;
  for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
    char to[32];
    if (is_itself(e->d_name) || unlinkat(dirfd(dir), e->d_name, 0) == 0) continue;
    make_ours(dirfd(dir), e->d_name); /* to move a folder is to write its ".." */
    do snprintf(to, sizeof to, ".pv-%lu", (*moved)++);
    while (renameat(dirfd(dir), e->d_name, top, to) != 0 && taken(errno));
  }
  closedir(dir);
}

void pv_scratch_remove(const pv_child_place *place) {
  unsigned long moved = 0;
  bool progress = true;
  while (progress && rmdir(place->folder) != 0) {
    DIR *top = look_into(AT_FDCWD, place->folder);
    progress = top == NULL && errno != ENOENT && unlink(place->folder) == 0;
    if (top == NULL) continue;
    for (const struct dirent *e; (e = readdir(top)) != NULL;) {
      if (is_itself(e->d_name)) continue;
      if (unlinkat(dirfd(top), e->d_name, 0) == 0) {
        progress = true;
        continue;
      }
      empty_into(dirfd(top), e->d_name, &moved);
      progress |= unlinkat(dirfd(top), e->d_name, AT_REMOVEDIR) == 0;
    }
    closedir(top);
  }
}
