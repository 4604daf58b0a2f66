#include "tests/unit/ptx/conform/suite.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void put_head(const pv_conform_runner *runner, pv_text *answers) {
  const time_t now = time(NULL);
  struct tm utc;
  char day[16] = "";
  if (gmtime_r(&now, &utc) != NULL) strftime(day, sizeof day, "%Y-%m-%d", &utc);
  pv_text_printf(answers, "device %s\ndriver %s\ndate %s\n", runner->name, runner->driver, day);
}

static pv_code run_kernel(pv_conform_runner *runner, const pv_conform_kernel *kernel,
                          const char *expected, pv_text *answers, pv_conform_result *result,
                          pv_error *err) {
  size_t different = 0;
  pv_error missing = PV_ERROR_INIT;
  uint64_t *out = calloc(kernel->cases, 8 * kernel->out_slots);
  if (out == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for %s", kernel->name);
  pv_code code = runner->run(runner, kernel, out, err);
  if (code == PV_ERR_UNSUPPORTED) {
    result->refused++;
    pv_text_printf(&result->report, "%s: refused: %s\n", kernel->name, err->message);
    *err = PV_ERROR_INIT;
    free(out);
    return PV_OK;
  }
  if (code == PV_OK) {
    result->kernels++;
    result->cases += kernel->cases;
    if (answers != NULL) code = pv_conform_answers_add(answers, kernel, out, err);
  }
  if (code == PV_OK && expected != NULL) {
    code = pv_conform_answers_check(expected, kernel, out, &different, &result->report, &missing);
    if (code == PV_ERR_INPUT) {
      pv_text_printf(&result->report, "%s\n", missing.message);
      different = 1;
      code = PV_OK;
    }
    result->different += different;
  }
  free(out);
  return code;
}

pv_code pv_conform_suite_run(pv_conform_runner *runner, const char *only, const char *expected,
                             pv_text *answers, pv_conform_result *result, pv_error *err) {
  const pv_conform_form *form;
  pv_code code = PV_OK;
  if (answers != NULL) put_head(runner, answers);
  for (size_t i = 0; code == PV_OK && (form = pv_conform_form_at(i)) != NULL; i++) {
    pv_conform_kernel kernel;
    code = pv_conform_kernel_make(form, &kernel, err);
    const bool waits = expected != NULL && !pv_conform_form_is_answered(form);
    if (code == PV_OK && !waits && (only == NULL || strstr(kernel.name, only) != NULL))
      code = run_kernel(runner, &kernel, expected, answers, result, err);
    pv_conform_kernel_free(&kernel);
  }
  return code;
}
