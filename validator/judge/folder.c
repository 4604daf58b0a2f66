#include "validator/judge/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/file.h"

enum { FILES_MAX = 64 };

pv_code pv_run_folder_open(pv_arena *arena, const char *base, const char *contract,
                           const char *run_id, pv_run_folder *out, pv_error *err) {
  *out = (pv_run_folder){.parent = pv_arena_printf(arena, "%s/%s", base, contract),
                         .temporary = pv_arena_printf(arena, "%s/%s/.%s", base, contract, run_id),
                         .final = pv_arena_printf(arena, "%s/%s/%s", base, contract, run_id)};
  if (out->parent == NULL || out->temporary == NULL || out->final == NULL)
    return pv_error_nomem(err, "the report");
  const pv_code code = pv_folder_make(out->parent, err);
  if (code != PV_OK) return code;
  if (mkdir(out->temporary, 0777) != 0) {
    pv_error_errno(err, errno, "cannot make the folder '%s'", out->temporary);
    pv_error_hint(err, "--out DIR names another place for the report");
    return PV_ERR_IO;
  }
  return PV_OK;
}

pv_code pv_run_folder_device(pv_arena *arena, const char *device, pv_run_folder *folder,
                             pv_error *err) {
  char name[PV_EVIDENCE_DEVICE];
  pv_evidence_device(device, name);
  return pv_run_folder_call(arena, name, folder, err);
}

pv_code pv_run_folder_call(pv_arena *arena, const char *name, pv_run_folder *folder,
                           pv_error *err) {
  char *final = pv_arena_printf(arena, "%s/%s", folder->parent, name);
  if (final == NULL) return pv_error_nomem(err, "the report");
  folder->final = final;
  return PV_OK;
}

/* Files of one folder as they are written, with their digests. */
typedef struct writer {
  pv_arena *arena;
  const char *folder;
  pv_fact files[FILES_MAX];
  size_t count;
} writer;

static pv_code write_file(writer *w, const char *name, const char *data, size_t length,
                          pv_error *err) {
  char digest[PV_SHA256_HEX];
  if (w->count == FILES_MAX)
    return pv_error_set(err, PV_ERR_LIMIT, "the report has too many files");
  const char *path = pv_arena_printf(w->arena, "%s/%s", w->folder, name);
  pv_code code =
      path == NULL ? pv_error_nomem(err, "the report") : pv_file_replace(path, data, length, err);
  if (code == PV_OK) code = pv_sha256_bytes(data, length, digest, err);
  if (code != PV_OK) return code;
  return pv_fact_make(w->arena, &w->files[w->count++], name, digest)
             ? PV_OK
             : pv_error_nomem(err, "the report");
}

/* Writes `text` when rendering went well, and empties it. */
static pv_code write_text(writer *w, pv_code rendered, const char *name, pv_text *text,
                          pv_error *err) {
  pv_code code = rendered;
  if (code == PV_OK) code = write_file(w, name, text->data, text->length, err);
  pv_text_free(text);
  *text = PV_TEXT_INIT;
  return code;
}

static pv_code write_pictures(writer *w, const pv_result *result, pv_error *err) {
  pv_pictures pictures;
  pv_code code = pv_render_pictures(result, &pictures, err);
  for (size_t i = 0; code == PV_OK && i < pictures.count; i++)
    code = write_file(w, pictures.items[i].file, pictures.items[i].svg,
                      pictures.items[i].svg_length, err);
  pv_pictures_free(&pictures);
  return code;
}

