/* Encoding and decoding with a vocabulary that is small enough to reason about. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/tokenizer/internal.h"
#include "tests/unit/testing.h"
#include "tests/unit/tokenizer/vocab_file.h"

static pv_vocab sound;
static pv_text file;
static pv_gguf *gguf;
static pv_tokenizer *tok;

static bool ready(void) {
  if (tok != NULL) return true;
  pv_error err = PV_ERROR_INIT;
  sound = pv_vocab_sound();
  pv_vocab_write(&sound, &file);
  if (EXPECT(pv_gguf_parse(file.data, file.length, "sound", &gguf, &err) == PV_OK))
    EXPECT(pv_tokenizer_open(gguf, &tok, &err) == PV_OK);
  if (tok == NULL) pv_error_print(&err, stderr);
  return tok != NULL;
}

static void expect_ids(const char *text, size_t length, bool specials, const uint32_t *want,
                       size_t want_count) {
  uint32_t *ids = NULL;
  size_t count = 0;
  pv_error err = PV_ERROR_INIT;
  if (!EXPECT(pv_tokenizer_encode(tok, text, length, specials, &ids, &count, &err) == PV_OK)) {
    pv_error_print(&err, stderr);
    return;
  }
  if (EXPECT_U64(count, want_count))
    for (size_t i = 0; i < want_count; i++) EXPECT_U64(ids[i], want[i]);
  free(ids);
}
#define IDS(text, specials, ...)                                                \
  expect_ids(text, sizeof(text) - 1, specials, (const uint32_t[]){__VA_ARGS__}, \
             sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void test_merges(void) {
  if (!ready()) return;
  IDS("hello", true, PV_VOCAB_HELLO);
  IDS("hellohello", true, PV_VOCAB_HELLO, PV_VOCAB_HELLO);
  IDS("hell", true, PV_VOCAB_HELL);
  IDS("helo", true, PV_VOCAB_HE, 'l', 'o');
  IDS(" hello", true, PV_VOCAB_BLANK_HELLO);
  IDS("  hello", true, ' ', PV_VOCAB_BLANK_HELLO);
  IDS("   hello", true, PV_VOCAB_BLANKS, PV_VOCAB_BLANK_HELLO);
  IDS("lll", true, PV_VOCAB_LL, 'l'); /* the leftmost of equal pairs */
  IDS("aaa", true, PV_VOCAB_AA, 'a');
  IDS("aaaaaaa", true, PV_VOCAB_AAAA, PV_VOCAB_AA, 'a');
  IDS("\xe4\xbd\xa0", true, PV_VOCAB_NI);
  IDS("\xe4\xbd\xa1", true, PV_VOCAB_NI_TWO, 0xa1);
  expect_ids("", 0, true, NULL, 0);
  IDS("a\0a", true, 'a', 0, 'a'); /* a NUL is a character like any other */
}

/* Where the pattern splits, no merge crosses: each case would give other ids if it did not split.
 */
static void test_split(void) {
  if (!ready()) return;
  IDS("aa aa", true, PV_VOCAB_AA, ' ', PV_VOCAB_AA);
  IDS("aa1aa", true, PV_VOCAB_AA, '1', PV_VOCAB_AA);
  IDS("aa\naa", true, PV_VOCAB_AA, '\n', PV_VOCAB_AA);
  IDS("a'll", true, 'a', '\'', PV_VOCAB_LL);
  IDS("a'lla", true, 'a', '\'', PV_VOCAB_LL, 'a');
  IDS("hell o", true, PV_VOCAB_HELL, ' ', 'o');
  IDS("  ", true, PV_VOCAB_BLANKS);
  IDS("  \n  ", true, PV_VOCAB_BLANKS, '\n', PV_VOCAB_BLANKS);
  IDS("\xc2\xa0hello", true, 0xc2, 0xa0, PV_VOCAB_HELLO);
}

static void test_specials(void) {
  if (!ready()) return;
  IDS("<|endoftext|>", true, PV_VOCAB_ENDOFTEXT);
  IDS("aa<|endoftext|>aa", true, PV_VOCAB_AA, PV_VOCAB_ENDOFTEXT, PV_VOCAB_AA);
  IDS("<|end|>more", true, PV_VOCAB_END_MORE); /* the longest */
  IDS("<|end|>mor", true, PV_VOCAB_END, 'm', 'o', 'r');
  IDS("<|end|><|end|>", true, PV_VOCAB_END, PV_VOCAB_END);
  IDS("<|end|", true, '<', '|', 'e', 'n', 'd', '|');
  /* the text ends before the token does, though the buffer goes on */
  expect_ids("<|end|>", 6, true, (const uint32_t[]){'<', '|', 'e', 'n', 'd', '|'}, 6);
  IDS("<<|end|>", true, '<', PV_VOCAB_END);
  IDS("<|end|>", false, '<', '|', 'e', 'n', 'd', '|', '>');
  IDS("<think>", true, PV_VOCAB_THINK);
  IDS("<think>", false, PV_VOCAB_THINK);             /* user-defined: always */
  IDS("[PAD0]", true, '[', 'P', 'A', 'D', '0', ']'); /* unused: never */
  /* the blanks end where the special token begins, so they are one run; as text the last of them
   * would go with what follows */
  IDS("  <|end|>", true, PV_VOCAB_BLANKS, PV_VOCAB_END);
  IDS("  <|end", true, ' ', ' ', '<', '|', 'e', 'n', 'd');
}

