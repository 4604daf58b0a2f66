/* The reference file: what is stored comes back, and nothing damaged or odd is taken. */
#include "runtime/reference/reference.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "tests/unit/testing.h"

static const char committed[] = "models/tiny-coder-moe.reference";

/* A file in the making. */
typedef struct draft {
  unsigned char bytes[1024];
  size_t length;
} draft;

static void put(draft *d, const void *bytes, size_t length) {
  memcpy(d->bytes + d->length, bytes, length);
  d->length += length;
}

static void put_u32(draft *d, uint32_t value) {
  const unsigned char bytes[] = {(unsigned char)value, (unsigned char)(value >> 8),
                                 (unsigned char)(value >> 16), (unsigned char)(value >> 24)};
  put(d, bytes, sizeof bytes);
}

static void put_string(draft *d, const char *text) {
  put_u32(d, (uint32_t)strlen(text));
  put(d, text, strlen(text));
}

static void put_ids(draft *d, uint32_t count, const uint32_t *ids) {
  put_u32(d, count);
  for (uint32_t i = 0; i < count; i++) put_u32(d, ids[i]);
}

enum { VOCAB = 3, HEAD = 8, DIGEST = 32 };

/* Prompt "a" of two tokens with logits. */
static void put_first(draft *d) {
  static const uint32_t ids[] = {2, 0}, greedy[] = {1, 1, 2};
  static const unsigned char flag = 1;
  static const unsigned char halves[] = {0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00,  /* 1 -2 2^-24 */
                                         0xff, 0x7b, 0x00, 0x00, 0x00, 0x80}; /* 65504 0 -0 */
  put_string(d, "a");
  put_string(d, "x = \xc3\xa9\n");
  put_ids(d, 2, ids);
  put_ids(d, 3, greedy);
  put_ids(d, 1, greedy);
  put(d, &flag, 1);
  put_u32(d, 0);
  put_u32(d, 0);
  put_u32(d, 0x3f800000); /* 1.0 */
  put_u32(d, 0);
  put(d, halves, sizeof halves);
}

/* Prompt "b" without logits and continuations. */
static void put_second(draft *d) {
  static const uint32_t ids[] = {1};
  static const unsigned char flag = 0;
  put_string(d, "b");
  put_string(d, "");
  put_ids(d, 1, ids);
  put_ids(d, 0, NULL);
  put_ids(d, 0, NULL);
  put(d, &flag, 1);
}

static void put_head(draft *d, uint32_t vocab, uint32_t prompts) {
  *d = (draft){.length = 0};
  put(d, "PVREF\0\0\1", HEAD);
  put_u32(d, vocab);
  put_u32(d, prompts);
}

/* Adds the digest that the body asks for, so that only what is inside can be wrong. */
static void seal(draft *d) {
  char hex[PV_SHA256_HEX];
  EXPECT(pv_sha256_bytes(d->bytes, d->length, hex, NULL) == PV_OK);
  for (size_t i = 0; i < DIGEST; i++) {
    const char pair[] = {hex[2 * i], hex[2 * i + 1], '\0'};
    const unsigned char byte = (unsigned char)strtoul(pair, NULL, 16);
    put(d, &byte, 1);
  }
}

static void make(draft *d) {
  put_head(d, VOCAB, 2);
  put_first(d);
  put_second(d);
  seal(d);
}

/* Parses a copy of exactly this length, so that a sanitizer sees a read past the end. */
static pv_code parse(const void *bytes, size_t length, pv_reference **out, pv_error *err) {
  unsigned char *copy = malloc(length + (length == 0));
  memcpy(copy, bytes, length);
  const pv_code code = pv_reference_parse(copy, length, "here", out, err);
  free(copy);
  return code;
}

static void refused(const draft *d, const char *why, const char *what) {
  static pv_reference *const untouched = NULL;
  pv_reference *r = untouched;
  pv_error err = PV_ERROR_INIT;
  if (!EXPECT(parse(d->bytes, d->length, &r, &err) == PV_ERR_INPUT))
    printf("  accepted: %s\n", what);
  EXPECT(r == untouched);
  EXPECT_HAS(err.message, why);
  EXPECT_STR(err.file, "here");
  EXPECT(err.byte >= 0 && err.byte <= (int64_t)d->length);
  pv_reference_close(r);
}

