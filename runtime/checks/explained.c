/* Whether each stage of a run is what an identity explains: the check that other engines are held
 * to. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kernels/foreign/foreign.h"
#include "runtime/checks/check.h"
#include "runtime/limits/limits.h"

enum { LONGEST = 4096, DECLARED = 48 };

static const char *const identities[] = {"declared",  "any",      "float32", "ggml-cpu",
                                         "ggml-cuda", "bfloat16", "float16", NULL};
static const char *const caches[] = {"usual", "f32", "f16", "bf16", "q8_0", NULL};

/* Which stages are judged. */
typedef struct choice {
  bool stage[PV_STAGES_MAX];
  bool layer[PV_MODEL_LAYERS_MAX];
  const pv_plan *plan;
} choice;

typedef struct survey {
  choice judged;
  uint64_t outside, absent, unjudged; /* tensors */
  double worst;                       /* ratio to the unchanged limit */
} survey;

static bool want(const void *context, pv_stage_id stage, uint32_t layer) {
  const choice *c = context;
  return c->stage[stage] && (!pv_plan_is_layered(c->plan, stage) || c->layer[layer]);
}

/* The names in a list; 0 when all are meant. */
static size_t named(const pv_check *check, const char *param, const char *names[32]) {
  const size_t count = pv_check_list(check, param, names);
  return count == 1 && strcmp(names[0], "all") == 0 ? 0 : count;
}

static pv_code choose(const pv_check *check, choice *out, pv_error *err) {
  const pv_model *m = check->model;
  const char *names[32];
  uint64_t layer = 0;
  *out = (choice){.plan = m->plan};
  const size_t stages = named(check, "stages", names);
  for (size_t s = 0; s < m->plan->count && stages == 0; s++) out->stage[s] = true;
  for (size_t i = 0; i < stages; i++) {
    const int found = pv_plan_stage(m->plan, names[i]);
    if (found < 0)
      return pv_error_set(err, PV_ERR_INPUT, "a forward of %s has no stage '%s'",
                          m->plan->architecture, names[i]);
    out->stage[found] = true;
  }
  const size_t layers = named(check, "layers", names);
  for (uint32_t l = 0; l < m->shape.layers && layers == 0; l++) out->layer[l] = true;
  for (size_t i = 0; i < layers; i++) {
    if (!pv_parse_u64(names[i], strlen(names[i]), &layer) || layer >= m->shape.layers)
      return pv_error_set(err, PV_ERR_INPUT, "this model has no layer '%s'", names[i]);
    out->layer[layer] = true;
  }
  return PV_OK;
}

/* What the parameters say, else what the run says of itself, else what holds for any engine. */
static pv_code identity_of(const pv_check *check, const char *declared, pv_foreign *out,
                           pv_error *err) {
  const char *name = pv_check_word(check, "identity"), *cache = pv_check_word(check, "cache");
  char text[2 * DECLARED];
  if (strcmp(name, "declared") == 0)
    name = pv_foreign_read(declared, out) ? declared : pv_foreign_at(0)->name;
  if (strcmp(cache, "usual") == 0)
    snprintf(text, sizeof text, "%.*s", DECLARED, name);
  else
    snprintf(text, sizeof text, "%.*s/%.*s", (int)strcspn(name, "/"), name, DECLARED, cache);
  return pv_foreign_read(text, out)
             ? PV_OK
             : pv_error_set(err, PV_ERR_INPUT, "pv has no limits for the identity '%s'", text);
}

static void fail_place(pv_check *check, const pv_foreign *identity, const pv_limits_result *r,
                       const char *prompt) {
  const pv_limits_place *p = &r->first;
  char place[PV_PLACE_LENGTH], name[DECLARED], factor[64] = "";
  pv_foreign_text(identity, name, sizeof name);
  if (isfinite(p->ratio)) snprintf(factor, sizeof factor, ", by a factor of %.3g", p->ratio);
  pv_check_fail(check,
                "not what %s explains: %s, position %zu, element %zu of prompt %s: %s%s; it has "
                "%s, the exact operation on its own inputs %s",
                name, pv_plan_place(r->plan, p->stage, p->layer, place), p->position, p->index,
                prompt, pv_limits_text(p->why), factor, PV_REAL('g', 9, p->got),
                PV_REAL('g', 9, p->exact));
}

static void add(pv_check *check, survey *v, const pv_foreign *identity, double factor,
                const pv_limits_result *r, const char *prompt) {
  const bool within = r->first.why == PV_LIMITS_WITHIN;
  const pv_limits_place *p = within ? &r->worst : &r->first;
  const double ratio = r->worst.ratio * factor;
  check->compared += r->judged;
  v->absent += r->absent;
  v->unjudged += r->unjudged;
  for (uint32_t l = 0; l < r->layers; l++)
    for (size_t s = 0; s < r->plan->count; s++) v->outside += r->stages[l][s].beyond > 0;
  if (!pv_check_failed(check) && (!within || ratio >= v->worst))
    pv_check_worst(check, p->stage, p->layer, p->position, p->index, p->got, p->exact);
  if (ratio > v->worst) v->worst = ratio;
  if (!within) fail_place(check, identity, r, prompt);
}

