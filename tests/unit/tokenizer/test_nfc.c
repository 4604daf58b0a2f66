/* Normalisation form C, and what becomes of a text on its way into a prompt. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/tokenizer/internal.h"
#include "tests/unit/testing.h"
#include "tests/unit/tokenizer/vocab_file.h"

static void expect_nfc(const char *text, const char *want) {
  pv_text out = PV_TEXT_INIT;
  EXPECT(pv_nfc_add((const unsigned char *)text, strlen(text), &out, NULL) == PV_OK);
  EXPECT_STR(out.data, want);
  pv_text_free(&out);
}

/* From the Unicode standard, annex 15. */
static void test_compositions(void) {
  expect_nfc("e\u0301", "\u00e9");
  expect_nfc("\u212b", "\u00c5");               /* a singleton */
  expect_nfc("\u1e9b\u0323", "\u1e9b\u0323");   /* no compatibility mapping */
  expect_nfc("q\u0307\u0323", "q\u0323\u0307"); /* ordered, nothing to compose */
  expect_nfc("s\u0307\u0323", "\u1e69");        /* ordered, then composed twice */
  expect_nfc("\u0958", "\u0915\u093c");         /* excluded from composition */
  expect_nfc("\u1112\u1175\u11c2", "\ud7a3");   /* Hangul */
  expect_nfc("\uac00\u11a8", "\uac01");         /* LV and T */
  expect_nfc("\uac01\u11a8", "\uac01\u11a8");   /* LVT takes no more */
  expect_nfc("a\u0315\u0300\u05ae\u0300b", "\u00e0\u05ae\u0300\u0315b");
  expect_nfc("\u0344", "\u0308\u0301");             /* no starter before it */
  expect_nfc("\U0001d15e", "\U0001d157\U0001d165"); /* 4 bytes become 8 */
  expect_nfc("\u0301e\u0301", "\u0301\u00e9");
}

static void test_plain(void) {
  static const char latin[] = "caf\u00e9 \u02ff", mark[] = "e\u0301";
  EXPECT(pv_nfc_is_plain((const unsigned char *)latin, sizeof latin - 1));
  EXPECT(!pv_nfc_is_plain((const unsigned char *)mark, sizeof mark - 1));
  EXPECT(pv_nfc_is_plain((const unsigned char *)"", 0));
}

/* A run of marks in the worst order, as long as a text may be: classes 230 and 220 in turn. Sorting
 * by exchange would take days. */
static void test_long_run_of_marks(void) {
  enum { PAIRS = PV_TOKENIZER_MAX_TEXT / 4 };
  char *text = malloc((size_t)PAIRS * 4);
  REQUIRE(text != NULL);
  for (size_t i = 0; i < PAIRS; i++) memcpy(text + 4 * i, "\u0301\u0323", 4);
  pv_text out = PV_TEXT_INIT;
  EXPECT(pv_nfc_add((const unsigned char *)text, (size_t)PAIRS * 4, &out, NULL) == PV_OK);
  if (EXPECT_U64(out.length, (size_t)PAIRS * 4)) {
    bool ordered = true;
    for (size_t i = 0; i < PAIRS; i++)
      ordered = ordered && memcmp(out.data + 2 * i, "\u0323", 2) == 0 &&
                memcmp(out.data + 2 * (PAIRS + i), "\u0301", 2) == 0;
    EXPECT(ordered);
  }
  pv_text_free(&out);
  free(text);
}

static void expect_ids(const pv_tokenizer *tok, const json_t *text, bool specials,
                       const json_t *want) {
  uint32_t *ids = NULL;
  size_t count = 0;
  EXPECT(pv_tokenizer_encode(tok, json_string_value(text), json_string_length(text), specials, &ids,
                             &count, NULL) == PV_OK);
  bool equal = EXPECT_U64(count, json_array_size(want));
  for (size_t i = 0; i < count && equal; i++)
    equal = EXPECT_I64(ids[i], json_integer_value(json_array_get(want, i)));
  if (!equal) fprintf(stderr, "in \"%s\"%s\n", json_string_value(text), specials ? "" : ", plain");
  free(ids);
}

/* The file holds what `tokenizers` 0.23.3 of Hugging Face makes of each text with the vocabulary of
 * the model in models/, control tokens recognised ("ids") and, where it differs, not ("plain"). */
