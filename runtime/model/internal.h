/* Shared by the files of this room only. */
#ifndef PV_MODEL_INTERNAL_H
#define PV_MODEL_INTERNAL_H

#include "runtime/model/model.h"

/* metadata.c: every key of the file. `shape.vocab` is 0 where no embedding tells it. */
pv_code model_check_metadata(const pv_model *m, pv_error *err);

/* tensors.c: every tensor is of a type that pv reads. */
pv_code model_check_types(const pv_gguf *g, pv_error *err);
/* Sets shape.vocab from the embedding, where there is one, and counts the names of tokens. */
pv_code model_find_vocab(pv_model *m, pv_error *err);
/* All tensors with the shapes that the metadata imply, and none beside them. */
pv_code model_find_tensors(pv_model *m, pv_error *err);

#endif
