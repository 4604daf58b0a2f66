/* From one message of the probe to facts and verdicts. */
#ifndef PV_RUN_ANSWER_H
#define PV_RUN_ANSWER_H

#include <jansson.h>

#include "validator/run/run.h"

/* Reads a "hello". PV_ERR_INPUT when it has not the shape that frame.h gives. */
pv_code pv_answer_hello(pv_arena *arena, const json_t *message, pv_run_hello *out, pv_error *err);

/* Reads a "model" into the facts of `*out`, which has said hello. PV_ERR_INPUT as above, and when
 * it has no model or its digest is known. */
pv_code pv_answer_model(pv_arena *arena, const json_t *message, pv_run_hello *out, pv_error *err);

/* Reads a "result" and applies the policy of run.h; `with` are the bound parameters. `falsifier`
 * and the declared faults of `*out` are left alone. PV_ERR_INPUT for a message of another shape. */
pv_code pv_answer_result(pv_arena *arena, const json_t *message, const json_t *with,
                         pv_falsifier_result *out, pv_error *err);

/* The same of a provider's "result": what it may leave out is empty, a key that it may not have and
 * a field of another type, at any depth, are PV_ERR_INPUT, and who computed is not asked. */
pv_code pv_answer_foreign(pv_arena *arena, const json_t *message, const json_t *with,
                          pv_falsifier_result *out, pv_error *err);

/* Whether a provider's "progress" has the fields that it has to have, and no other. */
bool pv_answer_progress(const json_t *message);

/* A copy in valid UTF-8 without NUL, at most the last `limit` bytes; never NULL unless memory is
 * out. */
char *pv_answer_text(pv_arena *arena, const char *bytes, size_t length, size_t limit);

#endif
