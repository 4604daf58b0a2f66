#include "tests/unit/tokenizer/vocab_file.h"

#include <stdio.h>
#include <string.h>

/* The byte alphabet, written down a second time and independently of the tokenizer: 0x00..0x20,
 * 0x7f..0xa0 and 0xad are U+0100 and on, every other byte is the code point of its number. */
static pv_vocab_string byte_token(unsigned byte) {
  static char spelled[256][3];
  unsigned point = byte;
  if (byte <= 0x20)
    point = 0x100 + byte;
  else if (byte >= 0x7f && byte <= 0xa0)
    point = 0x121 + (byte - 0x7f);
  else if (byte == 0xad)
    point = 0x143;
  char *text = spelled[byte];
  if (point < 0x80) {
    text[0] = (char)point;
    text[1] = '\0';
  } else {
    text[0] = (char)(0xc0 | point >> 6);
    text[1] = (char)(0x80 | (point & 0x3f));
    text[2] = '\0';
  }
  return (pv_vocab_string){text, strlen(text)};
}

void pv_vocab_add(pv_vocab *vocab, const char *token, int32_t type) {
  vocab->types[vocab->type_count++] = type;
  vocab->tokens[vocab->token_count++] = (pv_vocab_string){token, strlen(token)};
}

pv_vocab pv_vocab_sound(void) {
  /* e4 is U+00E4, bd U+00BD, a0 U+0142 in the alphabet; the blank is U+0120 */
  static const char *const merges[] = {"h e",
                                       "l l",
                                       "he ll",
                                       "hell o",
                                       "a a",
                                       "aa aa",
                                       "\xc4\xa0 hello",
                                       "\xc3\xa4 \xc2\xbd",
                                       "\xc3\xa4\xc2\xbd \xc5\x82",
                                       "\xc4\xa0 \xc4\xa0"};
  static const char *const merged[] = {"he",
                                       "ll",
                                       "hell",
                                       "hello",
                                       "aa",
                                       "aaaa",
                                       "\xc4\xa0hello",
                                       "\xc3\xa4\xc2\xbd",
                                       "\xc3\xa4\xc2\xbd\xc5\x82",
                                       "\xc4\xa0\xc4\xa0"};
  pv_vocab vocab = {.model = "gpt2",
                    .pre = "qwen2",
                    .no_scores = true,
                    .type_element = 5,
                    .bos = PV_VOCAB_ABSENT,
                    .eos = PV_VOCAB_ENDOFTEXT,
                    .padding = PV_VOCAB_ABSENT,
                    .unknown = PV_VOCAB_ABSENT,
                    .add_bos = PV_VOCAB_ABSENT,
                    .add_eos = PV_VOCAB_ABSENT,
                    .space_prefix = PV_VOCAB_ABSENT};
  for (unsigned byte = 0; byte < 256; byte++) {
    vocab.types[vocab.type_count++] = 1;
    vocab.tokens[vocab.token_count++] = byte_token(byte);
  }
  for (size_t i = 0; i < sizeof merges / sizeof merges[0]; i++) {
    vocab.merges[vocab.merge_count++] = (pv_vocab_string){merges[i], strlen(merges[i])};
    pv_vocab_add(&vocab, merged[i], 1);
  }
  pv_vocab_add(&vocab, "<|endoftext|>", 3);
  pv_vocab_add(&vocab, "<|end|>more", 3);
  pv_vocab_add(&vocab, "<|end|>", 3);
  pv_vocab_add(&vocab, "<think>", 4);
  pv_vocab_add(&vocab, "[PAD0]", 5);
  return vocab;
}

static void add_scored(pv_vocab *vocab, const char *token, int32_t type, float score) {
  vocab->scores[vocab->score_count++] = score;
  pv_vocab_add(vocab, token, type);
}

#define BLANK "\xe2\x96\x81"

pv_vocab pv_vocab_scored(void) {
  static char bytes[256][8];
  static const struct {
    const char *token;
    float score;
  } normal[] = {{BLANK, -50},
                {"h", -51},
                {"e", -52},
                {"l", -53},
                {"o", -54},
                {"a", -55},
                {"b", -56},
                {"c", -57},
                {"<s", -20},
                {">", -58},
                {"<", -59},
                {"s", -60},
                {"\xe4\xbd\xa0", -61},
                {"\xf0\x9f\x98\x80", -62},
                {"he", -3},
                {"ll", -2},
                {"lo", -1},
                {"hell", -5},
                {"hello", -4},
                {BLANK "hello", 1.5f},
                {BLANK "h", -30},
                {BLANK BLANK, -1e9f},
                {"ab", -0.0f},
                {"bc", 0},
                {"aa", -6},
                {"aaaa", -7},
                {"\xc3\xa9"
                 "a",
                 -8},
                {"ca", -9},
                {"cab", -40},
                {"oc", -20}};
  pv_vocab vocab = {.model = "llama",
                    .pre = "default",
                    .no_merges = true,
                    .type_element = 5,
                    .score_element = 6,
                    .bos = PV_SCORED_BOS,
                    .eos = PV_SCORED_EOS,
                    .padding = PV_VOCAB_ABSENT,
                    .unknown = PV_SCORED_UNK,
                    .add_bos = PV_VOCAB_ABSENT,
                    .add_eos = PV_VOCAB_ABSENT,
                    .space_prefix = PV_VOCAB_ABSENT};
  add_scored(&vocab, "<unk>", 2, 0);
  add_scored(&vocab, "<s>", 3, 0);
  add_scored(&vocab, "</s>", 3, 0);
  for (unsigned byte = 0; byte < 256; byte++) {
    snprintf(bytes[byte], sizeof bytes[byte], "<0x%02X>", byte);
    add_scored(&vocab, bytes[byte], 6, 0);
  }
  for (size_t i = 0; i < sizeof normal / sizeof normal[0]; i++)
    add_scored(&vocab, normal[i].token, 1, normal[i].score);
  add_scored(&vocab, "<think>", 4, -1000);
  add_scored(&vocab, "\n\n", 4, -1000);
  add_scored(&vocab, "[PAD0]", 5, -1000);
  return vocab;
}

