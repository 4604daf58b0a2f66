/* Every allocation and every system call fails while evidence is written, read, verified and used,
 * and while a contract is rewritten. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/fault/each.h"
#include "tests/fault/failing.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/store/sample.h"
#include "tests/unit/testing.h"
#include "validator/model/contract_load.h"
#include "validator/store/derive.h"
#include "validator/store/receipt.h"
#include "validator/store/rewrite.h"

void *__real_malloc(size_t size); /* of the linker */

static sample s; /* with all that evidence can hold */
static char published[600], run_folder[700], broken_folder[700], path[600];
static char *want_evidence, *want_published, *want_contract; /* what no failure makes */
static char want_semantics[PV_SHA256_HEX];

/* No failure is any other thing than that: not evidence that is broken, not a wrong contract. */
static bool ended(pv_code code, const pv_error *err) {
  if (code != PV_OK)
    EXPECT(err->code == code && err->message[0] != '\0' && code != PV_ERR_INPUT &&
           code != PV_ERR_UNSUPPORTED);
  return code == PV_OK;
}

static pv_evidence evidence_of(void) {
  static char name[] = "report.md",
              digest[] = "0000000000000000000000000000000000000000000000000000000000000000";
  static pv_fact file = {name, digest};
  pv_evidence e = {.result = &s.result,
                   .subjects = s.subjects,
                   .contract_path = "contracts/sample.yaml",
                   .files = &file,
                   .file_count = 1};
  memcpy(e.semantics, want_semantics, sizeof e.semantics);
  return e;
}

static bool render_work(void) {
  const pv_evidence e = evidence_of();
  pv_text text = PV_TEXT_INIT;
  pv_error err = PV_ERROR_INIT;
  const bool good = ended(pv_evidence_render(&e, &text, &err), &err);
  if (good) EXPECT_STR(text.data, want_evidence); /* whole: nothing was left out */
  if (!good) EXPECT_U64(text.length, 0);
  pv_text_free(&text);
  return good;
}

static bool subject_work(void) {
  char semantics[PV_SHA256_HEX] = "";
  pv_arena arena = PV_ARENA_INIT;
  pv_subject *list = NULL;
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_subject_contract(s.contract, semantics, &err);
  if (code == PV_OK) EXPECT_STR(semantics, want_semantics);
  if (code != PV_OK) EXPECT_STR(semantics, "");
  if (code == PV_OK) code = pv_subject_all(&arena, s.contract, &s.basis, &list, &err);
  if (code != PV_OK) EXPECT(list == NULL);
  for (size_t i = 0; code == PV_OK && i < s.contract->falsifier_count; i++)
    EXPECT_STR(list[i].falsifier, s.subjects[i].falsifier);
  pv_arena_free(&arena);
  return ended(code, &err);
}

static bool verify_work(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_strings problems = {0};
  pv_error err = PV_ERROR_INIT;
  const bool good = ended(pv_evidence_verify(&arena, run_folder, &problems, &err), &err);
  if (good && problems.count > 0) printf("%s\n", problems.items[0]);
  if (good) EXPECT_U64(problems.count, 0);
  if (!good) EXPECT(problems.items == NULL);
  pv_arena_free(&arena);
  return good;
}

/* What is broken is never called sound, nor the other way round. */
static bool verify_broken_work(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_strings problems = {0};
  pv_error err = PV_ERROR_INIT;
  const bool good = ended(pv_evidence_verify(&arena, broken_folder, &problems, &err), &err);
  if (good) EXPECT_U64(problems.count, 2); /* a file more, and one that is not as it was */
  if (!good) EXPECT(problems.items == NULL);
  pv_arena_free(&arena);
  return good;
}

static bool read_work(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_evidence out = {.contract_path = "before"};
  pv_text text = PV_TEXT_INIT;
  pv_error err = PV_ERROR_INIT;
  const bool good = ended(pv_evidence_read(&arena, run_folder, &out, &err), &err);
  failing_end(); /* what follows is the test's own */
  if (!good) EXPECT(out.result == NULL && strcmp(out.contract_path, "before") == 0);
  if (good && EXPECT(pv_evidence_render(&out, &text, NULL) == PV_OK))
    EXPECT_STR(text.data, want_published);
  pv_text_free(&text);
  pv_arena_free(&arena);
  return good;
}

/* Of a call that fails verification may say that it could not read; of no memory it may not. */
static bool verify_call_work(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_strings problems = {0};
  pv_error err = PV_ERROR_INIT;
  const bool good = ended(pv_evidence_verify(&arena, run_folder, &problems, &err), &err);
  const bool sound = good && problems.count == 0;
  pv_arena_free(&arena);
  return sound;
}