static void test_invalid_utf8(void) {
  static const struct {
    const char *text;
    size_t length;
    int64_t at;
  } cases[] = {
      {"\x80", 1, 0},
      {"ab\xff", 3, 2},
      {"\xc3", 1, 0},
      {"a\xe4\xbd", 3, 1},        /* cut */
      {"\xc0\x80", 2, 0},         /* overlong NUL */
      {"\xe0\x9f\xbf", 3, 0},     /* overlong */
      {"\xed\xa0\x80", 3, 0},     /* surrogate */
      {"\xf4\x90\x80\x80", 4, 0}, /* above U+10FFFF */
      {"\xf0\x8f\xbf\xbf", 4, 0}, /* overlong */
      {"\xf5\x80\x80\x80", 4, 0},
      {"\xe4\xbd\xa0\xe4x", 5, 3},
  };
  if (!ready()) return;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint32_t before = 0, *ids = &before;
    size_t count = 7;
    pv_error err = PV_ERROR_INIT;
    EXPECT(pv_tokenizer_encode(tok, cases[i].text, cases[i].length, true, &ids, &count, &err) ==
           PV_ERR_INPUT);
    EXPECT_I64(err.byte, cases[i].at);
    EXPECT_HAS(err.message, "UTF-8");
    EXPECT(ids == &before && count == 7);
  }
  uint32_t *ids = NULL;
  size_t count = 0;
  EXPECT(pv_tokenizer_encode(tok, "\xf4\x8f\xbf\xbf\xed\x9f\xbf\xc2\x80", 9, true, &ids, &count,
                             NULL) == PV_OK);
  EXPECT_U64(count, 9);
  free(ids);
}

/* The rule of pv_bpe_piece in the most direct way: look at all pairs, merge, look again. */
static size_t naive(const char *text, size_t length, uint32_t *ids) {
  size_t count = length;
  for (size_t i = 0; i < length; i++) ids[i] = (unsigned char)text[i];
  for (;;) {
    uint32_t best = UINT32_MAX;
    size_t at = 0;
    for (size_t i = 0; i + 1 < count; i++) {
      static const uint32_t pairs[][2] = {
          {'h', 'e'},           {'l', 'l'}, {PV_VOCAB_HE, PV_VOCAB_LL},
          {PV_VOCAB_HELL, 'o'}, {'a', 'a'}, {PV_VOCAB_AA, PV_VOCAB_AA}};
      for (uint32_t rank = 0; rank < 6; rank++)
        if (ids[i] == pairs[rank][0] && ids[i + 1] == pairs[rank][1] && rank < best) {
          best = rank;
          at = i;
        }
    }
    if (best == UINT32_MAX) return count;
    ids[at] = PV_VOCAB_HE + best;
    memmove(ids + at + 1, ids + at + 2, (count - at - 2) * sizeof *ids);
    count--;
  }
}

static uint32_t draw(uint64_t *state, uint32_t below) {
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(*state >> 33) % below;
}

static void test_against_naive_merging(void) {
  if (!ready()) return;
  uint64_t state = 1;
  for (unsigned round = 0; round < 3000; round++) {
    char text[48];
    uint32_t want[48] = {0};
    const size_t length = 1 + draw(&state, sizeof text - 1);
    for (size_t i = 0; i < length; i++)
      text[i] =
          "hello"
          "hella"[draw(&state, 10)];
    expect_ids(text, length, true, want, naive(text, length, want));
  }
}

static void add_code_point(pv_text *text, uint32_t point) {
  char bytes[4];
  size_t n = 0;
  if (point < 0x80) {
    bytes[n++] = (char)point;
  } else if (point < 0x800) {
    bytes[n++] = (char)(0xc0 | point >> 6);
  } else if (point < 0x10000) {
    bytes[n++] = (char)(0xe0 | point >> 12);
    bytes[n++] = (char)(0x80 | (point >> 6 & 0x3f));
  } else {
    bytes[n++] = (char)(0xf0 | point >> 18);
    bytes[n++] = (char)(0x80 | (point >> 12 & 0x3f));
    bytes[n++] = (char)(0x80 | (point >> 6 & 0x3f));
  }
  if (point >= 0x80) bytes[n++] = (char)(0x80 | (point & 0x3f));
  pv_text_add(text, bytes, n);
}

