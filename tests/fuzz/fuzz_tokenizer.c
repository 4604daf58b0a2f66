/* Any bytes as text: what is valid UTF-8 is encoded and decodes to the same text, whole and as a
 * stream, where the same means canonically equivalent, and of text in form C every byte; anything
 * else is an error that names an offset inside the text. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/tokenizer/internal.h"
#include "tests/unit/tokenizer/vocab_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "violated: %s\n", what);
  abort();
}

static const pv_tokenizer *tokenizer(void) {
  static pv_tokenizer *tok;
  if (tok != NULL) return tok;
  const pv_vocab vocab = pv_vocab_sound();
  pv_text file = PV_TEXT_INIT;
  pv_gguf *gguf = NULL;
  pv_vocab_write(&vocab, &file);
  demand(pv_gguf_parse(file.data, file.length, "sound", &gguf, NULL) == PV_OK, "the file is sound");
  demand(pv_tokenizer_open(gguf, &tok, NULL) == PV_OK, "the vocabulary is sound");
  pv_gguf_close(gguf);
  pv_text_free(&file);
  return tok;
}

static bool same(const pv_text *text, const char *data, size_t size) {
  return text->length == size && (size == 0 || memcmp(text->data, data, size) == 0);
}

/* Text in form C, which must be a fixed point. */
static void normalise(const char *text, size_t size, pv_text *out) {
  pv_text again = PV_TEXT_INIT;
  demand(pv_nfc_add((const unsigned char *)text, size, out, NULL) == PV_OK, "text is normalised");
  demand(out->length <= 3 * size, "form C is at most three times as long");
  demand(out->length == 0 || pv_utf8_valid(out->data, out->length), "form C is valid UTF-8");
  demand(!pv_nfc_is_plain((const unsigned char *)text, size) || same(out, text, size),
         "plain text is in form C");
  demand(pv_nfc_add((const unsigned char *)out->data, out->length, &again, NULL) == PV_OK &&
             same(&again, out->data, out->length),
         "form C is in form C");
  pv_text_free(&again);
}

static void same_text(const pv_text *decoded, const char *text, size_t size) {
  pv_text want = PV_TEXT_INIT, got = PV_TEXT_INIT;
  normalise(text, size, &want);
  normalise(decoded->data, decoded->length, &got);
  demand(same(&got, want.data, want.length), "decoding gives the text");
  demand(!same(&want, text, size) || same(decoded, text, size), "text in form C is not changed");
  pv_text_free(&want);
  pv_text_free(&got);
}

static void round_trip(const char *text, size_t size, bool specials, bool valid) {
  const pv_tokenizer *tok = tokenizer();
  uint32_t *ids = NULL;
  size_t count = 0;
  pv_error err = PV_ERROR_INIT;
  const pv_code code = pv_tokenizer_encode(tok, text, size, specials, &ids, &count, &err);
  if (!valid) {
    demand(code == PV_ERR_INPUT, "invalid UTF-8 is an input error");
    demand(err.byte >= 0 && (uint64_t)err.byte < size, "the error names an offset in the text");
    demand(pv_utf8_valid(text, (size_t)err.byte), "all before the offset is valid");
    return;
  }
  demand(code == PV_OK, "valid UTF-8 is encoded");
  demand(count <= 3 * size, "no more ids than bytes of form C");
  pv_text whole = PV_TEXT_INIT, streamed = PV_TEXT_INIT;
  pv_tokenizer_stream stream = PV_TOKENIZER_STREAM_INIT;
  demand(pv_tokenizer_decode(tok, ids, count, &whole, NULL) == PV_OK, "the ids are decoded");
  for (size_t i = 0; i < count; i++)
    demand(pv_tokenizer_stream_add(tok, &stream, ids[i], &streamed, NULL) == PV_OK,
           "the ids are streamed");
  demand(stream.held_count == 0, "nothing is held back at the end of valid text");
  same_text(&whole, text, size);
  demand(same(&streamed, whole.data, whole.length), "streaming gives what decoding gives");
  pv_text_free(&whole);
  pv_text_free(&streamed);
  free(ids);
}

/* Every byte as an id: whatever a model generates, the stream stays valid UTF-8. */
static void generated(const uint8_t *data, size_t size) {
  pv_text streamed = PV_TEXT_INIT;
  pv_tokenizer_stream stream = PV_TOKENIZER_STREAM_INIT;
  for (size_t i = 0; i < size; i++)
    demand(pv_tokenizer_stream_add(tokenizer(), &stream, data[i], &streamed, NULL) == PV_OK,
           "any id of the vocabulary is streamed");
  demand(pv_tokenizer_stream_finish(&stream, &streamed, NULL) == PV_OK, "the stream finishes");
  demand(streamed.length == 0 || pv_utf8_valid(streamed.data, streamed.length),
         "a stream is valid UTF-8");
  pv_text_free(&streamed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = size == 0 ? "" : (const char *)data;
  const bool valid = pv_utf8_valid(text, size);
  round_trip(text, size, false, valid);
  round_trip(text, size, true, valid);
  generated(data, size);
  return 0;
}
