#include "runtime/perplexity/base_logits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "base/cursor.h"

enum { MAGIC = 8, HEAD = MAGIC + 3 * 4, ROW_HEAD = 2 * 4 };
static const char magic[MAGIC + 1] = "_logits_";

static uint64_t row_bytes(uint32_t vocab) {
  return ROW_HEAD + 2 * ((uint64_t)vocab + vocab % 2);
}

static pv_code refuse(pv_error *err, const char *name, const char *hint) {
  pv_error_at(err, name, 0, 0, -1);
  if (hint != NULL) pv_error_hint(err, "%s", hint);
  return PV_ERR_INPUT;
}

static pv_code read_head(pv_cursor *in, const char *name, pv_base_logits *out, pv_error *err) {
  const unsigned char *word = pv_cursor_take(in, MAGIC);
  if (word == NULL || memcmp(word, magic, MAGIC) != 0) {
    pv_error_set(err, PV_ERR_INPUT, "this is no file of base logits: it does not begin with %s",
                 magic);
    return refuse(err, name, "llama-perplexity --kl-divergence-base writes one, and --save-logits");
  }
  out->context = pv_cursor_u32(in);
  out->vocab = pv_cursor_u32(in);
  out->chunks = pv_cursor_u32(in);
  if (in->failed) {
    pv_error_set(err, PV_ERR_INPUT, "the file is cut: %llu bytes are less than its head",
                 (unsigned long long)in->length);
    return refuse(err, name, NULL);
  }
  if (pv_scored_count(out->context) > 0 && out->vocab > 0 && out->chunks > 0 &&
      out->context <= INT32_MAX && out->vocab <= INT32_MAX && out->chunks <= INT32_MAX)
    return PV_OK;
  pv_error_set(err, PV_ERR_INPUT,
               "%u chunks of %u positions over %u tokens: a chunk has 3 or more, and none is "
               "negative",
               out->chunks, out->context, out->vocab);
  return refuse(err, name, NULL);
}

/* The size of the whole file follows from its head. */
static pv_code check_size(const pv_base_logits *l, uint64_t length, const char *name,
                          pv_error *err) {
  uint64_t ids = 0, rows = 0, all = 0;
  const bool fits = pv_ck_mul(l->context, l->chunks, &ids) && pv_ck_mul(ids, 4, &ids) &&
                    pv_ck_mul(pv_scored_count(l->context), l->chunks, &rows) &&
                    pv_ck_mul(rows, row_bytes(l->vocab), &rows) && pv_ck_add(HEAD, ids, &all) &&
                    pv_ck_add(all, rows, &all);
  if (fits && all == length) return PV_OK;
  if (!fits)
    pv_error_set(err, PV_ERR_INPUT,
                 "%u chunks of %u positions over %u tokens are more than a file can hold",
                 l->chunks, l->context, l->vocab);
  else
    pv_error_set(err, PV_ERR_INPUT, "the file has %llu bytes, not the %llu that its head tells of",
                 (unsigned long long)length, (unsigned long long)all);
  return refuse(err, name, fits && length < all ? "it was cut: write it again" : NULL);
}

static pv_code read_ids(pv_cursor *in, const char *name, pv_base_logits *out, pv_error *err) {
  const size_t count = (size_t)out->context * out->chunks; /* the file holds them */
  out->ids = calloc(count, sizeof *out->ids);
  if (out->ids == NULL) return pv_error_nomem(err, "the token ids of the base logits");
  for (size_t i = 0; i < count; i++) {
    const uint64_t at = in->at;
    out->ids[i] = pv_cursor_u32(in);
    if (out->ids[i] < out->vocab) continue;
    pv_error_set(err, PV_ERR_INPUT, "token id %u is outside the vocabulary of %u", out->ids[i],
                 out->vocab);
    pv_error_at(err, name, 0, 0, (int64_t)at);
    return PV_ERR_INPUT;
  }
  return PV_OK;
}

pv_code pv_base_logits_parse(const void *data, uint64_t length, const char *name,
                             pv_base_logits *out, pv_error *err) {
  pv_cursor in = pv_cursor_make(data, length);
  pv_base_logits made = {.path = name};
  pv_code code = read_head(&in, name, &made, err);
  if (code == PV_OK) code = check_size(&made, length, name, err);
  if (code == PV_OK) code = read_ids(&in, name, &made, err);
  if (code != PV_OK) {
    free(made.ids);
    return code;
  }
  made.rows = (const unsigned char *)data + in.at;
  *out = made;
  return PV_OK;
}

pv_code pv_base_logits_open(const char *path, pv_base_logits *out, pv_error *err) {
  pv_map map = {0};
  pv_code code = pv_map_open(path, &map, err);
  if (code == PV_OK) code = pv_base_logits_parse(map.data, map.length, path, out, err);
  if (code != PV_OK) {
    pv_map_close(&map);
    return code;
  }
  out->map = map;
  return PV_OK;
}

void pv_base_logits_close(pv_base_logits *logits) {
  pv_map_close(&logits->map);
  free(logits->ids);
  *logits = (pv_base_logits){0};
}

pv_code pv_base_logits_row(const pv_base_logits *l, size_t chunk, size_t row, double *out,
                           pv_error *err) {
  const uint64_t bytes = row_bytes(l->vocab);
  const unsigned char *at = l->rows + (chunk * pv_scored_count(l->context) + row) * bytes;
  pv_cursor in = pv_cursor_make(at, bytes);
  const double scale = pv_cursor_f32(&in), least = pv_cursor_f32(&in);
  double sum = 0.0;
  at += ROW_HEAD;
  for (size_t i = 0; i < l->vocab; i++) {
    out[i] = scale * (double)(at[2 * i] | at[2 * i + 1] << 8) + least;
    sum += exp(out[i]);
  }
  if (sum > 0.9 && sum < 1.1) return PV_OK;
  pv_error_set(err, PV_ERR_INPUT,
               "row %zu of chunk %zu is no distribution: its probabilities add up to %s", row,
               chunk,
               isnan(sum)  ? "no number"
               : sum < 1.0 ? "less than 0.9"
                           : "more than 1.1");
  return refuse(err, l->path, NULL);
}