static pv_code judge(pv_check *check, survey *v, const pv_source *source,
                     const pv_reference_prompt *prompt, pv_error *err) {
  pv_foreign identity;
  pv_limits_result r;
  const pv_limits_spec spec = {.model = check->model,
                               .source = source,
                               .identity = &identity,
                               .ids = prompt->ids,
                               .count = prompt->count,
                               .threads = check->threads,
                               .factor = pv_check_real(check, "tolerance"),
                               .want = want,
                               .want_context = &v->judged};
  pv_code code = identity_of(check, source->identity, &identity, err);
  if (code == PV_OK) code = pv_limits(&spec, &r, err);
  if (code != PV_OK) return code;
  add(check, v, &identity, spec.factor, &r, prompt->name);
  pv_limits_free(&r);
  return PV_OK;
}

/* `*gone`: whoever computes is not here, which the verdict says. */
static pv_code judge_computed(pv_check *check, survey *v, const pv_reference_prompt *prompt,
                              bool *gone, pv_error *err) {
  const pv_capture *capture = NULL;
  const pv_code code =
      pv_check_capture(check, pv_check_word(check, "backend"), pv_check_numerics(check, "numerics"),
                       prompt, &capture, err);
  *gone = code == PV_OK && capture == NULL;
  return capture == NULL ? code : judge(check, v, &capture->source, prompt, err);
}

/* What was recorded is led through the walk from its files. */
static pv_code judge_recorded(pv_check *check, survey *v, const pv_reference_prompt *prompt,
                              bool *gone, pv_error *err) {
  const char *word = pv_check_word(check, "backend");
  pv_check_recorded recorded;
  char *engine = NULL;
  pv_code code = pv_check_record(check, word, prompt->ids, prompt->count, &recorded, err);
  *gone = code == PV_OK && recorded.trace == NULL;
  if (code != PV_OK || *gone) return code;
  code = judge(check, v, &recorded.trace->source, prompt, err);
  if (code == PV_OK) code = pv_check_engine(recorded.trace, &engine, err);
  if (code == PV_OK) pv_check_backend(check, word);
  if (engine != NULL) pv_check_backend(check, engine);
  free(engine);
  pv_check_recorded_close(&recorded);
  return code;
}

static pv_code run_forward_explained(pv_check *check, pv_error *err) {
  pv_prompts prompts;
  survey v = {0};
  bool gone = false;
  if (!pv_check_has(check, true)) return PV_OK;
  const bool records = pv_check_records(pv_check_word(check, "backend"));
  if (records && check->planted.fault != NULL)
    return pv_error_set(err, PV_ERR_INPUT, "no fault can be planted in %.200s",
                        pv_check_word(check, "backend"));
  pv_code code = choose(check, &v.judged, err);
  if (code == PV_OK) code = pv_check_prompts(check, LONGEST, &prompts, err);
  for (size_t i = 0; code == PV_OK && i < prompts.count; i++) {
    code = (records ? judge_recorded : judge_computed)(check, &v, prompts.items[i], &gone, err);
    if (code != PV_OK || gone) return code;
    pv_check_progress(check, i + 1, prompts.count);
  }
  if (code != PV_OK) return code;
  pv_check_metric(check, "worst_ratio", v.worst);
  pv_check_metric(check, "tensors_outside", (double)v.outside);
  pv_check_metric(check, "tensors_not_recorded", (double)v.absent);
  pv_check_metric(check, "tensors_without_inputs", (double)v.unjudged);
  pv_check_needed(check, v.worst);
  if (check->compared == 0)
    return pv_check_verdict(check, "VACUOUS",
                            "nothing was judged: no stage was recorded together with its inputs");
  return pv_check_pass(check);
}

const pv_check_spec pv_check_forward_explained = {
    .name = "forward.explained",
    .about =
        "Each stage, made again in float64 from the side's own inputs with the roundings of an "
        "identity, lies within the limit of its operation at every element; see docs/numerics.md. "
        "Of what was not recorded nothing is said.",
    .subject = "forward",
    .needs = PV_NEEDS_MODEL | PV_NEEDS_PROMPTS,
    .timeout_s = 300,
    .params = PV_PARAMS(
        PV_TAKES_ANY_BACKEND, PV_TAKES_NUMERICS,
        PV_TAKES_WORD("identity", identities, "declared",
                      "what the roundings are; declared: as the run says, else any"),
        PV_TAKES_WORD("cache", caches, "usual",
                      "type of the cached keys and values; usual: the identity's"),
        PV_TAKES_REAL("tolerance", 1e-3, 1e9, PV_LOOSENS_UP, "", "1", "a factor of every limit"),
        PV_TAKES_STRINGS("stages", "all", "names of the stages that are judged"),
        PV_TAKES_STRINGS("layers", "all", "numbers of the layers that are"), PV_TAKES_PROMPTS),
    .run = run_forward_explained};
