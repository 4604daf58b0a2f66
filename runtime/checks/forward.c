/* Checks of the whole forward: equality of sides, code paths, cuts into batches and processes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/text.h"
#include "kernels/cpu/cpu.h"
#include "runtime/checks/pass.h"

enum { LONGEST = 4096 };

static void fail_difference(pv_check *check, const pv_difference *d, const char *left,
                            const char *right, const char *prompt) {
  char place[PV_PLACE_LENGTH];
  if (pv_check_failed(check)) return; /* the first is told */
  pv_check_worst(check, d->stage, d->layer, d->position, d->index, d->left, d->right);
  pv_check_fail(check,
                "%s and %s differ first in stage %s, position %zu, element %zu of prompt %s: %s "
                "and %s",
                left, right, pv_plan_place(check->model->plan, d->stage, d->layer, place),
                d->position, d->index, prompt, PV_REAL('g', 9, d->left), PV_REAL('g', 9, d->right));
}

/* Bits of two captures; adds to the count of compared elements. */
static pv_code require_equal(pv_check *check, const pv_capture *left, const pv_capture *right,
                             const char *left_name, const char *right_name, const char *prompt,
                             pv_error *err) {
  pv_difference d;
  const pv_code code = pv_capture_compare(left, right, &d, err);
  if (code != PV_OK) return code;
  check->compared += d.compared;
  if (d.different > 0) fail_difference(check, &d, left_name, right_name, prompt);
  return PV_OK;
}

static void report_cosines(pv_check *check, const double *least, uint32_t layers) {
  double worst = 1.0, x[PV_MODEL_LAYERS_MAX];
  for (uint32_t l = 0; l < layers; l++) {
    x[l] = (double)l;
    pv_keep_smallest(&worst, least[l]);
  }
  pv_check_metric(check, "smallest_cosine", worst);
  pv_check_series(check, "cosine", "smallest cosine of a layer's output", "layer", "cosine", false,
                  x, least, layers);
}

/* Known before anybody computes, but of a recording. */
static bool may_be_compared(pv_check *check, const char *const side[2], const pv_numerics is[2]) {
  if (pv_check_records(side[0]) || pv_check_records(side[1])) return true;
  const bool same = strcmp(pv_numerics_identity(is[0]), pv_numerics_identity(is[1])) == 0;
  const char *const names[] = {pv_numerics_name(is[0]), pv_numerics_name(is[1])};
  return same || pv_pass_same_function(check, side, names);
}

static size_t longest_of(const pv_prompts *prompts) {
  size_t most = 0;
  for (size_t i = 0; i < prompts->count; i++)
    if (prompts->items[i]->count > most) most = prompts->items[i]->count;
  return most;
}

static pv_code run_forward_parity(pv_check *check, pv_error *err) {
  const char *left = pv_check_word(check, "left"), *right = pv_check_word(check, "right");
  const pv_numerics ln = pv_check_numerics(check, "left_numerics");
  const pv_numerics rn = pv_check_numerics(check, "right_numerics");
  const char *const sides[] = {left, right};
  pv_prompts prompts;
  if (!pv_check_has(check, true)) return PV_OK;
  if (!may_be_compared(check, sides, (pv_numerics[]){ln, rn})) return PV_OK;
  if (strcmp(left, right) == 0)
    return pv_check_verdict(check, "VACUOUS", "both sides are %s: nothing is compared", left);
  for (size_t i = 0; i < 2; i++)
    if (!pv_check_on_device(check, sides[i])) return PV_OK;
  double cosine[PV_MODEL_LAYERS_MAX] = {0};
  for (uint32_t l = 0; l < check->model->shape.layers; l++) cosine[l] = 1.0;
  pv_code code = pv_check_prompts(check, LONGEST, &prompts, err);
  pv_pass pass = {.check = check,
                  .count = 2,
                  .word = {left, right},
                  .numerics = {ln, rn},
                  .longest = longest_of(&prompts)};
  pv_passed passed = {.ran = true};
  for (size_t i = 0; i < prompts.count && code == PV_OK && passed.ran; i++) {
    code = pv_pass_run(&pass, prompts.items[i], cosine, &passed, err);
    if (code != PV_OK || !passed.ran) break;
    check->compared += passed.difference.compared;
    if (passed.difference.different > 0)
      fail_difference(check, &passed.difference, left, right, prompts.items[i]->name);
    pv_check_progress(check, i + 1, prompts.count);
  }
  pv_pass_close(&pass);
  if (code != PV_OK || !passed.ran) return code;
  report_cosines(check, cosine, check->model->shape.layers);
  return pv_check_pass(check);
}

