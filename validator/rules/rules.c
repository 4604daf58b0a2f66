#include "validator/rules/context.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/text.h"
#include "validator/model/bind.h"
#include "validator/model/contract_load.h"
#include "validator/store/receipt.h"
#include "validator/store/rewrite.h"

typedef pv_rules_context context;

static bool starts_number(const char **p) {
  const char *start = *p;
  while (isdigit((unsigned char)**p)) (*p)++;
  return *p > start && (*start != '0' || *p == start + 1) && *p - start <= 9;
}

static bool semver(const char *text) {
  const char *p = text;
  return starts_number(&p) && *p++ == '.' && starts_number(&p) && *p++ == '.' &&
         starts_number(&p) && *p == '\0';
}

static bool iso_date(const char *t) {
  if (strlen(t) != 10 || t[4] != '-' || t[7] != '-') return false;
  for (int i = 0; i < 10; i++)
    if (i != 4 && i != 7 && !isdigit((unsigned char)t[i])) return false;
  const int month = (t[5] - '0') * 10 + t[6] - '0', day = (t[8] - '0') * 10 + t[9] - '0';
  static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

static bool good_id(const char *id) {
  if (!isalpha((unsigned char)id[0]) || strlen(id) > 64) return false;
  for (const char *p = id; *p != '\0'; p++)
    if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-') return false;
  return true;
}

/* Bytes of the path up to the file's name. */
static int folder_length(const pv_contract *c) {
  const char *slash = strrchr(c->path, '/');
  return slash != NULL ? (int)(slash - c->path) + 1 : 0;
}

static pv_code check_name(const context *x) {
  const pv_contract *c = x->c;
  const char *file = c->path + folder_length(c);
  const char *dot = strrchr(file, '.');
  const size_t stem = dot != NULL ? (size_t)(dot - file) : strlen(file);
  if (!good_id(c->name))
    return REPORT(x, "PV024", &c->name_place, "use letters, digits, '_' and '-'",
                  "the name '%.80s' is not well-formed", c->name);
  if (strlen(c->name) != stem || memcmp(file, c->name, stem) != 0)
    return REPORT(x, "PV020", &c->name_place, "rename the one or the other",
                  "the contract is named '%s', its file '%.*s'", c->name,
                  (int)(stem < 80 ? stem : 80), file);
  return PV_OK;
}

static pv_code check_amendment_order(const context *x) {
  const pv_contract *c = x->c;
  int direction = 0; /* +1: oldest first */
  for (size_t i = 0; i < c->amendment_count; i++) {
    const pv_amendment *a = &c->amendments[i];
    if (!iso_date(a->date))
      return REPORT(x, "PV023", &a->place, "write YYYY-MM-DD", "'%.40s' is no date", a->date);
    if (!semver(a->version))
      return REPORT(x, "PV021", &a->place, "write MAJOR.MINOR.PATCH", "'%.40s' is no version",
                    a->version);
    const int order = i == 0 ? 0 : strcmp(c->amendments[i - 1].date, a->date);
    if (order != 0 && direction == 0) direction = order < 0 ? 1 : -1;
    if (order != 0 && (order < 0) != (direction > 0))
      return REPORT(x, "PV023", &a->place, "order the amendments by date",
                    "the amendment of %s stands out of order", a->date);
  }
  return PV_OK;
}

static bool says_discharged(const char *title) {
  static const char *const words[] = {"DISCHARGE", "discharged", "SHIPPED", "shipped"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strstr(title, words[i]) != NULL) return true;
  return false;
}

static pv_code check_versions(const context *x) {
  const pv_contract *c = x->c;
  const pv_amendment *newest = NULL;
  if (!semver(c->version))
    return REPORT(x, "PV021", &c->version_place, "write MAJOR.MINOR.PATCH, in quotes",
                  "'%.40s' is no version", c->version);
  if (!iso_date(c->created))
    return REPORT(x, "PV023", &c->created_place, "write created as YYYY-MM-DD",
                  "created '%.40s' is no date", c->created);
  const size_t before = x->findings->count;
  const pv_code code = check_amendment_order(x);
  if (code != PV_OK || x->findings->count > before) return code;
  for (size_t i = 0; i < c->amendment_count; i++) {
    int order = 1; /* all are well-formed */
    if (newest != NULL) (void)pv_rewrite_compare(c->amendments[i].version, newest->version, &order);
    if (order > 0) newest = &c->amendments[i];
  }
  if (newest == NULL)
    return REPORT(x, "PV022", &c->amendments_place, "begin with an amendment for the first version",
                  "there is no amendment");
  if (strcmp(newest->version, c->version) != 0)
    return REPORT(x, "PV022", &c->version_place, "make the two agree",
                  "the version is %s, the newest amendment's %s", c->version, newest->version);
  if (c->status <= PV_STATUS_PROPOSED && says_discharged(newest->title))
    return REPORT(x, "PV036", &newest->place, "correct the title or the status",
                  "the status is %s while the newest amendment is titled '%.80s'",
                  pv_contract_status_name(c->status), newest->title);
  return PV_OK;
}

static pv_code check_ids(const context *x, const char *id, const pv_place *place, bool again) {
  if (!good_id(id))
    return REPORT(x, "PV024", place, "use letters, digits, '_' and '-', at most 64",
                  "the id '%.80s' is not well-formed", id);
  if (again) return REPORT(x, "PV024", place, "rename one", "the id '%s' stands a second time", id);
  return PV_OK;
}

static pv_code check_criteria(const context *x) {
  const pv_contract *c = x->c;
  pv_code code = PV_OK;
  if (c->criterion_count == 0 || c->falsifier_count == 0)
    code =
        REPORT(x, "PV034", &c->name_place, "add at least one of each",
               "there are %zu criteria and %zu falsifiers", c->criterion_count, c->falsifier_count);
  for (size_t i = 0; i < c->criterion_count && code == PV_OK; i++) {
    const pv_criterion *k = &c->criteria[i];
    bool bound = false;
    code = check_ids(x, k->id, &k->place, pv_contract_criterion(c, k->id) != k);
    for (size_t f = 0; f < c->falsifier_count; f++)
      bound |= pv_strings_has(&c->falsifiers[f].criteria, k->id);
    if (code == PV_OK && !bound)
      code = REPORT(x, "PV025", &k->place, "name it under `criteria` of a falsification test",
                    "criterion %s is bound to no falsifier", k->id);
    if (code == PV_OK && k->needed_for == PV_STATUS_DRAFT)
      code = REPORT(x, "PV013", &k->place, "name PROPOSED or a higher rung",
                    "criterion %s is needed for DRAFT, which claims nothing", k->id);
    if (code == PV_OK && k->needed_for > PV_STATUS_ACTIVE_RUNTIME)
      code = REPORT(x, "PV013", &k->place, "name a rung of the ladder",
                    "criterion %s is needed for %s, which is no rung", k->id,
                    pv_contract_status_name(k->needed_for));
  }
  return code;
}

/* The bound on a difference that a check takes; NULL when it compares without one. */
static const char *gate_of(const pv_known_check *check) {
  if (check == NULL || check->subject == PV_ON_DEVICE) return NULL;
  const pv_known_param *gate = pv_known_gate(check);
  return gate == NULL ? NULL : gate->name;
}

/* Does the text claim equality, and name no number that would bound it? */
static bool claims_equality(const char *text) {
  static const char *const words[] = {"equal", "equals",  "identical", "identically",
                                      "exact", "exactly", "same"};
  for (const char *p = text; *p != '\0'; p++)
    if (isdigit((unsigned char)*p)) return false;
  for (const char *p = text; *p != '\0';) {
    size_t n = 0;
    while (isalpha((unsigned char)p[n])) n++;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
      if (strlen(words[i]) == n && strncasecmp(p, words[i], n) == 0) return true;
    p += n > 0 ? n : 1;
  }
  return false;
}

/* "The logits equal the reference's" over a cosine of 0.99 says more than was looked at. */
static pv_code check_claims(const context *x) {
  const pv_contract *c = x->c;
  pv_code code = PV_OK;
  for (size_t f = 0; f < c->falsifier_count && code == PV_OK; f++) {
    const pv_falsifier *test = &c->falsifiers[f];
    const char *gate = gate_of(test->known);
    for (size_t n = 0; gate != NULL && n < test->criteria.count && code == PV_OK; n++) {
      const pv_criterion *k = pv_contract_criterion(c, test->criteria.items[n]);
      if (k == NULL || k->property == NULL || !claims_equality(k->property)) continue;
      code = REPORT(x, "PV040", &k->place, "say how near, in the property itself",
                    "%s claims equality, and %s judges it with %s", k->id, test->id, gate);
    }
  }
  return code;
}

static bool good_string(const char *s) {
  const size_t n = strlen(s);
  if (n == 0 || n > 128) return false;
  for (size_t i = 0; i < n; i++)
    if (!isalnum((unsigned char)s[i]) && strchr("._-", s[i]) == NULL) return false;
  return true;
}

/* "one of a b c", as far as there is room. */
static void list_words(char *text, size_t room, const char *begin, const char *const *words) {
  size_t at = (size_t)snprintf(text, room, "%s", begin);
  for (size_t i = 0; words[i] != NULL && at + 1 < room; i++)
    at += (size_t)snprintf(text + at, room - at, " %s", words[i]);
}

/* NULL when the side fits, else what was expected. */
static const char *side_misfit(const pv_known *known, const pv_known_param *spec, const char *side,
                               char *text, size_t room) {
  char fault[64];
  const char *at = strchr(side, '@');
  if (!pv_known_is_side(spec, side)) {
    list_words(text, room, "one of", spec->words);
    return text;
  }
  if (at == NULL || pv_known_has_text(spec, side)) return NULL;
  snprintf(fault, sizeof fault, "%.*s", (int)strcspn(at + 1, ":"), at + 1);
  if (pv_known_fault_find(known, fault) != NULL) return NULL;
  const char *best = pv_known_fault_nearest(known, fault);
  snprintf(text, room, "a side with one of `pv faults`%s%s", best != NULL ? ", such as " : "",
           best != NULL ? best : "");
  return text;
}

/* NULL when the value fits, else what was expected. */
static const char *misfit(const pv_known *known, const pv_known_param *spec, const pv_param *p,
                          char *text, size_t room) {
  int64_t whole = 0;
  double real = 0.0;
  const size_t n = p->text != NULL ? strlen(p->text) : 0;
  if (spec->type == PV_KNOWN_NAMES) {
    for (size_t i = 0; i < p->list.count; i++)
      if (!good_string(p->list.items[i])) return "words of letters, digits, '.', '_' and '-'";
    if (p->text != NULL && !good_string(p->text)) return "a list of words";
    return p->text == NULL && (p->list.count == 0 || p->list.count > 32) ? "1 to 32 words" : NULL;
  }
  if (p->text == NULL) return "one value, not a list";
  switch (spec->type) {
    case PV_KNOWN_INTEGER:
      if (pv_parse_i64(p->text, n, &whole) && (double)whole >= spec->min &&
          (double)whole <= spec->max)
        return NULL;
      snprintf(text, room, "a whole number from %.0f to %.0f", spec->min, spec->max);
      return text;
    case PV_KNOWN_NUMBER:
      if (pv_parse_f64(p->text, n, &real) && real >= spec->min && real <= spec->max) return NULL;
      snprintf(text, room, "a number from %g to %g", spec->min, spec->max);
      return text;
    case PV_KNOWN_WORD:
      if (pv_known_lists(spec->words, p->text)) return NULL;
      list_words(text, room, "one of", spec->words);
      return text;
    case PV_KNOWN_FILE:
      return pv_known_is_path(p->text) ? NULL : "a file's path";
    case PV_KNOWN_SIDE:
      return side_misfit(known, spec, p->text, text, room);
    default:
      return good_string(p->text) ? NULL : "letters, digits, '.', '_' and '-'";
  }
}

static pv_code check_params(const context *x, const pv_falsifier *f, const pv_known_check *spec) {
  pv_code code = PV_OK;
  for (size_t i = 0; i < f->with_count && code == PV_OK; i++) {
    char text[200];
    const pv_param *p = &f->with[i];
    const pv_known_param *want = pv_known_param_find(spec, p->name);
    const char *expected = want != NULL ? misfit(x->known, want, p, text, sizeof text) : NULL;
    if (want == NULL)
      code = REPORT(x, "PV028", &p->place, "see `pv explain` for its parameters",
                    "the check %s has no parameter '%.60s'", spec->name, p->name);
    else if (expected != NULL)
      code = REPORT(x, "PV028", &p->place, "see `pv explain` for its parameters",
                    "parameter %s is '%.60s', not %s", p->name,
                    p->text != NULL ? p->text : "a list", expected);
  }
  for (size_t k = 0; k < spec->param_count && code == PV_OK; k++) {
    if (spec->params[k].fallback == NULL && pv_falsifier_param(f, spec->params[k].name) == NULL)
      code = REPORT(x, "PV028", &f->check_place, "add it under `with`",
                    "the check %s needs the parameter '%s'", spec->name, spec->params[k].name);
  }
  return code;
}

static pv_code check_binding(const context *x, const pv_falsifier *f) {
  pv_code code = PV_OK;
  if (f->criteria.count == 0)
    code = REPORT(x, "PV026", &f->place, "name what it can falsify",
                  "falsifier %s names no criterion", f->id);
  for (size_t n = 0; n < f->criteria.count && code == PV_OK; n++)
    if (pv_contract_criterion(x->c, f->criteria.items[n]) == NULL)
      code = REPORT(x, "PV026", &f->criteria.places[n], "correct the id",
                    "falsifier %s names the criterion '%.60s', which does not exist", f->id,
                    f->criteria.items[n]);
  if (code != PV_OK || f->known != NULL) return code != PV_OK ? code : check_params(x, f, f->known);
  return pv_rules_no_check(x, f);
}

/* A fault that can not be planted is never tried, and one that the check does not see survives. */
static pv_code check_fault(const context *x, const pv_falsifier *f, size_t index) {
  const char *name = f->faults.items[index];
  const pv_place *place = &f->faults.places[index];
  const pv_known_fault *fault = pv_known_fault_find(x->known, name);
  const char *near = pv_known_fault_nearest(x->known, name), *identity = pv_bind_identity(f);
  char hint[256];
  if (f->provider != NULL) return pv_rules_foreign_fault(x, f, index);
  if (fault == NULL) {
    if (near != NULL)
      snprintf(hint, sizeof hint, "did you mean %s?", near);
    else
      snprintf(hint, sizeof hint, "list them with: pv faults");
    return REPORT(x, "PV042", place, hint, "there is no fault '%.60s'", name);
  }
  const char *recorded = pv_bind_recorded(f);
  if (recorded != NULL)
    return REPORT(x, "PV042", place, "leave it out: pv computes nothing there",
                  "the fault %s cannot be planted in %.60s", name, recorded);
  if (f->known != NULL && !pv_known_lists(fault->caught_by, f->check)) {
    list_words(hint, sizeof hint, "it is seen by", fault->caught_by);
    return REPORT(x, "PV042", place, hint, "the check %s does not see the fault %s", f->check,
                  name);
  }
  if (identity == NULL || fault->numerics[0] == NULL || pv_known_lists(fault->numerics, identity))
    return PV_OK;
  list_words(hint, sizeof hint, "it exists in", fault->numerics);
  return REPORT(x, "PV042", place, hint, "the fault %s does not exist in %.40s", name, identity);
}

/* What the other models leave unjudged is no more than what nothing could judge there. */
static pv_code check_where(const context *x, const pv_falsifier *f) {
  const bool about = f->known != NULL && (f->known->needs & PV_NEEDS_EXPERTS) != 0;
  for (size_t n = 0; n < f->criteria.count; n++) {
    const pv_criterion *k = pv_contract_criterion(x->c, f->criteria.items[n]);
    if (k == NULL || k->where == NULL || f->known == NULL) continue;
    if (!about)
      return REPORT(x, "PV038", &f->check_place, "leave `where` out of the criterion",
                    "%s is about models with experts alone, and the check %s looks at every model",
                    k->id, f->check);
    if (f->where == NULL)
      return REPORT(x, "PV038", &f->criteria.places[n], "bind a falsifier of its own to each",
                    "%s is about models with experts alone, and %s judges a criterion about every "
                    "model too",
                    k->id, f->id);
  }
  return PV_OK;
}

static pv_code check_falsifiers(const context *x) {
  const pv_contract *c = x->c;
  pv_code code = PV_OK;
  for (size_t i = 0; i < c->falsifier_count && code == PV_OK; i++) {
    const pv_falsifier *f = &c->falsifiers[i];
    code = check_ids(x, f->id, &f->place, pv_contract_falsifier(c, f->id) != f);
    if (code == PV_OK) code = check_binding(x, f);
    if (code == PV_OK) code = check_where(x, f);
    if (code == PV_OK && (f->prediction == NULL || f->if_fails == NULL))
      code = REPORT(x, "PV033", &f->place, "add prediction and if_fails",
                    "falsifier %s does not say what it predicts or what a failure means", f->id);
    for (size_t a = 0; a < f->faults.count && code == PV_OK; a++) {
      const pv_strings before = {.items = f->faults.items, .count = a};
      code = pv_strings_has(&before, f->faults.items[a])
                 ? REPORT(x, "PV035", &f->faults.places[a], "remove it",
                          "the fault '%.60s' is listed twice", f->faults.items[a])
                 : check_fault(x, f, a);
    }
  }
  return code;
}

static bool is_digest(const char *text) {
  return strlen(text) == PV_SHA256_HEX - 1 && strspn(text, "0123456789abcdef") == PV_SHA256_HEX - 1;
}

static pv_code check_model(const context *x) {
  const pv_contract *c = x->c;
  const pv_subject_model *m = &c->model;
  unsigned needs = 0;
  if (m->sha256 == NULL) return PV_OK;
  for (size_t i = 0; i < c->falsifier_count; i++) needs |= pv_bind_needs(&c->falsifiers[i]);
  if (!is_digest(m->sha256) || (m->reference_sha256 != NULL && !is_digest(m->reference_sha256)))
    return REPORT(x, "PV037", &m->place, "take it from sha256sum",
                  "the model's digest is not 64 hexadecimal digits in lower case");
  if ((needs & PV_NEEDS_REFERENCE) != 0 && m->reference_sha256 == NULL)
    return REPORT(x, "PV037", &m->place, "add reference_sha256",
                  "a check needs a reference, and the model's is not named");
  return PV_OK;
}

enum { NEAREST_MOST = 16 }; /* findings of a file with a nearest id: measuring distances is slow */

static pv_code check_stage(const context *x, const pv_stage *s) {
  const pv_contract *c = x->c;
  const pv_strings *ids = &s->criteria;
  pv_code code = PV_OK;
  for (size_t i = 0; i < ids->count && code == PV_OK; i++) {
    const pv_strings before = {.items = ids->items, .count = i};
    char hint[120] = "correct the id";
    if (pv_contract_criterion(c, ids->items[i]) != NULL) {
      if (pv_strings_has(&before, ids->items[i]))
        code = REPORT(x, "PV041", &ids->places[i], "remove it",
                      "stage %s names the criterion '%.60s' twice", s->id, ids->items[i]);
      continue;
    }
    const char *near = x->findings->count < NEAREST_MOST
                           ? pv_text_nearest(ids->items[i], c->criteria, c->criterion_count,
                                             sizeof *c->criteria, 6)
                           : NULL;
    if (near != NULL)
      snprintf(hint, sizeof hint, "did you mean %s?", near);
    else if (x->findings->count < NEAREST_MOST)
      snprintf(hint, sizeof hint, "correct the id, or write the criterion");
    code =
        REPORT(x, "PV041", &ids->places[i], hint,
               "stage %s names the criterion '%.60s', which does not exist", s->id, ids->items[i]);
  }
  return code;
}

static pv_code check_stages(const context *x) {
  const pv_contract *c = x->c;
  pv_code code = PV_OK;
  for (size_t i = 0; i < c->stage_count && code == PV_OK; i++) {
    const pv_stage *s = &c->stages[i];
    code = check_ids(x, s->id, &s->place, pv_contract_stage(c, s->id) != s);
    if (code == PV_OK) code = check_stage(x, s);
  }
  return code;
}

static pv_code check_divergence(const context *x) {
  const pv_contract *c = x->c;
  pv_code code = PV_OK;
  if ((c->status == PV_STATUS_KNOWN_DIVERGENCE) != (c->known_divergence.count > 0))
    code = REPORT(x, "PV031", &c->status_place, "list the failing criteria, or change the status",
                  "the status is %s and known_divergence has %zu entries",
                  pv_contract_status_name(c->status), c->known_divergence.count);
  for (size_t i = 0; i < c->known_divergence.count && code == PV_OK; i++)
    if (pv_contract_criterion(c, c->known_divergence.items[i]) == NULL)
      code = REPORT(x, "PV031", &c->known_divergence.places[i], "correct the id",
                    "known_divergence names '%.60s', which is no criterion",
                    c->known_divergence.items[i]);
  return code;
}

/* The file of a contract in the folder of `c`. NULL when memory is out. */
static char *beside(pv_arena *arena, const pv_contract *c, const char *name) {
  return pv_arena_printf(arena, "%.*s%s.yaml", folder_length(c), c->path, name);
}

static pv_code out_of_memory(const context *x) {
  return pv_error_set(x->err, PV_ERR_NOMEM, "out of memory for what '%s' names", x->c->path);
}

enum { DEPENDENCIES_MAX = 256 };
static const char circle[] = "leads back to this contract";
static const char crowd[] = "leads to more than 256 contracts";

/* The contracts that can be reached from one, each once, however many name it. */
typedef struct reach {
  pv_arena names;
  const char *seen[DEPENDENCIES_MAX];
  size_t count;
  const char *found; /* circle, crowd or NULL */
} reach;

static pv_code follow(const context *x, reach *r, const pv_strings *names) {
  for (size_t i = 0; i < names->count && r->found == NULL; i++) {
    const char *name = names->items[i];
    size_t k = 0;
    while (k < r->count && strcmp(r->seen[k], name) != 0) k++;
    if (strcmp(name, x->c->name) == 0) r->found = circle;
    if (k < r->count || r->found != NULL) continue;
    if (r->count == DEPENDENCIES_MAX) {
      r->found = crowd;
    } else {
      r->seen[r->count] = pv_arena_strdup(&r->names, name);
      if (r->seen[r->count++] == NULL) return out_of_memory(x);
    }
  }
  return PV_OK;
}

/* What is wrong with the contracts behind `start`, or NULL. One that can not be read is a finding
 * where it is judged itself. */
static pv_code look_behind(const context *x, const char *start, const char **found) {
  reach r = {.names = PV_ARENA_INIT, .seen = {start}, .count = 1};
  pv_code code = PV_OK;
  for (size_t at = 0; at < r.count && r.found == NULL && code == PV_OK; at++) {
    pv_arena arena = PV_ARENA_INIT;
    pv_contract *next = NULL;
    if (!good_id(r.seen[at])) continue;
    const char *path = beside(&arena, x->c, r.seen[at]);
    const pv_code loaded =
        path == NULL ? PV_ERR_NOMEM : pv_contract_load(&arena, path, &next, NULL);
    if (loaded == PV_OK) code = follow(x, &r, &next->depends_on);
    if (loaded == PV_ERR_NOMEM) code = out_of_memory(x);
    pv_arena_free(&arena);
  }
  pv_arena_free(&r.names);
  *found = r.found;
  return code;
}

static pv_code check_dependency(const context *x, const char *name, const pv_place *place) {
  const char *path = beside(x->arena, x->c, name), *found = NULL;
  struct stat info;
  if (path == NULL) return out_of_memory(x);
  if (!good_id(name) || stat(path, &info) != 0)
    return REPORT(x, "PV029", place, "add it beside this file, or remove the dependency",
                  "the contract '%.80s' that this one depends on is not there", name);
  pv_code code = PV_OK;
  if (strcmp(name, x->c->name) == 0)
    found = circle;
  else
    code = look_behind(x, name, &found);
  if (code != PV_OK || found == NULL) return code;
  return REPORT(x, "PV029", place, found == circle ? "break the circle" : "depend on fewer",
                "the dependency on %s %s", name, found);
}

static pv_code check_dependencies(const context *x) {
  const pv_strings *names = &x->c->depends_on;
  pv_code code = PV_OK;
  for (size_t i = 0; i < names->count && code == PV_OK; i++)
    code = check_dependency(x, names->items[i], &names->places[i]);
  return code;
}

/* A published run takes the place of the one before it on its device: of those that the history
 * names the tree has the newest or one that is newer, git has all. */
static pv_code check_evidence(const context *x) {
  const pv_contract *c = x->c;
  const char *newest = NULL;
  pv_code code = PV_OK;
  bool looked = false;
  for (size_t i = 0; i < c->amendment_count && code == PV_OK; i++) {
    const pv_amendment *a = &c->amendments[i];
    if (a->evidence == NULL) continue;
    const char *folder = pv_arena_printf(x->arena, "%.*s../reports/published/%s", folder_length(c),
                                         c->path, c->name);
    if (folder == NULL) return out_of_memory(x);
    /* Another name than a contract may have could lead anywhere. */
    if (!looked && good_id(c->name)) code = pv_receipts_newest(x->arena, folder, &newest, x->err);
    looked = true;
    if (code == PV_OK && (!good_string(a->evidence) || a->evidence[0] == '.' || newest == NULL ||
                          pv_evidence_later(a->evidence, newest)))
      code = REPORT(x, "PV030", &a->place, "take it back from git, or correct the run id",
                    "neither the run '%.80s' of amendment %s nor a newer one is published",
                    a->evidence, a->version);
  }
  return code;
}

pv_code pv_rules_run(pv_arena *arena, const pv_known *known, pv_contract *contract,
                     pv_findings *findings, pv_error *err) {
  static pv_code (*const rules[])(const context *x) = {
      check_name,       check_versions,     pv_rules_providers, check_criteria,
      check_falsifiers, check_claims,       check_model,        check_stages,
      check_divergence, check_dependencies, check_evidence};
  const context x = {arena, known, contract, findings, err};
  pv_code code = PV_OK;
  pv_bind_checks(contract, known);
  for (size_t i = 0; i < sizeof rules / sizeof *rules && code == PV_OK; i++) code = rules[i](&x);
  return code;
}