static void put(pv_text *out, uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; i++) {
    const char byte = (char)(value >> (8 * i) & 0xff);
    pv_text_add(out, &byte, 1);
  }
}

static void put_string(pv_text *out, const char *data, size_t length) {
  put(out, length, 8);
  pv_text_add(out, data, length);
}

static void put_key(pv_text *out, const char *key, uint32_t type) {
  put_string(out, key, strlen(key));
  put(out, type, 4);
}

static void put_strings(pv_text *out, const char *key, const pv_vocab_string *strings,
                        uint32_t count) {
  put_key(out, key, 9);
  put(out, 8, 4);
  put(out, count, 8);
  for (uint32_t i = 0; i < count; i++) put_string(out, strings[i].data, strings[i].length);
}

static void put_text(pv_text *out, const char *key, const char *text) {
  if (text == NULL) return;
  put_key(out, key, 8);
  put_string(out, text, strlen(text));
}

static void put_id(pv_text *out, const char *key, int64_t id) {
  if (id == PV_VOCAB_ABSENT) return;
  put_key(out, key, 11);
  put(out, (uint64_t)id, 8);
}

static void put_flag(pv_text *out, const char *key, int64_t flag) {
  if (flag == PV_VOCAB_ABSENT) return;
  put_key(out, key, 7);
  put(out, (uint64_t)flag, 1);
}

static void put_scores(pv_text *out, const pv_vocab *vocab) {
  put_key(out, "tokenizer.ggml.scores", 9);
  put(out, vocab->score_element, 4);
  put(out, vocab->score_count, 8);
  for (uint32_t i = 0; i < vocab->score_count; i++) {
    uint32_t bits;
    memcpy(&bits, &vocab->scores[i], sizeof bits);
    put(out, bits, 4);
  }
}

void pv_vocab_write(const pv_vocab *vocab, pv_text *out) {
  const int64_t optional[] = {vocab->bos,     vocab->eos,     vocab->padding,     vocab->unknown,
                              vocab->add_bos, vocab->add_eos, vocab->space_prefix};
  unsigned values =
      2u + (vocab->model != NULL) + (vocab->pre != NULL) + !vocab->no_merges + !vocab->no_scores;
  for (size_t i = 0; i < sizeof optional / sizeof optional[0]; i++)
    values += optional[i] != PV_VOCAB_ABSENT;
  pv_text_add(out, "GGUF", 4);
  put(out, 3, 4);
  put(out, 0, 8);
  put(out, values, 8);
  put_text(out, "tokenizer.ggml.model", vocab->model);
  put_text(out, "tokenizer.ggml.pre", vocab->pre);
  put_strings(out, "tokenizer.ggml.tokens", vocab->tokens, vocab->token_count);
  put_key(out, "tokenizer.ggml.token_type", 9);
  put(out, vocab->type_element, 4);
  put(out, vocab->type_count, 8);
  for (uint32_t i = 0; i < vocab->type_count; i++) put(out, (uint32_t)vocab->types[i], 4);
  if (!vocab->no_merges)
    put_strings(out, "tokenizer.ggml.merges", vocab->merges, vocab->merge_count);
  if (!vocab->no_scores) put_scores(out, vocab);
  put_id(out, "tokenizer.ggml.bos_token_id", vocab->bos);
  put_id(out, "tokenizer.ggml.eos_token_id", vocab->eos);
  put_id(out, "tokenizer.ggml.padding_token_id", vocab->padding);
  put_id(out, "tokenizer.ggml.unknown_token_id", vocab->unknown);
  put_flag(out, "tokenizer.ggml.add_bos_token", vocab->add_bos);
  put_flag(out, "tokenizer.ggml.add_eos_token", vocab->add_eos);
  put_flag(out, "tokenizer.ggml.add_space_prefix", vocab->space_prefix);
  while (out->length % 32 != 0) put(out, 0, 1);
}
