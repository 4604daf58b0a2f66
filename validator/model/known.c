#include "validator/model/known.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "base/devices.h"
#include "base/sha256.h"
#include "base/text.h"

enum { CHECKS_MAX = 1024, PARAMS_MAX = 64, FAULTS_MAX = 1024, WORDS_MAX = 64, MEANINGS_MAX = 4096 };
enum { NAME_MAX_BYTES = 64, ABOUT_MAX_BYTES = 1000, TEXT_MAX_BYTES = 1000 };
static const double TIMEOUT_MAX_S = 86400.0;

static const char *const no_words[] = {NULL};

typedef struct reader {
  pv_arena *arena;
  pv_error *err;
  const char *place; /* "check forward.parity", for messages */
} reader;

__attribute__((format(printf, 2, 3))) static pv_code odd(const reader *r, const char *fmt, ...) {
  char text[300];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  return pv_error_set(r->err, PV_ERR_INPUT, "%s: %s", r->place, text);
}

static pv_code nomem(const reader *r) {
  return pv_error_nomem(r->err, "what the probe describes");
}

/* The place of `word` in a NULL-terminated list, or -1. */
static int place_in(const char *const *list, const char *word) {
  for (int i = 0; list[i] != NULL; i++)
    if (strcmp(list[i], word) == 0) return i;
  return -1;
}

/* One key of an object and where its value goes; with MAY it can be absent, and leaves what is
 * there. */
enum { TEXT, NUMBER, FLAG, ARRAY, OBJECT, MAY = 8 };
typedef struct field {
  const char *key;
  int kind;
  void *out; /* const char **, double *, nothing, json_t **, json_t ** */
} field;

static bool take(const field *f, json_t *value) {
  switch (f->kind & ~MAY) {
    case TEXT:
      *(const char **)f->out = json_string_value(value);
      return json_is_string(value);
    case NUMBER:
      *(double *)f->out = json_number_value(value);
      return json_is_number(value);
    case FLAG:
      return json_is_boolean(value);
    default:
      *(json_t **)f->out = value;
      return (f->kind & ~MAY) == ARRAY ? json_is_array(value) : json_is_object(value);
  }
}

/* These keys and no others. (json_unpack would do, but loses count when memory is out.) */
static pv_code unpack(const reader *r, json_t *object, const field *list) {
  const char *key;
  json_t *value;
  if (!json_is_object(object)) return odd(r, "it is no object");
  for (const field *f = list; f->key != NULL; f++) {
    value = json_object_get(object, f->key);
    if (value == NULL && (f->kind & MAY) == 0) return odd(r, "'%s' is missing", f->key);
    if (value != NULL && !take(f, value)) return odd(r, "'%s' has another type", f->key);
  }
  json_object_foreach(object, key, value) {
    const field *f = list;
    while (f->key != NULL && strcmp(f->key, key) != 0) f++;
    if (f->key == NULL) return odd(r, "there is no key '%.60s'", key);
  }
  return PV_OK;
}

static size_t kind_length(const char *side) {
  return strcspn(side, ":@");
}

bool pv_known_is_name(const char *text) {
  const size_t n = strlen(text);
  if (n == 0 || n > NAME_MAX_BYTES) return false;
  for (size_t i = 0; i < n; i++)
    if (!isalnum((unsigned char)text[i]) && strchr("._-", text[i]) == NULL) return false;
  return true;
}

/* KIND, KIND: or KIND:WHAT. */
static bool is_kind(const char *text) {
  char kind[NAME_MAX_BYTES + 1];
  const size_t n = strcspn(text, ":"), stem = pv_devices_stem(text);
  const size_t named = stem > 0 ? stem : n < sizeof kind ? n : sizeof kind - 1;
  snprintf(kind, sizeof kind, "%.*s", (int)named, text);
  return n <= NAME_MAX_BYTES && pv_known_is_name(kind) &&
         (text[n] == '\0' || text[n + 1] == '\0' || pv_known_is_name(text + n + 1));
}

