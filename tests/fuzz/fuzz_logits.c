/* Any bytes as a file of base logits: refused in words, or each row of it is a distribution. Then
 * the same bytes with a head and a size that agree, since few do. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/perplexity/base_logits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 20, COUNTS = 8, MOST = 4096 };

static void demand(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "violated: %s\n", what);
  abort();
}

static void refused(pv_code code, const pv_error *err) {
  demand(code == PV_ERR_INPUT, "what is wrong is the input");
  demand(err->message[0] != '\0' && err->file[0] != '\0', "a refusal says what and where");
}

static void look_at_row(const pv_base_logits *l, size_t chunk, size_t row, double *values) {
  pv_error err = PV_ERROR_INIT;
  const pv_code code = pv_base_logits_row(l, chunk, row, values, &err);
  if (code != PV_OK) {
    refused(code, &err);
    return;
  }
  for (uint32_t i = 0; i < l->vocab; i++)
    demand(values[i] < 0.1, "no probability is far above 1"); /* -INFINITY is none at all */
}

/* Whether the bytes are such a file. */
static bool look_at(const uint8_t *data, size_t size) {
  pv_base_logits l = {0};
  pv_error err = PV_ERROR_INIT;
  const pv_code code = pv_base_logits_parse(data, size, "f", &l, &err);
  demand((code == PV_OK) == (l.ids != NULL), "a refused file gives none");
  if (code != PV_OK) {
    refused(code, &err);
    return false;
  }
  const size_t rows = pv_scored_count(l.context), count = (size_t)l.context * l.chunks;
  double *values = calloc(l.vocab, sizeof *values);
  demand(rows > 0 && count > 0 && values != NULL, "a file has rows");
  for (size_t i = 0; i < count; i++) demand(l.ids[i] < l.vocab, "a token is in the vocabulary");
  for (size_t c = 0; c < l.chunks; c++)
    for (size_t r = 0; r < rows; r++) look_at_row(&l, c, r, values);
  free(values);
  pv_base_logits_close(&l);
  return true;
}

static void put(uint8_t *to, uint32_t value) {
  for (int i = 0; i < 4; i++) to[i] = (uint8_t)(value >> 8 * i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const bool whole = look_at(data, size);
  if (whole || size < HEAD) return 0;
  uint8_t *file = calloc(1, MOST);
  demand(file != NULL, "memory");
  memcpy(file, data, size < MOST ? size : MOST);
  const uint32_t context = 3 + data[COUNTS] % 6u, vocab = 1 + data[COUNTS + 4] % 5u;
  const uint32_t chunks = 1 + data[COUNTS + 8] % 3u;
  memcpy(file, "_logits_", COUNTS);
  put(file + COUNTS, context);
  put(file + COUNTS + 4, vocab);
  put(file + COUNTS + 8, chunks);
  for (size_t i = 0; i < (size_t)context * chunks; i++) /* small ones, most of them tokens */
    put(file + HEAD + 4 * i, file[HEAD + 4 * i] % 8u);
  const size_t row = 8 + 2 * ((size_t)vocab + vocab % 2);
  look_at(file, HEAD + chunks * (4 * (size_t)context + pv_scored_count(context) * row));
  free(file);
  return 0;
}
