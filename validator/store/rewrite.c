#include "validator/store/rewrite.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ck.h"
#include "base/file.h"
#include "validator/model/contract_load.h"
#include "validator/store/subject.h"

enum { LOCK_WAIT_MS = 10000 };

static pv_code unsupported(const pv_contract *c, const pv_place *place, pv_error *err,
                           const char *what) {
  pv_error_set(err, PV_ERR_UNSUPPORTED, "%s", what);
  pv_error_at(err, c->path, place->line, place->column, place->begin);
  return PV_ERR_UNSUPPORTED;
}

static bool parse_version(const char *text, uint64_t out[3]) {
  for (int i = 0; i < 3; i++) {
    const size_t length = strcspn(text, ".");
    if (!pv_parse_u64(text, length, &out[i])) return false;
    text += length;
    if ((*text == '.') != (i < 2)) return false;
    text += *text == '.';
  }
  return true;
}

bool pv_rewrite_compare(const char *a, const char *b, int *out) {
  uint64_t x[3], y[3];
  if (!parse_version(a, x) || !parse_version(b, y)) return false;
  *out = 0;
  for (int i = 0; i < 3 && *out == 0; i++) *out = (x[i] > y[i]) - (x[i] < y[i]);
  return true;
}

pv_code pv_rewrite_bump(pv_arena *arena, const char *version, char **out, pv_error *err) {
  uint64_t parts[3];
  if (!parse_version(version, parts) || !pv_ck_add(parts[2], 1, &parts[2]))
    return pv_error_set(err, PV_ERR_INPUT, "the version '%.40s' is not three numbers", version);
  *out = pv_arena_printf(arena, "%llu.%llu.%llu", (unsigned long long)parts[0],
                         (unsigned long long)parts[1], (unsigned long long)parts[2]);
  return *out == NULL ? pv_error_nomem(err, "a version") : PV_OK;
}

/* True when the first amendment is newer than the last: then new ones go to the head. */
static bool newest_first(const pv_contract *c) {
  int order = 0;
  if (c->amendment_count < 2) return false;
  const pv_amendment *a = &c->amendments[0], *z = &c->amendments[c->amendment_count - 1];
  if (!pv_rewrite_compare(a->version, z->version, &order)) return false;
  return order != 0 ? order > 0 : strcmp(a->date, z->date) > 0;
}

/* Where an entry of the history begins: its line, the column of its dash and of its keys. */
typedef struct entry {
  size_t line;
  size_t dash, keys; /* columns from 0 */
} entry;

static bool find_entry(const pv_contract *c, const pv_amendment *a, entry *out) {
  size_t at = (size_t)a->place.begin;
  if (a->place.begin < 0 || at >= c->length) return false;
  const size_t key = at;
  while (at > 0 && strchr(" \t\r\n", c->bytes[at - 1]) != NULL) at--;
  if (at == 0 || c->bytes[at - 1] != '-') return false;
  const size_t dash = at - 1;
  size_t line = dash;
  while (line > 0 && c->bytes[line - 1] != '\n') line--;
  for (size_t i = line; i < dash; i++)
    if (c->bytes[i] != ' ') return false;
  const bool together = memchr(c->bytes + dash, '\n', key - dash) == NULL;
  *out = (entry){line, dash - line, together ? key - line : dash - line + 2};
  return true;
}

/* The end of the last line of the entry that begins at `line`: lines indented deeper than its
 * dash belong to it, blank ones only when such a line follows. */
static size_t entry_end(const pv_contract *c, const entry *e) {
  size_t at = e->line, end = 0;
  for (bool first = true; at < c->length; first = false) {
    const unsigned char *newline = memchr(c->bytes + at, '\n', c->length - at);
    const size_t next = newline == NULL ? c->length : (size_t)(newline - c->bytes) + 1;
    size_t indent = 0;
    while (at + indent < next && c->bytes[at + indent] == ' ') indent++;
    const bool blank = at + indent == next || strchr("\r\n", c->bytes[at + indent]) != NULL;
    if (!first && !blank && indent <= e->dash) break;
    if (!blank) end = next;
    at = next;
  }
  return end;
}

static const char *line_end(const pv_contract *c) {
  const unsigned char *newline = memchr(c->bytes, '\n', c->length);
  return newline != NULL && newline > c->bytes && newline[-1] == '\r' ? "\r\n" : "\n";
}

