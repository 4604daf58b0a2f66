#include "tests/unit/freeze/models.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/freeze/side.h"
#include "tests/unit/synth/temporary.h"
#include "tests/unit/testing.h"

/* Past a chunk of attention, in a product of many rows and one of few, then decoded positions; and
 * the same, less far, for what is larger. */
static const size_t far[] = {61, 5, 1, 1, 0}, near[] = {8, 3, 1, 1, 0}, nearest[] = {8, 1, 1, 0};

/* The made ones are small, and each of another shape: all types, 1, 2, 4, 8 and 9 query heads on a
 * key head, heads and experts that fill no segment, rows as long as each kernel of products takes
 * them, a head that is the embedding, all experts used, none at all, and exact ties in the router.
 */
#define SMALL "--vocab 300 --experts 6 "
#define DENSE "--arch qwen3 --vocab 300 "
static const freeze_model table[] = {
    {"synth-F32",
     SMALL "--layout F32 --layers 2 --hidden 64 --heads 4 --kv-heads 4 --head-dim 16 --ffn 40 "
           "--used 6",
     false, far},
    {"synth-F16",
     SMALL "--layout F16 --layers 2 --hidden 104 --heads 4 --kv-heads 1 --head-dim 24 --ffn 64 "
           "--used 2 --tied",
     false, far},
    {"synth-BF16",
     SMALL "--layout BF16 --layers 2 --hidden 64 --heads 8 --kv-heads 1 --head-dim 32 --ffn 64 "
           "--used 2",
     false, far},
    {"synth-Q8_0",
     SMALL "--layout Q8_0 --layers 2 --hidden 96 --heads 4 --kv-heads 2 --head-dim 40 --ffn 96 "
           "--used 3",
     false, far},
    {"synth-Q6_K",
     SMALL "--layout Q6_K --layers 2 --hidden 256 --heads 4 --kv-heads 1 --head-dim 64 --ffn 256 "
           "--used 1",
     false, nearest},
    {"synth-Q4_K_M",
     SMALL "--layout Q4_K_M --layers 1 --hidden 256 --heads 18 --kv-heads 2 --head-dim 128 --ffn "
           "1280 --used 1",
     false, nearest},
    {"synth-Q4_K_M-kv8",
     SMALL "--layout Q4_K_M-kv8 --layers 2 --hidden 256 --heads 8 --kv-heads 2 --head-dim 32 --ffn "
           "256 --used 3 --near-tie 0",
     false, near},
    {"dense-Q4_K_M",
     DENSE "--layout Q4_K_M --layers 2 --hidden 256 --heads 4 --kv-heads 2 --head-dim 64 --ffn 512 "
           "--tied",
     false, near},
    {"dense-Q8_0",
     DENSE "--layout Q8_0 --layers 2 --hidden 96 --heads 4 --kv-heads 1 --head-dim 40 --ffn 160",
     false, far},
    {"tiny-coder-moe-Q4_K_M", NULL, false, nearest},
    {"tiny-coder-moe-Q6_K", NULL, true, nearest},
    {"tiny-coder-moe-Q8_0", NULL, true, nearest},
    {"tiny-coder-moe-BF16", NULL, true, nearest},
};
enum { COUNT = sizeof table / sizeof *table };

const freeze_model *freeze_models(size_t *count) {
  *count = COUNT;
  return table;
}

const freeze_model *freeze_model_find(const char *name) {
  for (size_t i = 0; i < COUNT; i++)
    if (strcmp(table[i].name, name) == 0) return &table[i];
  return NULL;
}

bool freeze_model_path(const freeze_model *model, char out[FREEZE_PATH]) {
  pv_error err = PV_ERROR_INIT;
  if (model->options != NULL) {
    char name[64];
    snprintf(name, sizeof name, "%s.gguf", model->name);
    snprintf(out, FREEZE_PATH, "%s", in_temporary(name));
    const bool made = EXPECT_I64(freeze_synth(model->options, out, &err), PV_OK);
    if (!made) pv_error_print(&err, stderr);
    return made;
  }
  const char *shared = model->shared ? pv_testing_shared() : "";
  if (shared == NULL) return false;
  snprintf(out, FREEZE_PATH, "%s%smodels/%s.gguf", shared, model->shared ? "/" : "", model->name);
  return EXPECT(access(out, R_OK) == 0);
}

void freeze_models_end(void) {
  temporary_remove();
}
