/* Vocabularies that do not fit together are refused, each with an error that names the place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/tokenizer/tokenizer.h"
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

static void expect_refused(const pv_vocab *vocab, pv_code want, const char *words) {
  pv_tokenizer *tok = NULL;
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(open_vocab(vocab, &tok, &err), want);
  EXPECT_HAS(err.message, words);
  EXPECT(tok == NULL);
  pv_tokenizer_close(tok);
}

static pv_vocab_string string(const char *text) {
  return (pv_vocab_string){text, strlen(text)};
}

static void test_sound(void) {
  const pv_vocab vocab = pv_vocab_sound();
  pv_tokenizer *tok = NULL;
  pv_error err = PV_ERROR_INIT;
  uint32_t id = 12345;
  if (!EXPECT(open_vocab(&vocab, &tok, &err) == PV_OK)) pv_error_print(&err, stderr);
  REQUIRE(tok != NULL);
  EXPECT_U64(pv_tokenizer_count(tok), PV_VOCAB_COUNT);
  EXPECT(!pv_tokenizer_bos(tok, &id));
  EXPECT_U64(id, 12345);
  EXPECT(pv_tokenizer_eos(tok, &id));
  EXPECT_U64(id, PV_VOCAB_ENDOFTEXT);
  /* the file is closed by now: the tokenizer must not need it */
  uint32_t *ids = NULL;
  size_t count = 0;
  EXPECT(pv_tokenizer_encode(tok, "hello<|end|>", 12, true, &ids, &count, NULL) == PV_OK);
  EXPECT_U64(count, 2);
  free(ids);
  pv_tokenizer_close(tok);
}

/* Each single byte is its own token: pins the whole byte alphabet. */
static void test_byte_alphabet(void) {
  const pv_vocab vocab = pv_vocab_sound();
  pv_tokenizer *tok = NULL;
  REQUIRE(open_vocab(&vocab, &tok, NULL) == PV_OK);
  for (unsigned byte = 0; byte < 256; byte++) {
    const char *bytes = NULL;
    size_t length = 0;
    EXPECT(pv_tokenizer_piece(tok, byte, &bytes, &length, NULL) == PV_OK);
    if (EXPECT_U64(length, 1)) EXPECT_U64((unsigned char)bytes[0], byte);
  }
  pv_tokenizer_close(tok);
}

static void test_other_kinds_of_tokenizer(void) {
  pv_vocab vocab = pv_vocab_sound();
  vocab.model = "bert";
  expect_refused(&vocab, PV_ERR_UNSUPPORTED, "tokenizer.ggml.model is \"bert\"");
  vocab.model = "gpt2x";
  expect_refused(&vocab, PV_ERR_UNSUPPORTED, "gpt2x");
  vocab.model = NULL;
  expect_refused(&vocab, PV_ERR_INPUT, "tokenizer.ggml.model");
  vocab = pv_vocab_sound();
  vocab.pre = "llama-bpe";
  expect_refused(&vocab, PV_ERR_UNSUPPORTED, "tokenizer.ggml.pre is \"llama-bpe\"");
  vocab.pre = "";
  expect_refused(&vocab, PV_ERR_UNSUPPORTED, "tokenizer.ggml.pre");
  vocab.pre = NULL;
  expect_refused(&vocab, PV_ERR_INPUT, "tokenizer.ggml.pre");
}

static void test_array_lengths(void) {
  pv_vocab vocab = pv_vocab_sound();
  vocab.type_count--;
  expect_refused(&vocab, PV_ERR_INPUT, "token_type has 270 elements");
  vocab.type_count += 2;
  vocab.types[PV_VOCAB_COUNT] = 1;
  expect_refused(&vocab, PV_ERR_INPUT, "token_type has 272 elements");
  vocab = pv_vocab_sound();
  vocab.token_count = vocab.type_count = 0;
  vocab.merge_count = 0;
  expect_refused(&vocab, PV_ERR_LIMIT, "0 tokens");
  vocab = pv_vocab_sound();
  vocab.type_element = 6; /* f32 */
  expect_refused(&vocab, PV_ERR_INPUT, "32-bit integers");
}

