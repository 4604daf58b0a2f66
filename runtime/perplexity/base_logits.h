/* Files of base logits, as llama-perplexity --kl-divergence-base writes and reads them: the tokens
 * of a text, and for each that is scored the log-probabilities of the whole vocabulary in 16 bits.
 * Little endian, one behind the other:
 *
 *   "_logits_"                 8 bytes
 *   context, vocab, chunks     int32 each
 *   ids                        int32, context of each chunk, as the text has them
 *   rows                       of each chunk those of positions context / 2 .. context - 2
 *
 * A row is float32 scale, float32 least, and a uint16 q for each token, with two more bytes where
 * the vocabulary is odd: ln p = scale q + least. What is 16 or more below the largest logit is
 * written as just that, so that ln p is too large there; none of those is above
 * PV_BASE_LOGITS_LEAST. */
#ifndef PV_PERPLEXITY_BASE_LOGITS_H
#define PV_PERPLEXITY_BASE_LOGITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/file.h"

#define PV_BASE_LOGITS_LEAST (-16.0)

/* The first position of a chunk whose logits are scored, and how many are: the last one has no
 * token behind it in the chunk. */
static inline size_t pv_scored_from(size_t context) {
  return context / 2;
}
static inline size_t pv_scored_count(size_t context) {
  return context > 0 ? context - 1 - context / 2 : 0;
}

typedef struct pv_base_logits {
  uint32_t context, vocab, chunks;
  uint32_t *ids;    /* context * chunks, each below vocab; owned */
  const char *path; /* as it was named; borrowed */
  pv_map map;       /* {0}: the bytes are somebody else's */
  const unsigned char *rows;
} pv_base_logits;

/* PV_ERR_INPUT, with the file, for anything but what stands above: another magic, a context without
 * a scored position, no token or chunk, a token beyond the vocabulary, a size that does not follow
 * from the header. Rows are looked at when they are read. */
pv_code pv_base_logits_open(const char *path, pv_base_logits *out, pv_error *err);
/* The same over bytes, which must outlive it. */
pv_code pv_base_logits_parse(const void *data, uint64_t length, const char *name,
                             pv_base_logits *out, pv_error *err);
void pv_base_logits_close(pv_base_logits *logits);
/* Log-probabilities of scored row `row` of a chunk, `vocab` of them. PV_ERR_INPUT where they are
 * none: no number, or their probabilities do not add up to 1, for which 10 percent are left. */
pv_code pv_base_logits_row(const pv_base_logits *logits, size_t chunk, size_t row, double *out,
                           pv_error *err);

/* Writing one, from row to row. */
typedef struct pv_base_writer pv_base_writer;
/* `path` must not exist (PV_ERR_INPUT). The ids are context * chunks. */
pv_code pv_base_writer_open(const char *path, const pv_base_logits *head, pv_base_writer **out,
                            pv_error *err);
/* The next row, from log-probabilities. */
pv_code pv_base_writer_add(pv_base_writer *writer, const double *row, pv_error *err);
/* Closes it. Unless all rows came and all was written, the file is removed: `code`, if that is an
 * error, else what went wrong. NULL is allowed. */
pv_code pv_base_writer_close(pv_base_writer *writer, pv_code code, pv_error *err);

#endif
