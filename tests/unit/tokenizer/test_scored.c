/* Vocabularies of SentencePiece: merging by scores, byte tokens, blanks; and those that do not fit
 * together. What is expected was computed by hand and is what llama.cpp gives, where nothing else
 * is said. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/tokenizer/internal.h"
#include "tests/unit/testing.h"
#include "tests/unit/tokenizer/vocab_file.h"

static pv_code open_vocab(const pv_vocab *vocab, pv_tokenizer **tok, pv_error *err) {
  pv_text file = PV_TEXT_INIT;
  pv_gguf *gguf = NULL;
  pv_vocab_write(vocab, &file);
  pv_code code = pv_gguf_parse(file.data, file.length, "vocab.gguf", &gguf, err);
  if (code == PV_OK) code = pv_tokenizer_open(gguf, tok, err);
  pv_gguf_close(gguf);
  pv_text_free(&file);
  return code;
}

/* Without a blank put before, unless `prefix`. */
static pv_tokenizer *opened(bool prefix) {
  pv_vocab vocab = pv_vocab_scored();
  pv_tokenizer *tok = NULL;
  pv_error err = PV_ERROR_INIT;
  if (!prefix) vocab.space_prefix = 0;
  if (!EXPECT(open_vocab(&vocab, &tok, &err) == PV_OK)) pv_error_print(&err, stderr);
  return tok;
}

static void expect_ids(const pv_tokenizer *tok, const char *text, size_t length, bool specials,
                       const uint32_t *want, size_t want_count, const char *back) {
  uint32_t *ids = NULL;
  size_t count = 0;
  pv_text decoded = PV_TEXT_INIT;
  REQUIRE(pv_tokenizer_encode(tok, text, length, specials, &ids, &count, NULL) == PV_OK);
  if (!EXPECT_U64(count, want_count)) fprintf(stderr, "of \"%s\"\n", text);
  for (size_t i = 0; i < want_count && i < count; i++) EXPECT_U64(ids[i], want[i]);
  EXPECT(pv_tokenizer_decode(tok, ids, count, &decoded, NULL) == PV_OK);
  EXPECT_STR(decoded.data == NULL ? "" : decoded.data, back);
  pv_text_free(&decoded);
  free(ids);
}
/* A text that comes back as it is. */
#define IDS(text, specials, ...) GIVES(text, specials, text, __VA_ARGS__)
#define GIVES(text, specials, back, ...)                                             \
  expect_ids(tok, text, sizeof(text) - 1, specials, (const uint32_t[]){__VA_ARGS__}, \
             sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), back)
#define BYTE(b) (PV_SCORED_BYTE + (b))

static void test_merges(void) {
  pv_tokenizer *tok = opened(false);
  REQUIRE(tok != NULL);
  /* lo before ll, so hello, which wants ll, is never made */
  IDS("hello", false, PV_SCORED_HE, PV_SCORED_L, PV_SCORED_LO);
  IDS("hell", false, PV_SCORED_HELL);
  IDS("llo", false, PV_SCORED_L, PV_SCORED_LO);
  IDS("lll", false, PV_SCORED_LL, PV_SCORED_L); /* the leftmost of equal pairs */
  IDS("abc", false, PV_SCORED_AB, PV_SCORED_C); /* and of equal scores: -0 is 0 */
  IDS("bcab", false, PV_SCORED_BC, PV_SCORED_AB);
  IDS("aaaaaaa", false, PV_SCORED_AAAA, PV_SCORED_AA, PV_SCORED_A);
  /* the turn of ca is over when ab is made, and cab comes behind oc */
  IDS("ocab", false, PV_SCORED_OC, PV_SCORED_AB);
  IDS("\xe4\xbd\xa0\xf0\x9f\x98\x80", false, PV_SCORED_NI, PV_SCORED_SMILE);
  IDS("\xe4\xbd\xa1", false, BYTE(0xe4), BYTE(0xbd), BYTE(0xa1));
  IDS("x", false, BYTE('x'));
  IDS("\xc3\xa9", false, BYTE(0xc3), BYTE(0xa9));
  IDS("\xc3\xa9"
      "a",
      false, PV_SCORED_ACUTE_A);
  IDS("e\xcc\x81", false, PV_SCORED_E, BYTE(0xcc), BYTE(0x81)); /* not normalised */
  expect_ids(tok, "", 0, false, NULL, 0, "");
  pv_tokenizer_close(tok);
}