static pv_code name(const reader *r, const char *what, const char *text, const char **out) {
  if (!pv_known_is_name(text)) return odd(r, "the %s '%.80s' is no name", what, text);
  *out = pv_arena_strdup(r->arena, text);
  return *out == NULL ? nomem(r) : PV_OK;
}

/* A text that is shown to somebody: nothing in it moves a cursor. */
static pv_code line(const reader *r, const char *text, const char **out) {
  pv_text shown = PV_TEXT_INIT;
  const size_t n = strlen(text);
  pv_text_escape(&shown, text, n);
  const bool failed = shown.failed, plain = n > 0 && n == shown.length;
  pv_text_free(&shown);
  if (failed) return nomem(r);
  if (!plain || n > ABOUT_MAX_BYTES) return odd(r, "a text is empty, too long or not printable");
  *out = pv_arena_strdup(r->arena, text);
  return *out == NULL ? nomem(r) : PV_OK;
}

/* A list of at most `most` entries. */
static pv_code count_of(const reader *r, const char *what, const json_t *list, size_t most,
                        size_t *out) {
  *out = json_array_size(list);
  return *out > most ? odd(r, "more than %zu %s", most, what) : PV_OK;
}

static pv_code words(const reader *r, const char *what, const json_t *list,
                     const char *const **out) {
  size_t count = 0;
  pv_code code = count_of(r, what, list, WORDS_MAX, &count);
  if (code != PV_OK) return code;
  const char **items = PV_ARENA_NEW(r->arena, count + 1, const char *);
  if (items == NULL) return nomem(r);
  for (size_t i = 0; i < count && code == PV_OK; i++) {
    const char *word = json_string_value(json_array_get(list, i));
    code = name(r, what, word != NULL ? word : "", &items[i]);
    for (size_t k = 0; k < i && code == PV_OK; k++)
      if (strcmp(items[k], items[i]) == 0) code = odd(r, "%s: '%s' twice", what, items[i]);
  }
  *out = items;
  return code;
}

static pv_code kinds(const reader *r, const json_t *list, const char *const **out) {
  size_t count = 0;
  pv_code code = count_of(r, "words", list, WORDS_MAX, &count);
  if (code != PV_OK) return code;
  const char **items = PV_ARENA_NEW(r->arena, count + 1, const char *);
  if (items == NULL) return nomem(r);
  for (size_t i = 0; i < count && code == PV_OK; i++) {
    const char *word = json_string_value(json_array_get(list, i));
    if (word == NULL || !is_kind(word))
      return odd(r, "the kind '%.80s' is none", word != NULL ? word : "");
    items[i] = pv_arena_strdup(r->arena, word);
    if (items[i] == NULL) return nomem(r);
    for (size_t k = 0; k < i; k++)
      if (kind_length(items[k]) == kind_length(word) &&
          strncmp(items[k], word, kind_length(word)) == 0)
        return odd(r, "words: the kind '%s' twice", word);
  }
  *out = items;
  return code;
}

static pv_code read_kind(const reader *r, const char *type, const char *loosens,
                         pv_known_param *p) {
  static const char *const types[] = {"integer", "number", "word", "side",
                                      "name",    "names",  "file", NULL};
  static const char *const ways[] = {"down", "", "up", NULL};
  const int kind = place_in(types, type), way = place_in(ways, loosens);
  const bool number = kind == PV_KNOWN_INTEGER || kind == PV_KNOWN_NUMBER;
  if (kind < 0) return odd(r, "parameter %s: there is no type '%.40s'", p->name, type);
  if (way < 0) return odd(r, "parameter %s: it loosens '%.40s', not up or down", p->name, loosens);
  p->type = (pv_known_type)kind;
  p->loosens = way - 1;
  if (number != (p->min < p->max) || !isfinite(p->min) || !isfinite(p->max))
    return odd(r, "parameter %s: bounds from %g to %g", p->name, p->min, p->max);
  if (!number && p->loosens != 0) return odd(r, "parameter %s: no number loosens", p->name);
  if ((p->type == PV_KNOWN_WORD || p->type == PV_KNOWN_SIDE) != (p->words[0] != NULL))
    return odd(r, "parameter %s: words are of a word or a side, and of nothing else", p->name);
  return PV_OK;
}

