/* Every field of a sealed evidence.json in turn: left out, of each other type, out of its range, in
 * contradiction to another one. It is sealed again each time, so that the field and not the seal is
 * judged. What is broken is said by the field's name and is never a receipt. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/base/folder.h"
#include "tests/unit/store/sample.h"
#include "tests/unit/testing.h"
#include "validator/store/canon.h"
#include "validator/store/receipt.h"

static sample s;
static json_t *root; /* of the evidence, sound between two changes */
static char published[512], folder[600], evidence_path[700];
static unsigned refused_count, accepted_count;

static bool seal(void) {
  char digest[PV_SHA256_HEX];
  json_object_del(root, "seal");
  return pv_canon_digest(root, digest, NULL) == PV_OK &&
         json_object_set_new(root, "seal", json_string(digest)) == 0;
}

/* Writes what `root` is now. No fsync: there are a thousand of them. */
static bool save(void) {
  pv_text text = PV_TEXT_INIT;
  bool good = pv_canon_write(root, &text, NULL) == PV_OK;
  FILE *file = fopen(evidence_path, "wb");
  good = good && file != NULL && fwrite(text.data, 1, text.length, file) == text.length;
  if (file != NULL) fclose(file);
  pv_text_free(&text);
  return good;
}

static bool said(const pv_strings *list, const char *words) {
  for (size_t i = 0; i < list->count; i++)
    if (strstr(list->items[i], words) != NULL) return true;
  return false;
}

