#include "validator/judge/fixed.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "validator/store/git.h"

enum { REVISIONS = 256, STAMP = 32 };

typedef struct revision {
  const char *commit;
  char date[STAMP];  /* RFC 3339, UTC */
  const char *bytes; /* of the file; NULL: it was not there */
  size_t length;
} revision;

typedef struct past {
  revision list[REVISIONS]; /* newest first */
  size_t count;
  const char *why; /* nothing is known: why */
  bool open;       /* there may be older ones */
  pv_text log, blobs;
} past;

static bool asks(const char *folder, const char *const *arguments, const pv_text *input,
                 size_t limit, pv_text *out) {
  const pv_git_call call = {.folder = folder,
                            .arguments = arguments,
                            .input = input == NULL ? NULL : input->data,
                            .input_length = input == NULL ? 0 : input->length,
                            .limit = limit};
  return pv_git_says(&call, out);
}

/* "COMMIT SECONDS" a line. */
static bool read_log(past *p) {
  for (char *line = p->log.data, *next; line != NULL && *line != '\0'; line = next) {
    const size_t length = strcspn(line, "\n"), word = strcspn(line, " ");
    uint64_t seconds = 0;
    struct tm parts;
    next = line + length + (line[length] == '\n');
    line[length] = '\0';
    if (word >= length || !pv_parse_u64(line + word + 1, length - word - 1, &seconds)) return false;
    line[word] = '\0';
    const time_t when = (time_t)seconds;
    revision *r = &p->list[p->count++];
    r->commit = line;
    if (gmtime_r(&when, &parts) == NULL ||
        strftime(r->date, sizeof r->date, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
      return false;
    if (p->count == REVISIONS) return true;
  }
  return p->count > 0;
}

/* As `git cat-file --batch` has it: "ID blob LENGTH", the bytes, a line end; or "... missing". */
static bool read_blobs(past *p) {
  const char *at = p->blobs.data, *end = at + p->blobs.length;
  for (size_t i = 0; i < p->count; i++) {
    const char *line = memchr(at, '\n', (size_t)(end - at));
    if (line == NULL) return false;
    const char *last = memrchr(at, ' ', (size_t)(line - at));
    uint64_t length = 0;
    const bool there = last != NULL && pv_parse_u64(last + 1, (size_t)(line - last - 1), &length);
    at = line + 1;
    if (!there) continue;
    if (length >= (uint64_t)(end - at)) return false;
    p->list[i].bytes = at;
    p->list[i].length = length;
    at += length + 1;
  }
  return true;
}

/* The revisions of the contract's file. */
static void look_back(const char *folder, const char *name, past *p) {
  static const char *const shallow[] = {"rev-parse", "--is-shallow-repository", NULL};
  const char *log[] = {"--literal-pathspecs", "log", "-n", "256",
                       "--format=%H %ct",     "--",  name, NULL};
  static const char *const batch[] = {"cat-file", "--batch", NULL};
  pv_text asked = PV_TEXT_INIT, said = PV_TEXT_INIT;
  if (!asks(folder, shallow, NULL, 0, &said)) {
    p->why = "there is no git here";
  } else if (!asks(folder, log, NULL, 0, &p->log) || p->log.length == 0 || !read_log(p)) {
    p->why = "git does not have the contract";
  } else {
    p->open = p->count == REVISIONS || strncmp(said.data, "true", 4) == 0;
    for (size_t i = 0; i < p->count; i++)
      pv_text_printf(&asked, "%s:./%s\n", p->list[i].commit, name);
    if (asked.failed || !asks(folder, batch, &asked, (size_t)64 << 20, &p->blobs) ||
        p->blobs.length == 0 || !read_blobs(p))
      p->why = "git could not show the contract's earlier states";
  }
  pv_text_free(&asked);
  pv_text_free(&said);
}

/* The text of a falsifier's parameter in a contract of whatever version: NULL where it has none. */
static const char *value_in(const pv_yaml_node *root, const char *id, const char *param) {
  const pv_yaml_node *list = pv_yaml_get(root, "falsification_tests");
  for (size_t i = 0; list != NULL && list->kind == PV_YAML_SEQUENCE && i < list->count; i++) {
    const pv_yaml_node *one = list->items[i];
    if (one->kind != PV_YAML_MAPPING) continue;
    const pv_yaml_node *name = pv_yaml_get(one, "id"), *with = pv_yaml_get(one, "with");
    if (name == NULL || name->kind != PV_YAML_SCALAR || strcmp(name->text, id) != 0) continue;
    if (with == NULL || with->kind != PV_YAML_MAPPING) return NULL;
    const pv_yaml_node *value = pv_yaml_get(with, param);
    return value != NULL && value->kind == PV_YAML_SCALAR ? value->text : NULL;
  }
  return NULL;
}

static bool same_value(const char *a, const char *b) {
  double x = 0.0, y = 0.0;
  if (b == NULL) return false;
  if (pv_parse_f64(a, strlen(a), &x) && pv_parse_f64(b, strlen(b), &y)) return x == y;
  return strcmp(a, b) == 0;
}

/* One revision after the other, the newest first: each gate that has its value there still is older
 * than that. `going` says of which falsifiers that is still asked. */
static void search(const past *p, pv_result *r, bool *going) {
  bool any = true;
  for (size_t i = 0; i < p->count && any; i++) {
    pv_arena arena = PV_ARENA_INIT;
    pv_yaml_node *root = NULL;
    const revision *now = &p->list[i];
    if (now->bytes == NULL ||
        pv_yaml_parse(&arena, "", now->bytes, now->length, &root, NULL) != PV_OK)
      root = NULL;
    any = false;
    for (size_t k = 0; k < r->falsifier_count; k++) {
      pv_fixed *f = &r->falsifiers[k].fixed;
      const char *id = r->falsifiers[k].falsifier->id;
      going[k] = going[k] && root != NULL && root->kind == PV_YAML_MAPPING &&
                 same_value(f->value, value_in(root, id, f->name));
      if (!going[k]) continue;
      any = true;
      f->commit = now->commit;
      f->date = now->date;
      f->why = p->open && i + 1 == p->count ? "older commits are not here: it may be older" : NULL;
    }
    pv_arena_free(&arena);
  }
}

/* When it was measured: this run's moment or, of a receipt, that of the run that it is of. */
static void moment(const pv_result *r, const pv_falsifier_result *f, char out[STAMP]) {
  const char *run = f->source == PV_FROM_RECEIPT ? f->receipt_run : NULL;
  if (run != NULL && strlen(run) > 16)
    snprintf(out, STAMP, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", run, run + 4, run + 6, run + 9, run + 11,
             run + 13);
  else
    snprintf(out, STAMP, "%.30s", r->started);
}

/* Copies what was found, which lies in git's answers, into the arena. */
static bool keep(pv_arena *arena, const pv_result *r, pv_falsifier_result *f, const char *why) {
  pv_fixed *x = &f->fixed;
  char when[STAMP];
  if (x->commit == NULL) {
    if (x->why == NULL) x->why = why;
    return true;
  }
  moment(r, f, when);
  x->before = strcmp(x->date, when) < 0; /* within one second nobody knows */
  x->commit = pv_arena_strdup(arena, x->commit);
  x->date = pv_arena_strdup(arena, x->date);
  return x->commit != NULL && x->date != NULL;
}

pv_code pv_fixed_find(pv_arena *arena, const pv_ground *ground, pv_result *r, pv_error *err) {
  const char *slash = strrchr(ground->site.relative, '/');
  const char *name = slash == NULL ? ground->site.relative : slash + 1;
  bool *going = PV_ARENA_NEW(arena, r->falsifier_count + 1, bool);
  past *p = PV_ARENA_NEW(arena, 1, past);
  bool any = false, whole = true;
  if (going == NULL || p == NULL) return pv_error_nomem(err, "a judgement");
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_falsifier *f = r->falsifiers[i].falsifier;
    const pv_known_param *gate = f->known == NULL ? NULL : pv_known_gate(f->known);
    const pv_param *own = gate == NULL ? NULL : pv_falsifier_param(f, gate->name);
    pv_fixed *x = &r->falsifiers[i].fixed;
    if (gate == NULL || (own == NULL && gate->fallback == NULL)) continue;
    *x = (pv_fixed){.name = gate->name, .value = own != NULL ? own->text : gate->fallback};
    if (own == NULL) x->why = "the contract does not write it: it is the check's own";
    going[i] = own != NULL && own->text != NULL;
    any |= going[i];
  }
  if (any && ground->site.repository == NULL)
    p->why = "the contract lies in no git repository that may be trusted";
  else if (any)
    look_back(ground->site.folder, name, p);
  if (any && p->why == NULL) search(p, r, going);
  const char *why = p->why != NULL ? p->why : "this value is not committed";
  for (size_t i = 0; i < r->falsifier_count; i++) {
    if (r->falsifiers[i].fixed.name != NULL) whole &= keep(arena, r, &r->falsifiers[i], why);
  }
  pv_text_free(&p->log);
  pv_text_free(&p->blobs);
  return whole ? PV_OK : pv_error_nomem(err, "a judgement");
}
