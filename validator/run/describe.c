#include <string.h>

#include "base/child.h"
#include "base/clock.h"
#include "validator/run/run.h"

enum { DESCRIPTION_MAX = 1 << 20 };
static const double PATIENCE_S = 60.0;

/* Hears the child out: what it describes stands on its standard output when it has ended well. */
static pv_code hear(pv_child *child, double timeout_s, pv_text *why, pv_error *err) {
  pv_text frames = PV_TEXT_INIT;
  pv_child_event event = PV_CHILD_BYTES;
  pv_code code = PV_OK;
  const double deadline = pv_clock_now() + timeout_s;
  while (code == PV_OK && event == PV_CHILD_BYTES) {
    const double left = deadline - pv_clock_now();
    code = pv_child_wait(child, left > 0 ? left : 0, &frames, 0, &event, err);
  }
  pv_text_free(&frames);
  const pv_child_exit *end = pv_child_result(child);
  if (code == PV_ERR_LIMIT) /* it was not asked to speak there */
    pv_text_puts(why, "it writes frames");
  else if (event == PV_CHILD_TIMEOUT)
    pv_text_puts(why, "it did not end in time");
  else if (end->signal != 0)
    pv_text_printf(why, "it was ended by signal %d", end->signal);
  else if (end->code != 0)
    pv_text_printf(why, "it left with exit code %d", end->code);
  else if (end->output_dropped)
    pv_text_puts(why, "it says more than 1 MiB");
  else if (pv_child_stdout(child)->length == 0)
    pv_text_puts(why, "it says nothing");
  return code == PV_ERR_LIMIT ? PV_OK : code;
}

pv_code pv_run_describe(pv_arena *arena, const char *probe, double timeout_s, const pv_known **out,
                        pv_error *err) {
  const char *argv[] = {NULL, "describe", NULL};
  const pv_child_spec spec = {.argv = argv, .output_limit = DESCRIPTION_MAX};
  pv_child *child = NULL;
  pv_text why = PV_TEXT_INIT;
  pv_error local = PV_ERROR_INIT;
  pv_code code = pv_run_find_probe(arena, probe, &argv[0], err);
  if (code == PV_OK) code = pv_child_start(&spec, &child, err);
  if (code == PV_OK) code = hear(child, timeout_s > 0 ? timeout_s : PATIENCE_S, &why, err);
  if (code != PV_OK) goto cleanup;
  const pv_text *said = pv_child_stdout(child);
  if (said->failed || why.failed)
    code = pv_error_nomem(&local, "what the probe describes");
  else if (why.length > 0)
    code = pv_error_set(&local, PV_ERR_INPUT, "%s", why.data);
  else
    code = pv_known_read(arena, said->data, said->length, out, &local);
  if (code == PV_OK) goto cleanup;
  pv_error_set(err, code, "'%s' does not say what it can check: %s", argv[0], local.message);
  if (code == PV_ERR_INPUT)
    pv_error_hint(err, "pv and pv-probe belong together: build both; --probe names another");
cleanup:
  pv_text_free(&why);
  pv_child_free(child);
  return code;
}
