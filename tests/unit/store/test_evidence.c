/* What is written is read; whatever is changed afterwards is found. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/file.h"
#include "runtime/model/arch/qwen3moe.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/store/sample.h"
#include "tests/unit/testing.h"
#include "validator/store/canon.h"

static sample s;
static pv_arena arena;
static pv_strings problems;
static char folder[600], evidence_path[700], report_path[700];

static bool publish(void) {
  if (!EXPECT(sample_make(&s))) return false;
  const char *made = sample_publish(&s, folder_path("published"));
  if (!EXPECT(made != NULL)) return false;
  snprintf(folder, sizeof folder, "%s", made);
  snprintf(evidence_path, sizeof evidence_path, "%s/evidence.json", folder);
  snprintf(report_path, sizeof report_path, "%s/report.md", folder);
  return true;
}

/* The number of problems. */
static size_t verify(void) {
  pv_arena_free(&arena);
  EXPECT(pv_evidence_verify(&arena, folder, &problems, NULL) == PV_OK);
  return problems.count;
}

static void test_sound(void) {
  REQUIRE(publish());
  EXPECT_U64(verify(), 0);
  sample_free(&s);
}

static void test_round_trip(void) {
  pv_evidence back;
  pv_text first = PV_TEXT_INIT, second = PV_TEXT_INIT;
  pv_bytes bytes = {0};
  REQUIRE(publish());
  REQUIRE(pv_evidence_read(&arena, folder, &back, NULL) == PV_OK);
  EXPECT_STR(back.result->run_id, s.result.run_id);
  EXPECT_STR(back.result->contract->name, "sample");
  EXPECT_U64(back.result->falsifier_count, 3);
  EXPECT(back.result->falsifiers[0].verdict == PV_PASS);
  EXPECT(back.result->falsifiers[2].verdict == PV_NOT_RUN);
  EXPECT_F64(back.result->falsifiers[0].metrics[0].value, 0.99999994039535522, 0);
  EXPECT(back.result->status_after == PV_STATUS_ACTIVE_ALGORITHM_LEVEL);
  EXPECT_U64(back.result->stage_count, 3);
  EXPECT(back.result->stages[0].status == PV_STAGE_DONE);
  EXPECT(back.result->stages[1].status == PV_STAGE_IN_PROGRESS);
  EXPECT(back.result->stages[2].status == PV_STAGE_PENDING);
  EXPECT_STR(back.result->stages[1].stage->criteria.items[1], "AC_THREE");
  EXPECT(back.subjects[0].model == NULL); /* the check needs no model */
  EXPECT_STR(back.subjects[1].model, "aa11");
  EXPECT(pv_subject_holds(&back.subjects[2], &s.subjects[2], NULL));
  /* What was read renders to the same bytes. */
  EXPECT(pv_evidence_render(&back, &first, NULL) == PV_OK);
  REQUIRE(pv_file_read(evidence_path, 1 << 20, &bytes, NULL) == PV_OK);
  EXPECT_U64(first.length, bytes.length);
  EXPECT_BYTES(first.data, bytes.data, bytes.length);
  pv_bytes_free(&bytes);
  pv_text_free(&first);
  pv_text_free(&second);
  sample_free(&s);
}

/* Any byte of evidence.json, changed in one bit: each bit has its turn. */
static void test_every_byte(void) {
  pv_bytes bytes = {0};
  size_t missed = 0;
  REQUIRE(publish());
  REQUIRE(pv_file_read(evidence_path, 1 << 20, &bytes, NULL) == PV_OK);
  for (size_t i = 0; i < bytes.length; i++) {
    const unsigned char old = bytes.data[i];
    bytes.data[i] = (unsigned char)(old ^ (1u << (i % 8)));
    FILE *file = fopen(evidence_path, "wb"); /* no fsync: thousands of them */
    REQUIRE(file != NULL);
    fwrite(bytes.data, 1, bytes.length, file);
    fclose(file);
    pv_arena_free(&arena);
    if (pv_evidence_verify(&arena, folder, &problems, NULL) != PV_OK || problems.count == 0)
      missed++;
    bytes.data[i] = old;
  }
  EXPECT(bytes.length > 2000);
  EXPECT_U64(missed, 0);
  pv_bytes_free(&bytes);
  sample_free(&s);
}