static pv_code read_param(const reader *r, json_t *item, pv_known_param *p) {
  json_t *list = NULL;
  const char *title, *about, *type, *fallback = NULL, *unit = "", *loosens = "";
  const field fields[] = {{"name", TEXT, &title},         {"about", TEXT, &about},
                          {"type", TEXT, &type},          {"default", TEXT | MAY, &fallback},
                          {"min", NUMBER | MAY, &p->min}, {"max", NUMBER | MAY, &p->max},
                          {"unit", TEXT | MAY, &unit},    {"loosens", TEXT | MAY, &loosens},
                          {"words", ARRAY | MAY, &list},  {0}};
  pv_code code = unpack(r, item, fields);
  if (code != PV_OK) return code;
  p->words = no_words;
  p->unit = "";
  code = name(r, "parameter", title, &p->name);
  if (code == PV_OK) code = line(r, about, &p->about);
  if (code == PV_OK && unit[0] != '\0') code = line(r, unit, &p->unit);
  if (code == PV_OK && fallback != NULL) {
    p->fallback = "";
    if (fallback[0] != '\0') code = line(r, fallback, &p->fallback);
  }
  if (code == PV_OK && list != NULL && strcmp(type, "side") == 0)
    code = kinds(r, list, &p->words);
  else if (code == PV_OK && list != NULL)
    code = words(r, "words", list, &p->words);
  return code == PV_OK ? read_kind(r, type, loosens, p) : code;
}

static pv_code read_needs(const reader *r, const json_t *list, unsigned *out) {
  static const char *const names[] = {"model", "reference", "prompts", "experts", NULL};
  const char *const *needed = NULL;
  const pv_code code = words(r, "needs", list, &needed);
  for (size_t i = 0; code == PV_OK && needed[i] != NULL; i++) {
    const int bit = place_in(names, needed[i]);
    if (bit < 0) return odd(r, "it needs '%s', which nobody has", needed[i]);
    *out |= 1u << bit;
  }
  return code;
}

static pv_code read_params(const reader *r, const json_t *list, pv_known_check *c) {
  pv_code code = count_of(r, "parameters", list, PARAMS_MAX, &c->param_count);
  if (code != PV_OK) return code;
  pv_known_param *params = PV_ARENA_NEW(r->arena, c->param_count + 1, pv_known_param);
  if (params == NULL) return nomem(r);
  c->params = params;
  size_t sides = 0;
  for (size_t i = 0; i < c->param_count && code == PV_OK; i++) {
    code = read_param(r, json_array_get(list, i), &params[i]);
    for (size_t k = 0; k < i && code == PV_OK; k++)
      if (strcmp(params[k].name, params[i].name) == 0)
        code = odd(r, "the parameter '%s' twice", params[i].name);
    sides += params[i].type == PV_KNOWN_SIDE;
  }
  if (code == PV_OK && sides > PV_BIND_SIDES) code = odd(r, "more than %d sides", PV_BIND_SIDES);
  return code;
}

