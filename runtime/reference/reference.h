/* The reference beside a model: prompts, and where there is one what the Hugging Face
 * implementation computed for them. Written by models/make_reference.py and, with prompts alone, by
 * `pv synth --prompts`; format in models/README.md. */
#ifndef PV_REFERENCE_REFERENCE_H
#define PV_REFERENCE_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/base/error.h"

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
pv_status pv_reference_open(const char *path, pv_reference **out, pv_error *err);
pv_status pv_reference_parse(const void *data, size_t length, const char *name, pv_reference **out,
                             pv_error *err);
/* Replaces the file at `path` by one with these prompts, of which names, texts and ids are written:
 * no logits and no continuations. Prompts that the reader would refuse are PV_ERR_INPUT. */
pv_status pv_reference_write(const char *path, uint32_t vocab, const pv_reference_prompt *prompts,
                             size_t count, pv_error *err);
void pv_reference_close(pv_reference *reference); /* NULL is allowed */

size_t pv_reference_prompt_count(const pv_reference *reference);
const pv_reference_prompt *pv_reference_prompt_at(const pv_reference *reference, size_t index);

#endif
