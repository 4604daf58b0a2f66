/* Files of base logits: the bytes of one, written and read; and whatever is no such file is
 * refused, with the file's name. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/perplexity/base_logits.h"
#include "tests/unit/testing.h"

/* One chunk of 5 positions, of which 2 and 3 are scored, over 3 tokens. */
enum {
  CONTEXT = 5,
  VOCAB = 3,
  ROWS = 2,
  HEAD = 20,
  IDS = 4 * CONTEXT,
  ROW = 16,
  ALL = HEAD + IDS + ROWS * ROW
};
static const uint32_t ids[CONTEXT] = {0, 1, 2, 1, 0};

static void put(unsigned char *to, uint32_t value) {
  for (int i = 0; i < 4; i++) to[i] = (unsigned char)(value >> 8 * i);
}

static void put_real(unsigned char *to, float value) {
  uint32_t bits = 0;
  memcpy(&bits, &value, sizeof bits);
  put(to, bits);
}

/* The file as the format says, byte by byte: 1/2, 1/4, 1/4 and three thirds. */
static void make(unsigned char out[ALL]) {
  memset(out, 0, ALL);
  memcpy(out, "_logits_", 8);
  put(out + 8, CONTEXT);
  put(out + 12, VOCAB);
  put(out + 16, 1);
  for (int i = 0; i < CONTEXT; i++) put(out + HEAD + 4 * i, ids[i]);
  unsigned char *row = out + HEAD + IDS;
  put_real(row, (float)(log(2.0) / 65535.0));
  put_real(row + 4, (float)log(0.25));
  row[8] = row[9] = 0xff;
  put_real(row + ROW + 4, (float)-log(3.0));
}

static pv_base_logits head(void) {
  return (pv_base_logits){
      .context = CONTEXT, .vocab = VOCAB, .chunks = 1, .ids = (uint32_t *)(uintptr_t)ids};
}

static void test_read(void) {
  unsigned char bytes[ALL];
  pv_base_logits l = {0};
  pv_error err = PV_ERROR_INIT;
  double row[VOCAB];
  make(bytes);
  REQUIRE(pv_base_logits_parse(bytes, ALL, "f", &l, &err) == PV_OK);
  EXPECT_U64(l.context, CONTEXT);
  EXPECT_U64(l.vocab, VOCAB);
  EXPECT_U64(l.chunks, 1);
  EXPECT_BYTES(l.ids, ids, sizeof ids);
  REQUIRE(pv_base_logits_row(&l, 0, 0, row, &err) == PV_OK);
  for (int i = 0; i < VOCAB; i++) EXPECT_F64(exp(row[i]), i == 0 ? 0.5 : 0.25, 1e-7);
  REQUIRE(pv_base_logits_row(&l, 0, 1, row, &err) == PV_OK);
  for (int i = 0; i < VOCAB; i++) EXPECT_F64(exp(row[i]), 1.0 / 3.0, 1e-7);
  pv_base_logits_close(&l);
}

