/* The older dialect: what can be said of it by reading alone. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "validator/model/contract_load.h"
#include "validator/rules/rules.h"

/* An entry of a list, its key `id` and the value are three of the nodes that a document may have.
 */
enum { IDS_MAX = PV_YAML_NODES_MAX / 3 };

typedef struct reading {
  pv_arena *arena;
  const char *file;
  const pv_yaml_node *obligations, *tests, *harnesses; /* without entries where there are none */
  pv_findings *findings;
  pv_error *err;
  const pv_yaml_node *ids[IDS_MAX];
  size_t id_count;
} reading;

#define REPORT(r, rule, node, hint, ...)                                          \
  pv_findings_add((r)->arena, (r)->findings, rule, (r)->file, (node)->place.line, \
                  (node)->place.column, hint, (r)->err, __VA_ARGS__)

/* The text under a key, or NULL. */
static const pv_yaml_node *scalar_at(const pv_yaml_node *mapping, const char *key) {
  const pv_yaml_node *node = pv_yaml_get(mapping, key);
  return node != NULL && node->kind == PV_YAML_SCALAR ? node : NULL;
}

static bool is_word(const char *text, const char *const *words, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (strcasecmp(text, words[i]) == 0) return true;
  return false;
}

/* Something that a machine could run: a command, a path, a qualified or underscored name. */
static bool executable(const char *text) {
  static const char *const commands[] = {"cargo ",  "pytest ",  "make ",   "bash ", "sh ", "ctest ",
                                         "python ", "python3 ", "go test", "pv ",   "./",  "../"};
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (strncmp(text, commands[i], strlen(commands[i])) == 0) return true;
  if (strpbrk(text, " \t\n") != NULL || strcasecmp(text, "n/a") == 0) return false;
  return strstr(text, "::") != NULL || strpbrk(text, "_/") != NULL;
}

static pv_code check_tests(reading *r) {
  pv_code code = PV_OK;
  for (size_t i = 0; i < r->tests->count && code == PV_OK; i++) {
    const pv_yaml_node *test = scalar_at(r->tests->items[i], "test");
    if (test == NULL)
      code = REPORT(r, "PV052", r->tests->items[i], "bind it to a test",
                    "this falsification test has no test");
    else if (!executable(test->text))
      code = REPORT(r, "PV052", test, "name a test that runs",
                    "prose in the place of a test: %.120s", test->text);
  }
  return code;
}

static bool obligation_named(const reading *r, const char *id) {
  for (size_t i = 0; i < r->obligations->count; i++) {
    const pv_yaml_node *own = scalar_at(r->obligations->items[i], "id");
    if (own != NULL && strcmp(own->text, id) == 0) return true;
  }
  return false;
}

static pv_code check_harnesses(reading *r) {
  pv_code code = PV_OK;
  for (size_t i = 0; i < r->harnesses->count && code == PV_OK; i++) {
    const pv_yaml_node *target = scalar_at(r->harnesses->items[i], "obligation");
    if (target == NULL)
      code = REPORT(r, "PV053", r->harnesses->items[i], "name the obligation",
                    "this harness names no obligation");
    else if (!obligation_named(r, target->text))
      code = REPORT(r, "PV053", target, "give an obligation this id, or correct it",
                    "the harness refers to '%.80s', which no obligation has", target->text);
  }
  return code;
}

static bool mentions(const pv_yaml_node *entries, const char *id) {
  for (size_t i = 0; i < entries->count; i++) {
    const pv_yaml_node *entry = entries->items[i];
    for (size_t k = 0; entry->kind == PV_YAML_MAPPING && k < entry->count; k++)
      if (entry->items[k]->kind == PV_YAML_SCALAR && strcmp(entry->keys[k]->text, "id") != 0 &&
          strcmp(entry->items[k]->text, id) == 0)
        return true;
  }
  return false;
}