pv_code pv_run_folder_fill(pv_arena *arena, const pv_run_folder *folder, pv_evidence *evidence,
                           const pv_render_links *links, pv_error *err) {
  writer w = {.arena = arena, .folder = folder->temporary};
  const pv_result *r = evidence->result;
  pv_text text = PV_TEXT_INIT;
  pv_code code = write_pictures(&w, r, err);
  if (code == PV_OK)
    code = write_text(&w, pv_render_markdown(r, links, &text, err), "report.md", &text, err);
  if (code == PV_OK)
    code = write_text(&w, pv_render_html(r, links, &text, err), "report.html", &text, err);
  if (code == PV_OK) code = write_text(&w, pv_render_junit(r, &text, err), "junit.xml", &text, err);
  if (code == PV_OK)
    code = write_text(&w, pv_render_statement(r, links, &text, err), "statement.json", &text, err);
  if (code != PV_OK) return code;
  const char *statement = w.files[w.count - 1].value;
  code = write_text(&w, pv_render_vsa(r, statement, &text, err), "vsa.json", &text, err);
  if (code != PV_OK) return code;
  pv_fact *files = PV_ARENA_NEW(arena, w.count, pv_fact);
  if (files == NULL) return pv_error_nomem(err, "the report");
  memcpy(files, w.files, w.count * sizeof *files);
  evidence->files = files;
  evidence->file_count = w.count;
  return write_text(&w, pv_evidence_render(evidence, &text, err), PV_EVIDENCE_FILE, &text, err);
}

/* The two change names in one step. A file system that can not do that renames one after the other:
 * then a power cut between the two leaves the older one under a name that begins with a dot. */
static bool exchange(const pv_run_folder *folder) {
  char aside[PATH_MAX];
  if (renameat2(AT_FDCWD, folder->temporary, AT_FDCWD, folder->final, RENAME_EXCHANGE) == 0)
    return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  if (snprintf(aside, sizeof aside, "%s.aside", folder->temporary) >= (int)sizeof aside ||
      rename(folder->final, aside) != 0)
    return false;
  if (rename(folder->temporary, folder->final) == 0) {
    (void)rename(aside, folder->temporary); /* else it stays there, where nobody reads it */
    return true;
  }
  const int saved = errno;
  (void)rename(aside, folder->final);
  errno = saved;
  return false;
}

pv_code pv_run_folder_finish(pv_run_folder *folder, pv_error *err) {
  struct stat info;
  if (pv_cancelled()) return pv_error_set(err, PV_ERR_CANCELLED, "interrupted");
  if (stat(folder->temporary, &info) != 0)
    return pv_error_errno(err, errno, "cannot examine the folder '%s'", folder->temporary);
  folder->self = info.st_ino;
  folder->finished = rename(folder->temporary, folder->final) == 0;
  if (!folder->finished && (errno == ENOTEMPTY || errno == EEXIST))
    folder->finished = folder->replaced = exchange(folder);
  if (!folder->finished)
    return pv_error_errno(err, errno, "cannot name the folder '%s'", folder->final);
  /* It must be there for good before a status names it. */
  return pv_folder_sync(folder->parent, err);
}

const char *pv_run_folder_latest(const pv_run_folder *folder) {
  char link[PATH_MAX], temporary[PATH_MAX];
  struct stat info;
  if (snprintf(link, sizeof link, "%s/latest", folder->parent) >= (int)sizeof link ||
      snprintf(temporary, sizeof temporary, "%s.latest", folder->temporary) >=
          (int)sizeof temporary)
    return "its path would be too long";
  if (lstat(link, &info) == 0 && !S_ISLNK(info.st_mode)) return "something else has that name";
  if (symlink(strrchr(folder->final, '/') + 1, temporary) != 0)
    return "the file system makes no links";
  if (rename(temporary, link) == 0) return NULL;
  unlink(temporary);
  return "it could not be replaced";
}

static void remove_folder(const char *path) {
  char name[PATH_MAX];
  DIR *dir = opendir(path);
  if (dir == NULL) return;
  for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    if (snprintf(name, sizeof name, "%s/%s", path, e->d_name) < (int)sizeof name) unlink(name);
  }
  closedir(dir);
  rmdir(path);
}

void pv_run_folder_close(pv_run_folder *folder) {
  struct stat info;
  if (folder->temporary == NULL) return;
  /* Unless somebody else's run has taken its place meanwhile. */
  const bool back = folder->finished && !folder->kept && stat(folder->final, &info) == 0 &&
                    info.st_ino == folder->self;
  /* Where the old one can not be put back the new one stays: it is whole, and one must be there. */
  if (back &&
      (folder->replaced ? !exchange(folder) : rename(folder->final, folder->temporary) != 0))
    return;
  remove_folder(folder->temporary); /* not there when it has its name and replaced nothing */
  if (!folder->kept) rmdir(folder->parent); /* only when it is empty */
}