static void test_round_trip(void) {
  draft d;
  pv_reference *r = NULL;
  make(&d);
  REQUIRE(parse(d.bytes, d.length, &r, NULL) == PV_OK);
  EXPECT_U64(pv_reference_prompt_count(r), 2);
  const pv_reference_prompt *a = pv_reference_prompt_at(r, 0);
  EXPECT_STR(a->name, "a");
  EXPECT_STR(a->text, "x = \xc3\xa9\n");
  EXPECT_U64(a->count, 2);
  EXPECT_U64(a->ids[0], 2);
  EXPECT_U64(a->ids[1], 0);
  EXPECT_U64(a->vocab, VOCAB);
  EXPECT_U64(a->hf_greedy_count, 3);
  EXPECT_U64(a->hf_greedy[2], 2);
  EXPECT_U64(a->f64_greedy_count, 1);
  EXPECT_U64(a->f64_greedy[0], 1);
  EXPECT_U64(a->top[1], 0);
  EXPECT_BITS32(a->top_margin[0], 1.0f);
  EXPECT_BITS32(a->top_margin[1], 0.0f);
  EXPECT_BITS32(a->logits[0], 1.0f);
  EXPECT_BITS32(a->logits[1], -2.0f);
  EXPECT_BITS32(a->logits[2], 0x1p-24f);
  EXPECT_BITS32(a->logits[3], 65504.0f);
  EXPECT_BITS32(a->logits[5], -0.0f);
  const pv_reference_prompt *b = pv_reference_prompt_at(r, 1);
  EXPECT_STR(b->name, "b");
  EXPECT_STR(b->text, "");
  EXPECT_U64(b->ids[0], 1);
  EXPECT(b->logits == NULL && b->top == NULL && b->top_margin == NULL);
  EXPECT_U64(b->hf_greedy_count, 0);
  pv_reference_close(r);
}

static void test_truncated_anywhere(void) {
  draft d;
  make(&d);
  for (size_t n = 0; n < d.length; n++) {
    pv_reference *r = NULL;
    EXPECT(parse(d.bytes, n, &r, NULL) == PV_ERR_INPUT);
    EXPECT(r == NULL);
  }
}

/* A shorter body under a digest that is right for it: only the lengths can tell. */
static void test_truncated_and_sealed(void) {
  draft whole;
  make(&whole);
  for (size_t n = HEAD; n < whole.length - DIGEST; n++) {
    draft d = whole;
    d.length = n;
    seal(&d);
    refused(&d, "the reference", "a shorter body");
  }
  draft longer = whole;
  longer.length -= DIGEST;
  put(&longer, "", 1);
  seal(&longer);
  refused(&longer, "cut off, of the wrong length", "a byte behind the last prompt");
}

static void test_every_bit_counts(void) {
  draft whole;
  make(&whole);
  for (size_t i = 0; i < whole.length; i++) {
    draft d = whole;
    d.bytes[i] ^= (unsigned char)(1u << i % 8);
    refused(&d, i < HEAD ? "is not one of version 1" : "is damaged", "a flipped bit");
  }
}

/* One field changed under a right digest. */
static void with_bytes(size_t at, const void *bytes, size_t length, const char *why,
                       const char *what) {
  draft d;
  make(&d);
  memcpy(d.bytes + at, bytes, length);
  d.length -= DIGEST;
  seal(&d);
  refused(&d, why, what);
}

