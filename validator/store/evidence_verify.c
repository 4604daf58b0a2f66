#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/child.h"
#include "base/file.h"
#include "validator/store/canon.h"
#include "validator/store/evidence.h"

enum { PROBLEMS_MAX = 64 };

typedef struct judge {
  pv_arena *arena;
  const char *folder;
  pv_strings *problems;
  bool out_of_memory; /* then nothing was judged */
} judge;

__attribute__((format(printf, 2, 3))) static void problem(judge *j, const char *fmt, ...) {
  pv_strings *list = j->problems;
  char text[1024];
  va_list args;
  if (list->count == PROBLEMS_MAX) return;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  char *copy = pv_arena_strdup(j->arena, text);
  if (copy == NULL)
    j->out_of_memory = true;
  else
    list->items[list->count++] = copy;
}

/* A file that can not be read, for whatever reason but ours. */
static void unreadable(judge *j, const char *name, const pv_error *err) {
  if (err->code == PV_ERR_NOMEM || err->code == PV_ERR_INTERNAL)
    j->out_of_memory = true;
  else
    problem(j, "%s can not be read: %s", name, err->message);
}

/* The bytes are exactly those that pv would write for this JSON. */
static void check_form(judge *j, const json_t *root, const pv_bytes *bytes) {
  pv_text form = PV_TEXT_INIT;
  if (pv_canon_write(root, &form, NULL) != PV_OK) {
    j->out_of_memory = true; /* what was read can be written */
  } else if (form.length != bytes->length || memcmp(form.data, bytes->data, form.length) != 0) {
    size_t at = 0;
    while (at < form.length && at < bytes->length &&
           (unsigned char)form.data[at] == bytes->data[at])
      at++;
    problem(j, "evidence.json is not as pv wrote it, from byte %zu on", at);
  }
  pv_text_free(&form);
}

static void check_seal(judge *j, json_t *root) {
  const char *value = json_string_value(json_object_get(root, "seal"));
  bool fits = false;
  if (value == NULL || strlen(value) != PV_SHA256_HEX - 1)
    problem(j, "evidence.json has no seal");
  else if (pv_canon_sealed(root, &fits, NULL) != PV_OK)
    j->out_of_memory = true;
  else if (!fits)
    problem(j, "the seal is broken: something in evidence.json was changed");
}

static void check_file(judge *j, const char *name, const char *want) {
  char path[PATH_MAX], digest[PV_SHA256_HEX];
  struct stat info;
  pv_error err = PV_ERROR_INIT;
  if (strchr(name, '/') != NULL || name[0] == '.' ||
      snprintf(path, sizeof path, "%s/%s", j->folder, name) >= (int)sizeof path) {
    problem(j, "'%s' is no name of a file in this folder", name);
    return;
  }
  if (lstat(path, &info) != 0)
    problem(j, errno == ENOENT ? "%s is missing" : "%s can not be examined", name);
  else if (!S_ISREG(info.st_mode))
    problem(j, "%s is no regular file", name);
  else if (pv_sha256_file(path, digest, &err) != PV_OK)
    unreadable(j, name, &err);
  else if (strcmp(digest, want) != 0)
    problem(j, "%s was changed", name);
}

/* Nothing lies there that the evidence does not name. */
static void check_folder(judge *j, const json_t *files) {
  DIR *dir = opendir(j->folder);
  if (dir == NULL && errno == ENOMEM) {
    j->out_of_memory = true;
    return;
  }
  if (dir == NULL) {
    problem(j, "the folder can not be listed");
    return;
  }
  errno = 0; /* else the end and a failure look alike */
  for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
    const bool own = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
                     strcmp(e->d_name, PV_EVIDENCE_FILE) == 0;
    if (!own && json_object_get(files, e->d_name) == NULL)
      problem(j, "%s is not part of the evidence", e->d_name);
    errno = 0;
  }
  if (errno != 0) problem(j, "the folder can not be listed to its end");
  closedir(dir);
}