/* A receipt is used whole, or not at all. */
static bool receipts_work(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_receipts receipts = {0};
  pv_error err = PV_ERROR_INIT;
  pv_result r = s.result;
  pv_falsifier_result results[3];
  memcpy(results, s.result.falsifiers, sizeof results);
  results[0].verdict = results[1].verdict = PV_NOT_RUN;
  results[0].compared = results[1].compared = 0;
  r.falsifiers = results;
  pv_code code = pv_receipts_load(&arena, published, &receipts, &err);
  bool whole = code == PV_OK && receipts.count == 1;
  if (code == PV_OK) code = pv_receipts_apply(&arena, &receipts, s.subjects, results, 3, &err);
  if (code == PV_OK) code = pv_status_derive(&arena, &r, &err);
  if (code == PV_OK && whole)
    EXPECT(results[0].verdict == PV_PASS && results[0].source == PV_FROM_RECEIPT &&
           results[2].verdict == PV_NOT_RUN && r.status_after == s.result.status_after);
  if (code == PV_OK && !whole) /* and it is said why */
    EXPECT(results[0].verdict == PV_NOT_RUN && receipts.broken.count == 1);
  pv_arena_free(&arena);
  return ended(code, &err) && whole;
}

/* What no longer holds is stale, with the whole reason; what is broken is said to be. */
static bool stale_work(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_receipts receipts = {0};
  pv_error err = PV_ERROR_INIT;
  pv_falsifier_result result = s.result.falsifiers[0];
  pv_subject changed = s.subjects[0];
  result.verdict = PV_NOT_RUN;
  result.compared = 0;
  result.reason = s.result.falsifiers[0].reason;
  changed.kernels = "another";
  pv_code code = pv_receipts_load(&arena, published, &receipts, &err);
  if (code != PV_OK) EXPECT(receipts.items == NULL && receipts.count == 0);
  if (code == PV_OK) code = pv_receipts_apply(&arena, &receipts, &changed, &result, 1, &err);
  if (code == PV_OK && EXPECT(result.verdict == PV_STALE))
    EXPECT_STR(result.reason,
               "the receipt of 2026-11-22 no longer holds: it was for another "
               "state of the kernels; here: ");
  pv_arena_free(&arena);
  return ended(code, &err);
}

static bool broken_receipts_work(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_receipts receipts = {0};
  pv_error err = PV_ERROR_INIT;
  const pv_code code = pv_receipts_load(&arena, folder_path("broken"), &receipts, &err);
  if (code == PV_OK && EXPECT(receipts.count == 0 && receipts.broken.count == 2)) {
    EXPECT_HAS(receipts.broken.items[0], "a-run: there is no evidence.json");
    EXPECT_HAS(receipts.broken.items[1], "report.md was changed");
  }
  pv_arena_free(&arena);
  return ended(code, &err);
}

static pv_code commit(pv_error *err) {
  static char date[] = "2026-11-22", kind[] = "evidence", title[] = "t", run[] = "20261122T1";
  pv_arena arena = PV_ARENA_INIT;
  pv_contract *c = NULL;
  pv_code code = pv_contract_load(&arena, path, &c, err);
  if (code == PV_OK) {
    pv_rewrite w = {.contract = c,
                    .status = PV_STATUS_DRAFT,
                    .amendment = {NULL, date, kind, title, title, run, {0}}};
    code = pv_rewrite_bump(&arena, c->version, &w.amendment.version, err);
    if (code == PV_OK) code = pv_rewrite_commit(&w, NULL, NULL, err);
  }
  pv_arena_free(&arena);
  return code;
}

/* What lies at `path`, without the code under test. */
static char *look(void) {
  static char text[8192];
  FILE *file = fopen(path, "rb");
  const size_t n = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
  text[n] = '\0';
  if (file != NULL) fclose(file);
  return text;
}

static bool rewrite_work(void) {
  pv_error err = PV_ERROR_INIT;
  folder_write("c.yaml", sample_yaml);
  const bool good = ended(commit(&err), &err);
  const char *now = look();
  if (good) EXPECT_STR(now, want_contract);
  if (!good) EXPECT(strcmp(now, sample_yaml) == 0 || strcmp(now, want_contract) == 0);
  return good;
}

/* jansson's own allocations fail too while JSON is built. Not while it is parsed: there
 * jansson 2.14 takes a failure for a syntax error, or ends at an assertion of its own. */
