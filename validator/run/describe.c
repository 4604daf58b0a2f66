#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "validator/run/answer.h"
#include "validator/run/run.h"
#include "validator/run/scratch.h"

enum { DESCRIPTION_MAX = 1 << 20, OUTPUT_KEPT = 64 << 10, TAIL = 2000 };
static const double PATIENCE_S = 60.0;

static pv_verdict blame(const pv_child_exit *end, pv_child_event event) {
  if (event == PV_CHILD_TIMEOUT) return PV_TIMEOUT;
  return end->signal != 0 ? PV_CRASH : PV_ERROR;
}

/* What is wrong with how it ended, or nothing. */
static void put_end(pv_text *why, const pv_child_exit *end, pv_child_event event, size_t said) {
  if (event == PV_CHILD_TIMEOUT)
    pv_text_puts(why, "it did not end in time");
  else if (end->signal != 0)
    pv_text_printf(why, "it was ended by signal %d", end->signal);
  else if (end->code != 0)
    pv_text_printf(why, "it left with exit code %d", end->code);
  else if (said == 0)
    pv_text_puts(why, "it says nothing");
}

/* Hears a program out: what it describes stands on its standard output when it has ended well. */
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
  else
    put_end(why, end, event, pv_child_stdout(child)->length);
  if (why->length == 0 && end->output_dropped) pv_text_puts(why, "it says more than 1 MiB");
  return code == PV_ERR_LIMIT ? PV_OK : code;
}

/* Everything that a provider says before it ends, on its standard output. */
static pv_code listen(pv_child *child, double timeout_s, pv_text *said, pv_text *why,
                      pv_verdict *verdict, pv_error *err) {
  pv_child_event event = PV_CHILD_BYTES;
  pv_code code = PV_OK;
  const double deadline = pv_clock_now() + timeout_s;
  while (code == PV_OK && event == PV_CHILD_BYTES) {
    const double left = deadline - pv_clock_now();
    code = pv_child_wait(child, left > 0 ? left : 0, said, DESCRIPTION_MAX, &event, err);
    if (left <= 0 && event == PV_CHILD_BYTES) event = PV_CHILD_TIMEOUT;
  }
  *verdict = PV_ERROR;
  if (code == PV_ERR_LIMIT) {
    pv_text_puts(why, "it says more than 1 MiB");
    return PV_OK;
  }
  if (code != PV_OK) return code;
  *verdict = blame(pv_child_result(child), event);
  put_end(why, pv_child_result(child), event, said->length);
  return PV_OK;
}

const char *pv_run_cause(const char *program, const pv_error *error) {
  const char *colon = strrchr(error->message, ':');
  const char *cause = colon != NULL && colon[1] == ' ' ? colon + 2 : error->message;
  /* The system says of a script that it is not there when it is its interpreter that is not. */
  const bool other = strcmp(cause, strerror(ENOENT)) == 0 && access(program, F_OK) == 0;
  return other ? "the interpreter that it names is not there" : cause;
}

/* Why it did not say what it has; `reason` is empty when it did. */
static pv_code judge(pv_arena *arena, const pv_text *reason, const pv_child *child, pv_asked *out,
                     pv_error *err) {
  if (reason->failed) return pv_error_nomem(err, "a provider");
  if (reason->length == 0) return PV_OK;
  const pv_text *said = child == NULL ? NULL : pv_child_stderr(child);
  out->why =
      pv_arena_printf(arena, "the provider does not say what it can check: %s", reason->data);
  if (said != NULL && said->length > 0)
    out->output = pv_answer_text(arena, said->data, said->length, TAIL);
  return out->why == NULL || (said != NULL && said->length > 0 && out->output == NULL)
             ? pv_error_nomem(err, "a provider")
             : PV_OK;
}

pv_code pv_run_ask_provider(pv_arena *arena, const char *path, const char *name, double timeout_s,
                            pv_asked *out, pv_error *err) {
  const char *argv[] = {path, "describe", NULL};
  const pv_child_spec spec = {.argv = argv, .output_limit = OUTPUT_KEPT};
  pv_child_place place = {0};
  pv_child *child = NULL;
  pv_text said = PV_TEXT_INIT, reason = PV_TEXT_INIT;
  pv_error local = PV_ERROR_INIT;
  pv_asked made = {.verdict = PV_ERROR};
  pv_code code = pv_scratch_make(arena, &place, err);
  if (code != PV_OK) return code;
  code = pv_child_start_at(&spec, &place, &child, &local);
  if (code == PV_ERR_IO) {
    pv_text_printf(&reason, "it can not be started: %s", pv_run_cause(path, &local));
    code = PV_OK;
  } else if (code == PV_OK) {
    code = listen(child, timeout_s > 0 ? timeout_s : PATIENCE_S, &said, &reason, &made.verdict,
                  &local);
  }
  if (code == PV_OK && said.failed) code = pv_error_nomem(&local, "a provider");
  if (code == PV_OK && reason.length == 0 && !reason.failed)
    code = pv_known_read_provider(arena, said.data, said.length, name, &made.said, &local);
  if (code == PV_ERR_INPUT) {
    made.verdict = PV_ERROR;
    pv_text_puts(&reason, local.message);
    code = PV_OK;
  }
  if (code == PV_OK) code = judge(arena, &reason, child, &made, &local);
  if (code == PV_OK)
    *out = made;
  else if (err != NULL)
    *err = local;
  pv_child_free(child);
  pv_scratch_remove(&place);
  pv_text_free(&said);
  pv_text_free(&reason);
  return code;
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
