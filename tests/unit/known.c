#include "tests/unit/known.h"

#include <stdio.h>
#include <stdlib.h>

#include "validator/run/run.h"

const pv_known *testing_known(void) {
  static pv_arena arena;
  static const pv_known *known;
  pv_error err = PV_ERROR_INIT;
  if (known == NULL && pv_run_describe(&arena, NULL, 0, &known, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    exit(1);
  }
  return known;
}