static void each_with_jansson(each_work work, unsigned at_least) {
  json_set_alloc_funcs(malloc, free);
  each_allocation(work, at_least);
  json_set_alloc_funcs(__real_malloc, free);
}

static void *no_memory(size_t size) {
  (void)size;
  return NULL;
}

/* The parser's first allocation: that is no word about the text. */
static void test_parse_without_memory(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_evidence out = {.contract_path = "before"};
  pv_strings problems = {.count = 7};
  pv_error err = PV_ERROR_INIT;
  json_set_alloc_funcs(no_memory, free);
  const pv_code read = pv_evidence_read(&arena, run_folder, &out, &err);
  const pv_code verified = pv_evidence_verify(&arena, run_folder, &problems, NULL);
  json_set_alloc_funcs(__real_malloc, free);
  EXPECT(read == PV_ERR_NOMEM && err.code == PV_ERR_NOMEM && verified == PV_ERR_NOMEM);
  EXPECT_STR(err.message, "out of memory for evidence");
  EXPECT_STR(out.contract_path, "before");
  EXPECT(problems.count == 7 && problems.items == NULL);
  pv_arena_free(&arena);
}

static void test_render(void) {
  each_with_jansson(render_work, 300);
}
static void test_subject(void) {
  each_with_jansson(subject_work, 300);
}
static void test_verify(void) {
  each_allocation(verify_work, 100);
  each_allocation(verify_broken_work, 5);
  each_call(verify_call_work, 20);
  each_allocation(read_work, 100);
}
static void test_receipts(void) {
  each_allocation(receipts_work, 100);
  each_allocation(stale_work, 100);
  each_allocation(broken_receipts_work, 10);
  each_call(receipts_work, 20);
}
static void test_rewrite(void) {
  each_with_jansson(rewrite_work, 300);
  each_call(rewrite_work, 20);
  EXPECT_U64(folder_count(), 5); /* the contract, its lock, what was published */
}

static bool publish_full(void) {
  char file[800];
  pv_bytes bytes = {0};
  const char *folder = sample_publish(&s, folder_path("full"));
  if (folder == NULL) return false;
  snprintf(run_folder, sizeof run_folder, "%s", folder);
  snprintf(file, sizeof file, "%s/evidence.json", folder);
  const bool read = pv_file_read(file, 1 << 20, &bytes, NULL) == PV_OK;
  want_published = (char *)bytes.data;
  return read;
}

/* One file more, and one that is not as it was; and beside it a run without evidence. */
static bool publish_broken(void) {
  char file[800];
  const char *folder = sample_publish(&s, folder_path("broken"));
  if (folder == NULL) return false;
  snprintf(broken_folder, sizeof broken_folder, "%s", folder);
  snprintf(file, sizeof file, "%s/more.txt", folder);
  bool wrote = pv_file_replace(file, "x", 1, NULL) == PV_OK &&
               pv_folder_make(folder_path("broken/a-run"), NULL) == PV_OK;
  snprintf(file, sizeof file, "%s/report.md", folder);
  return wrote && pv_file_replace(file, "x", 1, NULL) == PV_OK;
}

static bool prepare(void) {
  pv_text text = PV_TEXT_INIT;
  if (folder_make() == NULL || !sample_make(&s)) return false;
  if (pv_subject_contract(s.contract, want_semantics, NULL) != PV_OK) return false;
  snprintf(published, sizeof published, "%s", folder_path("published"));
  if (sample_publish(&s, published) == NULL) return false;
  sample_fill(&s);
  const pv_evidence e = evidence_of();
  if (pv_evidence_render(&e, &text, NULL) != PV_OK) return false;
  want_evidence = text.data;
  if (!publish_full() || !publish_broken()) return false;
  folder_write("c.yaml", sample_yaml);
  snprintf(path, sizeof path, "%s", folder_path("c.yaml"));
  if (commit(NULL) != PV_OK) return false;
  want_contract = strdup(look());
  return want_contract != NULL && strcmp(want_contract, sample_yaml) != 0;
}

int main(void) {
  if (!prepare()) return 1;
  const int code = pv_testing_main("fault store", (pv_case[]){PV_CASE(test_parse_without_memory),
                                                              PV_CASE(test_render),
                                                              PV_CASE(test_subject),
                                                              PV_CASE(test_verify),
                                                              PV_CASE(test_receipts),
                                                              PV_CASE(test_rewrite),
                                                              {0}});
  printf("%u failures injected\n", each_injected());
  free(want_evidence);
  free(want_published);
  free(want_contract);
  sample_free(&s);
  folder_remove();
  return code;
}