/* The same JSON in other bytes: the seal over its meaning holds, the file is not as it was. */
static void test_other_layout(void) {
  pv_bytes bytes = {0};
  REQUIRE(publish());
  REQUIRE(pv_file_read(evidence_path, 1 << 20, &bytes, NULL) == PV_OK);
  char *blank = strchr((char *)bytes.data, ' ');
  REQUIRE(blank != NULL);
  *blank = '\t';
  REQUIRE(pv_file_replace(evidence_path, bytes.data, bytes.length, NULL) == PV_OK);
  EXPECT_U64(verify(), 1);
  EXPECT_HAS(problems.items[0], "not as pv wrote it, from byte 2 on");
  *blank = ' ';
  REQUIRE(pv_file_replace(evidence_path, bytes.data, bytes.length - 1, NULL) == PV_OK);
  EXPECT_U64(verify(), 1);         /* without the last line end */
  bytes.data[bytes.length] = '\n'; /* where a NUL stood */
  REQUIRE(pv_file_replace(evidence_path, bytes.data, bytes.length + 1, NULL) == PV_OK);
  EXPECT_U64(verify(), 1); /* with one more */
  char want[80];
  snprintf(want, sizeof want, "not as pv wrote it, from byte %zu on", bytes.length);
  EXPECT_HAS(problems.items[0], want);
  pv_bytes_free(&bytes);
}

/* Read by its bytes alone: any bit that is changed breaks the seal, another layout does not. */
static void test_sealed(void) {
  pv_bytes bytes = {0};
  pv_evidence out;
  size_t missed = 0;
  REQUIRE(publish());
  REQUIRE(pv_file_read(evidence_path, 1 << 20, &bytes, NULL) == PV_OK);
  EXPECT(pv_evidence_read_sealed(&arena, "e", &bytes, &out, NULL) == PV_OK);
  for (size_t i = 0; i < bytes.length; i++) {
    const unsigned char old = bytes.data[i];
    bytes.data[i] = (unsigned char)(old ^ (1u << (i % 8)));
    missed += pv_evidence_read_sealed(&arena, "e", &bytes, &out, NULL) == PV_OK;
    bytes.data[i] = old;
    pv_arena_free(&arena);
  }
  EXPECT_U64(missed, 0);
  char *blank = strchr((char *)bytes.data, ' ');
  REQUIRE(blank != NULL);
  *blank = '\t';
  EXPECT(pv_evidence_read_sealed(&arena, "e", &bytes, &out, NULL) == PV_OK);
  pv_bytes_free(&bytes);
  pv_arena_free(&arena);
  sample_free(&s);
}

static void expect_problem(const char *what) {
  EXPECT(verify() > 0);
  if (problems.count > 0) EXPECT_HAS(problems.items[0], what);
}

static void test_other_files(void) {
  char extra[700];
  REQUIRE(publish());
  REQUIRE(pv_file_replace(report_path, "# a report\n", 11, NULL) == PV_OK);
  expect_problem("report.md was changed");
  unlink(report_path);
  expect_problem("report.md is missing");
  EXPECT(symlink("/etc/hostname", report_path) == 0);
  expect_problem("report.md is no regular file");
  unlink(report_path);
  REQUIRE(publish());
  snprintf(extra, sizeof extra, "%s/notes.txt", folder);
  REQUIRE(pv_file_replace(extra, "x", 1, NULL) == PV_OK);
  expect_problem("notes.txt is not part of the evidence");
  unlink(extra);
  EXPECT_U64(verify(), 0);
  unlink(evidence_path);
  expect_problem("no evidence.json");
}

