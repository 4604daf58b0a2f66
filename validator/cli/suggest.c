#include "validator/cli/suggest.h"

#include <jansson.h>
#include <string.h>

#include "reports/render/put.h"
#include "validator/model/bind.h"

void pv_suggest_bisect(const pv_judgement *j, pv_text *out) {
  if (j->next.count > 0) pv_text_puts(out, "  where it begins, and who is wrong:\n");
  for (size_t i = 0; i < j->next.count; i++) pv_text_printf(out, "    %s\n", j->next.items[i]);
}

/* Only a device of CUDA runs the kernels that are interpreted. */
static bool has_cuda(const pv_result *r) {
  return pv_fact_value(r->environment, r->environment_count, "cuda_code") != NULL;
}

/* Whether the interpreter can look at what a receipt no longer says. */
static bool can_interpret(const pv_falsifier_result *f) {
  json_t *with = NULL;
  if (!f->kernels_changed || pv_bind_with(f->falsifier, "ptx", &with, NULL) != PV_OK) return false;
  const bool can = pv_bind_interprets(f->falsifier, with);
  json_decref(with);
  return can;
}

void pv_suggest_interpreter(const pv_judgement *j, pv_text *out) {
  const pv_run_hello *hello = &j->trial.outcome.hello;
  size_t stale = 0;
  for (size_t i = 0; i < j->result.falsifier_count; i++)
    stale += can_interpret(&j->result.falsifiers[i]);
  if (stale == 0 ||
      pv_fact_value(hello->environment, hello->environment_count, "ptx_sha256") == NULL ||
      j->request.backend != NULL || has_cuda(&j->result))
    return;
  pv_text_puts(out,
               "  without a device the changed kernels can be interpreted, which finds faults and "
               "discharges nothing:\n    pv validate ");
  pv_put_shell(out, j->request.contract->path);
  pv_text_puts(out, " --backend ptx");
  if (j->request.model != NULL) {
    pv_text_puts(out, " --model ");
    pv_put_shell(out, j->request.model);
  }
  pv_text_puts(out, "\n");
}