static void test_blanks(void) {
  pv_tokenizer *tok = opened(false);
  REQUIRE(tok != NULL);
  IDS(" ", false, PV_SCORED_BLANK);
  IDS("   h", false, PV_SCORED_BLANKS, PV_SCORED_BLANK_H);
  IDS("h ", false, PV_SCORED_H, PV_SCORED_BLANK);
  GIVES("\xe2\x96\x81h", false, " h", PV_SCORED_BLANK_H); /* the sign itself is a blank */
  GIVES("h\xe2\x96\x81", false, "h ", PV_SCORED_H, PV_SCORED_BLANK);
  IDS("\xe2\x96\x82", false, BYTE(0xe2), BYTE(0x96), BYTE(0x82));
  IDS("\n", false, BYTE('\n'));
  pv_tokenizer_close(tok);
  tok = opened(true);
  REQUIRE(tok != NULL);
  IDS("h", false, PV_SCORED_BLANK_H);
  IDS(" h", false, PV_SCORED_BLANK, PV_SCORED_BLANK_H);
  IDS("  h", false, PV_SCORED_BLANKS, PV_SCORED_BLANK_H);
  IDS(" ", false, PV_SCORED_BLANKS);
  expect_ids(tok, "", 0, false, NULL, 0, "");
  /* behind a special token too, where decoding leaves it */
  GIVES("</s>h", true, "</s> h", PV_SCORED_EOS, PV_SCORED_BLANK_H);
  GIVES("h</s></s> h", true, "h</s></s>  h", PV_SCORED_BLANK_H, PV_SCORED_EOS, PV_SCORED_EOS,
        PV_SCORED_BLANK, PV_SCORED_BLANK_H);
  pv_tokenizer_close(tok);
}

static void test_specials(void) {
  pv_tokenizer *tok = opened(false);
  REQUIRE(tok != NULL);
  IDS("h</s>h", true, PV_SCORED_H, PV_SCORED_EOS, PV_SCORED_H);
  IDS("<unk>", true, PV_SCORED_UNK);
  IDS("<think>", false, PV_SCORED_THINK); /* user-defined: always */
  IDS("\n\n\n", false, PV_SCORED_LINES, BYTE('\n'));
  /* text only; of the halves of <s> llama.cpp makes the control token, which text must not */
  IDS("<s>", false, PV_SCORED_S, PV_SCORED_GREATER);
  IDS("<s>", true, PV_SCORED_BOS);
  IDS("[PAD0]", true, BYTE('['), BYTE('P'), BYTE('A'), BYTE('D'), BYTE('0'), BYTE(']'));
  IDS("<0x0A>", true, PV_SCORED_LESS, BYTE('0'), BYTE('x'), BYTE('0'), BYTE('A'),
      PV_SCORED_GREATER);
  pv_tokenizer_close(tok);
}

static void expect_prompt(const pv_vocab *vocab, const uint32_t *want, size_t want_count) {
  pv_tokenizer *tok = NULL;
  uint32_t *ids = NULL;
  size_t count = 0;
  REQUIRE(open_vocab(vocab, &tok, NULL) == PV_OK);
  EXPECT(pv_tokenizer_adds_bos(tok) == (want[0] == PV_SCORED_BOS));
  EXPECT(pv_tokenizer_prompt(tok, "h", 1, true, &ids, &count, NULL) == PV_OK);
  if (EXPECT_U64(count, want_count))
    for (size_t i = 0; i < count; i++) EXPECT_U64(ids[i], want[i]);
  free(ids);
  pv_tokenizer_close(tok);
}

static void test_prompt(void) {
  pv_vocab vocab = pv_vocab_scored();
  expect_prompt(&vocab, (const uint32_t[]){PV_SCORED_BOS, PV_SCORED_BLANK_H}, 2);
  vocab.add_bos = 0;
  expect_prompt(&vocab, (const uint32_t[]){PV_SCORED_BLANK_H}, 1);
  vocab.add_bos = vocab.add_eos = 1;
  vocab.space_prefix = 1;
  vocab.pre = NULL; /* as in older files */
  expect_prompt(&vocab, (const uint32_t[]){PV_SCORED_BOS, PV_SCORED_BLANK_H, PV_SCORED_EOS}, 3);
}

/* What a model generates goes on with a text: its first blank stays. */
static void test_stream(void) {
  static const uint32_t ids[] = {PV_SCORED_BLANK_H, BYTE(0xc3), BYTE(0xa9), PV_SCORED_EOS,
                                 BYTE(0xff),        BYTE(0xe4), BYTE(0xbd)};
  pv_tokenizer *tok = opened(true);
  pv_text text = PV_TEXT_INIT;
  pv_tokenizer_stream stream = PV_TOKENIZER_STREAM_INIT;
  REQUIRE(tok != NULL);
  for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
    EXPECT(pv_tokenizer_stream_add(tok, &stream, ids[i], &text, NULL) == PV_OK);
  EXPECT(pv_tokenizer_stream_finish(&stream, &text, NULL) == PV_OK);
  EXPECT_STR(text.data, " h\xc3\xa9</s>\xef\xbf\xbd\xef\xbf\xbd");
  pv_text_free(&text);
  pv_tokenizer_close(tok);
}

