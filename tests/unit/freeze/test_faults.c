/* Each planted fault gives the bits of faults.txt, and others than the model without it. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/freeze/list.h"
#include "tests/unit/freeze/models.h"
#include "tests/unit/testing.h"

static freeze_list *list;
static char path[FREEZE_PATH];
static const freeze_model *model;

static void check(const char *fault, const char *identity) {
  const freeze_side side = {path, "definition", identity, fault, model->batches};
  char key[128], sound[128];
  snprintf(key, sizeof key, "%s %s", fault, identity);
  snprintf(sound, sizeof sound, "none %s", identity);
  freeze_list_check_run(list, key, &side);
  /* A fallback has the bits of whom it stands in for. */
  const bool same = strcmp(fault, "none") == 0 || strcmp(fault, "silent_fallback") == 0;
  if (!EXPECT(freeze_list_equal(list, key, sound) == same)) printf("  %s\n", key);
}

static void test_faults(void) {
  const char *fault = NULL, *identity = NULL;
  model = freeze_model_find("synth-Q4_K_M-kv8");
  list = freeze_list_open("tests/unit/freeze/faults.txt");
  REQUIRE(list != NULL && freeze_model_path(model, path));
  check("none", "i16");
  check("none", "f32-f64acc");
  for (size_t i = 0; (fault = freeze_fault(i, &identity)) != NULL; i++)
    /* Each process draws its own order, which no list can have. */
    if (strcmp(fault, "nondeterministic_order") != 0) check(fault, identity);
  freeze_list_close(list, true);
  freeze_models_end();
}

int main(void) {
  return pv_testing_main("freeze_faults", (pv_case[]){PV_CASE(test_faults), {0}});
}