static void test_fields(void) {
  static const char odd[] = "out of range", size[] = "impossible size";
  static const unsigned char none[4] = {0}, all[4] = {255, 255, 255, 255};
  static const unsigned char large_vocab[4] = {1, 0, 0, 1}, many[4] = {1, 4, 0, 0}; /* 1025 */
  static const unsigned char vocab[4] = {VOCAB}, two[1] = {2}, nan[4] = {0, 0, 0xc0, 0x7f};
  static const unsigned char inf[4] = {0, 0, 0x80, 0x7f}, minus[4] = {0, 0, 0x80, 0xbf};
  static const unsigned char half_inf[2] = {0, 0x7c}, half_nan[2] = {1, 0xfc};
  /* Offsets in the file of make(): head 16, name 16..21, text 21..32, ids 32..44, greedy 44..60,
   * the other 60..68, flag 68, tops 69..77, margins 77..85, logits 85..97, second name 97. */
  with_bytes(8, none, 4, size, "no vocabulary");
  with_bytes(8, large_vocab, 4, size, "a vocabulary of more than 2^24");
  with_bytes(12, none, 4, size, "no prompt");
  with_bytes(12, many, 4, size, "1025 prompts");
  with_bytes(16, all, 4, odd, "a name of 4 GiB");
  with_bytes(20, "/", 1, odd, "a name with a slash");
  with_bytes(20, "\0", 1, odd, "a name with a NUL");
  with_bytes(25, "\0", 1, odd, "a text with a NUL");
  with_bytes(25, "\xff", 1, odd, "a text that is not UTF-8");
  with_bytes(32, all, 4, odd, "2^32 - 1 tokens");
  with_bytes(36, vocab, 4, odd, "a token outside the vocabulary");
  with_bytes(48, vocab, 4, odd, "a continuation outside the vocabulary");
  with_bytes(64, vocab, 4, odd, "the other continuation outside the vocabulary");
  with_bytes(68, two, 1, odd, "a flag of 2");
  with_bytes(69, vocab, 4, odd, "a top token outside the vocabulary");
  with_bytes(77, nan, 4, odd, "a margin that is NaN");
  with_bytes(77, inf, 4, odd, "an infinite margin");
  with_bytes(77, minus, 4, odd, "a negative margin");
  with_bytes(85, half_inf, 2, odd, "an infinite logit");
  with_bytes(85, half_nan, 2, odd, "a logit that is NaN");
  with_bytes(101, "a", 1, odd, "a name that occurs twice");
}

/* A file of one prompt with this name and so many tokens. */
static void make_one(draft *d, const char *name, uint32_t count) {
  static const uint32_t ids[] = {1, 2};
  put_head(d, VOCAB, 1);
  put_string(d, name);
  put_string(d, "text");
  put_ids(d, count, ids);
  put_ids(d, 0, NULL);
  put_ids(d, 0, NULL);
  put(d, "", 1);
  seal(d);
}

/* Wrong only in this, and not in what follows. */
static void test_names_and_lengths(void) {
  char longest[66];
  pv_reference *r = NULL;
  draft d;
  memset(longest, 'n', sizeof longest);
  longest[65] = '\0';
  make_one(&d, longest, 1);
  refused(&d, "out of range", "a name of 65 bytes");
  longest[64] = '\0';
  make_one(&d, longest, 2);
  EXPECT(parse(d.bytes, d.length, &r, NULL) == PV_OK);
  pv_reference_close(r);
  make_one(&d, "", 1);
  refused(&d, "out of range", "an empty name");
  make_one(&d, "a b", 1);
  refused(&d, "out of range", "a name with a blank");
  make_one(&d, "a", 0);
  refused(&d, "out of range", "a prompt without tokens");
}

