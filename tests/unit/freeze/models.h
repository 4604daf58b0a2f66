/* The model files of the lists. */
#ifndef PV_TESTS_FREEZE_MODELS_H
#define PV_TESTS_FREEZE_MODELS_H

#include <stdbool.h>
#include <stddef.h>

enum { FREEZE_PATH = 600 };

typedef struct freeze_model {
  const char *name;    /* "synth-F16", "tiny-coder-moe-Q8_0" */
  const char *options; /* of `pv synth`; NULL: a file that is there */
  bool shared;         /* one that a user does not have */
  const size_t *batches;
} freeze_model;

const freeze_model *freeze_models(size_t *count);
const freeze_model *freeze_model_find(const char *name);
/* Where the file is, after it was made if it is one that is made; false, and a failed assertion,
 * where there is none. For a shared one: false alone. */
bool freeze_model_path(const freeze_model *model, char out[FREEZE_PATH]);
/* Removes what was made. */
void freeze_models_end(void);

#endif
