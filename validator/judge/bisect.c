#include "validator/judge/bisect.h"

#include <jansson.h>
#include <string.h>

#include "reports/render/put.h"
#include "validator/model/bind.h"

typedef struct paths {
  const char *model, *reference; /* as they are typed */
} paths;

static const char *word(const json_t *with, const char *name, const char *otherwise) {
  const char *text = json_string_value(json_object_get(with, name));
  return text != NULL ? text : otherwise;
}

/* The side that a parameter names. */
static void put_side(pv_text *out, const pv_falsifier *f, const json_t *with, const char *param,
                     const char *numerics) {
  const char *side = word(with, param, "cpu"), *fault = side + strcspn(side, "@");
  if (pv_bind_has_text(f, param, side))
    pv_put_shell(out, side);
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
    pv_put_shell(out, reference);
  }
  pv_text_printf(out, " --named %.*s", (int)n, at);
}

/* The call for a falsifier; NULL when memory is out. */
static char *make_call(pv_arena *arena, const pv_judgement *j, const paths *files,
                       const pv_falsifier_result *f, const json_t *with) {
  pv_text out = PV_TEXT_INIT;
  pv_text_puts(&out, "pv bisect ");
  put_sides(&out, f->falsifier, with);
  pv_text_puts(&out, " --model ");
  pv_put_shell(&out, files->model);
  put_prompt(&out, f->reason, files->reference, j->request.prompts);
  char *call = out.failed ? NULL : pv_arena_strdup(arena, out.data);
  pv_text_free(&out);
  return call;
}

/* Whether this run saw it fail, over a model, on sides that compute. */
static bool can_bisect(const pv_judgement *j, const pv_falsifier_result *f) {
  return f->verdict == PV_FAIL && f->source == PV_FROM_RUN && j->trial.spec.model != NULL &&
         f->falsifier->known != NULL && f->falsifier->known->subject == PV_ON_FORWARD;
}

/* Several falsifiers may see the same thing on the same sides: one call shows it. */
pv_code pv_bisect_calls(pv_arena *arena, const pv_judgement *j, const char *root, pv_strings *out,
                        pv_error *err) {
  enum { SHOWN = 3 };
  paths files = {j->trial.spec.model, j->trial.spec.reference};
  pv_strings calls = {.items = PV_ARENA_NEW(arena, SHOWN, char *)};
  bool whole = calls.items != NULL;
  if (root != NULL && files.model != NULL)
    whole = (files.model = pv_site_relative(arena, root, files.model)) != NULL && whole;
  if (root != NULL && files.reference != NULL)
    whole = (files.reference = pv_site_relative(arena, root, files.reference)) != NULL && whole;
  for (size_t i = 0; i < j->result.falsifier_count && calls.count < SHOWN && whole; i++) {
    const pv_falsifier_result *f = &j->result.falsifiers[i];
    json_t *with = NULL;
    if (!can_bisect(j, f) ||
        pv_bind_with(f->falsifier, j->trial.spec.backend, &with, NULL) != PV_OK)
      continue;
    char *call = make_call(arena, j, &files, f, with);
    json_decref(with);
    whole = call != NULL;
    if (whole && !pv_strings_has(&calls, call)) calls.items[calls.count++] = call;
  }
  if (!whole) return pv_error_nomem(err, "a judgement");
  *out = calls;
  return PV_OK;
}