static pv_code read_check(reader *r, json_t *item, pv_known_check *c) {
  static const char *const subjects[] = {"forward", "kernels", "ptx", "files", "device", NULL};
  json_t *needs = NULL, *params = NULL;
  const char *title = "", *about = "", *subject = "", *digest = "";
  const field fields[] = {{"name", TEXT, &title},
                          {"about", TEXT, &about},
                          {"subject", TEXT, &subject},
                          {"needs", ARRAY, &needs},
                          {"timeout_s", NUMBER, &c->timeout_s},
                          {"digest", TEXT, &digest},
                          {"params", ARRAY, &params},
                          {0}};
  pv_code code = unpack(r, item, fields);
  if (code == PV_OK) code = name(r, "check", title, &c->name);
  if (code != PV_OK) return code;
  r->place = pv_arena_printf(r->arena, "check %s", c->name);
  if (r->place == NULL) return nomem(r);
  const int on = place_in(subjects, subject);
  c->subject = (pv_known_subject)on;
  if (on < 0) return odd(r, "it is about '%.40s', which is nothing", subject);
  if (strlen(digest) != PV_SHA256_HEX - 1 ||
      strspn(digest, "0123456789abcdef") != PV_SHA256_HEX - 1)
    return odd(r, "its digest is not 64 hexadecimal digits");
  if (!(c->timeout_s > 0 && c->timeout_s <= TIMEOUT_MAX_S))
    return odd(r, "a timeout of %g s", c->timeout_s);
  c->faults = no_words;
  code = name(r, "digest", digest, &c->digest);
  if (code == PV_OK) code = line(r, about, &c->about);
  if (code == PV_OK) code = read_needs(r, needs, &c->needs);
  return code == PV_OK ? read_params(r, params, c) : code;
}

static pv_code read_checks(reader *r, const json_t *list, pv_known *out) {
  pv_code code = count_of(r, "checks", list, CHECKS_MAX, &out->check_count);
  if (code == PV_OK && out->check_count == 0) code = odd(r, "it describes no check");
  if (code != PV_OK) return code;
  pv_known_check *checks = PV_ARENA_NEW(r->arena, out->check_count, pv_known_check);
  if (checks == NULL) return nomem(r);
  out->checks = checks;
  for (size_t i = 0; i < out->check_count && code == PV_OK; i++) {
    r->place = "a check";
    code = read_check(r, json_array_get(list, i), &checks[i]);
    for (size_t k = 0; k < i && code == PV_OK; k++)
      if (strcmp(checks[k].name, checks[i].name) == 0) code = odd(r, "it is there twice");
  }
  return code;
}

/* What else is told of a fault is for readers of `pv faults`. */
static pv_code read_faults(reader *r, const json_t *list, pv_known *out) {
  r->place = "the faults";
  pv_code code = count_of(r, "faults", list, FAULTS_MAX, &out->fault_count);
  if (code != PV_OK) return code;
  pv_known_fault *faults = PV_ARENA_NEW(r->arena, out->fault_count + 1, pv_known_fault);
  if (faults == NULL) return nomem(r);
  out->faults = faults;
  for (size_t i = 0; i < out->fault_count && code == PV_OK; i++) {
    json_t *numerics = NULL, *caught_by = NULL;
    const char *title = "", *text = "";
    const field fields[] = {{"name", TEXT, &title},         {"area", TEXT, &text},
                            {"summary", TEXT, &text},       {"planted_in", TEXT, &text},
                            {"numerics", ARRAY, &numerics}, {"caught_by", ARRAY, &caught_by},
                            {"takes_layer", FLAG, NULL},    {0}};
    code = unpack(r, json_array_get(list, i), fields);
    if (code == PV_OK) code = name(r, "fault", title, &faults[i].name);
    if (code == PV_OK) code = words(r, "numerics", numerics, &faults[i].numerics);
    if (code == PV_OK) code = words(r, "caught_by", caught_by, &faults[i].caught_by);
    for (size_t k = 0; k < i && code == PV_OK; k++)
      if (strcmp(faults[k].name, faults[i].name) == 0)
        code = odd(r, "the fault '%s' twice", faults[i].name);
  }
  return code;
}