static pv_code check_obligations(reading *r) {
  pv_code code = PV_OK;
  for (size_t i = 0; i < r->obligations->count && code == PV_OK; i++) {
    const pv_yaml_node *o = r->obligations->items[i], *id = scalar_at(o, "id");
    const pv_yaml_node *property = scalar_at(o, "property");
    if (id == NULL)
      code = REPORT(r, "PV054", o, "give it an id and bind a test to it",
                    "the obligation '%.80s' has no id, so nothing can be bound to it",
                    property != NULL ? property->text : "");
    else if (!mentions(r->tests, id->text) && !mentions(r->harnesses, id->text))
      code = REPORT(r, "PV054", id, "bind a test or a harness to it",
                    "the obligation %.60s is bound to nothing", id->text);
  }
  return code;
}

/* A word that claims a proof, not one that denies it, such as "unproven". */
static bool proof_key(const char *key) {
  static const char *const words[] = {"proved", "proven", "verified", "discharged"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    for (const char *at = key; (at = strstr(at, words[i])) != NULL; at++)
      if (at == key || !isalpha((unsigned char)at[-1])) return true;
  return false;
}

static bool is_number(const char *text) {
  return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* Everywhere: statuses that claim a proof, and ids that stand twice. */
static pv_code walk(reading *r, const pv_yaml_node *node, bool in_list) {
  static const char *const claims[] = {"proved",        "proven",  "verified",
                                       "discharged",    "shipped", "active_algorithm_level",
                                       "active_runtime"};
  pv_code code = PV_OK;
  for (size_t i = 0; i < node->count && code == PV_OK; i++) {
    const pv_yaml_node *value = node->items[i];
    const char *key = node->kind == PV_YAML_MAPPING ? node->keys[i]->text : "";
    if (value->kind != PV_YAML_SCALAR) {
      code = walk(r, value, node->kind == PV_YAML_SEQUENCE);
      continue;
    }
    if (strcmp(key, "status") == 0 && is_word(value->text, claims, sizeof claims / sizeof *claims))
      code = REPORT(r, "PV055", value, "let a run say so", "a status of '%.40s' typed by hand",
                    value->text);
    else if (strcmp(key, "current_level") == 0 && value->length > 0)
      code = REPORT(r, "PV055", value, "let a run say so", "a level of '%.40s' typed by hand",
                    value->text);
    else if (proof_key(key) && is_number(value->text) && strcmp(value->text, "0") != 0)
      code = REPORT(r, "PV055", value, "let a run count them",
                    "%.60s: %.20s, a count of proofs typed by hand", key, value->text);
    if (code != PV_OK || !in_list || strcmp(key, "id") != 0) continue;
    for (size_t k = 0; k < r->id_count; k++)
      if (strcmp(r->ids[k]->text, value->text) == 0) {
        code = REPORT(r, "PV056", value, "rename one", "the id '%.60s' stands twice (line %lld)",
                      value->text, (long long)r->ids[k]->place.line);
        break;
      }
    r->ids[r->id_count++] = value;
  }
  return code;
}

typedef enum value_kind { WORD, WHOLE, AMOUNT, VERSION, DATE } value_kind;

typedef struct value_field {
  const char *key;
  value_kind kind;
  const char *const *words; /* WORD */
  int64_t min, max;         /* WHOLE */
} value_field;

static const char *const types[] = {"invariant",
                                    "equivalence",
                                    "bound",
                                    "monotonicity",
                                    "idempotency",
                                    "linearity",
                                    "symmetry",
                                    "associativity",
                                    "conservation",
                                    "ordering",
                                    "completeness",
                                    "soundness",
                                    "involution",
                                    "determinism",
                                    "roundtrip",
                                    "state_machine",
                                    "classification",
                                    "independence",
                                    "termination",
                                    "safety",
                                    "liveness",
                                    "precondition",
                                    "postcondition",
                                    "frame",
                                    "loop_invariant",
                                    "loop_variant",
                                    "old_state",
                                    "subcontract",
                                    NULL};
static const char *const strategies[] = {"exhaustive", "stub_float", "compositional", "bounded_int",
                                         NULL};
static const char *const intakes[] = {"missing", "partial", "supported", "unclear", NULL};
static const char *const levels[] = {"basic", "standard", "strict", "proven", NULL};

static const value_field in_head[] = {{.key = "version", .kind = VERSION},
                                      {.key = "created", .kind = DATE},
                                      {.key = "enforcement_level", .words = levels},
                                      {.key = "intake_status", .words = intakes},
                                      {.key = "demand_score", .kind = WHOLE, .min = 1, .max = 5},
                                      {0}};
static const value_field in_obligation[] = {
    {.key = "type", .words = types}, {.key = "tolerance", .kind = AMOUNT}, {0}};
static const value_field in_harness[] = {
    {.key = "bound", .kind = WHOLE, .min = 1, .max = UINT32_MAX},
    {.key = "strategy", .words = strategies},
    {0}};

static bool is_version(const char *t) {
  if (*t == '\0' || t[strspn(t, "0123456789.")] != '\0') return false;
  for (const char *p = t; *p != '\0'; p++)
    if (*p == '.' && (p == t || p[1] == '.' || p[1] == '\0')) return false;
  return true;
}

static bool is_date(const char *t) {
  return strlen(t) == 10 && strspn(t, "0123456789") == 4 && t[4] == '-' &&
         strspn(t + 5, "0123456789") == 2 && t[7] == '-' && strspn(t + 8, "0123456789") == 2 &&
         strncmp(t + 5, "01", 2) >= 0 && strncmp(t + 5, "12", 2) <= 0 && strcmp(t + 8, "01") >= 0 &&
         strcmp(t + 8, "31") <= 0;
}

/* All words, or the nearest one where there are many. */
static void name_words(const char *const *words, const char *text, char *out, size_t room) {
  size_t used = 0, n = 0;
  while (words[n] != NULL) n++;
  const char *near = pv_text_nearest(text, words, n, sizeof *words, 5);
  if (n > 8 && near != NULL)
    snprintf(out, room, "did you mean %s?", near);
  else if (n > 8)
    snprintf(out, room, "pv explain PV058 says more");
  for (size_t i = 0; n <= 8 && i < n && used < room; i++)
    used += (size_t)snprintf(out + used, room - used, "%s%s", i > 0 ? ", " : "", words[i]);
}

/* NULL when the value fits, else what the field holds. */
static const char *misfit(const value_field *f, const char *text, char *hint, size_t room) {
  int64_t whole = 0;
  double real = 0.0;
  const size_t n = strlen(text);
  switch (f->kind) {
    case WORD:
      if (pv_known_lists(f->words, text)) return NULL;
      name_words(f->words, text, hint, room);
      return "none of its words";
    case WHOLE:
      if (pv_parse_i64(text, n, &whole) && whole >= f->min && whole <= f->max) return NULL;
      snprintf(hint, room, "write a whole number from %lld to %lld", (long long)f->min,
               (long long)f->max);
      return "no number that it can be";
    case AMOUNT:
      if (pv_parse_f64(text, n, &real) && real >= 0.0) return NULL;
      snprintf(hint, room, "write a plain decimal, 0 or more");
      return "no amount of 0 or more";
    case VERSION:
      snprintf(hint, room, "write numbers with dots between them");
      return is_version(text) ? NULL : "no version";
    case DATE:
      snprintf(hint, room, "write YYYY-MM-DD");
      return is_date(text) ? NULL : "no date";
  }
  return NULL;
}

static pv_code check_fields(const reading *r, const pv_yaml_node *mapping,
                            const value_field *fields) {
  pv_code code = PV_OK;
  for (const value_field *f = fields; f->key != NULL && code == PV_OK; f++) {
    const pv_yaml_node *value = pv_yaml_get(mapping, f->key);
    char hint[200] = "";
    if (value == NULL) continue;
    if (value->kind != PV_YAML_SCALAR) {
      code = REPORT(r, "PV058", value, "write one value", "%s is no single value", f->key);
      continue;
    }
    const char *wrong = misfit(f, value->text, hint, sizeof hint);
    if (wrong != NULL)
      code = REPORT(r, "PV058", value, hint, "%s is '%.40s', %s", f->key, value->text, wrong);
  }
  return code;
}

/* A list that is something else is read as if it were empty: all that it holds would be ignored. */
static pv_code check_list(const reading *r, const pv_yaml_node *root, const char *key,
                          bool or_mapping) {
  const pv_yaml_node *node = pv_yaml_get(root, key);
  if (node == NULL || node->kind == PV_YAML_SEQUENCE ||
      (or_mapping && node->kind == PV_YAML_MAPPING))
    return PV_OK;
  return REPORT(r, "PV058", node, "write it as a list", "%s is no list: what it says is not read",
                key);
}

static pv_code check_entries(const reading *r, const pv_yaml_node *root, const char *key,
                             const value_field *fields) {
  const pv_yaml_node *list = pv_yaml_get(root, key);
  pv_code code = check_list(r, root, key, false);
  for (size_t i = 0; code == PV_OK && list != NULL && i < list->count; i++)
    code = check_fields(r, list->items[i], fields);
  return code;
}

/* PV058: every part is there and of its kind, every value one that its field can have. */
static pv_code check_values(const reading *r, const pv_yaml_node *root) {
  const pv_yaml_node *head = pv_yaml_get(root, "metadata");
  pv_code code = PV_OK;
  if (head == NULL)
    code = REPORT(r, "PV058", root, "add it: version, created, author, description",
                  "there is no metadata, so nobody knows which version this is");
  else if (head->kind != PV_YAML_MAPPING)
    code = REPORT(r, "PV058", head, "write key: value pairs", "metadata is no mapping");
  if (code == PV_OK) code = check_fields(r, root, in_head);
  if (code == PV_OK) code = check_fields(r, head, in_head);
  if (code == PV_OK) code = check_entries(r, root, "proof_obligations", in_obligation);
  if (code == PV_OK) code = check_list(r, root, "falsification_tests", true);
  if (code == PV_OK) code = check_entries(r, root, "kani_harnesses", in_harness);
  return code;
}

/* Version fields at the top and in metadata that disagree. */
static pv_code check_versions(reading *r, const pv_yaml_node *root) {
  static const char *const keys[] = {"version", "contract_version"};
  const pv_yaml_node *first = NULL;
  const pv_yaml_node *const places[] = {root, pv_yaml_get(root, "metadata"),
                                        pv_yaml_get(root, "contract")};
  for (size_t p = 0; p < 3; p++)
    for (size_t k = 0; k < 2; k++) {
      const pv_yaml_node *v = scalar_at(places[p], keys[k]);
      if (first == NULL)
        first = v;
      else if (v != NULL && strcmp(first->text, v->text) != 0)
        return REPORT(r, "PV051", v, "keep one", "version '%.40s' here, '%.40s' in line %lld",
                      v->text, first->text, (long long)first->place.line);
    }
  return PV_OK;
}

pv_code pv_rules_dialect(pv_arena *arena, const char *file, const pv_yaml_node *root,
                         pv_findings *findings, pv_error *err) {
  static const pv_yaml_node none = {.kind = PV_YAML_SEQUENCE};
  reading *r = PV_ARENA_NEW(arena, 1, reading);
  if (r == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for '%s'", file);
  *r = (reading){.arena = arena, .file = file, .findings = findings, .err = err};
  const pv_yaml_node *obligations = pv_yaml_get(root, "proof_obligations");
  const pv_yaml_node *tests = pv_yaml_get(root, "falsification_tests");
  const pv_yaml_node *harnesses = pv_yaml_get(root, "kani_harnesses");
  if (pv_contract_kind_of(root) != PV_CONTRACT_OLDER)
    return REPORT(r, "PV050", root, "a contract has schema, metadata and falsification_tests",
                  "this is YAML, but not a contract");
  r->tests = tests != NULL ? tests : &none;
  r->obligations =
      obligations != NULL && obligations->kind == PV_YAML_SEQUENCE ? obligations : &none;
  r->harnesses = harnesses != NULL && harnesses->kind == PV_YAML_SEQUENCE ? harnesses : &none;
  pv_code code = REPORT(r, "PV057", root, "nothing of it can run under pv",
                        "a contract of an older dialect, read for lint only");
  if (code == PV_OK) code = check_values(r, root);
  if (code == PV_OK) code = check_versions(r, root);
  if (code == PV_OK) code = check_tests(r);
  if (code == PV_OK) code = check_harnesses(r);
  if (code == PV_OK) code = check_obligations(r);
  if (code == PV_OK) code = walk(r, root, false);
  return code;
}
