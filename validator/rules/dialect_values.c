#include "validator/rules/dialect_values.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

typedef struct reading {
  pv_arena *arena;
  const char *file;
  pv_findings *findings;
  pv_error *err;
} reading;

#define REPORT(r, node, hint, ...)                                                   \
  pv_findings_add((r)->arena, (r)->findings, "PV058", (r)->file, (node)->place.line, \
                  (node)->place.column, hint, (r)->err, __VA_ARGS__)

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

static bool is_word(const char *const *words, const char *text) {
  for (size_t i = 0; words[i] != NULL; i++)
    if (strcmp(words[i], text) == 0) return true;
  return false;
}

/* All words, or the nearest one where there are many. */
static void name_words(const char *const *words, const char *text, char *out, size_t room) {
  size_t used = 0, least = 5, n = 0;
  for (const char *const *w = words; *w != NULL; w++) n++;
  snprintf(out, room, "pv explain PV058 says more");
  for (size_t i = 0; i < n; i++) {
    const size_t d = pv_text_distance(text, words[i]);
    const char *comma = i > 0 ? ", " : "";
    if (n <= 8 && used < room)
      used += (size_t)snprintf(out + used, room - used, "%s%s", comma, words[i]);
    if (n <= 8 || d >= least) continue;
    least = d;
    snprintf(out, room, "did you mean %s?", words[i]);
  }
}

/* NULL when the value fits, else what the field holds. */
static const char *misfit(const value_field *f, const char *text, char *hint, size_t room) {
  int64_t whole = 0;
  double real = 0.0;
  const size_t n = strlen(text);
  switch (f->kind) {
    case WORD:
      if (is_word(f->words, text)) return NULL;
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
      code = REPORT(r, value, "write one value", "%s is no single value", f->key);
      continue;
    }
    const char *wrong = misfit(f, value->text, hint, sizeof hint);
    if (wrong != NULL)
      code = REPORT(r, value, hint, "%s is '%.40s', %s", f->key, value->text, wrong);
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
  return REPORT(r, node, "write it as a list", "%s is no list: what it says is not read", key);
}

static pv_code check_entries(const reading *r, const pv_yaml_node *root, const char *key,
                             const value_field *fields) {
  const pv_yaml_node *list = pv_yaml_get(root, key);
  pv_code code = check_list(r, root, key, false);
  for (size_t i = 0; code == PV_OK && list != NULL && i < list->count; i++)
    code = check_fields(r, list->items[i], fields);
  return code;
}

pv_code pv_rules_dialect_values(pv_arena *arena, const char *file, const pv_yaml_node *root,
                                pv_findings *findings, pv_error *err) {
  const reading r = {arena, file, findings, err};
  const pv_yaml_node *head = pv_yaml_get(root, "metadata");
  pv_code code = PV_OK;
  if (head == NULL)
    code = REPORT(&r, root, "add it: version, created, author, description",
                  "there is no metadata, so nobody knows which version this is");
  else if (head->kind != PV_YAML_MAPPING)
    code = REPORT(&r, head, "write key: value pairs", "metadata is no mapping");
  if (code == PV_OK) code = check_fields(&r, root, in_head);
  if (code == PV_OK) code = check_fields(&r, head, in_head);
  if (code == PV_OK) code = check_entries(&r, root, "proof_obligations", in_obligation);
  if (code == PV_OK) code = check_list(&r, root, "falsification_tests", true);
  if (code == PV_OK) code = check_entries(&r, root, "kani_harnesses", in_harness);
  return code;
}