static void test_invalid_utf8(void) {
  pv_tokenizer *tok = opened(true);
  uint32_t *ids = NULL;
  size_t count = 0;
  pv_error err = PV_ERROR_INIT;
  EXPECT(pv_tokenizer_encode(tok, "he\xe2\x96", 4, true, &ids, &count, &err) == PV_ERR_INPUT);
  EXPECT_I64(err.byte, 2);
  EXPECT(ids == NULL && count == 0);
  pv_tokenizer_close(tok);
}

/* The rule in the most direct way: cut at every `start`, look at all pairs, merge, look again. */
static size_t naive(const pv_vocab *vocab, const char *text, size_t length, size_t *start) {
  size_t count = 0;
  for (size_t i = 0; i < length; i++)
    if (((unsigned char)text[i] & 0xc0) != 0x80) start[count++] = i;
  start[count] = length;
  for (;;) {
    size_t best = SIZE_MAX;
    float score = -INFINITY;
    for (size_t i = 0; i + 1 < count; i++)
      for (uint32_t id = PV_SCORED_BLANK; id < PV_SCORED_THINK; id++) {
        const size_t size = start[i + 2] - start[i];
        if (vocab->tokens[id].length == size &&
            memcmp(vocab->tokens[id].data, text + start[i], size) == 0 &&
            (best == SIZE_MAX || vocab->scores[id] > score)) {
          best = i;
          score = vocab->scores[id];
        }
      }
    if (best == SIZE_MAX) return count;
    memmove(start + best + 1, start + best + 2, (count - best - 1) * sizeof *start);
    count--;
  }
}

static uint32_t draw(uint64_t *state, uint32_t below) {
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(*state >> 33) % below;
}

/* The bytes of each id, in the file's spelling, are the parts of the naive merge. */
static void test_against_naive_merging(void) {
  static const char *const parts[] = {"\xe2\x96\x81", "h", "e",  "l", "l", "o", "a", "b",
                                      "\xc3\xa9",     "c", "<s", ">"};
  const pv_vocab vocab = pv_vocab_scored();
  pv_tokenizer *tok = opened(false);
  REQUIRE(tok != NULL);
  uint64_t state = 1;
  for (unsigned round = 0; round < 3000; round++) {
    char text[128] = "";
    size_t start[128], at = 0, part = 0, count = 0;
    for (uint32_t n = 1 + draw(&state, 40); n > 0; n--) strcat(text, parts[draw(&state, 12)]);
    uint32_t *ids = NULL;
    const size_t want = naive(&vocab, text, strlen(text), start);
    EXPECT(pv_tokenizer_encode(tok, text, strlen(text), false, &ids, &count, NULL) == PV_OK);
    bool same = true;
    for (size_t i = 0; i < count && same; i++) {
      const bool byte = ids[i] >= PV_SCORED_BYTE && ids[i] < PV_SCORED_BLANK;
      at += byte ? 1 : vocab.tokens[ids[i]].length;
      /* the bytes of one character are one part */
      if (!byte || ((unsigned char)text[at] & 0xc0) != 0x80) same = at == start[++part];
    }
    if (!EXPECT(same && part == want)) fprintf(stderr, "of \"%s\"\n", text);
    free(ids);
  }
  pv_tokenizer_close(tok);
}

/* 1 MB at once; the limit only tells n log n from quadratic, which would take hours. */
static void test_long_runs(void) {
  static const struct {
    const char *part;
    size_t ids;
  } cases[] = {{"a", 250000}, {" ", 500000},     {"x", 1000000},
               {"l", 500000}, {"hello", 600000}, {"\n\n", 500000}};
  enum { LENGTH = 1000000 };
  static char text[LENGTH];
  pv_tokenizer *tok = opened(false);
  REQUIRE(tok != NULL);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint32_t *ids = NULL;
    size_t count = 0;
    for (size_t k = 0; k < LENGTH; k++) text[k] = cases[i].part[k % strlen(cases[i].part)];
    const clock_t begin = clock();
    EXPECT(pv_tokenizer_encode(tok, text, LENGTH, true, &ids, &count, NULL) == PV_OK);
    const double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    if (!EXPECT(seconds < 20.0)) fprintf(stderr, "\"%s\": %.1f s\n", cases[i].part, seconds);
    EXPECT_U64(count, cases[i].ids);
    free(ids);
  }
  pv_tokenizer_close(tok);
}

static void expect_refused(const pv_vocab *vocab, pv_code want, const char *words) {
  pv_tokenizer *tok = NULL;
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(open_vocab(vocab, &tok, &err), want);
  EXPECT_HAS(err.message, words);
  EXPECT_STR(err.file, "vocab.gguf");
  EXPECT(tok == NULL);
  pv_tokenizer_close(tok);
}

