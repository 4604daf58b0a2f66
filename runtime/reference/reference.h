/* The reference beside a model: prompts, and where there is one what the Hugging Face
 * implementation computed for them. Written by models/make_reference.py and, with prompts alone, by
 * `pv synth --prompts`; format in models/README.md. A model without one has the built-in prompts.
 */
#ifndef PV_REFERENCE_REFERENCE_H
#define PV_REFERENCE_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/sha256.h"

typedef struct pv_reference_prompt {
  const char *name;    /* unique; letters, digits, '.', '_' and '-' */
  const char *text;    /* UTF-8 */
  const uint32_t *ids; /* count of them, 1 or more, each below vocab */
  size_t count;
  uint32_t vocab;
  /* All three or none; per position. The top token and its distance to the second best are those
   * of the float32 logits, the logits are binary16 of these. All are finite. */
  const float *logits; /* [count][vocab] */
  const uint32_t *top;
  const float *top_margin;
  const uint32_t *hf_greedy; /* greedy continuation of the reference, hf_greedy_count ids */
  size_t hf_greedy_count;
  const uint32_t *f64_greedy; /* of the float64 forward */
  size_t f64_greedy_count;
} pv_reference_prompt;

typedef struct pv_reference pv_reference;

#define PV_REFERENCE_MAGIC       "PVREF\0\0\1"
#define PV_REFERENCE_MAGIC_BYTES 8

/* The file's SHA-256 trailer, every length and every value is checked before it is used: anything
 * odd is PV_ERR_INPUT. */
pv_code pv_reference_open(const char *path, pv_reference **out, pv_error *err);
pv_code pv_reference_parse(const void *data, size_t length, const char *name, pv_reference **out,
                           pv_error *err);
/* The largest file that is read. */
#define PV_REFERENCE_BYTES_MAX ((uint64_t)256 << 20)
/* Replaces the file at `path` by one with these prompts, of which names, texts, ids and, where
 * there are some, logits with their top tokens and margins are written: no continuations. Prompts
 * that the reader would refuse are PV_ERR_INPUT, more than it would read PV_ERR_LIMIT. */
pv_code pv_reference_write(const char *path, uint32_t vocab, const pv_reference_prompt *prompts,
                           size_t count, pv_error *err);
/* The built-in prompts of a model, which are token ids alone: builtin-1, builtin-3, builtin-16,
 * builtin-17 and builtin-64, a length above `context` cut to it, each length once. builtin-N is N
 * ids of pv_reference_random_ids with the seed N, of which the second is then 0 (N > 2) and the
 * last is vocab - 1 (N > 1). A vocabulary or a context of 0 is PV_ERR_INPUT. */
pv_code pv_reference_builtin(uint32_t vocab, size_t context, pv_reference **out, pv_error *err);
/* What says that two programs have the same built-in prompts: the SHA-256 of those of some small
 * and one large vocabulary. With the digest of a model it says which tokens were computed. */
pv_code pv_reference_builtin_digest(char out[PV_SHA256_HEX], pv_error *err);
void pv_reference_close(pv_reference *reference); /* NULL is allowed */

size_t pv_reference_prompt_count(const pv_reference *reference);
const pv_reference_prompt *pv_reference_prompt_at(const pv_reference *reference, size_t index);
/* NULL when there is none of that name. */
const pv_reference_prompt *pv_reference_find(const pv_reference *reference, const char *name);

/* Random token ids below `vocab`: pv_random_lcg mod vocab; `*state` is the seed at first and goes
 * on from call to call. */
void pv_reference_random_ids(uint64_t *state, uint32_t vocab, uint32_t *ids, size_t count);

#endif
