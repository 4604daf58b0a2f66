#include "validator/campaign/index.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/file.h"
#include "base/pool.h"
#include "reports/render/view.h"
#include "validator/store/evidence.h"

enum { VERSION = 1, DEPTH_MAX = 16, BUSY_MS = 60000, BATCH = 128 };

/* A file that is read: its row, or why it does not count. */
typedef struct entry {
  pv_arena arena;         /* of the texts */
  char *file, *stamp;     /* `path` is the end of `file` */
  const char *path, *why; /* why: NULL where it counts */
  const char *run, *contract, *model, *sha, *device, *started, *outcome;
  int exit;
  bool failed; /* memory was out */
} entry;

struct pv_index {
  sqlite3 *db;
  sqlite3_stmt *find, *note, *put;
  const char *folder;
  size_t read;
  pv_pool *pool;
  entry batch[BATCH]; /* read side by side, and put one after another */
  size_t waiting;
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS file(path TEXT PRIMARY KEY, stamp TEXT NOT NULL, why TEXT, run "
    "TEXT,"
    " contract TEXT, model TEXT, sha TEXT, device TEXT, started TEXT, outcome TEXT, exit INTEGER);"
    "CREATE INDEX IF NOT EXISTS cell ON file(contract, sha, device, run);"
    "CREATE TEMP TABLE seen(path TEXT PRIMARY KEY);";

/* Of SQLite's own error. */
static pv_code failed(const pv_index *x, pv_error *err) {
  const int code = sqlite3_errcode(x->db);
  return code == SQLITE_NOMEM ? pv_error_nomem(err, "the index")
                              : pv_error_set(err, PV_ERR_IO, "the index of '%s': %s", x->folder,
                                             sqlite3_errmsg(x->db));
}

static bool damaged(const pv_index *x) {
  const int code = sqlite3_errcode(x->db);
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_SCHEMA ||
         code == SQLITE_ERROR; /* a table of that name has other columns */
}

static void let_go(pv_index *x) {
  sqlite3_finalize(x->find);
  sqlite3_finalize(x->note);
  sqlite3_finalize(x->put);
  sqlite3_close(x->db);
  x->find = x->note = x->put = NULL;
  x->db = NULL;
}

static bool version_is(pv_index *x, int *out) {
  sqlite3_stmt *ask = NULL;
  const bool told = sqlite3_prepare_v2(x->db, "PRAGMA user_version", -1, &ask, NULL) == SQLITE_OK &&
                    sqlite3_step(ask) == SQLITE_ROW;
  if (told) *out = sqlite3_column_int(ask, 0);
  sqlite3_finalize(ask);
  return told;
}

/* Opens the database at `path`, with its tables, and begins the one change that is made of it. */
static bool prepare(pv_index *x, const char *path, bool *other) {
  int version = 0;
  char set[64];
  snprintf(set, sizeof set, "PRAGMA user_version=%d", VERSION);
  if (sqlite3_open(path, &x->db) != SQLITE_OK) return false;
  sqlite3_busy_timeout(x->db, BUSY_MS);
  if (!version_is(x, &version)) return false;
  *other = version != 0 && version != VERSION;
  return !*other && sqlite3_exec(x->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
         sqlite3_exec(x->db, schema, NULL, NULL, NULL) == SQLITE_OK &&
         sqlite3_exec(x->db, set, NULL, NULL, NULL) == SQLITE_OK &&
         sqlite3_prepare_v2(x->db, "SELECT stamp FROM file WHERE path=?", -1, &x->find, NULL) ==
             SQLITE_OK &&
         sqlite3_prepare_v2(x->db, "INSERT OR IGNORE INTO seen VALUES(?)", -1, &x->note, NULL) ==
             SQLITE_OK &&
         sqlite3_prepare_v2(x->db, "INSERT OR REPLACE INTO file VALUES(?,?,?,?,?,?,?,?,?,?,?)", -1,
                            &x->put, NULL) == SQLITE_OK;
}

static void bind(sqlite3_stmt *statement, int place, const char *text) {
  if (text != NULL) sqlite3_bind_text(statement, place, text, -1, SQLITE_TRANSIENT);
}

static bool step(sqlite3_stmt *statement) {
  const int code = sqlite3_step(statement);
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return code == SQLITE_DONE || code == SQLITE_ROW;
}

static bool known(pv_index *x, const char *path, const char *stamp) {
  bind(x->find, 1, path);
  const bool same = sqlite3_step(x->find) == SQLITE_ROW &&
                    strcmp((const char *)sqlite3_column_text(x->find, 0), stamp) == 0;
  sqlite3_reset(x->find);
  return same;
}

static char *keep(entry *e, const char *text) {
  char *copy = pv_arena_strdup(&e->arena, text);
  e->failed |= copy == NULL;
  return copy;
}

static void take(entry *out, const pv_result *r) {
  const char *model = pv_fact_value(r->model, r->model_count, "name");
  const char *sha = pv_fact_value(r->model, r->model_count, "sha256");
  const char *device = pv_fact_value(r->environment, r->environment_count, "device");
  if (model == NULL) model = pv_fact_value(r->model, r->model_count, "path");
  out->run = keep(out, r->run_id);
  out->contract = keep(out, r->contract->name);
  out->model = keep(out, sha == NULL || model == NULL ? "" : model);
  out->sha = keep(out, sha == NULL ? "" : sha);
  out->device = keep(out, device == NULL || strcmp(device, "none") == 0 ? "cpu" : device);
  out->started = keep(out, r->started);
  out->outcome = keep(out, pv_view_outcome(r));
  out->exit = r->exit_code;
}

/* What the evidence says, or why it does not count. */
static void read_entry(void *context, size_t task, unsigned thread) {
  entry *out = (entry *)context + task;
  pv_arena arena = PV_ARENA_INIT;
  pv_bytes bytes = {0};
  pv_evidence e = {0};
  pv_error err = PV_ERROR_INIT;
  (void)thread;
  pv_code code = pv_file_read(out->file, PV_EVIDENCE_LIMIT, &bytes, &err);
  if (code == PV_OK) code = pv_evidence_read_sealed(&arena, out->path, &bytes, &e, &err);
  pv_bytes_free(&bytes);
  if (code == PV_OK)
    take(out, e.result);
  else if (code == PV_ERR_NOMEM)
    out->failed = true;
  else
    out->why = keep(out, err.message);
  pv_arena_free(&arena);
}

static pv_code put(pv_index *x, const entry *e, pv_error *err) {
  const char *const texts[] = {e->path,  e->stamp, e->why,    e->run,     e->contract,
                               e->model, e->sha,   e->device, e->started, e->outcome};
  enum { TEXTS = sizeof texts / sizeof *texts };
  if (e->failed) return pv_error_nomem(err, "the index");
  for (int i = 0; i < TEXTS; i++) bind(x->put, i + 1, texts[i]);
  if (e->why == NULL) sqlite3_bind_int(x->put, TEXTS + 1, e->exit);
  return step(x->put) ? PV_OK : failed(x, err);
}

static pv_code put_batch(pv_index *x, pv_error *err) {
  pv_code code = PV_OK;
  pv_pool_run(x->pool, read_entry, x->batch, x->waiting);
  x->read += x->waiting;
  for (size_t i = 0; i < x->waiting && code == PV_OK; i++) code = put(x, &x->batch[i], err);
  for (size_t i = 0; i < x->waiting; i++) pv_arena_free(&x->batch[i].arena);
  x->waiting = 0;
  return pv_cancelled() ? pv_error_set(err, PV_ERR_CANCELLED, "interrupted") : code;
}

static pv_code wait_for_batch(pv_index *x, const char *file, const char *stamp, pv_error *err) {
  entry *e = &x->batch[x->waiting++];
  *e = (entry){0};
  e->file = keep(e, file);
  e->stamp = keep(e, stamp);
  if (e->failed) return pv_error_nomem(err, "the index");
  e->path = e->file + strlen(x->folder) + 1;
  return x->waiting == BATCH ? put_batch(x, err) : PV_OK;
}

static pv_code look(pv_index *x, const char *file, const struct stat *info, pv_error *err) {
  const char *path = file + strlen(x->folder) + 1;
  char stamp[160];
  snprintf(stamp, sizeof stamp, "%ju %jd %jd.%09ld %jd.%09ld", (uintmax_t)info->st_ino,
           (intmax_t)info->st_size, (intmax_t)info->st_mtim.tv_sec, info->st_mtim.tv_nsec,
           (intmax_t)info->st_ctim.tv_sec, info->st_ctim.tv_nsec);
  if (pv_cancelled()) return pv_error_set(err, PV_ERR_CANCELLED, "interrupted");
  bind(x->note, 1, path);
  if (!step(x->note)) return failed(x, err);
  return known(x, path, stamp) ? PV_OK : wait_for_batch(x, file, stamp, err);
}

static pv_code walk(pv_index *x, const char *folder, unsigned depth, pv_error *err) {
  char path[PATH_MAX];
  struct stat info;
  pv_code code = PV_OK;
  if (snprintf(path, sizeof path, "%s/" PV_EVIDENCE_FILE, folder) >= (int)sizeof path ||
      depth == DEPTH_MAX)
    return PV_OK; /* no folder of pv's is that deep */
  if (lstat(path, &info) == 0) return S_ISREG(info.st_mode) ? look(x, path, &info, err) : PV_OK;
  DIR *dir = opendir(folder);
  if (dir == NULL) return pv_error_errno(err, errno, "cannot list '%s'", folder);
  errno = 0;
  for (const struct dirent *e = readdir(dir); e != NULL && code == PV_OK; e = readdir(dir)) {
    /* Parts are no runs, and `latest` is one that lies there under its name, or a copy. */
    if (e->d_name[0] == '.' || strcmp(e->d_name, PV_EVIDENCE_PARTS) == 0 ||
        strcmp(e->d_name, "latest") == 0)
      continue;
    if (e->d_type != DT_DIR && e->d_type != DT_UNKNOWN) continue;
    if (snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= (int)sizeof path) continue;
    if (e->d_type == DT_UNKNOWN && (lstat(path, &info) != 0 || !S_ISDIR(info.st_mode))) continue;
    code = walk(x, path, depth + 1, err);
    errno = 0;
  }
  if (code == PV_OK && errno != 0) code = pv_error_errno(err, errno, "cannot list '%s'", folder);
  closedir(dir);
  return code;
}

static pv_code refresh(pv_index *x, pv_error *err) {
  static const char end[] = "DELETE FROM file WHERE path NOT IN (SELECT path FROM seen); COMMIT;";
  pv_code code = walk(x, x->folder, 0, err);
  if (code == PV_OK) code = put_batch(x, err);
  if (code != PV_OK) return code;
  return sqlite3_exec(x->db, end, NULL, NULL, NULL) == SQLITE_OK ? PV_OK : failed(x, err);
}

pv_code pv_index_open(const char *folder, const char *place, pv_index **out, pv_error *err) {
  char path[PATH_MAX];
  bool other = false;
  struct stat info;
  if (stat(folder, &info) != 0 || !S_ISDIR(info.st_mode))
    return pv_error_refuse(err, "name a folder of runs, such as reports", "there is no folder '%s'",
                           folder);
  if (snprintf(path, sizeof path, "%s/" PV_INDEX_FILE, place) >= (int)sizeof path)
    return pv_error_set(err, PV_ERR_INPUT, "the folder's name is too long");
  pv_index *x = calloc(1, sizeof *x);
  if (x == NULL) return pv_error_nomem(err, "the index");
  x->folder = folder;
  pv_code code = pv_pool_open(0, &x->pool, err);
  if (code != PV_OK) {
    pv_index_close(x);
    return code;
  }
  const bool writable = access(place, W_OK) == 0;
  bool ready = prepare(x, writable ? path : ":memory:", &other);
  if (!ready && writable && (other || damaged(x))) { /* made anew */
    let_go(x);
    unlink(path);
    ready = prepare(x, path, &other);
  }
  code = ready ? refresh(x, err) : failed(x, err);
  if (code == PV_OK) *out = x;
  if (code != PV_OK) pv_index_close(x);
  return code;
}

void pv_index_close(pv_index *index) {
  if (index == NULL) return;
  for (size_t i = 0; i < index->waiting; i++) pv_arena_free(&index->batch[i].arena);
  pv_pool_close(index->pool);
  let_go(index);
  free(index);
}

size_t pv_index_read(const pv_index *index) {
  return index->read;
}

static size_t count(pv_index *x, const char *query) {
  sqlite3_stmt *ask = NULL;
  size_t out = 0;
  if (sqlite3_prepare_v2(x->db, query, -1, &ask, NULL) == SQLITE_OK &&
      sqlite3_step(ask) == SQLITE_ROW)
    out = (size_t)sqlite3_column_int64(ask, 0);
  sqlite3_finalize(ask);
  return out;
}

static char *column(pv_arena *arena, sqlite3_stmt *row, int place) {
  const char *text = (const char *)sqlite3_column_text(row, place);
  return pv_arena_strdup(arena, text == NULL ? "" : text);
}

static pv_code take_cell(pv_arena *arena, sqlite3_stmt *row, pv_campaign_cell *out, pv_error *err) {
  *out = (pv_campaign_cell){.contract = column(arena, row, 0),
                            .model = column(arena, row, 1),
                            .model_sha256 = column(arena, row, 2),
                            .device = column(arena, row, 3),
                            .run_id = column(arena, row, 4),
                            .runs = (size_t)sqlite3_column_int64(row, 5),
                            .started = column(arena, row, 6),
                            .outcome = column(arena, row, 7),
                            .exit_code = sqlite3_column_int(row, 8),
                            .place = column(arena, row, 9)};
  const bool whole = out->contract != NULL && out->model != NULL && out->model_sha256 != NULL &&
                     out->device != NULL && out->run_id != NULL && out->started != NULL &&
                     out->outcome != NULL && out->place != NULL;
  return whole ? PV_OK : pv_error_nomem(err, "the campaign");
}

static pv_code take_broken(pv_arena *arena, sqlite3_stmt *row, pv_campaign_broken *out,
                           pv_error *err) {
  *out = (pv_campaign_broken){column(arena, row, 0), column(arena, row, 1)};
  return out->place != NULL && out->why != NULL ? PV_OK : pv_error_nomem(err, "the campaign");
}

pv_code pv_index_cells(pv_index *x, pv_arena *arena, pv_campaign *out, pv_error *err) {
  /* Of max() the other columns are those of the row that has it. */
  static const char cells[] =
      "SELECT contract, model, sha, device, max(run), count(DISTINCT run), started, outcome, exit,"
      " path FROM file WHERE why IS NULL GROUP BY contract, sha, device"
      " ORDER BY contract, sha, device";
  static const char broken[] = "SELECT path, why FROM file WHERE why IS NOT NULL ORDER BY path";
  sqlite3_stmt *row = NULL;
  const size_t rows = count(x, "SELECT count(*) FROM file");
  pv_campaign c = {.runs = count(x, "SELECT count(DISTINCT run) FROM file WHERE why IS NULL"),
                   .cells = PV_ARENA_NEW(arena, rows + 1, pv_campaign_cell),
                   .broken = PV_ARENA_NEW(arena, rows + 1, pv_campaign_broken)};
  pv_code code = PV_OK;
  if (c.cells == NULL || c.broken == NULL) return pv_error_nomem(err, "the campaign");
  if (sqlite3_prepare_v2(x->db, cells, -1, &row, NULL) != SQLITE_OK) return failed(x, err);
  while (code == PV_OK && c.cell_count < rows && sqlite3_step(row) == SQLITE_ROW)
    code = take_cell(arena, row, &c.cells[c.cell_count++], err);
  sqlite3_finalize(row);
  if (code != PV_OK) return code;
  if (sqlite3_prepare_v2(x->db, broken, -1, &row, NULL) != SQLITE_OK) return failed(x, err);
  while (code == PV_OK && c.broken_count < rows && sqlite3_step(row) == SQLITE_ROW)
    code = take_broken(arena, row, &c.broken[c.broken_count++], err);
  sqlite3_finalize(row);
  if (code == PV_OK) *out = c;
  return code;
}
