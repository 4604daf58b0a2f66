#include "validator/cli/suggest.h"

#include <jansson.h>
#include <string.h>

#include "validator/model/bind.h"

static const char *word(const json_t *with, const char *name, const char *otherwise) {
  const char *text = json_string_value(json_object_get(with, name));
  return text != NULL ? text : otherwise;
}

/* Quoted for a shell where it must be, and nothing in it that a terminal obeys. */
static void put_word(pv_text *out, const char *text) {
  pv_text word = PV_TEXT_INIT;
  pv_text_shell(&word, text);
  if (word.failed)
    out->failed = true;
  else
    pv_text_escape(out, word.data, word.length);
  pv_text_free(&word);
}

/* The side that a parameter names. */
static void put_side(pv_text *out, const pv_falsifier *f, const json_t *with, const char *param,
                     const char *numerics) {
  const char *side = word(with, param, "cpu"), *fault = side + strcspn(side, "@");
  if (pv_bind_has_text(f, param, side))
    put_word(out, side);
  else if (pv_bind_is_kind(side, "cpu") && strcmp(numerics, "f64") == 0)
    pv_text_printf(out, "f64%s", fault);
  else
    pv_text_printf(out, "%.*s:%s%s", (int)(fault - side), side, numerics, fault);
}

/* One side is the backend; the other is the more exact witness that it can be held against: the
 * CPU for a device, float64 for the CPU and for what was recorded. */
static void put_sides(pv_text *out, const pv_falsifier *f, const json_t *with) {
  const char *numerics = word(with, "numerics", "i16");
  const char *backend = word(with, "backend", "cpu");
  if (json_object_get(with, "right") != NULL) {
    put_side(out, f, with, "left", word(with, "left_numerics", numerics));
    pv_text_puts(out, " ");
    put_side(out, f, with, "right", word(with, "right_numerics", numerics));
    return;
  }
  if (pv_bind_is_kind(backend, "cpu") || pv_bind_has_text(f, "backend", backend))
    pv_text_puts(out, "f64 ");
  else
    pv_text_printf(out, "cpu:%s ", numerics);
  put_side(out, f, with, "backend", numerics);
}

/* The reason names the prompt in which it was seen; without a reference that is a built-in one. */
static void put_prompt(pv_text *out, const char *reason, const char *reference, const char *given) {
  static const char mark[] = "prompt ";
  const char *at = strstr(reason, mark);
  if (at == NULL) return;
  at += strlen(mark);
  const size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
  if (n == 0) return;
  if (given != NULL) { /* the reference was made of it, and is no more */
    pv_text_puts(out, " ");
    pv_text_escape(out, given, strlen(given));
    return;
  }
  if (reference != NULL) {
    pv_text_puts(out, " --reference ");
    put_word(out, reference);
  }
  pv_text_printf(out, " --named %.*s", (int)n, at);
}

/* The arguments of pv bisect for a falsifier. */
static void put_command(pv_text *out, const pv_judgement *j, const pv_falsifier_result *f,
                        const json_t *with) {
  put_sides(out, f->falsifier, with);
  pv_text_puts(out, " --model ");
  put_word(out, j->trial.spec.model);
  put_prompt(out, f->reason, j->trial.spec.reference, j->request.prompts);
}

/* Several falsifiers may see the same thing on the same sides: one command shows it. */
void pv_suggest_bisect(const pv_judgement *j, pv_text *out) {
  enum { SHOWN = 3 };
  pv_text commands[SHOWN] = {PV_TEXT_INIT, PV_TEXT_INIT, PV_TEXT_INIT};
  size_t shown = 0;
  for (size_t i = 0; i < j->result.falsifier_count && shown < SHOWN; i++) {
    const pv_falsifier_result *f = &j->result.falsifiers[i];
    pv_text *command = &commands[shown];
    json_t *with = NULL;
    bool known = false;
    if (f->verdict != PV_FAIL || f->source != PV_FROM_RUN || j->trial.spec.model == NULL ||
        f->falsifier->known == NULL || f->falsifier->known->subject != PV_ON_FORWARD ||
        pv_bind_with(f->falsifier, j->trial.spec.backend, &with, NULL) != PV_OK)
      continue;
    put_command(command, j, f, with);
    json_decref(with);
    if (command->failed) {
      out->failed = true;
      break;
    }
    for (size_t k = 0; k < shown; k++) known |= strcmp(commands[k].data, command->data) == 0;
    if (known) {
      pv_text_free(command);
      continue;
    }
    if (shown++ == 0) pv_text_puts(out, "  where it begins, and who is wrong:\n");
    pv_text_printf(out, "    pv bisect %s\n", command->data);
  }
  for (size_t i = 0; i < SHOWN; i++) pv_text_free(&commands[i]);
}

static bool has_device(const pv_result *r) {
  const char *device = pv_fact_value(r->environment, r->environment_count, "device");
  return device != NULL && strcmp(device, "none") != 0;
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
      j->request.backend != NULL || has_device(&j->result))
    return;
  pv_text_puts(out,
               "  without a device the changed kernels can be interpreted, which finds faults and "
               "discharges nothing:\n    pv validate ");
  put_word(out, j->request.contract->path);
  pv_text_puts(out, " --backend ptx");
  if (j->request.model != NULL) {
    pv_text_puts(out, " --model ");
    put_word(out, j->request.model);
  }
  pv_text_puts(out, "\n");
}