/* A page of problems is enough, and no more are kept than there is room for. */
static void test_more_problems_than_are_shown(void) {
  char extra[700];
  REQUIRE(publish());
  for (int i = 0; i < 70; i++) {
    snprintf(extra, sizeof extra, "%s/extra-%d", folder, i);
    FILE *file = fopen(extra, "wb");
    REQUIRE(file != NULL);
    fclose(file);
  }
  EXPECT_U64(verify(), 64);
  for (int i = 0; i < 70; i++) {
    snprintf(extra, sizeof extra, "%s/extra-%d", folder, i);
    unlink(extra);
  }
}

static void expect_unreadable(const char *where, pv_code code, const char *words) {
  pv_evidence back, untouched;
  pv_error err = PV_ERROR_INIT;
  memset(&back, 0x5a, sizeof back);
  memcpy(&untouched, &back, sizeof back);
  EXPECT(pv_evidence_read(&arena, where, &back, &err) == code);
  EXPECT(err.code == code);
  EXPECT_HAS(err.message, words);
  EXPECT_BYTES(&back, &untouched, sizeof back);
}

/* No run: a name that is too long, a folder in the file's place. */
static void test_no_file(void) {
  char name[PATH_MAX + 10];
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  EXPECT(pv_evidence_verify(&arena, name, &problems, NULL) == PV_OK);
  EXPECT_U64(problems.count, 1);
  EXPECT_STR(problems.items[0], "the folder's name is too long");
  expect_unreadable(name, PV_ERR_INPUT, "the folder's name is too long");
  REQUIRE(publish());
  REQUIRE(unlink(evidence_path) == 0 && mkdir(evidence_path, 0777) == 0);
  expect_problem("evidence.json is no regular file");
  expect_unreadable(folder, PV_ERR_INPUT, "is not a regular file");
  REQUIRE(rmdir(evidence_path) == 0);
  expect_unreadable(folder, PV_ERR_IO, "cannot open");
}