static void check_files(judge *j, const json_t *root) {
  json_t *files = json_object_get(root, "files");
  if (!json_is_object(files)) {
    problem(j, "evidence.json names no files");
    return;
  }
  for (void *at = json_object_iter(files); at != NULL; at = json_object_iter_next(files, at)) {
    const char *name = json_object_iter_key(at);
    const char *digest = json_string_value(json_object_iter_value(at));
    if (digest != NULL)
      check_file(j, name, digest);
    else
      problem(j, "evidence.json has no digest of %s", name);
  }
  check_folder(j, files);
}

bool pv_evidence_later(const char *id, const char *other) {
  return strncmp(id, other, sizeof "20261122T101500Z" - 1) > 0;
}

void pv_evidence_device(const char *device, char out[PV_EVIDENCE_DEVICE]) {
  size_t length = 0;
  if (device == NULL || strcmp(device, "none") == 0) device = "";
  for (const char *p = device; *p != '\0' && length + 1 < PV_EVIDENCE_DEVICE; p++) {
    const char c = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
      out[length++] = c;
    else if (length > 0 && out[length - 1] != '-')
      out[length++] = '-';
  }
  while (length > 0 && out[length - 1] == '-') length--;
  out[length] = '\0';
  if (length == 0) strcpy(out, "cpu");
}

/* The folder is named after the run or, published, after its device, so that neither one run nor
 * one device can pass for another. */
static void check_name(judge *j, const json_t *root) {
  char real[PATH_MAX], device[PV_EVIDENCE_DEVICE];
  const json_t *environment = json_object_get(root, "environment");
  const char *id = json_string_value(json_object_get(json_object_get(root, "run"), "id"));
  const char *name = realpath(j->folder, real) == NULL ? NULL : strrchr(real, '/');
  pv_evidence_device(json_string_value(json_object_get(environment, "device")), device);
  if (id == NULL || name == NULL || (strcmp(name + 1, id) != 0 && strcmp(name + 1, device) != 0))
    problem(j, "the folder has neither the name of the run %s nor that of its device, %s",
            id == NULL ? "?" : id, device);
}

static void check_evidence(judge *j, const pv_bytes *bytes) {
  json_error_t where;
  pv_evidence evidence;
  pv_error err = PV_ERROR_INIT;
  json_t *root =
      json_loadb((const char *)bytes->data, bytes->length, JSON_REJECT_DUPLICATES, &where);
  if (root == NULL && pv_canon_no_memory(&where)) {
    j->out_of_memory = true;
    return;
  }
  if (!json_is_object(root)) {
    problem(j, "evidence.json is no JSON object: %s, line %d", where.text, where.line);
    json_decref(root);
    return;
  }
  check_form(j, root, bytes);
  check_name(j, root);
  check_files(j, root);
  check_seal(j, root);
  json_decref(root);
  const pv_code code = pv_evidence_read_any(j->arena, j->folder, &evidence, &err);
  if (code == PV_ERR_NOMEM)
    j->out_of_memory = true;
  else if (code != PV_OK)
    problem(j, "%s", err.message);
}

pv_code pv_evidence_verify(pv_arena *arena, const char *folder, pv_strings *problems,
                           pv_error *err) {
  char path[PATH_MAX];
  struct stat info;
  pv_bytes bytes = {0};
  pv_error local = PV_ERROR_INIT;
  pv_strings found = {.items = PV_ARENA_NEW(arena, PROBLEMS_MAX, char *)};
  judge j = {.arena = arena, .folder = folder, .problems = &found};
  if (found.items == NULL) return pv_error_nomem(err, "evidence");
  if (snprintf(path, sizeof path, "%s/%s", folder, PV_EVIDENCE_FILE) >= (int)sizeof path)
    problem(&j, "the folder's name is too long");
  else if (lstat(path, &info) != 0)
    problem(&j, "there is no evidence.json");
  else if (!S_ISREG(info.st_mode))
    problem(&j, "evidence.json is no regular file");
  else if (pv_file_read(path, PV_EVIDENCE_LIMIT, &bytes, &local) != PV_OK)
    unreadable(&j, PV_EVIDENCE_FILE, &local);
  else
    check_evidence(&j, &bytes);
  pv_bytes_free(&bytes);
  if (j.out_of_memory) return pv_error_nomem(err, "evidence");
  if (pv_cancelled()) return pv_error_set(err, PV_ERR_CANCELLED, "interrupted");
  *problems = found;
  return PV_OK;
}
