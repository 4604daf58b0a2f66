/* How well a side predicts a text, and how far its predictions are from those of a base. The text
 * is cut into chunks that know nothing of each other; scored are the predictions of the second half
 * of each, as llama-perplexity does it (docs/perplexity.md). Of the logits no more than those of
 * one batch is held. */
#ifndef PV_PERPLEXITY_PERPLEXITY_H
#define PV_PERPLEXITY_PERPLEXITY_H

#include "runtime/measure/likelihood.h"
#include "runtime/perplexity/base_logits.h"
#include "runtime/sources/walker.h"

/* Who predicts: a side that computes, a trace of one chunk, another engine, which is run for each
 * chunk, or a file of logits. */
typedef struct pv_perplexity_side {
  pv_walker walker;
  pv_recorded_model *of;      /* the model, with its file: what traces must be of */
  const pv_base_logits *file; /* then the others are not looked at; NULL: none */
} pv_perplexity_side;

typedef struct pv_perplexity_spec {
  const pv_perplexity_side *sides; /* the one that is asked, and its base */
  size_t side_count;               /* 1 or 2 */
  const uint32_t *ids;             /* context * chunks of them */
  size_t context, chunks;          /* context: 3 or more; chunks: 1 or more */
  const uint32_t *bos;  /* in the place of the first id of each chunk; NULL: nothing is */
  pv_base_writer *save; /* gets every scored row of the first side; NULL: nobody does */
  unsigned threads;
  double engine_timeout_s;
  void (*progress)(void *context, size_t done, size_t total); /* operations; NULL: nobody waits */
  void *progress_context;
} pv_perplexity_spec;

/* A logit that is no number. */
typedef struct pv_perplexity_odd {
  size_t side, chunk, position, token;
  double value;
} pv_perplexity_odd;

typedef struct pv_perplexity_result {
  bool finite;           /* false: it ended at `odd`, and there are no figures */
  pv_perplexity_odd odd; /* the first one */
  pv_scores scores;      /* owned */
} pv_perplexity_result;

/* PV_ERR_INPUT for a side of another vocabulary, for a trace that is of other tokens, of more or
 * less than one chunk, or lacks logits that are scored; else errors as of pv_walker_open,
 * pv_walker_record, pv_base_logits_row and pv_base_writer_add. */
pv_code pv_perplexity(const pv_perplexity_spec *spec, pv_perplexity_result *out, pv_error *err);
void pv_perplexity_free(pv_perplexity_result *result);

#endif
