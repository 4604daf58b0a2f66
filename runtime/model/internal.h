/* Shared by the files of this room only. */
#ifndef PV_MODEL_INTERNAL_H
#define PV_MODEL_INTERNAL_H

#include "runtime/model/metadata.h"
#include "runtime/model/model.h"

/* shape.c: the shape, from what the plan starts with and the keys that it has of its own. */
pv_code model_read_shape(pv_model *m, pv_error *err);
/* A number in (0, max]; where the key is absent, `*out` stays. */
pv_code model_get_real(const pv_gguf *g, const char *key, double max, double *out, pv_error *err);
/* Likewise a whole number in 1..max, or an array of one number for each of `layers` that are all
 * the same. */
pv_code model_get_u32(const pv_gguf *g, const char *key, uint64_t max, uint32_t layers,
                      uint32_t *out, pv_error *err);

/* rope.c: the scaling of positions, and rope_freqs.weight. */
#define MODEL_ROPE_FACTORS "rope_freqs.weight"
pv_code model_read_rope(pv_model *m, pv_error *err);

/* metadata.c: "KEY is VALUE; WORDS", with a place and a rule; the caller sets the hint.
 * PV_ERR_UNSUPPORTED, or out of memory. */
pv_code model_refuse_key(const pv_gguf *g, const pv_gguf_value *value, const char *words,
                         pv_error *err);
/* Every key of the file. `shape.vocab` is 0 where no embedding tells it. */
pv_code model_check_metadata(const pv_model *m, pv_error *err);

/* tensors.c: every tensor is of a type that pv reads. */
pv_code model_check_types(const pv_gguf *g, pv_error *err);
/* Sets shape.vocab from the embedding, where there is one, and counts the names of tokens. */
pv_code model_find_vocab(pv_model *m, pv_error *err);
/* All tensors with the shapes that the metadata imply, and none beside them. */
pv_code model_find_tensors(pv_model *m, pv_error *err);

#endif