static bool ends_with(const char *text, const char *end) {
  const size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

/* Padding too: nothing at all was written there. */
static bool nothing_written(const void *now, const void *before, size_t size) {
  return memcmp(now, before, size) == 0;
}

/* Judges the evidence as it is now. `words` NULL: it is sound; else it is refused in these words.
 * By reading too, when that can tell. */
static void judge_as_it_is(const char *path, const char *how, const char *words, bool readable) {
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  pv_strings problems = {0};
  pv_receipts receipts = {0};
  pv_evidence out, untouched;
  memset(&out, 0x5a, sizeof out);
  memcpy(&untouched, &out, sizeof out);
  bool good = save() && pv_evidence_verify(&arena, folder, &problems, NULL) == PV_OK;
  good = good && pv_receipts_load(&arena, published, &receipts, NULL) == PV_OK;
  const pv_code read = pv_evidence_read(&arena, folder, &out, &err);
  if (words == NULL) {
    good = good && problems.count == 0 && read == PV_OK && receipts.count == 1;
    accepted_count++;
  } else {
    good = good && said(&problems, words) && receipts.count == 0 && receipts.broken.count == 1;
    if (readable)
      good = good && read == PV_OK;
    else
      good = good && read == PV_ERR_INPUT && err.code == PV_ERR_INPUT &&
             strstr(err.message, words) != NULL && ends_with(err.file, "/evidence.json") &&
             nothing_written(&out, &untouched, sizeof out);
    refused_count++;
  }
  if (!EXPECT(good)) {
    printf("%s %s: want %s; reading says '%s'\n", path, how, words == NULL ? "sound" : words,
           err.message);
    for (size_t i = 0; i < problems.count; i++) printf("  %s\n", problems.items[i]);
  }
  pv_arena_free(&arena);
}

static void judge(const char *path, const char *how, const char *words, bool readable) {
  EXPECT(seal());
  judge_as_it_is(path, how, words, readable);
}

/* What may stand in a field beside what stands there. */
static bool may_be(const char *path, json_type was, json_type now) {
  static const char *const texts[] = {".output",       ".subject.model",   ".subject.reference",
                                      ".subject.code", ".subject.kernels", ".subject.ptx"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (ends_with(path, texts[i])) return now == JSON_NULL || now == JSON_STRING;
  if (ends_with(path, "needed_tolerance"))
    return now == JSON_NULL || now == JSON_INTEGER || now == JSON_REAL;
  if (ends_with(path, ".worst")) return now == JSON_NULL;
  return was == JSON_REAL && now == JSON_INTEGER;
}

static bool is_map(const char *path) {
  static const char *const maps[] = {"environment", "model",    "numerics",
                                     "files",       ".metrics", ".numerics"};
  for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
    if (maps[i][0] == '.' ? ends_with(path, maps[i]) : strcmp(path, maps[i]) == 0) return true;
  return false;
}

static void put(json_t *parent, const char *key, size_t index, json_t *value) {
  EXPECT((key != NULL ? json_object_set_new(parent, key, value)
                      : json_array_set_new(parent, index, value)) == 0);
}

static void change_type(json_t *parent, const char *key, size_t index, const char *path,
                        const char *words) {
  json_t *old =
      json_incref(key != NULL ? json_object_get(parent, key) : json_array_get(parent, index));
  const struct {
    const char *how;
    json_t *value;
  } other[] = {{"null", json_null()},       {"true", json_true()}, {"7", json_integer(7)},
               {"2.5", json_real(2.5)},     {"[]", json_array()},  {"{}", json_object()},
               {"a text", json_string("7")}};
  for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
    const json_type was = json_typeof(old), now = json_typeof(other[i].value);
    /* An empty object has all fields missing: each of them has its turn. */
    const bool object = now == JSON_OBJECT && was == JSON_NULL && !ends_with(path, "tolerance") &&
                        !ends_with(path, "output") && strstr(path, "subject") == NULL;
    const bool alike = json_is_boolean(old) && json_is_boolean(other[i].value);
    if (was != now && !object && !alike) {
      put(parent, key, index, json_incref(other[i].value));
      judge(path, other[i].how, may_be(path, was, now) ? NULL : words, false);
    }
    json_decref(other[i].value);
  }
  put(parent, key, index, old);
}

static void walk(json_t *at, const char *path, const char *field);

/* What an entry is missed by; NULL: nobody misses it. */
static const char *without(const char *path) {
  static const char *const missed[][2] = {{".x[]", "'series'"},
                                          {".y[]", "'series'"},
                                          {"criteria[].falsifiers[]", "'verdict'"},
                                          {"stages[].criteria[]", "'stages'"},
                                          {"falsifiers[].criteria[]", NULL},
                                          {"falsifiers[]", "'criteria'"},
                                          {"criteria[]", "'stages'"}};
  for (size_t i = 0; i < sizeof missed / sizeof *missed; i++)
    if (ends_with(path, missed[i][0])) return missed[i][1];
  return NULL;
}

/* One value: of other types, left out, and all that is in it. */
static void visit(json_t *parent, const char *key, size_t index, const char *path,
                  const char *field) {
  char words[200];
  snprintf(words, sizeof words, "'%s'", field);
  if (strcmp(path, "schema") == 0) snprintf(words, sizeof words, "no evidence of the schema");
  change_type(parent, key, index, path, words);
  json_t *old =
      json_incref(key != NULL ? json_object_get(parent, key) : json_array_get(parent, index));
  if (key != NULL) {
    const bool named = strcmp(field, key) != 0; /* an entry of a map may go */
    json_object_del(parent, key);
    if (strncmp(path, "files.", 6) == 0)
      judge(path, "left out", "report.md is not part of the evidence", true);
    else
      judge(path, "left out", named || strcmp(path, "stages") == 0 ? NULL : words, false);
    json_object_set_new(parent, key, json_incref(old));
  } else {
    json_array_remove(parent, index);
    judge(path, "left out", without(path), false);
    json_array_insert_new(parent, index, json_incref(old));
  }
  walk(old, path, field);
  json_decref(old);
}

static void walk(json_t *at, const char *path, const char *field) {
  char below[300];
  for (size_t i = 0; i < json_array_size(at); i++) {
    snprintf(below, sizeof below, "%s[]", path);
    visit(at, NULL, i, below, field);
  }
  char *keys[64];
  size_t count = 0;
  for (void *k = json_object_iter(at); k != NULL && count < 64; k = json_object_iter_next(at, k))
    keys[count++] = strdup(json_object_iter_key(k));
  for (size_t i = 0; i < count; i++) {
    snprintf(below, sizeof below, "%s%s%s", path, path[0] == '\0' ? "" : ".", keys[i]);
    if (strcmp(below, "seal") != 0) visit(at, keys[i], 0, below, is_map(path) ? field : keys[i]);
    free(keys[i]);
  }
}

static void test_each_field(void) {
  judge("the whole", "untouched", NULL, false);
  walk(root, "", "");
  judge("the whole", "put together again", NULL, false);
  printf("%u changes refused, %u allowed\n", refused_count, accepted_count);
  EXPECT(refused_count > 700);
  EXPECT(accepted_count > 20);
}

/* The value at "falsifiers/0/compared", with what it is in. */
static json_t *find(const char *path, json_t **parent, char key[64]) {
  json_t *value = root;
  for (const char *p = path; *p != '\0';) {
    const size_t n = strcspn(p, "/");
    snprintf(key, 64, "%.*s", (int)n, p);
    *parent = value;
    value = json_is_array(value) ? json_array_get(value, (size_t)atoi(key))
                                 : json_object_get(value, key);
    p += n + (p[n] == '/');
  }
  return value;
}

static void check_value(const char *path, const char *text, const char *words, bool readable) {
  char key[64];
  json_t *parent = NULL, *old = json_incref(find(path, &parent, key));
  json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
  REQUIRE(old != NULL && value != NULL);
  put(parent, json_is_object(parent) ? key : NULL, (size_t)atoi(key), value);
  judge(path, text, words, readable);
  put(parent, json_is_object(parent) ? key : NULL, (size_t)atoi(key), old);
}

#define HEX62 "00000000000000000000000000000000000000000000000000000000000000"

static void test_out_of_range(void) {
  static const struct {
    const char *path, *value, *words; /* no words: allowed */
  } cases[] = {{"schema", "\"pv/evidence/v3\"", "no evidence of the schema"},
               {"run/exit_code", "3", NULL},
               {"run/exit_code", "4", "'exit_code'"},
               {"run/exit_code", "-1", "'exit_code'"},
               {"run/exit_code", "4294967296", "'exit_code'"},
               {"run/duration_s", "-0.5", "'duration_s'"},
               {"run/duration_s", "\"nan\"", "'duration_s'"},
               {"falsifiers/0/duration_s", "\"inf\"", "'duration_s'"},
               {"falsifiers/0/duration_s", "\"-inf\"", "'duration_s'"},
               {"contract/sha256", "\"00ff\"", "'sha256'"},
               {"contract/sha256", "\"" HEX62 "0A\"", "'sha256'"},
               {"contract/semantics_sha256", "\"" HEX62 "0g\"", "'semantics_sha256'"},
               {"falsifiers/0/subject/falsifier", "\"" HEX62 "000\"", "'falsifier'"},
               {"contract/status_before", "\"ACTIVE\"", "'status_before'"},
               {"contract/status_after", "\"\"", "'status_after'"},
               {"criteria/0/needed_for", "\"active_runtime\"", "'needed_for'"},
               {"criteria/0/verdict", "\"PASSED\"", "'verdict'"},
               {"criteria/0/source", "\"sky\"", "'source'"},
               {"stages/0/status", "\"PENDING\"", "'stages'"},
               {"stages/1/status", "\"DONE\"", "'stages'"},
               {"stages/1/status", "\"FALSIFIED\"", "'stages'"},
               {"stages/2/status", "\"DONE\"", "'stages'"},
               {"stages/0/criteria", "[\"AC_FOUR\"]", "'stages'"},
               {"stages/2/criteria", "[\"AC_FOUR\"]", "'stages'"},
               {"criteria/0/verdict", "\"FAIL\"", "'verdict'"},
               {"criteria/2/verdict", "\"PASS\"", "'verdict'"},
               {"criteria/0/falsifiers", "[]", "'verdict'"},
               {"criteria/0/falsifiers", "[\"F_ONE\", \"F_THREE\"]", "'verdict'"},
               {"stages/0/description", "\"\"", NULL},
               {"summary/stale", "2147483647", NULL},
               {"summary/stale", "2147483648", "'stale'"},
               {"summary/vacuous", "-1", "'vacuous'"},
               {"falsifiers/0/compared", "-1", "'compared'"},
               {"falsifiers/0/metrics/worst_cosine", "\"-inf\"", NULL},
               {"falsifiers/0/metrics/worst_cosine", "\"Infinity\"", "'metrics'"},
               {"falsifiers/0/series/0/x", "[\"nan\", \"inf\"]", NULL},
               {"falsifiers/0/series/0/x", "[\"nan\", \"infinity\"]", "'x'"},
               {"falsifiers/0/worst/left", "\"NaN\"", "'left'"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    check_value(cases[i].path, cases[i].value, cases[i].words, false);
}

/* Fields that do not fit one another, or what lies in the folder. */
static void test_contradictions(void) {
  check_value("falsifiers/0/compared", "0", "'compared'", false); /* a PASS over nothing */
  check_value("falsifiers/2/compared", "0", NULL, false);
  check_value("falsifiers/0/source", "\"receipt\"", "'receipt'", false); /* of which run? */
  check_value("falsifiers/0/series/0/x", "[0]", "'series'", false);
  check_value("falsifiers/0/id", "\"F_OTHER\"", "'criteria'", false);
  check_value("criteria/2/falsifiers", "[\"F_ONE\", \"F_NONE\"]", "'criteria'", false);
  check_value("run/id", "\"20261122T101500Z-00000000\"", "name of the run 20261122", true);
  check_value("files", "{}", "report.md is not part", true);
  check_value("files/report.md", "\"" HEX62 "00\"", "report.md was changed", true);
}

/* A name in `files` leads nowhere else. */
static void test_names_that_lead_away(void) {
  static const char *const names[] = {
      "../report.md", "/etc/hostname", "sub/report.md", ".hidden", "..", ""};
  char name[400], words[500], long_folder[4000];
  json_t *files = json_object_get(root, "files");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    json_object_set_new(files, names[i], json_string(HEX62 "00"));
    snprintf(words, sizeof words, "'%s' is no name of a file in this folder", names[i]);
    judge("files", names[i], names[i][0] == '\0' ? " is no regular file" : words, true);
    json_object_del(files, names[i]);
  }
  /* A path longer than the system knows: the folder's with its name. */
  memset(name, 'n', 250);
  name[250] = '\0';
  json_object_set_new(files, name, json_string(HEX62 "00"));
  judge("files", "a long name", "n is missing", true);
  snprintf(long_folder, sizeof long_folder, "%s", folder);
  while (strlen(long_folder) < 3900) strcat(long_folder, "/.");
  pv_arena arena = PV_ARENA_INIT;
  pv_strings problems = {0};
  EXPECT(pv_evidence_verify(&arena, long_folder, &problems, NULL) == PV_OK);
  EXPECT(said(&problems, "nnn' is no name of a file in this folder"));
  pv_arena_free(&arena);
  json_object_del(files, name);
}

static void test_the_seal_itself(void) {
  static const char *const none[] = {"null", "7", "\"\"", "\"" HEX62 "0\"", "\"" HEX62 "000\""};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    json_object_set_new(root, "seal", json_loads(none[i], JSON_DECODE_ANY, NULL));
    judge_as_it_is("seal", none[i], "evidence.json has no seal", true);
  }
  json_object_del(root, "seal");
  judge_as_it_is("seal", "left out", "evidence.json has no seal", true);
  json_object_set_new(root, "seal", json_string(HEX62 "00"));
  judge_as_it_is("seal", "another", "the seal is broken", true);
  judge("seal", "of its own", NULL, false);
}

int main(void) {
  if (folder_make() == NULL || !sample_make(&s)) return 1;
  sample_fill(&s);
  snprintf(published, sizeof published, "%s", folder_path("published"));
  const char *made = sample_publish(&s, published);
  if (made == NULL) return 1;
  snprintf(folder, sizeof folder, "%s", made);
  snprintf(evidence_path, sizeof evidence_path, "%s/evidence.json", folder);
  root = json_load_file(evidence_path, 0, NULL);
  const int code = pv_testing_main("fields", (pv_case[]){PV_CASE(test_each_field),
                                                         PV_CASE(test_out_of_range),
                                                         PV_CASE(test_contradictions),
                                                         PV_CASE(test_names_that_lead_away),
                                                         PV_CASE(test_the_seal_itself),
                                                         {0}});
  json_decref(root);
  sample_free(&s);
  folder_remove();
  return code;
}