/* An object of texts, for those who read a description themselves. */
static pv_code read_keys(reader *r, const char *what, json_t *object) {
  const char *key, *copy;
  json_t *value;
  pv_code code = PV_OK;
  r->place = what;
  if (json_object_size(object) == 0 || json_object_size(object) > WORDS_MAX)
    return odd(r, "there are none, or more than %d", WORDS_MAX);
  json_object_foreach(object, key, value) {
    const char *about = json_string_value(value);
    code = strchr(key, ':') == NULL && is_kind(key) ? PV_OK
                                                    : odd(r, "the entry '%.80s' is no name", key);
    if (code == PV_OK) code = line(r, about != NULL ? about : "", &copy);
    if (code != PV_OK) break;
  }
  return code;
}

static pv_code read_meanings(reader *r, const json_t *list, pv_known *out) {
  r->place = "the words";
  pv_code code = count_of(r, "words", list, MEANINGS_MAX, &out->word_count);
  if (code != PV_OK) return code;
  pv_known_word *made = PV_ARENA_NEW(r->arena, out->word_count + 1, pv_known_word);
  if (made == NULL) return nomem(r);
  out->words = made;
  for (size_t i = 0; i < out->word_count && code == PV_OK; i++) {
    pv_known_word *w = &made[i];
    const field fields[] = {
        {"name", TEXT, &w->name}, {"kind", TEXT, &w->kind}, {"about", TEXT, &w->about}, {0}};
    code = unpack(r, json_array_get(list, i), fields);
    const char **texts[] = {&w->name, &w->kind, &w->about};
    for (size_t k = 0; k < 3 && code == PV_OK; k++) code = line(r, *texts[k], texts[k]);
  }
  return code;
}

static pv_code read_all(reader *r, json_t *root, const pv_known **out) {
  json_t *checks = NULL, *sources = NULL, *computes = NULL, *identities = NULL, *faults = NULL;
  json_t *meanings = NULL;
  const char *schema = "", *version = "";
  pv_known *made = PV_ARENA_NEW(r->arena, 1, pv_known);
  if (made == NULL) return nomem(r);
  const field fields[] = {{"schema", TEXT, &schema},
                          {"version", TEXT, &version},
                          {"checks", ARRAY, &checks},
                          {"sources", OBJECT, &sources},
                          {"identities", OBJECT, &identities},
                          {"faults", ARRAY, &faults},
                          {"words", ARRAY, &meanings},
                          {"computes", OBJECT, &computes},
                          {0}};
  pv_code code = unpack(r, root, fields);
  if (code != PV_OK) return code;
  if (strcmp(schema, "pv/describe/v1") != 0)
    return odd(r, "its schema is '%.60s', not pv/describe/v1", schema);
  code = read_checks(r, checks, made);
  if (code == PV_OK) code = read_faults(r, faults, made);
  if (code == PV_OK) code = read_meanings(r, meanings, made);
  if (code == PV_OK) code = read_keys(r, "the sources", sources);
  if (code == PV_OK) code = read_keys(r, "who computes", computes);
  if (code == PV_OK) code = read_keys(r, "the identities", identities);
  if (code == PV_OK) *out = made;
  return code;
}

pv_code pv_known_read(pv_arena *arena, const char *json, size_t length, const pv_known **out,
                      pv_error *err) {
  json_error_t e;
  reader r = {arena, err, "the whole"};
  json_t *root = json_loadb(json, length, JSON_REJECT_DUPLICATES, &e);
  const pv_code code = root != NULL                                      ? read_all(&r, root, out)
                       : json_error_code(&e) == json_error_out_of_memory ? nomem(&r)
                                                                         : odd(&r, "%s", e.text);
  json_decref(root);
  return code;
}