static void test_as_hugging_face(void) {
  json_error_t json_error;
  json_t *rows = json_load_file("tests/unit/tokenizer/hugging_face.json", 0, &json_error);
  pv_gguf *gguf = NULL;
  pv_tokenizer *tok = NULL;
  REQUIRE(rows != NULL);
  REQUIRE(pv_gguf_open("models/tiny-coder-moe-Q4_K_M.gguf", &gguf, NULL) == PV_OK);
  REQUIRE(pv_tokenizer_open(gguf, &tok, NULL) == PV_OK);
  EXPECT(json_array_size(rows) > 50);
  for (size_t i = 0; i < json_array_size(rows); i++) {
    const json_t *row = json_array_get(rows, i), *text = json_object_get(row, "text");
    const json_t *ids = json_object_get(row, "ids"), *plain = json_object_get(row, "plain");
    expect_ids(tok, text, true, ids);
    expect_ids(tok, text, false, plain != NULL ? plain : ids);
  }
  pv_tokenizer_close(tok);
  pv_gguf_close(gguf);
  json_decref(rows);
}

static void expect_prompt(const pv_vocab *vocab, const char *text, const uint32_t *want,
                          size_t want_count) {
  pv_text file = PV_TEXT_INIT;
  pv_gguf *gguf = NULL;
  pv_tokenizer *tok = NULL;
  uint32_t *ids = NULL;
  size_t count = 0;
  pv_vocab_write(vocab, &file);
  REQUIRE(pv_gguf_parse(file.data, file.length, "vocabulary", &gguf, NULL) == PV_OK);
  REQUIRE(pv_tokenizer_open(gguf, &tok, NULL) == PV_OK);
  EXPECT(pv_tokenizer_prompt(tok, text, strlen(text), true, &ids, &count, NULL) == PV_OK);
  if (EXPECT_U64(count, want_count))
    for (size_t i = 0; i < count; i++) EXPECT_U64(ids[i], want[i]);
  free(ids);
  pv_tokenizer_close(tok);
  pv_gguf_close(gguf);
  pv_text_free(&file);
}
#define PROMPT(vocab, text, ...)                                 \
  expect_prompt(&(vocab), text, (const uint32_t[]){__VA_ARGS__}, \
                sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void test_ends_of_a_prompt(void) {
  pv_vocab vocab = pv_vocab_sound();
  vocab.bos = PV_VOCAB_END;
  PROMPT(vocab, "hello", PV_VOCAB_HELLO); /* absent is false */
  vocab.add_bos = vocab.add_eos = 0;
  PROMPT(vocab, "hello", PV_VOCAB_HELLO);
  vocab.add_bos = 1;
  PROMPT(vocab, "hello", PV_VOCAB_END, PV_VOCAB_HELLO);
  PROMPT(vocab, "", PV_VOCAB_END);
  PROMPT(vocab, "<|end|>hello", PV_VOCAB_END, PV_VOCAB_END, PV_VOCAB_HELLO);
  vocab.add_eos = 1;
  PROMPT(vocab, "hello", PV_VOCAB_END, PV_VOCAB_HELLO, PV_VOCAB_ENDOFTEXT);
  vocab.add_bos = 0;
  PROMPT(vocab, "hello", PV_VOCAB_HELLO, PV_VOCAB_ENDOFTEXT);
}

/* What the file wants and does not name is an error of text, not of the model. */
static void test_end_without_id(void) {
  for (unsigned end = 0; end < 2; end++) {
    pv_vocab vocab = pv_vocab_sound();
    pv_text file = PV_TEXT_INIT;
    pv_gguf *gguf = NULL;
    pv_tokenizer *tok = NULL;
    uint32_t before = 0, *ids = &before;
    size_t count = 7;
    pv_error err = PV_ERROR_INIT;
    vocab.bos = vocab.eos = PV_VOCAB_ABSENT;
    vocab.add_bos = end == 0;
    vocab.add_eos = end == 1;
    pv_vocab_write(&vocab, &file);
    REQUIRE(pv_gguf_parse(file.data, file.length, "vocabulary", &gguf, NULL) == PV_OK);
    REQUIRE(pv_tokenizer_open(gguf, &tok, NULL) == PV_OK);
    EXPECT(pv_tokenizer_prompt(tok, "hello", 5, true, &ids, &count, &err) == PV_ERR_INPUT);
    EXPECT_HAS(err.message,
               end == 0 ? "tokenizer.ggml.bos_token_id" : "tokenizer.ggml.eos_token_id");
    EXPECT(ids == &before && count == 7);
    pv_tokenizer_close(tok);
    pv_gguf_close(gguf);
    pv_text_free(&file);
  }
}

int main(void) {
  return pv_testing_main("tokenizer/nfc", (pv_case[]){PV_CASE(test_compositions),
                                                      PV_CASE(test_plain),
                                                      PV_CASE(test_long_run_of_marks),
                                                      PV_CASE(test_as_hugging_face),
                                                      PV_CASE(test_ends_of_a_prompt),
                                                      PV_CASE(test_end_without_id),
                                                      {0}});
}