static bool same(const pv_text *a, const char *data, size_t length) {
  return a->length == length && (length == 0 || memcmp(a->data, data, length) == 0);
}

/* Encoding normalises the parts between special tokens: brought to form C as a whole, text and
 * decoded text are the same, and a text that is in form C comes back as it is. */
static void expect_same_text(const pv_text *decoded, const char *text, size_t length) {
  pv_text want = PV_TEXT_INIT, got = PV_TEXT_INIT;
  EXPECT(pv_nfc_add((const unsigned char *)text, length, &want, NULL) == PV_OK);
  EXPECT(pv_nfc_add((const unsigned char *)decoded->data, decoded->length, &got, NULL) == PV_OK);
  EXPECT(same(&got, want.data, want.length));
  if (same(&want, text, length)) EXPECT(same(decoded, text, length));
  pv_text_free(&want);
  pv_text_free(&got);
}

/* decode(encode(text)) is the text, whole and as a stream; returns the number of ids. */
static size_t round_trip(const char *text, size_t length, bool specials) {
  uint32_t *ids = NULL;
  size_t count = 0;
  pv_text whole = PV_TEXT_INIT, streamed = PV_TEXT_INIT;
  pv_tokenizer_stream stream = PV_TOKENIZER_STREAM_INIT;
  if (!EXPECT(pv_tokenizer_encode(tok, text, length, specials, &ids, &count, NULL) == PV_OK))
    return 0;
  EXPECT(pv_tokenizer_decode(tok, ids, count, &whole, NULL) == PV_OK);
  bool ok = true;
  for (size_t i = 0; i < count; i++) {
    ok = ok && pv_tokenizer_stream_add(tok, &stream, ids[i], &streamed, NULL) == PV_OK;
    if (count < 200) ok = ok && pv_utf8_valid(streamed.data, streamed.length);
  }
  EXPECT(ok);
  EXPECT(pv_tokenizer_stream_finish(&stream, &streamed, NULL) == PV_OK);
  expect_same_text(&whole, text, length);
  EXPECT(same(&streamed, whole.data, whole.length));
  pv_text_free(&whole);
  pv_text_free(&streamed);
  free(ids);
  return count;
}

static void test_round_trips(void) {
  static const char *const words[] = {"<|endoftext|>", "<think>", "hello",       " ",
                                      "\r\n",          "\t",      "'ll",         "\xe4\xbd\xa0",
                                      "<|end|",        "7",       "\xe2\x80\xa8"};
  static const uint32_t ranges[] = {0x80, 0x100, 0x800, 0x3000, 0xd800, 0x10000, 0x110000};
  if (!ready()) return;
  uint64_t state = 2;
  for (unsigned round = 0; round < 4000; round++) {
    pv_text text = PV_TEXT_INIT;
    for (uint32_t n = draw(&state, 40); n > 0; n--) {
      if (draw(&state, 4) == 0) {
        pv_text_puts(&text, words[draw(&state, sizeof words / sizeof words[0])]);
        continue;
      }
      uint32_t point = draw(&state, ranges[draw(&state, sizeof ranges / sizeof ranges[0])]);
      if (point >= 0xd800 && point < 0xe000) point -= 0xd800;
      add_code_point(&text, point);
    }
    (void)round_trip(text.data == NULL ? "" : text.data, text.length, round % 2 == 0);
    pv_text_free(&text);
  }
}

/* 1 MB of one character in each class of the pattern; the time limit only tells linear from
 * quadratic (which would take hours). */
static void test_long_runs(void) {
  static const struct {
    char c;
    size_t ids;
  } cases[] = {{'a', 250000},  {' ', 500000}, {'\n', 1000000}, {'.', 1000000},
               {'7', 1000000}, {'l', 500000}, {'<', 1000000}};
  enum { LENGTH = 1000000 };
  if (!ready()) return;
  static char text[LENGTH];
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    memset(text, cases[i].c, LENGTH);
    const clock_t start = clock();
    EXPECT_U64(round_trip(text, LENGTH, true), cases[i].ids);
    const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    if (!EXPECT(seconds < 20.0)) fprintf(stderr, "'%c': %.1f s\n", cases[i].c, seconds);
  }
  for (size_t i = 0; i < LENGTH; i++) text[i] = "hello"[i % 5];
  EXPECT_U64(round_trip(text, LENGTH, true), 200000);
}