const pv_check_spec pv_check_forward_parity = {
    .name = "forward.parity",
    .about =
        "Two backends of one numerics identity give the same bits at every stage of every layer "
        "and position. Different identities are INCOMPARABLE.",
    .subject = "forward",
    .needs = PV_NEEDS_MODEL | PV_NEEDS_PROMPTS,
    .timeout_s = 300,
    .params = PV_PARAMS(PV_TAKES_SIDES, PV_TAKES_TWO_NUMERICS, PV_TAKES_PROMPTS, PV_TAKES_DEVICE),
    .run = run_forward_parity};

static pv_code run_forward_paths(pv_check *check, pv_error *err) {
  static const char *const paths[] = {"scalar", "avx2"};
  static const unsigned threads[] = {1, 2, 7};
  const pv_numerics numerics = pv_check_numerics(check, "numerics");
  pv_prompts prompts;
  unsigned variants = 0;
  if (!pv_check_has(check, true)) return PV_OK;
  pv_code code = pv_check_prompts(check, 32, &prompts, err);
  for (size_t i = 0; i < prompts.count && code == PV_OK; i++) {
    const pv_reference_prompt *p = prompts.items[i];
    const pv_capture *first = NULL;
    code = pv_check_capture(check, "cpu", numerics, p, &first, err);
    for (size_t v = 0; v < 6 && code == PV_OK && first != NULL; v++) {
      const pv_capture_spec spec = {.backend = paths[v / 3],
                                    .numerics = numerics,
                                    .threads = threads[v % 3],
                                    .ids = p->ids,
                                    .count = p->count};
      if (pv_cpu_path_get(spec.backend) == NULL) continue;
      pv_capture *other = NULL;
      code = pv_check_capture_spec(check, &spec, &other, err);
      if (code == PV_OK && other != NULL)
        code = require_equal(check, first, other, "the default path", spec.backend, p->name, err);
      if (i == 0) variants++;
      pv_capture_free(other);
    }
    pv_check_progress(check, i + 1, prompts.count);
  }
  pv_check_metric(check, "variants", variants);
  if (code == PV_OK && pv_cpu_path_get("avx2") == NULL && !pv_check_failed(check))
    return pv_check_verdict(check, "NOT_RUN",
                            "this machine has only one CPU code path; a run published on one with "
                            "AVX2 would hold here");
  return code == PV_OK ? pv_check_pass(check) : code;
}

const pv_check_spec pv_check_forward_paths = {
    .name = "forward.paths",
    .about =
        "Scalar and AVX2 code with 1, 2 and 7 threads give the same bits at every stage, over "
        "prompts of at most 32 tokens. NOT_RUN where there is only one code path.",
    .subject = "forward",
    .needs = PV_NEEDS_MODEL | PV_NEEDS_PROMPTS,
    .timeout_s = 120,
    .params = PV_PARAMS(PV_TAKES_NUMERICS, PV_TAKES_PROMPTS),
    .run = run_forward_paths};

/* Sizes of batches for one cut of `count` positions. */
static size_t cut(int kind, size_t count, size_t *sizes) {
  size_t n = 0, left = count;
  const size_t pattern[] = {5, 1, 7, 2, 11, 3};
  for (size_t i = 0; left > 0; i++) {
    size_t size = 1;
    if (kind == 1) size = i == 0 ? count - 1 : 1;
    if (kind == 2) size = (count + 1) / 2;
    if (kind == 3) size = pattern[i % 6];
    if (size == 0 || size > left) size = left;
    sizes[n++] = size;
    left -= size;
  }
  return n;
}