static void test_tokens(void) {
  pv_vocab vocab = pv_vocab_sound();
  vocab.tokens[PV_VOCAB_LL] = string("he");
  expect_refused(&vocab, PV_ERR_INPUT, "tokens[257] \"he\" occurs twice");
  vocab = pv_vocab_sound();
  pv_vocab_add(&vocab, "<|end|>", 5); /* twice, though of another kind */
  expect_refused(&vocab, PV_ERR_INPUT, "occurs twice");
  vocab = pv_vocab_sound();
  vocab.tokens[PV_VOCAB_AA] = string("");
  expect_refused(&vocab, PV_ERR_INPUT, "tokens[260] \"\" is empty");
  vocab = pv_vocab_sound();
  pv_vocab_add(&vocab, "a b", 1); /* a blank is not in the alphabet */
  expect_refused(&vocab, PV_ERR_INPUT, "outside the byte alphabet");
  vocab = pv_vocab_sound();
  pv_vocab_add(&vocab, "\xc4\x80\xff", 1);
  expect_refused(&vocab, PV_ERR_INPUT, "outside the byte alphabet");
  vocab = pv_vocab_sound();
  pv_vocab_add(&vocab, "\xc2\xad", 1); /* the byte 0xad is U+0143 there, not U+00AD */
  expect_refused(&vocab, PV_ERR_INPUT, "outside the byte alphabet");
  vocab = pv_vocab_sound();
  pv_vocab_add(&vocab, "\xbd", 3); /* would match inside a character */
  expect_refused(&vocab, PV_ERR_INPUT, "not valid UTF-8");
}

static void test_token_types(void) {
  static const int32_t bad[] = {0, 2, 6, 7, -1, INT32_MAX};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    pv_vocab vocab = pv_vocab_sound();
    vocab.types[PV_VOCAB_PAD] = bad[i];
    expect_refused(&vocab, PV_ERR_UNSUPPORTED, "token_type[270]");
  }
}

static void test_missing_byte(void) {
  pv_vocab vocab = pv_vocab_sound();
  vocab.tokens['q'] = string("qq");
  expect_refused(&vocab, PV_ERR_INPUT, "0x71");
  vocab = pv_vocab_sound();
  vocab.types['q'] = 5; /* there, but not for text */
  expect_refused(&vocab, PV_ERR_INPUT, "0x71");
}

static void test_long_special(void) {
  static char name[PV_TOKENIZER_MAX_SPECIAL + 2];
  memset(name, 'x', sizeof name - 1);
  pv_vocab vocab = pv_vocab_sound();
  pv_vocab_add(&vocab, name, 3);
  expect_refused(&vocab, PV_ERR_INPUT, "too long");
  name[PV_TOKENIZER_MAX_SPECIAL] = '\0';
  vocab = pv_vocab_sound();
  pv_vocab_add(&vocab, name, 3);
  pv_tokenizer *tok = NULL;
  EXPECT(open_vocab(&vocab, &tok, NULL) == PV_OK);
  uint32_t *ids = NULL;
  size_t count = 0;
  REQUIRE(tok != NULL);
  EXPECT(pv_tokenizer_encode(tok, name, strlen(name), true, &ids, &count, NULL) == PV_OK);
  EXPECT_U64(count, 1);
  free(ids);
  pv_tokenizer_close(tok);
}