static void test_text_too_long(void) {
  if (!ready()) return;
  static char text[PV_TOKENIZER_MAX_TEXT + 1];
  uint32_t *ids = NULL;
  size_t count = 0;
  EXPECT(pv_tokenizer_encode(tok, text, PV_TOKENIZER_MAX_TEXT + 1, true, &ids, &count, NULL) ==
         PV_ERR_LIMIT);
  EXPECT(ids == NULL);
}

/* Streams that no encoder makes. */
static void test_stream_replaces_what_is_broken(void) {
  static const struct {
    uint32_t ids[6];
    size_t count;
    const char *want;
  } cases[] = {
      {{0xe4, 0xbd, 0xa0}, 3, "\xe4\xbd\xa0"},
      {{PV_VOCAB_NI_TWO, 'x'}, 2, "\xef\xbf\xbdx"},
      {{0xff, 'x'}, 2, "\xef\xbf\xbdx"},
      {{0xe4, 0xe4, 0xbd, 0xa0}, 4, "\xef\xbf\xbd\xe4\xbd\xa0"},
      {{0xe4, 0xbd}, 2, "\xef\xbf\xbd"},
      {{0xed, 0xa0, 0x80}, 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {{0xf0, 0x9f, 0x98, PV_VOCAB_HELLO}, 4, "\xef\xbf\xbdhello"},
      {{PV_VOCAB_END, PV_VOCAB_PAD}, 2, "<|end|>[PAD0]"},
  };
  if (!ready()) return;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    pv_text text = PV_TEXT_INIT;
    pv_tokenizer_stream stream = PV_TOKENIZER_STREAM_INIT;
    for (size_t k = 0; k < cases[i].count; k++)
      EXPECT(pv_tokenizer_stream_add(tok, &stream, cases[i].ids[k], &text, NULL) == PV_OK);
    EXPECT(pv_tokenizer_stream_finish(&stream, &text, NULL) == PV_OK);
    EXPECT_STR(text.data, cases[i].want);
    pv_text_free(&text);
  }
}

static void test_stream_holds_back(void) {
  if (!ready()) return;
  pv_text text = PV_TEXT_INIT;
  pv_tokenizer_stream stream = PV_TOKENIZER_STREAM_INIT;
  EXPECT(pv_tokenizer_stream_add(tok, &stream, PV_VOCAB_NI_TWO, &text, NULL) == PV_OK);
  EXPECT_U64(text.length, 0);
  EXPECT(pv_tokenizer_stream_add(tok, &stream, 0xa0, &text, NULL) == PV_OK);
  EXPECT_STR(text.data, "\xe4\xbd\xa0");
  pv_text_free(&text);
}

static void test_unknown_ids(void) {
  if (!ready()) return;
  const uint32_t ids[] = {'a', PV_VOCAB_COUNT};
  const char *bytes = NULL;
  size_t length = 0;
  pv_error err = PV_ERROR_INIT;
  pv_text text = PV_TEXT_INIT;
  pv_text_puts(&text, "before");
  EXPECT(pv_tokenizer_piece(tok, PV_VOCAB_COUNT, &bytes, &length, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "271");
  EXPECT(pv_tokenizer_decode(tok, ids, 2, &text, NULL) == PV_ERR_INPUT);
  EXPECT_STR(text.data, "before");
  EXPECT_U64(text.length, 6);
  pv_tokenizer_stream stream = PV_TOKENIZER_STREAM_INIT;
  EXPECT(pv_tokenizer_stream_add(tok, &stream, UINT32_MAX, &text, NULL) == PV_ERR_INPUT);
  REQUIRE(pv_tokenizer_piece(tok, PV_VOCAB_BLANK_HELLO, &bytes, &length, &err) == PV_OK);
  EXPECT_U64(length, 6);
  EXPECT_BYTES(bytes, " hello", 6);
  pv_text_free(&text);
}

static void test_close(void) {
  pv_tokenizer_close(tok);
  pv_tokenizer_close(NULL);
  pv_gguf_close(gguf);
  pv_text_free(&file);
  EXPECT(true);
}

int main(void) {
  return pv_testing_main("tokenizer/text", (pv_case[]){PV_CASE(test_merges),
                                                       PV_CASE(test_split),
                                                       PV_CASE(test_specials),
                                                       PV_CASE(test_invalid_utf8),
                                                       PV_CASE(test_against_naive_merging),
                                                       PV_CASE(test_round_trips),
                                                       PV_CASE(test_long_runs),
                                                       PV_CASE(test_text_too_long),
                                                       PV_CASE(test_stream_replaces_what_is_broken),
                                                       PV_CASE(test_stream_holds_back),
                                                       PV_CASE(test_unknown_ids),
                                                       PV_CASE(test_close),
                                                       {0}});
}