static pv_code run_forward_batch_split(pv_check *check, pv_error *err) {
  static const char *const names[] = {"decode", "prefill then one", "two halves", "ragged"};
  const pv_numerics numerics = pv_check_numerics(check, "numerics");
  const char *backend = pv_check_word(check, "backend");
  pv_prompts prompts;
  if (!pv_check_has(check, true)) return PV_OK;
  pv_code code = pv_check_prompts(check, 32, &prompts, err);
  for (size_t i = 0; i < prompts.count && code == PV_OK; i++) {
    const pv_reference_prompt *p = prompts.items[i];
    const pv_capture *whole = NULL;
    code = pv_check_capture(check, backend, numerics, p, &whole, err);
    if (code != PV_OK || whole == NULL) return code;
    size_t *sizes = calloc(p->count, sizeof *sizes);
    if (sizes == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for batches");
    for (int kind = 0; kind < 4 && code == PV_OK; kind++) {
      const pv_capture_spec spec = {.backend = backend,
                                    .numerics = numerics,
                                    .threads = check->threads,
                                    .ids = p->ids,
                                    .count = p->count,
                                    .batches = sizes,
                                    .batch_count = cut(kind, p->count, sizes)};
      pv_capture *other = NULL;
      code = pv_check_capture_spec(check, &spec, &other, err);
      if (code == PV_OK && other != NULL)
        code = require_equal(check, whole, other, "one batch", names[kind], p->name, err);
      pv_capture_free(other);
    }
    free(sizes);
    pv_check_progress(check, i + 1, prompts.count);
  }
  return code == PV_OK ? pv_check_pass(check) : code;
}

const pv_check_spec pv_check_forward_batch_split = {
    .name = "forward.batch_split",
    .about =
        "One batch, decode, prefill then decode, two halves and a ragged cut give the same bits at "
        "every stage, over prompts of at most 32 tokens.",
    .subject = "forward",
    .needs = PV_NEEDS_MODEL | PV_NEEDS_PROMPTS,
    .timeout_s = 120,
    .params = PV_PARAMS(PV_TAKES_BACKEND, PV_TAKES_NUMERICS, PV_TAKES_PROMPTS),
    .run = run_forward_batch_split};

/* The digest of all stages, computed by a fresh process. */
static pv_code fresh_digest(const pv_check *check, const char *ids, char out[65], pv_error *err) {
  const pv_numerics numerics = pv_check_numerics(check, "numerics");
  const bool planted = check->planted.fault != NULL, limited = check->model->memory > 0;
  const char *word = planted ? "definition" : pv_check_word(check, "backend");
  pv_side who;
  char threads[16], memory[32];
  pv_text side = PV_TEXT_INIT;
  pv_code code = pv_check_side(numerics == PV_NUMERICS_F64 ? "cpu" : word, numerics, &who, err);
  if (code != PV_OK) return code;
  if (planted) who.planted = check->planted;
  snprintf(threads, sizeof threads, "%u", check->threads);
  snprintf(memory, sizeof memory, "%llu", (unsigned long long)check->model->memory);
  pv_side_text(&who, &side);
  if (side.failed) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a side");
  const char *const argv[] = {check->probe_path,
                              "digest",
                              "--model",
                              check->model_path,
                              "--side",
                              side.data,
                              "--threads",
                              threads,
                              "--ids",
                              ids,
                              limited ? "--memory" : NULL,
                              memory,
                              NULL};
  const pv_child_spec spec = {argv, NULL, 0, 4096};
  pv_child *child = NULL;
  pv_text channel = PV_TEXT_INIT;
  pv_child_event event = PV_CHILD_TIMEOUT;
  code = pv_child_start(&spec, &child, err);
  pv_text_free(&side);
  if (code != PV_OK) return code;
  do code = pv_child_wait(child, 120.0, &channel, 1, &event, err);
  while (code == PV_OK && event == PV_CHILD_BYTES);
  const pv_text *text = pv_child_stdout(child);
  if (code == PV_OK &&
      (event != PV_CHILD_EXIT || pv_child_result(child)->code != 0 || text->length != 65))
    code = pv_error_set(err, PV_ERR_INTERNAL, "a fresh process gave no digest: %.200s",
                        pv_child_stderr(child)->length > 0 ? pv_child_stderr(child)->data : "");
  if (code == PV_OK) {
    memcpy(out, text->data, 64);
    out[64] = '\0';
  }
  pv_child_free(child);
  pv_text_free(&channel);
  return code;
}

static pv_code run_forward_determinism(pv_check *check, pv_error *err) {
  const unsigned runs = (unsigned)pv_check_real(check, "runs");
  pv_prompts prompts;
  const pv_capture *here = NULL;
  char digest[65], other[65];
  pv_text ids = PV_TEXT_INIT;
  if (!pv_check_has(check, true)) return PV_OK;
  pv_code code = pv_check_prompts(check, 32, &prompts, err);
  if (code != PV_OK || prompts.count == 0) return code;
  const pv_reference_prompt *p = prompts.items[prompts.count - 1];
  code = pv_check_capture(check, pv_check_word(check, "backend"),
                          pv_check_numerics(check, "numerics"), p, &here, err);
  if (code != PV_OK || here == NULL) return code;
  code = pv_capture_digest(here, digest, err);
  for (size_t i = 0; i < p->count; i++) pv_text_printf(&ids, "%s%u", i > 0 ? "," : "", p->ids[i]);
  if (ids.failed) code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for token ids");
  for (unsigned run = 0; run < runs && code == PV_OK; run++) {
    code = fresh_digest(check, ids.data, other, err);
    check->compared++;
    if (code == PV_OK && strcmp(digest, other) != 0)
      pv_check_fail(check, "run %u in a fresh process gave other bits for prompt %s", run + 1,
                    p->name);
    pv_check_progress(check, run + 1, runs);
  }
  pv_text_free(&ids);
  pv_check_metric(check, "runs", runs);
  return code == PV_OK ? pv_check_pass(check) : code;
}

const pv_check_spec pv_check_forward_determinism = {
    .name = "forward.determinism",
    .about =
        "Fresh processes give the same SHA-256 over every stage of the last prompt of at most 32 "
        "tokens.",
    .subject = "forward",
    .needs = PV_NEEDS_MODEL | PV_NEEDS_PROMPTS,
    .timeout_s = 120,
    .params =
        PV_PARAMS(PV_TAKES_BACKEND, PV_TAKES_NUMERICS,
                  PV_TAKES_INT("runs", 2, 10, PV_LOOSENS_DOWN, "processes", "3", "fresh processes"),
                  PV_TAKES_PROMPTS),
    .run = run_forward_determinism};

/* The first element that is no number: with the weight that made it so, if one did. */
static void fail_not_finite(pv_check *check, const char *backend, const pv_seen *seen,
                            const pv_reference_prompt *prompt) {
  const pv_stage_element *e = &seen->first;
  const size_t position = seen->position;
  const double value = seen->value;
  char place[PV_PLACE_LENGTH];
  const pv_bad_weight bad = pv_stage_bad_weight(check->model, e);
  pv_check_worst(check, e->stage, e->layer, position, e->index, value, value);
  pv_plan_place(check->model->plan, e->stage, e->layer, place);
  if (!bad.present) {
    pv_check_fail(check, "stage %s is %s at position %zu of prompt %s, computed by %s from numbers",
                  place, PV_REAL('g', 6, value), position, prompt->name, backend);
    return;
  }
  const pv_gguf_tensor *t = pv_model_weight(check->model, e->stage, e->layer);
  pv_check_fail(check,
                "the weights are not finite: %.*s, element %llu is %s; so stage %s is %s at "
                "position %zu of prompt %s",
                (int)t->name.length, t->name.data, (unsigned long long)bad.element,
                PV_REAL('g', 6, bad.value), place, PV_REAL('g', 6, value), position, prompt->name);
}

/* Elements that are looked at, in all. */
static uint64_t reals_of(const pv_model *m, size_t positions) {
  uint64_t count = 0;
  for (pv_step step = {0}; pv_forward_next(m, positions, &step);)
    for (size_t row = step.first; row < step.first + step.count; row++)
      if (!pv_plan_is(m->plan, row, PV_ROW_INDEX))
        count += pv_plan_width(m->plan, row, &m->shape) * positions;
  return count;
}

/* In the order of computation: prompts, operations layer by layer, their stages, positions. What is
 * named was then made from numbers, or by weights that are none. */
static pv_code run_forward_finite(pv_check *check, pv_error *err) {
  pv_prompts prompts;
  double largest = 0.0;
  if (!pv_check_has(check, true)) return PV_OK;
  pv_code code = pv_check_prompts(check, LONGEST, &prompts, err);
  pv_pass pass = {.check = check,
                  .count = 1,
                  .word = {pv_check_word(check, "backend")},
                  .numerics = {pv_check_numerics(check, "numerics")},
                  .longest = longest_of(&prompts)};
  pv_passed passed = {.ran = true};
  for (size_t i = 0; i < prompts.count && code == PV_OK && passed.ran; i++) {
    const pv_reference_prompt *prompt = prompts.items[i];
    const pv_seen *seen = &passed.seen[0];
    code = pv_pass_see(&pass, prompt, &passed, err);
    if (code != PV_OK || !passed.ran) break;
    if (seen->elements != reals_of(check->model, prompt->count))
      code = pv_error_set(err, PV_ERR_INTERNAL, "not every element of prompt %s was looked at",
                          prompt->name);
    check->compared += seen->elements;
    pv_keep_largest(&largest, seen->largest);
    if (seen->bad && !pv_check_failed(check))
      fail_not_finite(check, passed.backend[0], seen, prompt);
  }
  pv_pass_close(&pass);
  if (code != PV_OK || !passed.ran) return code;
  pv_check_metric(check, "largest_magnitude", largest);
  return pv_check_pass(check);
}

const pv_check_spec pv_check_forward_finite = {
    .name = "forward.finite",
    .about = "Every element of every stage is finite, over every prompt.",
    .subject = "forward",
    .needs = PV_NEEDS_MODEL | PV_NEEDS_PROMPTS,
    .timeout_s = 120,
    .params = PV_PARAMS(PV_TAKES_ANY_BACKEND, PV_TAKES_NUMERICS, PV_TAKES_PROMPTS),
    .run = run_forward_finite};

static pv_code run_forward_no_fallback(pv_check *check, pv_error *err) {
  const char *backend = pv_check_word(check, "backend");
  pv_prompts prompts;
  if (!pv_check_has(check, true)) return PV_OK;
  pv_code code = pv_check_prompts(check, 32, &prompts, err);
  for (size_t i = 0; i < prompts.count && code == PV_OK; i++) {
    const pv_capture *c = NULL;
    code = pv_check_capture(check, backend, PV_NUMERICS_I16, prompts.items[i], &c, err);
    if (code != PV_OK || c == NULL) return code;
    check->compared++;
    if (strcmp(c->backend, backend) != 0)
      pv_check_fail(check, "%s was asked for, %s computed", backend, c->backend);
  }
  return code == PV_OK ? pv_check_pass(check) : code;
}

const pv_check_spec pv_check_forward_no_fallback = {
    .name = "forward.no_fallback",
    .about =
        "The backend that was asked for is the one that computed. Asking for one that is not there "
        "is NOT_RUN, never another backend's answer.",
    .subject = "forward",
    .needs = PV_NEEDS_MODEL | PV_NEEDS_PROMPTS,
    .timeout_s = 60,
    .params = PV_PARAMS(PV_TAKES_BACKEND, PV_TAKES_PROMPTS),
    .run = run_forward_no_fallback};

static pv_code run_forward_argmax(pv_check *check, pv_error *err) {
  const char *left = pv_check_word(check, "left"), *right = pv_check_word(check, "right");
  const pv_numerics numerics = pv_check_numerics(check, "numerics");
  pv_prompts prompts;
  if (!pv_check_has(check, true)) return PV_OK;
  if (strcmp(left, right) == 0)
    return pv_check_verdict(check, "VACUOUS", "both sides are %s: nothing is compared", left);
  pv_code code = pv_check_prompts(check, LONGEST, &prompts, err);
  for (size_t i = 0; i < prompts.count && code == PV_OK; i++) {
    const pv_capture *a = NULL, *b = NULL;
    code = pv_check_capture(check, left, numerics, prompts.items[i], &a, err);
    if (code == PV_OK && a != NULL)
      code = pv_check_capture(check, right, numerics, prompts.items[i], &b, err);
    if (code != PV_OK || b == NULL) return code;
    for (size_t p = 0; p < a->positions; p++) {
      const double x = pv_capture_at(a, pv_model_stage(a->model, PV_ROLE_TOP), 0, p, 0);
      const double y = pv_capture_at(b, pv_model_stage(a->model, PV_ROLE_TOP), 0, p, 0);
      check->compared++;
      if (x != y)
        pv_check_fail(check, "the top token at position %zu of prompt %s is %g on %s, %g on %s", p,
                      prompts.items[i]->name, x, left, y, right);
    }
  }
  return code == PV_OK ? pv_check_pass(check) : code;
}

const pv_check_spec pv_check_forward_argmax = {
    .name = "forward.argmax",
    .about = "The top token at every position of every prompt is the same on both sides.",
    .subject = "forward",
    .needs = PV_NEEDS_MODEL | PV_NEEDS_PROMPTS,
    .timeout_s = 120,
    .roles = 1u << PV_ROLE_TOP,
    .params = PV_PARAMS(PV_TAKES_SIDES, PV_TAKES_NUMERICS, PV_TAKES_PROMPTS),
    .run = run_forward_argmax};
