/* Any bytes that a provider says: as a description, and as an answer. What is taken is whole and
 * within what the protocol promises; what is refused says why and leaves nothing. */
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "validator/model/known.h"
#include "validator/run/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "violated: %s\n", what);
  abort();
}

static void look_at(const pv_known_check *c, const char *owner) {
  const size_t n = strlen(owner);
  demand(strncmp(c->name, owner, n) == 0 && c->name[n] == '/' && c->name[n + 1] != '\0',
         "a check is its provider's");
  demand(strchr(c->name + n + 1, '/') == NULL, "a name has no slash");
  demand(c->about[0] != '\0' && c->faults != NULL && c->timeout_s > 0 && c->timeout_s <= 86400,
         "a check is whole");
  demand((c->needs & ~(unsigned)(PV_NEEDS_MODEL | PV_NEEDS_REFERENCE)) == 0,
         "it needs what there is");
  for (size_t i = 0; i < c->param_count; i++) {
    const pv_known_param *p = &c->params[i];
    const bool number = p->type == PV_KNOWN_INTEGER || p->type == PV_KNOWN_NUMBER;
    demand(p->type != PV_KNOWN_SIDE && p->words != NULL, "a provider has no sides");
    demand(!number || (p->min < p->max && isfinite(p->min) && isfinite(p->max)),
           "bounds hold some");
    demand(pv_known_param_find(c, p->name) == p, "no parameter stands twice");
  }
}

static void describe(const char *text, size_t size) {
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  pv_known_provider p = {0};
  const pv_code code = pv_known_read_provider(&arena, text, size, NULL, &p, &err);
  if (code != PV_OK) {
    demand(code == PV_ERR_INPUT && err.message[0] != '\0', "a refusal says why");
    demand(p.known == NULL, "what is refused leaves nothing");
  } else {
    demand(pv_known_is_name(p.name) && p.known->check_count > 0, "it has a name and a check");
    for (size_t i = 0; i < p.known->check_count; i++) {
      look_at(&p.known->checks[i], p.name);
      demand(pv_known_check_find(p.known, p.known->checks[i].name) == &p.known->checks[i],
             "no check stands twice");
    }
    demand(pv_known_read_provider(&arena, text, size, "0", &p, NULL) != PV_OK ||
               strcmp(p.name, "0") == 0,
           "one that is called otherwise is another");
  }
  pv_arena_free(&arena);
}

static void answer(const char *text, size_t size) {
  static char id[] = "F_1";
  static const pv_falsifier f = {.id = id};
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  pv_falsifier_result r = {.falsifier = &f};
  json_t *message = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
  if (!json_is_object(message)) goto cleanup;
  const pv_code code = pv_answer_foreign(&arena, message, NULL, &r, &err);
  if (code != PV_OK) {
    demand(code == PV_ERR_INPUT && err.message[0] != '\0', "a refusal says why");
    demand(r.verdict == PV_NOT_RUN, "what is refused is no verdict");
    goto cleanup;
  }
  demand(r.reason != NULL && r.backends.count == 0, "an answer is whole");
  demand(r.verdict == PV_PASS || r.reason[0] != '\0', "all but a PASS have a reason");
  if (r.verdict != PV_PASS) goto cleanup;
  demand(r.compared > 0, "no PASS over nothing");
  demand(!r.has_needed_tolerance || isfinite(r.needed_tolerance),
         "no PASS with a number that is none");
  for (size_t i = 0; i < r.metric_count; i++)
    demand(isfinite(r.metrics[i].value), "no PASS with a metric that is none");
cleanup:
  json_decref(message);
  pv_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  describe((const char *)data, size);
  answer((const char *)data, size);
  return 0;
}