/* A check of a provider. It has no sides: who computes in it is its own affair. */
static pv_code read_foreign(reader *r, const char *owner, json_t *item, pv_known_check *c) {
  json_t *needs = NULL, *params = NULL, *faults = NULL;
  const char *title = "", *about = "", *plain = NULL;
  *c = (pv_known_check){.subject = PV_ON_FOREIGN, .timeout_s = 60.0, .faults = no_words};
  const field fields[] = {{"name", TEXT, &title},
                          {"about", TEXT, &about},
                          {"needs", ARRAY | MAY, &needs},
                          {"timeout_s", NUMBER | MAY, &c->timeout_s},
                          {"faults", ARRAY | MAY, &faults},
                          {"params", ARRAY | MAY, &params},
                          {0}};
  pv_code code = unpack(r, item, fields);
  if (code == PV_OK) code = name(r, "check", title, &plain);
  if (code != PV_OK) return code;
  c->name = pv_arena_printf(r->arena, "%s/%s", owner, plain);
  r->place = pv_arena_printf(r->arena, "check %s", plain);
  if (r->place == NULL || c->name == NULL) return nomem(r);
  if (!(c->timeout_s > 0 && c->timeout_s <= TIMEOUT_MAX_S))
    return odd(r, "a timeout of %g s", c->timeout_s);
  code = line(r, about, &c->about);
  if (code == PV_OK && needs != NULL) code = read_needs(r, needs, &c->needs);
  if (code == PV_OK && (c->needs & ~(unsigned)(PV_NEEDS_MODEL | PV_NEEDS_REFERENCE)) != 0)
    code = odd(r, "it can need a model and a reference, and nothing else");
  if (code == PV_OK && faults != NULL) code = words(r, "faults", faults, &c->faults);
  if (code == PV_OK) code = read_params(r, params, c);
  for (size_t i = 0; i < c->param_count && code == PV_OK; i++)
    if (c->params[i].type == PV_KNOWN_SIDE)
      code = odd(r, "parameter %s: a provider has no sides", c->params[i].name);
  return code;
}

static pv_code read_provider(reader *r, json_t *root, const char *wanted, pv_known_provider *out) {
  json_t *checks = NULL;
  const char *protocol = "", *title = "", *version = "";
  pv_known_provider made = {0};
  const field fields[] = {{"protocol", TEXT, &protocol},
                          {"name", TEXT, &title},
                          {"version", TEXT, &version},
                          {"checks", ARRAY, &checks},
                          {0}};
  pv_code code = unpack(r, root, fields);
  if (code == PV_OK && strcmp(protocol, PV_PROVIDER_PROTOCOL) != 0)
    code = odd(r, "its protocol is '%.60s', not " PV_PROVIDER_PROTOCOL, protocol);
  if (code == PV_OK) code = name(r, "provider", title, &made.name);
  if (code == PV_OK && wanted != NULL && strcmp(title, wanted) != 0)
    code = odd(r, "it is named '%s', not '%.60s'", title, wanted);
  if (code == PV_OK) code = line(r, version, &made.version);
  pv_known *known = PV_ARENA_NEW(r->arena, 1, pv_known);
  if (code == PV_OK && known == NULL) code = nomem(r);
  if (code == PV_OK) code = count_of(r, "checks", checks, CHECKS_MAX, &known->check_count);
  if (code == PV_OK && known->check_count == 0) code = odd(r, "it describes no check");
  if (code != PV_OK) return code;
  pv_known_check *list = PV_ARENA_NEW(r->arena, known->check_count, pv_known_check);
  if (list == NULL) return nomem(r);
  for (size_t i = 0; i < known->check_count && code == PV_OK; i++) {
    r->place = "a check";
    code = read_foreign(r, made.name, json_array_get(checks, i), &list[i]);
    for (size_t k = 0; k < i && code == PV_OK; k++)
      if (strcmp(list[k].name, list[i].name) == 0) code = odd(r, "it is there twice");
  }
  known->checks = list;
  made.known = known;
  if (code == PV_OK) *out = made;
  return code;
}

pv_code pv_known_read_provider(pv_arena *arena, const char *json, size_t length, const char *wanted,
                               pv_known_provider *out, pv_error *err) {
  json_error_t e;
  reader r = {arena, err, "the whole"};
  json_t *root = json_loadb(json, length, JSON_REJECT_DUPLICATES, &e);
  const pv_code code = root != NULL ? read_provider(&r, root, wanted, out)
                       : json_error_code(&e) == json_error_out_of_memory ? nomem(&r)
                                                                         : odd(&r, "%s", e.text);
  json_decref(root);
  return code;
}

