/* The small model of models/ with one thing changed, in memory. */
#ifndef PV_TESTS_MODEL_VARIANT_H
#define PV_TESTS_MODEL_VARIANT_H

#include "base/text.h"
#include "runtime/model/model.h"

/* Reads the model once; false when it can not be read. */
bool variant_begin(void);
void variant_end(void);

/* A pair of that name with a value in words. `type` is u32, f32, bool or str, or an array of four
 * elements whose last is the value: i32s, bools. Freed by the caller, as all below. */
pv_text variant_pair(const char *key, const char *type, const char *value);
/* The model with that pair more; its own of that name, if it has one, gets another name. */
pv_text variant_with(const char *key, const pv_text *pair);
/* The model with an F32 tensor of 8 weights more. */
pv_text variant_with_tensor(const char *name);
/* The model with a vocabulary of `count` one-letter names. */
pv_text variant_with_names(unsigned count);
/* A copy whose key or tensor `name` is called `other`, a name of the same length. */
pv_text variant_renamed(const char *name, const char *other);
/* A copy whose tensor `name` says that it is of another type. */
pv_text variant_typed(const char *name, uint32_t type);
void variant_retype(pv_text *bytes, const char *name, uint32_t type);

/* Opens the bytes as "variant.gguf"; PV_OK means that a model came of it. Frees them. */
pv_code variant_open(pv_text *bytes, pv_error *err);
/* Expects a refusal of that rule whose message holds `words`; "" for no rule. */
void variant_refused(pv_text *bytes, const char *rule, const char *words);

#endif