static void test_scores(void) {
  pv_vocab vocab = pv_vocab_scored();
  vocab.no_scores = true;
  expect_refused(&vocab, PV_ERR_INPUT, "tokenizer.ggml.scores is missing");
  vocab = pv_vocab_scored();
  vocab.score_element = 5;
  expect_refused(&vocab, PV_ERR_INPUT, "not an array of f32");
  vocab = pv_vocab_scored();
  vocab.score_count--;
  expect_refused(&vocab, PV_ERR_INPUT, "tokenizer.ggml.scores has 291 elements");
  vocab.score_count += 2;
  expect_refused(&vocab, PV_ERR_INPUT, "tokenizer.ggml.scores has 293 elements");
  vocab = pv_vocab_scored();
  vocab.scores[PV_SCORED_HE] = -NAN;
  expect_refused(&vocab, PV_ERR_INPUT, "tokenizer.ggml.scores[273] is not a number");
  vocab.scores[PV_SCORED_HE] = INFINITY;
  vocab.scores[PV_SCORED_LL] = -INFINITY;
  pv_tokenizer *tok = NULL;
  EXPECT(open_vocab(&vocab, &tok, NULL) == PV_OK);
  pv_tokenizer_close(tok);
}

static void test_tokens(void) {
  static char name[PV_TOKENIZER_MAX_SPECIAL + 2];
  static const char *const bytes[] = {"<0x7g>", "<0x7>", "<0x071>", "q", "<0X71>", "<0x6f>"};
  for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
    pv_vocab vocab = pv_vocab_scored();
    vocab.tokens[BYTE('q')] = (pv_vocab_string){bytes[i], strlen(bytes[i])};
    expect_refused(&vocab, PV_ERR_INPUT, "is a byte token and not spelled");
  }
  pv_vocab vocab = pv_vocab_scored();
  vocab.types[BYTE('q')] = 1;
  expect_refused(&vocab, PV_ERR_INPUT, "tokenizer.ggml.tokens has no byte token <0x71>");
  vocab = pv_vocab_scored();
  vocab.tokens[PV_SCORED_AA] = vocab.tokens[PV_SCORED_AB];
  expect_refused(&vocab, PV_ERR_INPUT, "tokens[283] \"ab\" occurs twice");
  vocab = pv_vocab_scored();
  memset(name, 'x', sizeof name - 1);
  vocab.tokens[PV_SCORED_AA] = (pv_vocab_string){name, sizeof name - 1};
  expect_refused(&vocab, PV_ERR_INPUT, "is too long for a token");
  vocab = pv_vocab_scored();
  vocab.types[PV_SCORED_AA] = 7;
  expect_refused(&vocab, PV_ERR_UNSUPPORTED, "token_type[283] is 7; only 1 to 6");
  vocab = pv_vocab_scored();
  vocab.type_count--;
  expect_refused(&vocab, PV_ERR_INPUT, "token_type has 291 elements");
  vocab = pv_vocab_scored();
  vocab.unknown = PV_SCORED_COUNT;
  expect_refused(&vocab, PV_ERR_INPUT, "unknown_token_id is 292");
  vocab = pv_vocab_scored();
  vocab.bos = PV_SCORED_COUNT;
  expect_refused(&vocab, PV_ERR_INPUT, "bos_token_id is 292");
  vocab = pv_vocab_scored();
  vocab.pre = "qwen2";
  expect_refused(&vocab, PV_ERR_UNSUPPORTED, "pre is \"qwen2\"; only \"default\" can be read");
}

/* Two spellings of the same bytes: the one with a real blank is never made of text. */
static void test_real_blank(void) {
  pv_vocab vocab = pv_vocab_scored();
  vocab.space_prefix = 0;
  vocab.tokens[PV_SCORED_LO] = (pv_vocab_string){" h", 2};
  pv_tokenizer *tok = NULL;
  REQUIRE(open_vocab(&vocab, &tok, NULL) == PV_OK);
  IDS(" h", false, PV_SCORED_BLANK_H);
  pv_tokenizer_close(tok);
}

int main(void) {
  return pv_testing_main("tokenizer/scored", (pv_case[]){PV_CASE(test_merges),
                                                         PV_CASE(test_blanks),
                                                         PV_CASE(test_specials),
                                                         PV_CASE(test_prompt),
                                                         PV_CASE(test_stream),
                                                         PV_CASE(test_invalid_utf8),
                                                         PV_CASE(test_against_naive_merging),
                                                         PV_CASE(test_long_runs),
                                                         PV_CASE(test_scores),
                                                         PV_CASE(test_tokens),
                                                         PV_CASE(test_real_blank),
                                                         {0}});
}