const pv_known_check *pv_known_check_find(const pv_known *known, const char *name) {
  return pv_text_find(name, known->checks, known->check_count, sizeof *known->checks);
}

/* The word of the parameter that begins with the side's kind, NULL: none does. */
static const char *kind_of(const pv_known_param *param, const char *side) {
  const size_t n = kind_length(side);
  for (size_t i = 0; param->words[i] != NULL; i++)
    if (kind_length(param->words[i]) == n && strncmp(param->words[i], side, n) == 0)
      return param->words[i];
  return NULL;
}

bool pv_known_has_text(const pv_known_param *param, const char *side) {
  const char *kind = kind_of(param, side);
  return kind != NULL && strchr(kind, ':') != NULL;
}

/* Behind the kind, whose word has a colon. */
static bool is_text(const char *word, const char *text) {
  const bool must = word[kind_length(word) + 1] != '\0';
  if (text[0] == '\0' || strcmp(text, ":") == 0) return !must;
  if (text[0] != ':' || strlen(text) > TEXT_MAX_BYTES) return false;
  for (const char *c = text; *c != '\0'; c++)
    if (iscntrl((unsigned char)*c)) return false;
  return true;
}

bool pv_known_is_side(const pv_known_param *param, const char *text) {
  if (pv_known_has_text(param, text))
    return is_text(kind_of(param, text), text + kind_length(text));
  const size_t kind = strcspn(text, "@"), layer = kind + strcspn(text + kind, ":");
  static const char mark[] = ":layer=", name[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
  bool known = false;
  for (size_t i = 0; param->words[i] != NULL && !known; i++)
    known = pv_devices_fit(param->words[i], text, kind);
  if (!known || text[kind] == '\0') return known;
  if (layer == kind + 1 || strspn(text + kind + 1, name) != layer - kind - 1) return false;
  if (text[layer] == '\0') return true;
  if (strncmp(text + layer, mark, strlen(mark)) != 0) return false;
  const char *number = text + layer + strlen(mark);
  return number[0] != '\0' && number[strspn(number, "0123456789")] == '\0';
}

bool pv_known_is_path(const char *text) {
  const size_t n = strlen(text);
  if (n == 0 || n > TEXT_MAX_BYTES || !pv_utf8_valid(text, n)) return false;
  for (const char *c = text; *c != '\0'; c++)
    if (iscntrl((unsigned char)*c)) return false;
  return true;
}

const pv_known_param *pv_known_param_find(const pv_known_check *check, const char *name) {
  return pv_text_find(name, check->params, check->param_count, sizeof *check->params);
}

const pv_known_param *pv_known_gate(const pv_known_check *check) {
  for (size_t i = 0; i < check->param_count; i++)
    if (check->params[i].type == PV_KNOWN_NUMBER && check->params[i].loosens != 0)
      return &check->params[i];
  return NULL;
}

const pv_known_fault *pv_known_fault_find(const pv_known *known, const char *name) {
  return pv_text_find(name, known->faults, known->fault_count, sizeof *known->faults);
}

const char *pv_known_check_nearest(const pv_known *known, const char *name) {
  return pv_text_nearest(name, known->checks, known->check_count, sizeof *known->checks, 6);
}

const char *pv_known_fault_nearest(const pv_known *known, const char *name) {
  return pv_text_nearest(name, known->faults, known->fault_count, sizeof *known->faults, 6);
}

const char *const *pv_known_words(const pv_known *known, const char *param) {
  const pv_known_param *found = NULL;
  for (size_t i = 0; i < known->check_count && found == NULL; i++)
    found = pv_known_param_find(&known->checks[i], param);
  return found == NULL ? no_words : found->words;
}

bool pv_known_lists(const char *const *words, const char *word) {
  return place_in(words, word) >= 0;
}