/* The place of what is no JSON is told. */
static void test_no_json(void) {
  pv_evidence back;
  pv_error err = PV_ERROR_INIT;
  static const char text[] = "{\"schema\":\n  nothing}";
  REQUIRE(publish());
  REQUIRE(pv_file_replace(evidence_path, text, sizeof text - 1, NULL) == PV_OK);
  EXPECT(pv_evidence_read(&arena, folder, &back, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "it is no JSON: invalid token near 'nothing'");
  EXPECT_STR(err.file, evidence_path);
  EXPECT_I64(err.line, 2);
  EXPECT_I64(err.byte, 20);
  expect_problem("evidence.json is no JSON object: invalid token near 'nothing', line 2");
}

static void test_another_run(void) {
  char moved[600];
  REQUIRE(publish());
  snprintf(moved, sizeof moved, "%s/20261123T101500Z-0badcafe", folder_path("published"));
  REQUIRE(rename(folder, moved) == 0);
  snprintf(folder, sizeof folder, "%s", moved);
  expect_problem("name of the run");
}

static void test_name_of_the_device(void) {
  static const char *const names[][2] = {{"NVIDIA H100 80GB HBM3", "nvidia-h100-80gb-hbm3"},
                                         {"  A/..\\B__(c) ", "a-b-c"},
                                         {"\xc3\xa9", "cpu"},
                                         {"none", "cpu"},
                                         {NULL, "cpu"}};
  char moved[600], name[PV_EVIDENCE_DEVICE], longest[200];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    pv_evidence_device(names[i][0], name);
    EXPECT_STR(name, names[i][1]);
  }
  memset(longest, 'x', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  pv_evidence_device(longest, name);
  EXPECT_U64(strlen(name), PV_EVIDENCE_DEVICE - 1);
  REQUIRE(publish());
  snprintf(moved, sizeof moved, "%s/nvidia-h100", folder_path("published"));
  REQUIRE(rename(folder, moved) == 0);
  snprintf(folder, sizeof folder, "%s", moved);
  EXPECT_U64(verify(), 0);
  REQUIRE(rename(folder, folder_path("published/nvidia-a100")) == 0);
  snprintf(folder, sizeof folder, "%s", folder_path("published/nvidia-a100"));
  expect_problem("nor that of its device, nvidia-h100");
}

/* Of the version before not even a whole one is read: it would hold for nothing. */
static void test_older_schema(void) {
  pv_bytes bytes = {0};
  pv_evidence back;
  REQUIRE(publish());
  REQUIRE(pv_file_read(evidence_path, 1 << 20, &bytes, NULL) == PV_OK);
  char *schema = strstr((char *)bytes.data, "pv/evidence/v2");
  REQUIRE(schema != NULL);
  schema[13] = '1';
  REQUIRE(pv_file_replace(evidence_path, bytes.data, bytes.length, NULL) == PV_OK);
  pv_bytes_free(&bytes);
  EXPECT(pv_evidence_read(&arena, folder, &back, NULL) == PV_ERR_INPUT);
}

/* Whoever forges evidence and makes a new seal still can not leave the schema. */
static void test_not_the_schema(void) {
  pv_evidence back;
  pv_error err = PV_ERROR_INIT;
  static const char *const wrong[] = {"{}",
                                      "[]",
                                      "{\"schema\":\"pv/evidence/v3\"}",
                                      "{\"schema\":\"pv/evidence/v2\"}",
                                      "{\"schema\":\"pv/evidence/v1\"}",
                                      "{\"a\":1,\"a\":1}",
                                      ""};
  REQUIRE(publish());
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    REQUIRE(pv_file_replace(evidence_path, wrong[i], strlen(wrong[i]), NULL) == PV_OK);
    EXPECT(pv_evidence_read(&arena, folder, &back, &err) == PV_ERR_INPUT);
    EXPECT(verify() > 0);
  }
}

static void test_numbers_that_are_none(void) {
  pv_evidence back;
  REQUIRE(sample_make(&s));
  const double nothing = 0.0;
  s.result.falsifiers[1].metrics[0].value = nothing / nothing;
  s.result.falsifiers[1].has_needed_tolerance = true;
  s.result.falsifiers[1].needed_tolerance = 1e308 * 10;
  s.result.falsifiers[0].has_needed_tolerance = true;
  s.result.falsifiers[0].needed_tolerance = -1e308 * 10;
  const char *made = sample_publish(&s, folder_path("published"));
  s.result.falsifiers[1].metrics[0].value = 0.99999994039535522; /* shared by the next test */
  REQUIRE(made != NULL && pv_evidence_read(&arena, made, &back, NULL) == PV_OK);
  EXPECT(back.result->falsifiers[1].metrics[0].value !=
         back.result->falsifiers[1].metrics[0].value);
  EXPECT(back.result->falsifiers[1].needed_tolerance > 1e308);
  EXPECT(back.result->falsifiers[0].needed_tolerance < -1e308);
  sample_free(&s);
}

/* What is no JSON is not written, and what was there before stays. */
static void test_canon_refuses(void) {
  char digest[PV_SHA256_HEX] = "as it was";
  pv_text text = PV_TEXT_INIT;
  pv_error err = PV_ERROR_INIT;
  json_t *inner = json_array(), *circle = json_pack("[O]", inner);
  EXPECT(json_array_append(inner, circle) == 0);
  pv_text_puts(&text, "before");
  EXPECT(pv_canon_write(circle, &text, &err) == PV_ERR_NOMEM);
  EXPECT_STR(err.message, "out of memory for JSON");
  EXPECT_STR(text.data, "before");
  EXPECT(pv_canon_digest(NULL, digest, &err) == PV_ERR_NOMEM);
  EXPECT_STR(digest, "as it was");
  json_array_clear(inner);
  json_decref(circle);
  json_decref(inner);
  pv_text_free(&text);
}