static void test_merges(void) {
  static const struct {
    const char *merge, *words;
  } cases[] = {
      {"zz y", "joins what is not a normal token"},
      {"y zz", "joins what is not a normal token"},
      {"x y", "makes what is not a normal token"},
      {"h e", "occurs twice"},
      {"he", "is not two tokens"},
      {"h e l", "is not two tokens"},
      {"h  e", "is not two tokens"},
      {" he", "is not two tokens"},
      {"he ", "is not two tokens"},
      {" ", "is not two tokens"},
      {"", "is not two tokens"},
      {"< |end|>", "joins what is not a normal token"},
      {"[PAD0] a", "joins what is not a normal token"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    pv_vocab vocab = pv_vocab_sound();
    vocab.merges[vocab.merge_count++] = string(cases[i].merge);
    expect_refused(&vocab, PV_ERR_INPUT, cases[i].words);
    expect_refused(&vocab, PV_ERR_INPUT, "merges[10]");
  }
  pv_vocab vocab = pv_vocab_sound();
  vocab.merge_count = 0; /* only single bytes then */
  pv_tokenizer *tok = NULL;
  EXPECT(open_vocab(&vocab, &tok, NULL) == PV_OK);
  pv_tokenizer_close(tok);
}

/* A merge may make a token that another merge makes too ("he llo" beside "hell o"). */
static void test_two_ways_to_one_token(void) {
  pv_vocab vocab = pv_vocab_sound();
  pv_vocab_add(&vocab, "llo", 1);
  vocab.merges[vocab.merge_count++] = string("ll o");
  vocab.merges[vocab.merge_count++] = string("he llo");
  pv_tokenizer *tok = NULL;
  EXPECT(open_vocab(&vocab, &tok, NULL) == PV_OK);
  pv_tokenizer_close(tok);
}

static void test_named_ids(void) {
  pv_vocab vocab = pv_vocab_sound();
  vocab.eos = PV_VOCAB_COUNT;
  expect_refused(&vocab, PV_ERR_INPUT, "eos_token_id is 271");
  vocab.eos = -1;
  expect_refused(&vocab, PV_ERR_INPUT, "eos_token_id");
  vocab = pv_vocab_sound();
  vocab.bos = INT64_MAX;
  expect_refused(&vocab, PV_ERR_INPUT, "bos_token_id");
  vocab = pv_vocab_sound();
  vocab.padding = PV_VOCAB_COUNT;
  expect_refused(&vocab, PV_ERR_INPUT, "padding_token_id");
  vocab.padding = PV_VOCAB_PAD;
  vocab.eos = PV_VOCAB_ABSENT;
  pv_tokenizer *tok = NULL;
  uint32_t id;
  EXPECT(open_vocab(&vocab, &tok, NULL) == PV_OK);
  REQUIRE(tok != NULL);
  EXPECT(!pv_tokenizer_eos(tok, &id));
  pv_tokenizer_close(tok);
}

/* The error says where: the file, and the byte at which the array begins. */
static void test_place(void) {
  pv_vocab vocab = pv_vocab_sound();
  vocab.tokens[PV_VOCAB_LL] = string("he");
  pv_tokenizer *tok = NULL;
  pv_error err = PV_ERROR_INIT;
  EXPECT(open_vocab(&vocab, &tok, &err) == PV_ERR_INPUT);
  EXPECT_STR(err.file, "vocab.gguf");
  EXPECT(err.byte > 24);
  EXPECT(err.hint[0] != '\0');
}

int main(void) {
  return pv_testing_main("tokenizer/vocab", (pv_case[]){PV_CASE(test_sound),
                                                        PV_CASE(test_byte_alphabet),
                                                        PV_CASE(test_other_kinds_of_tokenizer),
                                                        PV_CASE(test_array_lengths),
                                                        PV_CASE(test_tokens),
                                                        PV_CASE(test_token_types),
                                                        PV_CASE(test_missing_byte),
                                                        PV_CASE(test_long_special),
                                                        PV_CASE(test_merges),
                                                        PV_CASE(test_two_ways_to_one_token),
                                                        PV_CASE(test_named_ids),
                                                        PV_CASE(test_place),
                                                        {0}});
}