static void test_not_a_reference(void) {
  pv_reference *r = NULL;
  pv_error err = PV_ERROR_INIT;
  EXPECT(pv_reference_open("models/no-such-file", &r, &err) != PV_OK);
  EXPECT(pv_reference_open("models", &r, &err) != PV_OK);
  EXPECT(pv_reference_open("LICENSE", &r, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "is not one of version 1");
  EXPECT_HAS(err.hint, "pv reference build");
  EXPECT(r == NULL);
}

static void test_committed(void) {
  static const size_t lengths[] = {3, 9, 11, 11, 15, 14, 23, 9, 549};
  pv_reference *r = NULL;
  REQUIRE(pv_reference_open(committed, &r, NULL) == PV_OK);
  EXPECT_U64(pv_reference_prompt_count(r), 9);
  for (size_t i = 0; i < 9 && i < pv_reference_prompt_count(r); i++) {
    const pv_reference_prompt *p = pv_reference_prompt_at(r, i);
    char name[8];
    snprintf(name, sizeof name, "p%zu", i);
    EXPECT_STR(p->name, i < 8 ? name : "long");
    EXPECT_U64(p->count, lengths[i]);
    EXPECT_U64(p->vocab, 4096);
    EXPECT((p->logits != NULL) == (i < 8));
    EXPECT_U64(p->hf_greedy_count, i < 8 ? 32 : 0);
    EXPECT_U64(p->f64_greedy_count, i < 8 ? 32 : 0);
  }
  pv_reference_close(r);
}

/* Logits of one prompt as the reference implementation wrote them; NULL when they are not there. */
static float *golden_logits(const char *shared, const char *file, size_t elements) {
  char path[512];
  pv_bytes bytes;
  snprintf(path, sizeof path, "%s/golden/%s", shared, file);
  if (pv_file_read(path, (size_t)64 << 20, &bytes, NULL) != PV_OK) return NULL;
  float *out = bytes.length == 4 * elements ? malloc(bytes.length) : NULL;
  if (out != NULL) memcpy(out, bytes.data, bytes.length);
  pv_bytes_free(&bytes);
  return out;
}

/* Every stored logit within half a unit of binary16, and the top token of the float32 logits. */
static void compare_logits(const pv_reference_prompt *p, const float *want) {
  size_t wrong = 0;
  for (size_t row = 0; row < p->count; row++) {
    const float *full = want + row * p->vocab, *half = p->logits + row * p->vocab;
    uint32_t top = 0, half_top = 0;
    float second = -INFINITY;
    for (uint32_t i = 0; i < p->vocab; i++) {
      if (!(fabsf(full[i] - half[i]) <= fabsf(full[i]) * 0x1p-11f + 0x1p-25f)) wrong++;
      if (full[i] > full[top]) top = i;
      if (half[i] > half[half_top]) half_top = i;
    }
    for (uint32_t i = 0; i < p->vocab; i++)
      if (i != top && full[i] > second) second = full[i];
    EXPECT_U64(p->top[row], top);
    EXPECT_U64(half_top, top);
    EXPECT_BITS32(p->top_margin[row], full[top] - second);
  }
  EXPECT_U64(wrong, 0);
}

static void compare_ids(const json_t *want, const uint32_t *got, size_t count) {
  EXPECT_U64(json_array_size(want), count);
  for (size_t i = 0; i < count && i < json_array_size(want); i++)
    EXPECT_U64(got[i], (uint64_t)json_integer_value(json_array_get(want, i)));
}

static void test_golden(void) {
  const char *shared = pv_testing_shared();
  char path[512];
  if (shared == NULL) {
    pv_testing_skip("no golden folder");
    return;
  }
  snprintf(path, sizeof path, "%s/golden/manifest.json", shared);
  json_t *manifest = json_load_file(path, 0, NULL);
  const json_t *prompts = json_object_get(manifest, "prompts");
  pv_reference *r = NULL;
  REQUIRE(manifest != NULL && pv_reference_open(committed, &r, NULL) == PV_OK);
  REQUIRE(json_array_size(prompts) == pv_reference_prompt_count(r));
  for (size_t i = 0; i < json_array_size(prompts); i++) {
    const json_t *want = json_array_get(prompts, i);
    const pv_reference_prompt *got = pv_reference_prompt_at(r, i);
    const json_t *logits = json_object_get(json_object_get(want, "tensors"), "hf-f32/logits");
    EXPECT_STR(got->name, json_string_value(json_object_get(want, "name")));
    EXPECT_STR(got->text, json_string_value(json_object_get(want, "text")));
    compare_ids(json_object_get(want, "ids"), got->ids, got->count);
    compare_ids(json_object_get(want, "hf_greedy_32"), got->hf_greedy, got->hf_greedy_count);
    compare_ids(json_object_get(want, "f64_greedy_32"), got->f64_greedy, got->f64_greedy_count);
    EXPECT((logits != NULL) == (got->logits != NULL));
    if (logits == NULL || got->logits == NULL) continue;
    float *full = golden_logits(shared, json_string_value(json_object_get(logits, "file")),
                                got->count * got->vocab);
    if (EXPECT(full != NULL)) compare_logits(got, full);
    free(full);
  }
  pv_reference_close(r);
  json_decref(manifest);
}

static void test_write(void) {
  static const uint32_t ids[] = {2, 0, 2};
  pv_reference_prompt prompts[] = {{.name = "a", .text = "", .ids = ids, .count = 3},
                                   {.name = "b", .text = "x", .ids = ids, .count = 1}};
  char path[] = "/tmp/pv-test-reference-XXXXXX";
  pv_reference *r = NULL;
  pv_error err = PV_ERROR_INIT;
  const int fd = mkstemp(path);
  REQUIRE(fd >= 0 && close(fd) == 0);
  EXPECT(pv_reference_write(path, 3, prompts, 2, &err) == PV_OK);
  REQUIRE(pv_reference_open(path, &r, &err) == PV_OK);
  EXPECT_U64(pv_reference_prompt_count(r), 2);
  for (size_t i = 0; i < 2; i++) {
    const pv_reference_prompt *p = pv_reference_prompt_at(r, i);
    EXPECT_STR(p->name, prompts[i].name);
    EXPECT_STR(p->text, prompts[i].text);
    EXPECT_U64(p->count, prompts[i].count);
    EXPECT(memcmp(p->ids, ids, p->count * sizeof *ids) == 0);
    EXPECT(p->logits == NULL && p->hf_greedy_count == 0 && p->f64_greedy_count == 0);
  }
  pv_reference_close(r);
  /* What the reader would refuse is not written: the file stays as it was. */
  EXPECT(pv_reference_write(path, 2, prompts, 2, &err) == PV_ERR_INPUT);
  prompts[1].name = "a";
  EXPECT(pv_reference_write(path, 3, prompts, 2, &err) == PV_ERR_INPUT);
  EXPECT(pv_reference_write(path, 3, prompts, 0, &err) == PV_ERR_INPUT);
  REQUIRE(pv_reference_open(path, &r, &err) == PV_OK);
  EXPECT_U64(pv_reference_prompt_count(r), 2);
  pv_reference_close(r);
  unlink(path);
}

/* Logits come back in binary16, top tokens and margins as they were given. */
static void test_write_logits(void) {
  char path[] = "/tmp/pv-reference-XXXXXX";
  static const uint32_t ids[] = {2, 1}, top[] = {0, 2};
  static const float logits[] = {1.0f, 0.99999f, -65504.0f, 0.1f, 0.0f, 3.0f},
                     margins[] = {1e-5f, 2.9f};
  const pv_reference_prompt prompt = {.name = "a",
                                      .text = "",
                                      .ids = ids,
                                      .count = 2,
                                      .vocab = 3,
                                      .logits = logits,
                                      .top = top,
                                      .top_margin = margins};
  pv_reference_prompt bad = prompt;
  pv_reference *r = NULL;
  pv_error err = PV_ERROR_INIT;
  const int fd = mkstemp(path);
  REQUIRE(fd >= 0 && close(fd) == 0);
  EXPECT(pv_reference_write(path, 3, &prompt, 1, &err) == PV_OK);
  REQUIRE(pv_reference_open(path, &r, &err) == PV_OK);
  const pv_reference_prompt *p = pv_reference_prompt_at(r, 0);
  REQUIRE(p->logits != NULL);
  EXPECT(p->top[0] == 0 && p->top[1] == 2 && p->top_margin[0] == 1e-5f);
  EXPECT(p->logits[1] == 1.0f && p->logits[2] == -65504.0f && p->logits[5] == 3.0f);
  EXPECT_F64(p->logits[3], 0.1, 5e-5);
  pv_reference_close(r);
  /* What the reader would not take is not written. */
  bad.logits = (const float[]){1.0f, 7e4f, 0.0f, 0.0f, 0.0f, 0.0f};
  EXPECT(pv_reference_write(path, 3, &bad, 1, &err) == PV_ERR_INPUT);
  bad = prompt;
  bad.top = (const uint32_t[]){0, 3};
  EXPECT(pv_reference_write(path, 3, &bad, 1, &err) == PV_ERR_INPUT);
  bad = prompt;
  bad.vocab = 1u << 24;
  bad.count = 100;
  EXPECT(pv_reference_write(path, 1u << 24, &bad, 1, &err) == PV_ERR_LIMIT);
  EXPECT_HAS(err.message, "larger than 256 MiB");
  unlink(path);
}

/* Names and lengths of the built-in prompts, "1 3 8"; every id is below the vocabulary. */
static const char *builtin(uint32_t vocab, size_t context) {
  static char out[100];
  pv_reference *r = NULL;
  size_t used = 0;
  out[0] = '\0';
  if (!EXPECT(pv_reference_builtin(vocab, context, &r, NULL) == PV_OK)) return out;
  for (size_t i = 0; i < pv_reference_prompt_count(r); i++) {
    const pv_reference_prompt *p = pv_reference_prompt_at(r, i);
    char name[32];
    snprintf(name, sizeof name, "builtin-%zu", p->count);
    EXPECT_STR(p->name, name);
    EXPECT(pv_reference_find(r, name) == p);
    EXPECT(p->vocab == vocab && p->logits == NULL && p->count <= context);
    for (size_t k = 0; k < p->count; k++) EXPECT(p->ids[k] < vocab);
    if (p->count > 2) EXPECT_U64(p->ids[1], 0);
    if (p->count > 1) EXPECT_U64(p->ids[p->count - 1], vocab - 1);
    used += (size_t)snprintf(out + used, sizeof out - used, "%s%zu", i > 0 ? " " : "", p->count);
  }
  EXPECT(pv_reference_find(r, "builtin-2000") == NULL);
  pv_reference_close(r);
  return out;
}

static void test_builtin(void) {
  static const uint32_t three[] = {19459, 0, 151935};
  char digest[PV_SHA256_HEX];
  pv_reference *r = NULL;
  pv_error err = PV_ERROR_INIT;
  EXPECT_STR(builtin(151936, 262144), "1 3 16 17 64");
  EXPECT_STR(builtin(258, 64), "1 3 16 17 64");
  EXPECT_STR(builtin(258, 63), "1 3 16 17 63");
  EXPECT_STR(builtin(258, 17), "1 3 16 17");
  EXPECT_STR(builtin(258, 8), "1 3 8");
  EXPECT_STR(builtin(5, 3), "1 3");
  EXPECT_STR(builtin(2, 2), "1 2");
  EXPECT_STR(builtin(1, 1), "1");
  EXPECT_STR(builtin(UINT32_MAX, 40), "1 3 16 17 40");
  EXPECT(pv_reference_builtin(0, 8, &r, &err) == PV_ERR_INPUT && r == NULL);
  EXPECT(pv_reference_builtin(8, 0, &r, &err) == PV_ERR_INPUT && r == NULL);
  /* Evidence is about these very tokens: whoever changes them makes it stale. */
  REQUIRE(pv_reference_builtin(151936, 4096, &r, &err) == PV_OK);
  EXPECT(memcmp(pv_reference_find(r, "builtin-3")->ids, three, sizeof three) == 0);
  pv_reference_close(r);
  REQUIRE(pv_reference_builtin_digest(digest, &err) == PV_OK);
  EXPECT_STR(digest, "d01a2be462174e2f496427a76607db54b57049d7b7f854c9641d14cc93889550");
}

int main(void) {
  return pv_testing_main("reference", (pv_case[]){PV_CASE(test_round_trip),
                                                  PV_CASE(test_truncated_anywhere),
                                                  PV_CASE(test_truncated_and_sealed),
                                                  PV_CASE(test_every_bit_counts),
                                                  PV_CASE(test_fields),
                                                  PV_CASE(test_names_and_lengths),
                                                  PV_CASE(test_not_a_reference),
                                                  PV_CASE(test_committed),
                                                  PV_CASE(test_golden),
                                                  PV_CASE(test_write),
                                                  PV_CASE(test_write_logits),
                                                  PV_CASE(test_builtin),
                                                  {0}});
}