/* A double-quoted YAML scalar on one line. */
static void put_quoted(pv_text *out, const char *text) {
  pv_text_puts(out, "\"");
  for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
    if (*p == '"' || *p == '\\')
      pv_text_printf(out, "\\%c", *p);
    else if (*p == '\n')
      pv_text_puts(out, "\\n");
    else if (*p < 32 || *p == 127)
      pv_text_printf(out, "\\x%02X", *p);
    else
      pv_text_add(out, (const char *)p, 1);
  }
  pv_text_puts(out, "\"");
}

static void put_blanks(pv_text *out, size_t count) {
  while (count-- > 0) pv_text_puts(out, " ");
}

static void put_amendment(pv_text *out, const pv_amendment *a, const entry *like,
                          const char *newline) {
  const struct {
    const char *key, *value;
  } fields[] = {{"version", a->version},
                {"date", a->date},
                {"kind", a->kind},
                {"title", a->title},
                {"description", a->description},
                {"evidence", a->evidence}};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    if (fields[i].value == NULL) continue;
    put_blanks(out, i == 0 ? like->dash : like->keys);
    if (i == 0) {
      pv_text_puts(out, "-");
      put_blanks(out, like->keys - like->dash - 1);
    }
    pv_text_printf(out, "%s: ", fields[i].key);
    put_quoted(out, fields[i].value);
    pv_text_puts(out, newline);
  }
}

/* One replacement of [begin, end) by `text`. */
typedef struct edit {
  size_t begin, end;
  const char *text;
} edit;

static void put_edits(const pv_contract *c, edit *edits, size_t count, pv_text *out) {
  size_t at = 0;
  for (size_t i = 1; i < count; i++) /* three at most, in the order of the file */
    for (size_t k = i; k > 0 && edits[k].begin < edits[k - 1].begin; k--) {
      const edit other = edits[k];
      edits[k] = edits[k - 1];
      edits[k - 1] = other;
    }
  for (size_t i = 0; i < count; i++) {
    pv_text_add(out, (const char *)c->bytes + at, edits[i].begin - at);
    pv_text_puts(out, edits[i].text);
    at = edits[i].end;
  }
  pv_text_add(out, (const char *)c->bytes + at, c->length - at);
}

/* The scalar's bytes are its text: not folded, not escaped. */
static bool plain(const pv_contract *c, const pv_place *place, const char *text) {
  const size_t length = strlen(text);
  return place->begin >= 0 && place->end >= place->begin && (size_t)place->end <= c->length &&
         (size_t)(place->end - place->begin) == length &&
         memcmp(c->bytes + place->begin, text, length) == 0;
}