/* All that evidence can hold comes back; a text that is not there is an empty one. */
static void test_full_round_trip(void) {
  pv_evidence back;
  pv_text again = PV_TEXT_INIT;
  pv_bytes bytes = {0};
  REQUIRE(publish());
  sample_fill(&s);
  s.result.falsifiers[2].reason = NULL;
  REQUIRE(sample_publish(&s, folder_path("published")) != NULL);
  EXPECT_U64(verify(), 0);
  REQUIRE(pv_evidence_read(&arena, folder, &back, NULL) == PV_OK);
  const pv_falsifier_result *f = back.result->falsifiers;
  EXPECT_U64(f[0].series_count, 1);
  EXPECT_U64(f[0].series[0].count, 2);
  EXPECT_F64(f[0].series[0].y[1], 0.25, 0);
  EXPECT(f[0].series[0].log_y && f[0].worst.present && f[0].worst.position == -1);
  EXPECT_F64(f[0].worst.right, 0.75, 0);
  EXPECT_STR(f[1].receipt_device, "NVIDIA H100");
  EXPECT_U64(f[1].faults_declared.count, 2);
  EXPECT_U64(f[1].faults_killed.count, 1);
  EXPECT_STR(f[2].reason, "");
  EXPECT_STR(f[2].output, s.result.falsifiers[2].output);
  REQUIRE(pv_evidence_render(&back, &again, NULL) == PV_OK);
  REQUIRE(pv_file_read(evidence_path, 1 << 20, &bytes, NULL) == PV_OK);
  EXPECT_STR(again.data, (const char *)bytes.data);
  pv_bytes_free(&bytes);
  pv_text_free(&again);
}

/* The last of all: this process stays interrupted. */
static void test_interrupted(void) {
  pv_error err = PV_ERROR_INIT;
  const pv_strings before = {.count = 7};
  REQUIRE(publish());
  pv_cancel_install();
  REQUIRE(raise(SIGTERM) == 0);
  problems = before;
  EXPECT(pv_evidence_verify(&arena, folder, &problems, &err) == PV_ERR_CANCELLED);
  EXPECT_STR(err.message, "interrupted");
  EXPECT(problems.count == before.count && problems.items == NULL);
}

/* Within a second nothing says which run was first. */
static void test_later(void) {
  EXPECT(pv_evidence_later("20261122T101501Z-00000000", "20261122T101500Z-ffffffff"));
  EXPECT(!pv_evidence_later("20261122T101500Z-ffffffff", "20261122T101500Z-00000000"));
  EXPECT(!pv_evidence_later("20261122T101459Z-ffffffff", "20261122T101500Z-00000000"));
  EXPECT(pv_evidence_later("run", "20261122T101500Z-00000000"));
}

int main(void) {
  if (folder_make() == NULL) return 1;
  const int code =
      pv_testing_main("evidence", (pv_case[]){PV_CASE(test_later),
                                              PV_CASE(test_sound),
                                              PV_CASE(test_round_trip),
                                              PV_CASE(test_every_byte),
                                              PV_CASE(test_other_layout),
                                              PV_CASE(test_sealed),
                                              PV_CASE(test_other_files),
                                              PV_CASE(test_another_run),
                                              PV_CASE(test_name_of_the_device),
                                              PV_CASE(test_not_the_schema),
                                              PV_CASE(test_older_schema),
                                              PV_CASE(test_more_problems_than_are_shown),
                                              PV_CASE(test_no_file),
                                              PV_CASE(test_no_json),
                                              PV_CASE(test_numbers_that_are_none),
                                              PV_CASE(test_canon_refuses),
                                              PV_CASE(test_full_round_trip),
                                              PV_CASE(test_interrupted),
                                              {0}});
  pv_arena_free(&arena);
  pv_arena_free(&s.arena);
  folder_remove();
  return code;
}
