/* Any bytes as a GGUF file: when its vocabulary is accepted, every text can be encoded with it and
 * comes back, but for the blanks that such a vocabulary puts behind special tokens. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/tokenizer/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "violated: %s\n", what);
  abort();
}

static bool same(const pv_tokenizer *tok, const pv_text *back, const char *text, size_t size) {
  size_t at = 0;
  for (size_t i = 0; i < back->length; i++) {
    if (at < size && back->data[i] == text[at])
      at++;
    else if (!tok->blank_prefix || back->data[i] != ' ')
      return false;
  }
  return at == size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char text[] =
      "hello <|end|>more 12 \xe4\xbd\xa0\xc3\xa9\r\n  x = '\xf0\x9f\x98\x80'";
  pv_gguf *gguf = NULL;
  pv_tokenizer *tok = NULL;
  pv_error err = PV_ERROR_INIT;
  pv_text back = PV_TEXT_INIT;
  uint32_t *ids = NULL, named = 0;
  size_t count = 0;
  pv_code code = pv_gguf_parse(data, size, "fuzz", &gguf, &err);
  if (code == PV_OK) code = pv_tokenizer_open(gguf, &tok, &err);
  demand(code == PV_OK || err.message[0] != '\0', "a refusal says why");
  demand(code == PV_OK || tok == NULL, "a refused file gives no tokenizer");
  if (code != PV_OK) goto cleanup;
  demand(!pv_tokenizer_eos(tok, &named) || named < pv_tokenizer_count(tok), "eos is a token");
  demand(pv_tokenizer_encode(tok, text, sizeof text - 1, true, &ids, &count, NULL) == PV_OK,
         "any text is encoded");
  demand(pv_tokenizer_decode(tok, ids, count, &back, NULL) == PV_OK, "the ids are decoded");
  demand(same(tok, &back, text, sizeof text - 1), "decoding gives the text");

cleanup:
  free(ids);
  pv_text_free(&back);
  pv_tokenizer_close(tok);
  pv_gguf_close(gguf);
  return 0;
}
