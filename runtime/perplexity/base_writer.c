#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ck.h"
#include "runtime/perplexity/base_logits.h"

struct pv_base_writer {
  FILE *file;
  char *path;
  size_t vocab, rows; /* rows: to come */
  unsigned char *row;
  size_t row_bytes;
};

static pv_code fail(pv_error *err, const char *path, const char *what) {
  const pv_code code = pv_error_errno(err, errno, "cannot %s '%s'", what, path);
  pv_error_at(err, path, 0, 0, -1);
  return code;
}

static void put_u32(unsigned char *to, uint32_t value) {
  for (int i = 0; i < 4; i++) to[i] = (unsigned char)(value >> 8 * i);
}

static void put_f32(unsigned char *to, float value) {
  uint32_t bits = 0;
  memcpy(&bits, &value, sizeof bits);
  put_u32(to, bits);
}

static void write_head(const pv_base_logits *head, FILE *file) {
  const uint32_t counts[] = {head->context, head->vocab, head->chunks};
  unsigned char word[4];
  fputs("_logits_", file); /* the stream remembers an error */
  for (int i = 0; i < 3; i++) {
    put_u32(word, counts[i]);
    fwrite(word, 1, sizeof word, file);
  }
  for (size_t i = 0; i < (size_t)head->context * head->chunks; i++) {
    put_u32(word, head->ids[i]);
    fwrite(word, 1, sizeof word, file);
  }
}

pv_code pv_base_writer_open(const char *path, const pv_base_logits *head, pv_base_writer **out,
                            pv_error *err) {
  pv_base_writer *w = calloc(1, sizeof *w);
  pv_code code = PV_OK;
  if (w == NULL) return pv_error_nomem(err, "the writer of logits");
  w->vocab = head->vocab;
  w->rows = pv_scored_count(head->context) * head->chunks;
  w->row_bytes = 8 + 2 * (w->vocab + w->vocab % 2);
  w->row = calloc(1, w->row_bytes);
  w->path = strdup(path);
  if (w->row == NULL || w->path == NULL) code = pv_error_nomem(err, "the writer of logits");
  if (code == PV_OK) w->file = fopen(path, "wbxe");
  if (code == PV_OK && w->file == NULL)
    code = errno == EEXIST
               ? pv_error_refuse(err, "name another file, or remove it", "'%s' exists", path)
               : fail(err, path, "write");
  if (code != PV_OK) return pv_base_writer_close(w, code, err);
  write_head(head, w->file);
  *out = w;
  return PV_OK;
}

pv_code pv_base_writer_add(pv_base_writer *w, const double *row, pv_error *err) {
  double most = row[0], least = row[0];
  for (size_t i = 1; i < w->vocab; i++) {
    most = fmax(most, row[i]);
    least = fmin(least, row[i]);
  }
  least = fmax(least, most + PV_BASE_LOGITS_LEAST);
  const double scale = (most - least) / 65535.0;
  put_f32(w->row, (float)scale);
  put_f32(w->row + 4, (float)least);
  for (size_t i = 0; i < w->vocab; i++) {
    const long q = row[i] > least ? lrint((row[i] - least) / scale) : 0;
    w->row[8 + 2 * i] = (unsigned char)q;
    w->row[9 + 2 * i] = (unsigned char)(q >> 8);
  }
  w->rows--;
  if (fwrite(w->row, 1, w->row_bytes, w->file) == w->row_bytes) return PV_OK;
  return fail(err, w->path, "write");
}

pv_code pv_base_writer_close(pv_base_writer *w, pv_code code, pv_error *err) {
  if (w == NULL) return code;
  if (w->file != NULL) {
    const bool lost = ferror(w->file) != 0;
    if ((fclose(w->file) != 0 || lost) && code == PV_OK) code = fail(err, w->path, "write");
    if (code == PV_OK && w->rows > 0)
      code = pv_error_set(err, PV_ERR_INTERNAL, "'%s' lacks %zu rows", w->path, w->rows);
    if (code != PV_OK) unlink(w->path);
  }
  free(w->row);
  free(w->path);
  free(w);
  return code;
}