static bool same_text(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_amendment(const pv_amendment *a, const pv_amendment *b) {
  return same_text(a->version, b->version) && same_text(a->date, b->date) &&
         same_text(a->kind, b->kind) && same_text(a->title, b->title) &&
         same_text(a->description, b->description) && same_text(a->evidence, b->evidence);
}

/* What was written, read again, is the old file, read again, with the change and nothing else. In
 * memory the old contract has another spelling since it was bound to a probe: sides in two words.
 */
static pv_code check_result(const pv_rewrite *w, const pv_text *text, pv_error *err) {
  char before[PV_SHA256_HEX], after[PV_SHA256_HEX];
  const pv_contract *bound = w->contract;
  pv_arena arena = PV_ARENA_INIT;
  pv_contract *new = NULL, *old = NULL;
  pv_code code =
      pv_contract_load_bytes(&arena, bound->path, bound->bytes, bound->length, &old, err);
  if (code == PV_OK)
    code = pv_contract_load_bytes(&arena, bound->path, text->data, text->length, &new, err);
  if (code == PV_OK) code = pv_subject_contract(old, before, err);
  if (code == PV_OK) code = pv_subject_contract(new, after, err);
  if (code == PV_OK) {
    const bool head = newest_first(old);
    bool same = strcmp(before, after) == 0 &&
                new->status == w->status &&strcmp(new->version, w->amendment.version) == 0 &&
                new->amendment_count == old->amendment_count + 1;
    for (size_t i = 0; same && i < old->amendment_count; i++)
      same = same_amendment(&new->amendments[i + (head ? 1 : 0)], &old->amendments[i]);
    same = same && same_amendment(&new->amendments[head ? 0 : old->amendment_count], &w->amendment);
    if (!same)
      code = unsupported(old, &old->amendments_place, err,
                         "the contract is laid out in a way that can not be changed safely");
  }
  pv_arena_free(&arena);
  return code;
}

pv_code pv_rewrite_text(const pv_rewrite *w, pv_text *out, pv_error *err) {
  const pv_contract *c = w->contract;
  const char *newline = line_end(c);
  const bool head = newest_first(c);
  pv_text insert = PV_TEXT_INIT, text = PV_TEXT_INIT;
  entry like;
  pv_code code = PV_OK;
  if (!plain(c, &c->status_place, pv_contract_status_name(c->status)))
    return unsupported(c, &c->status_place, err, "the status is not written plainly");
  if (!plain(c, &c->version_place, c->version))
    return unsupported(c, &c->version_place, err, "the version is not written plainly");
  if (c->amendment_count == 0 ||
      !find_entry(c, &c->amendments[head ? 0 : c->amendment_count - 1], &like))
    return unsupported(c, &c->amendments_place, err,
                       "amendment_history is not a list with one '-' for each entry");
  const size_t at = head ? like.line : entry_end(c, &like);
  /* A last line without a line end gets one. */
  if (at == c->length && c->bytes[at - 1] != '\n') pv_text_puts(&insert, newline);
  put_amendment(&insert, &w->amendment, &like, newline);
  if (insert.failed) {
    code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for '%s'", c->path);
    goto cleanup;
  }
  edit edits[] = {
      {(size_t)c->status_place.begin, (size_t)c->status_place.end,
       pv_contract_status_name(w->status)},
      {(size_t)c->version_place.begin, (size_t)c->version_place.end, w->amendment.version},
      {at, at, insert.data}};
  put_edits(c, edits, 3, &text);
  if (text.failed) {
    code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for '%s'", c->path);
    goto cleanup;
  }
  code = check_result(w, &text, err);
  if (code == PV_OK) pv_text_add(out, text.data, text.length);
  if (out->failed) code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for '%s'", c->path);
cleanup:
  pv_text_free(&insert);
  pv_text_free(&text);
  return code;
}

static pv_code compare(const pv_contract *c, pv_error *err) {
  struct stat info;
  pv_bytes bytes = {0};
  if (lstat(c->path, &info) != 0) return pv_error_errno(err, errno, "cannot examine '%s'", c->path);
  if (!S_ISREG(info.st_mode))
    return pv_error_refuse(err, "name the file itself",
                           "'%s' is a link or no file: it is not rewritten", c->path);
  const pv_code code = pv_file_read(c->path, c->length, &bytes, err);
  if (code != PV_OK && code != PV_ERR_LIMIT) return code;
  const bool same =
      code == PV_OK && bytes.length == c->length && memcmp(bytes.data, c->bytes, c->length) == 0;
  pv_bytes_free(&bytes);
  if (same) return PV_OK;
  pv_error_set(err, PV_ERR_CONFLICT, "'%s' was changed since it was read", c->path);
  pv_error_hint(err, "nothing was written; run the command again");
  return PV_ERR_CONFLICT;
}

bool pv_rewrite_untouched(const pv_rewrite *w) {
  return compare(w->contract, NULL) == PV_OK;
}

/* Refuses a link before the lock is taken: the lock would be the link's, not the file's. */
static pv_code lock_same(const pv_contract *c, pv_lock *lock, pv_error *err) {
  struct stat info;
  if (lstat(c->path, &info) == 0 && S_ISLNK(info.st_mode)) return compare(c, err);
  const pv_code code = pv_lock_take(c->path, LOCK_WAIT_MS, lock, err);
  return code == PV_OK ? compare(c, err) : code;
}

pv_code pv_rewrite_commit(const pv_rewrite *w, pv_rewrite_before before, void *context,
                          pv_error *err) {
  pv_text text = PV_TEXT_INIT;
  pv_lock lock = {-1};
  pv_code code = lock_same(w->contract, &lock, err);
  if (code == PV_OK) code = pv_rewrite_text(w, &text, err);
  if (code == PV_OK && before != NULL) code = before(context, err);
  if (code == PV_OK) code = pv_file_replace(w->contract->path, text.data, text.length, err);
  pv_lock_release(&lock);
  pv_text_free(&text);
  return code;
}

pv_code pv_rewrite_keep(const pv_contract *contract, pv_rewrite_before before, void *context,
                        pv_error *err) {
  pv_lock lock = {-1};
  pv_code code = lock_same(contract, &lock, err);
  if (code == PV_OK) code = before(context, err);
  pv_lock_release(&lock);
  return code;
}