static void test_write(void) {
  static const double rows[ROWS][VOCAB] = {
      {-0.6931471805599453, -1.3862943611198906, -1.3862943611198906},
      {-1.0986122886681098, -1.0986122886681098, -1.0986122886681098}};
  char folder[] = "/tmp/pv-base-XXXXXX", path[64];
  unsigned char want[ALL];
  pv_base_writer *w = NULL;
  pv_bytes got = {0};
  pv_error err = PV_ERROR_INIT;
  const pv_base_logits h = head();
  REQUIRE(mkdtemp(folder) != NULL);
  snprintf(path, sizeof path, "%s/f", folder);
  REQUIRE(pv_base_writer_open(path, &h, &w, &err) == PV_OK);
  for (int i = 0; i < ROWS; i++) EXPECT(pv_base_writer_add(w, rows[i], &err) == PV_OK);
  EXPECT(pv_base_writer_close(w, PV_OK, &err) == PV_OK);
  REQUIRE(pv_file_read(path, 1000, &got, &err) == PV_OK);
  make(want);
  EXPECT_U64(got.length, ALL);
  if (got.length == ALL) EXPECT_BYTES(got.data, want, ALL);
  pv_bytes_free(&got);
  /* It writes over nothing, and what is there stays. */
  EXPECT(pv_base_writer_open(path, &h, &w, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "exists");
  EXPECT(access(path, F_OK) == 0);
  unlink(path);
  rmdir(folder);
}

/* A file that lacks rows is none, whatever the reason. */
static void test_not_finished(void) {
  static const double row[VOCAB] = {-1, -1, -1};
  char folder[] = "/tmp/pv-base-XXXXXX", path[64];
  pv_error err = PV_ERROR_INIT;
  const pv_base_logits h = head();
  REQUIRE(mkdtemp(folder) != NULL);
  snprintf(path, sizeof path, "%s/f", folder);
  for (int rows = 0; rows <= ROWS; rows++) {
    pv_base_writer *w = NULL;
    const bool cancelled = rows == ROWS;
    REQUIRE(pv_base_writer_open(path, &h, &w, &err) == PV_OK);
    for (int i = 0; i < rows; i++) EXPECT(pv_base_writer_add(w, row, &err) == PV_OK);
    EXPECT(pv_base_writer_close(w, cancelled ? PV_ERR_CANCELLED : PV_OK, &err) ==
           (cancelled ? PV_ERR_CANCELLED : PV_ERR_INTERNAL));
    EXPECT(access(path, F_OK) != 0);
  }
  EXPECT(pv_base_writer_close(NULL, PV_ERR_IO, &err) == PV_ERR_IO);
  snprintf(path, sizeof path, "%s/none/f", folder);
  pv_base_writer *w = NULL;
  EXPECT(pv_base_writer_open(path, &h, &w, &err) == PV_ERR_IO);
  EXPECT_STR(err.file, path);
  rmdir(folder);
}

/* What is 16 below the largest, or more, is not above the least that counts; all the rest comes
 * back within half a step. */
static void test_far_below(void) {
  double row[VOCAB] = {log(1 - 2e-7 - 1e-30), log(2e-7), log(1e-30)}, back[VOCAB];
  const double even[VOCAB] = {log(1.0 / 3.0), log(1.0 / 3.0), log(1.0 / 3.0)};
  char folder[] = "/tmp/pv-base-XXXXXX", path[64];
  pv_base_writer *w = NULL;
  pv_base_logits l = {0};
  pv_error err = PV_ERROR_INIT;
  const pv_base_logits h = head();
  REQUIRE(mkdtemp(folder) != NULL);
  snprintf(path, sizeof path, "%s/f", folder);
  REQUIRE(pv_base_writer_open(path, &h, &w, &err) == PV_OK);
  EXPECT(pv_base_writer_add(w, row, &err) == PV_OK);
  EXPECT(pv_base_writer_add(w, even, &err) == PV_OK);
  REQUIRE(pv_base_writer_close(w, PV_OK, &err) == PV_OK);
  REQUIRE(pv_base_logits_open(path, &l, &err) == PV_OK);
  EXPECT(pv_base_logits_row(&l, 0, 0, back, &err) == PV_OK);
  EXPECT_F64(back[0], row[0], 16.0 / 65535);
  EXPECT_F64(back[1], row[1], 16.0 / 65535);
  EXPECT(back[1] > PV_BASE_LOGITS_LEAST && !(back[2] > PV_BASE_LOGITS_LEAST));
  EXPECT_F64(back[2], -16, 1e-5);
  pv_base_logits_close(&l);
  unlink(path);
  rmdir(folder);
}

/* refused BYTES LENGTH WORD: with the place, and nothing is given. */
static void refused(const unsigned char *bytes, uint64_t length, const char *word) {
  pv_base_logits l = {0};
  pv_error err = PV_ERROR_INIT;
  EXPECT(pv_base_logits_parse(bytes, length, "f", &l, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, word);
  EXPECT_STR(err.file, "f");
  EXPECT(l.ids == NULL && l.rows == NULL);
}

static void test_hostile(void) {
  unsigned char bytes[ALL + 1];
  for (uint64_t length = 0; length < ALL; length++) {
    make(bytes);
    refused(bytes, length,
            length < 8      ? "does not begin with _logits_"
            : length < HEAD ? "is cut"
                            : "not the 72");
  }
  refused(bytes, ALL + 1, "has 73 bytes");
  bytes[7] = '-';
  refused(bytes, ALL, "does not begin with _logits_");
  static const struct {
    int at;
    uint32_t value;
    const char *word;
  } heads[] = {
      {8, 0, "3 or more"},        {8, 2, "3 or more"},          {8, 0xffffffff, "none is negative"},
      {12, 0, "over 0 tokens"},   {12, 0x80000000, "negative"}, {12, 5, "not the 80"},
      {16, 0, "0 chunks"},        {16, 0xffffffff, "negative"}, {16, 2, "not the"},
      {8, 0x7fffffff, "not the"}, {12, 0x7fffffff, "not the"}};
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
    make(bytes);
    put(bytes + heads[i].at, heads[i].value);
    refused(bytes, ALL, heads[i].word);
  }
  make(bytes); /* 2^31 * 2^30 * 2^32 bytes of rows */
  for (int i = 8; i <= 16; i += 4) put(bytes + i, 0x7fffffff);
  refused(bytes, ALL, "more than a file can hold");
  put(bytes + 16, 8); /* only the bytes of the rows are too many */
  refused(bytes, ALL, "more than a file can hold");
  make(bytes);
  put(bytes + HEAD + 8, VOCAB);
  refused(bytes, ALL, "token id 3 is outside the vocabulary of 3");
}

/* Rows are looked at when they are read. */
static void test_hostile_rows(void) {
  static const struct {
    int at; /* in the first row */
    float value;
    const char *word;
  } rows[] = {{0, NAN, "no number"},       {4, NAN, "no number"},   {4, -INFINITY, "less"},
              {0, INFINITY, "no number"},  {0, 1.0f, "more"},       {4, 0.0f, "more than 1.1"},
              {4, -3.0f, "less than 0.9"}, {0, -1.0f, "less than"}, {4, 3e38f, "more"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    unsigned char bytes[ALL];
    double row[VOCAB];
    pv_base_logits l = {0};
    pv_error err = PV_ERROR_INIT;
    make(bytes);
    put_real(bytes + HEAD + IDS + rows[i].at, rows[i].value);
    REQUIRE(pv_base_logits_parse(bytes, ALL, "f", &l, &err) == PV_OK);
    EXPECT(pv_base_logits_row(&l, 0, 1, row, &err) == PV_OK);
    EXPECT(pv_base_logits_row(&l, 0, 0, row, &err) == PV_ERR_INPUT);
    EXPECT_HAS(err.message, "row 0 of chunk 0 is no distribution");
    EXPECT_HAS(err.message, rows[i].word);
    EXPECT_STR(err.file, "f");
    pv_base_logits_close(&l);
  }
}

static void test_no_file(void) {
  pv_base_logits l = {0};
  pv_error err = PV_ERROR_INIT;
  EXPECT(pv_base_logits_open("/dev/null", &l, &err) == PV_ERR_INPUT);
  EXPECT(pv_base_logits_open("/nowhere/f", &l, &err) == PV_ERR_IO);
  EXPECT(pv_base_logits_open("tests/unit/perplexity/test_base_logits.c", &l, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "does not begin with _logits_");
  EXPECT_HAS(err.hint, "--save-logits");
  EXPECT(l.ids == NULL);
}

static void test_scored(void) {
  EXPECT_U64(pv_scored_count(0), 0);
  EXPECT_U64(pv_scored_count(1), 0);
  EXPECT_U64(pv_scored_count(2), 0);
  EXPECT_U64(pv_scored_count(3), 1);
  EXPECT_U64(pv_scored_count(512), 255);
  EXPECT_U64(pv_scored_from(512), 256);
  EXPECT_U64(pv_scored_from(5), 2);
}

int main(void) {
  return pv_testing_main("base logits", (pv_case[]){PV_CASE(test_read),
                                                    PV_CASE(test_write),
                                                    PV_CASE(test_not_finished),
                                                    PV_CASE(test_far_below),
                                                    PV_CASE(test_hostile),
                                                    PV_CASE(test_hostile_rows),
                                                    PV_CASE(test_no_file),
                                                    PV_CASE(test_scored),
                                                    {0}});
}
