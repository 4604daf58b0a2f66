/* No bit of any stage moves: every model, identity and source against stages.txt; with the argument
 * "shared", the models that a user does not have against shared.txt. With "interpreted" the source
 * is the PTX of the kernels, interpreted, alone. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "tests/unit/freeze/list.h"
#include "tests/unit/freeze/models.h"
#include "tests/unit/testing.h"

#define FOLDER "tests/unit/freeze/"

static freeze_list *list;
static bool shared, interpreted;

/* What the arbiter asks of the C library, over a grid of arguments. */
static bool library_digest(char out[PV_SHA256_HEX]) {
  enum { POINTS = 4096 };
  static double values[4 * POINTS];
  for (size_t i = 0; i < POINTS; i++) {
    const volatile double x = (double)i / 128.0; /* volatile: not at compile time */
    values[4 * i] = exp(8.0 - x);
    values[4 * i + 1] = sin(x * 7.3);
    values[4 * i + 2] = cos(x * 7.3);
    values[4 * i + 3] = pow(1e6, -x / 32.0);
  }
  return pv_sha256_bytes(values, sizeof values, out, NULL) == PV_OK;
}

static void check_arbiter(const char *key, const freeze_side *side) {
  char digest[PV_SHA256_HEX];
  const bool same = freeze_list_check_run(list, key, side);
  REQUIRE(library_digest(digest));
  if (!freeze_list_same(list, "libm", digest) && !same)
    printf("  exp, sin, cos or pow of this machine's C library are not those of the list\n");
}

static void check_identity(const freeze_model *model, const char *path, const char *identity) {
  static const char *const sources[] = {"scalar", "avx2", "vnni", "definition", "arbiter", "ptx"};
  const bool f64 = strcmp(identity, "f64") == 0;
  char key[128];
  snprintf(key, sizeof key, "%s %s", model->name, identity);
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
    const freeze_side side = {path, sources[i], identity, NULL, model->batches};
    if ((strcmp(sources[i], "ptx") == 0) != interpreted) continue;
    if ((strcmp(sources[i], "arbiter") == 0) != f64) continue;
    if (f64)
      check_arbiter(key, &side);
    else if (freeze_has(sources[i]))
      freeze_list_check_run(list, key, &side);
    else
      printf("%s: this machine has no %s\n", key, sources[i]);
  }
}

static void check_model(const freeze_model *model, const char *path) {
  static const char *const identities[] = {"i16", "i8", "f32-f64acc", "f64"};
  char key[128], digest[PV_SHA256_HEX];
  snprintf(key, sizeof key, "%s file", model->name);
  REQUIRE(pv_sha256_file(path, digest, NULL) == PV_OK);
  if (!freeze_list_check(list, key, digest, "the model is another one")) return;
  for (size_t i = 0; i < sizeof identities / sizeof *identities; i++)
    check_identity(model, path, identities[i]);
}

static void test_models(void) {
  size_t count = 0;
  const freeze_model *models = freeze_models(&count);
  char path[FREEZE_PATH];
  list = freeze_list_open(shared ? FOLDER "shared.txt" : FOLDER "stages.txt");
  for (size_t i = 0; i < count && list != NULL; i++)
    if (models[i].shared == shared && freeze_model_path(&models[i], path))
      check_model(&models[i], path);
  freeze_list_close(list, !interpreted);
  freeze_models_end();
}

static void test_without_shared(void) {
  pv_testing_skip("the golden folder is not here");
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    shared = shared || strcmp(argv[i], "shared") == 0;
    interpreted = interpreted || strcmp(argv[i], "interpreted") == 0;
  }
  if (shared && pv_testing_shared() == NULL)
    return pv_testing_main("freeze", (pv_case[]){PV_CASE(test_without_shared), {0}});
  return pv_testing_main("freeze", (pv_case[]){PV_CASE(test_models), {0}});
}
