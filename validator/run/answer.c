#include "validator/run/answer.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/sha256.h"
#include "base/text.h"
#include "validator/model/bind.h"

enum { METRICS_LIMIT = 256, SERIES_LIMIT = 64, BACKENDS_LIMIT = 16 };

static pv_code odd(pv_error *err, const char *field) {
  return pv_error_set(err, PV_ERR_INPUT, "the message has no usable '%s'", field);
}

char *pv_answer_text(pv_arena *arena, const char *bytes, size_t length, size_t limit) {
  if (bytes == NULL) length = 0;
  if (length > limit) {
    bytes += length - limit;
    length = limit;
  }
  char *out = pv_arena_strndup(arena, length == 0 ? "" : bytes, length);
  if (out == NULL) return NULL;
  const bool valid = pv_utf8_valid(out, length);
  for (size_t i = 0; i < length; i++)
    if (out[i] == '\0' || (!valid && (unsigned char)out[i] > 127)) out[i] = '?';
  return out;
}

/* JSON has no NaN: the probe says such numbers in words. Anything else that is no number counts
 * as NaN too. */
static double number(const json_t *value) {
  double out = NAN;
  (void)pv_json_read_number(value, &out);
  return out;
}

static char *text(pv_arena *arena, const json_t *object, const char *key) {
  const char *value = json_string_value(json_object_get(object, key));
  return pv_arena_strdup(arena, value == NULL ? "" : value);
}

static pv_code read_facts(pv_arena *arena, json_t *object, pv_fact **out, size_t *count,
                          pv_error *err) {
  const char *name;
  json_t *value;
  size_t n = 0;
  pv_fact *facts = PV_ARENA_NEW(arena, json_object_size(object) + 1, pv_fact);
  if (facts == NULL) return pv_error_nomem(err, "the probe's answer");
  json_object_foreach(object, name, value) {
    facts[n].name = pv_arena_strdup(arena, name);
    facts[n].value = json_is_integer(value)
                         ? pv_arena_printf(arena, "%lld", (long long)json_integer_value(value))
                         : text(arena, object, name);
    if (facts[n].name == NULL || facts[n].value == NULL) break;
    n++;
  }
  if (n != json_object_size(object)) return pv_error_nomem(err, "the probe's answer");
  *out = facts;
  *count = n;
  return PV_OK;
}

pv_code pv_answer_hello(pv_arena *arena, const json_t *message, pv_run_hello *out, pv_error *err) {
  json_t *environment = json_object_get(message, "environment");
  json_t *model = json_object_get(message, "model");
  json_t *numerics = json_object_get(message, "numerics");
  if (!json_is_object(environment)) return odd(err, "environment");
  if (!json_is_object(model) && !json_is_null(model)) return odd(err, "model");
  if (!json_is_object(numerics)) return odd(err, "numerics");
  pv_code code = read_facts(arena, environment, &out->environment, &out->environment_count, err);
  if (code == PV_OK && json_is_object(model))
    code = read_facts(arena, model, &out->model, &out->model_count, err);
  if (code == PV_OK) code = read_facts(arena, numerics, &out->numerics, &out->numerics_count, err);
  return code;
}

pv_code pv_answer_model(pv_arena *arena, const json_t *message, pv_run_hello *out, pv_error *err) {
  const char *digest = json_string_value(json_object_get(message, "sha256"));
  if (out->model == NULL || pv_fact_value(out->model, out->model_count, "sha256") != NULL ||
      digest == NULL || strlen(digest) != PV_SHA256_HEX - 1 ||
      strspn(digest, "0123456789abcdef") != PV_SHA256_HEX - 1)
    return odd(err, "sha256");
  pv_fact *grown = PV_ARENA_NEW(arena, out->model_count + 1, pv_fact);
  if (grown == NULL) return pv_error_nomem(err, "the probe's answer");
  memcpy(grown, out->model, out->model_count * sizeof *grown);
  grown[out->model_count] =
      (pv_fact){.name = pv_arena_strdup(arena, "sha256"), .value = pv_arena_strdup(arena, digest)};
  if (grown[out->model_count].name == NULL || grown[out->model_count].value == NULL)
    return pv_error_nomem(err, "the probe's answer");
  out->model = grown;
  out->model_count++;
  return PV_OK;
}

static pv_code read_metrics(pv_arena *arena, json_t *object, pv_falsifier_result *out,
                            pv_error *err) {
  const char *name;
  json_t *value;
  if (!json_is_object(object) || json_object_size(object) > METRICS_LIMIT)
    return odd(err, "metrics");
  out->metrics = PV_ARENA_NEW(arena, json_object_size(object) + 1, pv_metric);
  pv_code code = out->metrics == NULL ? pv_error_nomem(err, "the probe's answer") : PV_OK;
  json_object_foreach(object, name, value) {
    if (code != PV_OK) break;
    pv_metric *metric = &out->metrics[out->metric_count];
    metric->name = pv_arena_strdup(arena, name);
    metric->value = number(value);
    if (metric->name == NULL)
      code = pv_error_nomem(err, "the probe's answer");
    else
      out->metric_count++;
  }
  return code;
}

static pv_code read_strings(pv_arena *arena, const json_t *array, pv_strings *out, pv_error *err) {
  const size_t count = json_array_size(array);
  if (!json_is_array(array) || count > BACKENDS_LIMIT) return odd(err, "backends");
  out->items = PV_ARENA_NEW(arena, count + 1, char *);
  if (out->items == NULL) return pv_error_nomem(err, "the probe's answer");
  for (size_t i = 0; i < count; i++) {
    const char *item = json_string_value(json_array_get(array, i));
    if (item == NULL) return odd(err, "backends");
    out->items[i] = pv_arena_strdup(arena, item);
    if (out->items[i] == NULL) return pv_error_nomem(err, "the probe's answer");
    out->count++;
  }
  return PV_OK;
}

static pv_code read_one_series(pv_arena *arena, const json_t *object, pv_series *out,
                               pv_error *err) {
  const json_t *x = json_object_get(object, "x"), *y = json_object_get(object, "y");
  const size_t count = json_array_size(x);
  if (!json_is_array(x) || !json_is_array(y) || json_array_size(y) != count)
    return odd(err, "series");
  *out = (pv_series){.picture = text(arena, object, "picture"),
                     .name = text(arena, object, "name"),
                     .x_label = text(arena, object, "x_label"),
                     .y_label = text(arena, object, "y_label"),
                     .x = PV_ARENA_NEW(arena, count + 1, double),
                     .y = PV_ARENA_NEW(arena, count + 1, double),
                     .count = count,
                     .log_y = json_is_true(json_object_get(object, "log_y"))};
  if (out->picture == NULL || out->name == NULL || out->x_label == NULL || out->y_label == NULL ||
      out->x == NULL || out->y == NULL)
    return pv_error_nomem(err, "the probe's answer");
  for (size_t i = 0; i < count; i++) {
    out->x[i] = number(json_array_get(x, i));
    out->y[i] = number(json_array_get(y, i));
  }
  return PV_OK;
}

static pv_code read_series(pv_arena *arena, const json_t *array, pv_falsifier_result *out,
                           pv_error *err) {
  const size_t count = json_array_size(array);
  pv_code code = PV_OK;
  if (!json_is_array(array) || count > SERIES_LIMIT) return odd(err, "series");
  out->series = PV_ARENA_NEW(arena, count + 1, pv_series);
  if (out->series == NULL) return pv_error_nomem(err, "the probe's answer");
  for (size_t i = 0; i < count && code == PV_OK; i++)
    code = read_one_series(arena, json_array_get(array, i), &out->series[i], err);
  if (code == PV_OK) out->series_count = count;
  return code;
}

static pv_code read_worst(pv_arena *arena, const json_t *object, pv_worst *out, pv_error *err) {
  if (object == NULL || json_is_null(object)) return PV_OK;
  if (!json_is_object(object)) return odd(err, "worst");
  *out = (pv_worst){.present = true,
                    .stage = text(arena, object, "stage"),
                    .layer = json_integer_value(json_object_get(object, "layer")),
                    .position = json_integer_value(json_object_get(object, "position")),
                    .index = json_integer_value(json_object_get(object, "index")),
                    .left = number(json_object_get(object, "left")),
                    .right = number(json_object_get(object, "right"))};
  return out->stage == NULL ? pv_error_nomem(err, "the probe's answer") : PV_OK;
}

static void become(pv_arena *arena, pv_falsifier_result *out, pv_verdict verdict, const char *what,
                   const char *name) {
  static char lost[] = "the probe's PASS was refused";
  char *copy =
      name == NULL ? pv_arena_strdup(arena, what) : pv_arena_printf(arena, "%s '%s'", what, name);
  out->verdict = verdict;
  out->reason = copy != NULL ? copy : lost;
}

/* What holds in the interpreter is told, but discharges nothing: nobody looked at a device. */
static void not_on_a_device(pv_arena *arena, pv_falsifier_result *out) {
  char held[96];
  snprintf(held, sizeof held, "interpreted, not a device: it held there over %llu elements",
           (unsigned long long)out->compared);
  become(arena, out, PV_NOT_RUN, held, NULL);
  out->source = PV_FROM_NOWHERE;
}

/* Only what the contract limits to models with experts may be left unjudged over one without: else
 * no run of the check could ever be a PASS. */
static void apply_where(pv_arena *arena, pv_falsifier_result *out) {
  const pv_falsifier *f = out->falsifier;
  const bool about = f->known != NULL && (f->known->needs & PV_NEEDS_EXPERTS) != 0;
  if (out->verdict != PV_NOT_APPLICABLE || (f->where != NULL && about)) return;
  const char *said =
      pv_arena_printf(arena, "%s, and no criterion says `where: experts`", out->reason);
  become(arena, out, PV_ERROR, said == NULL ? out->reason : said, NULL);
}

/* What a PASS must bring with it, whatever the probe thinks. */
static void apply_policy(pv_arena *arena, const json_t *with, pv_falsifier_result *out) {
  const char *wanted[PV_BIND_SIDES];
  const size_t count = pv_bind_backends(out->falsifier, with, wanted);
  if (out->verdict != PV_PASS) return;
  if (out->compared == 0) {
    become(arena, out, PV_VACUOUS, "nothing was compared", NULL);
    return;
  }
  for (size_t i = 0; i < out->metric_count; i++)
    if (!isfinite(out->metrics[i].value)) {
      become(arena, out, PV_ERROR, "it passed with a number that is none: the metric",
             out->metrics[i].name);
      return;
    }
  if (out->has_needed_tolerance && !isfinite(out->needed_tolerance)) {
    become(arena, out, PV_ERROR, "it passed with a needed tolerance that is no number", NULL);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    bool computed = false;
    for (size_t k = 0; k < out->backends.count; k++)
      computed = computed || strcmp(out->backends.items[k], wanted[i]) == 0;
    if (computed) continue;
    become(arena, out, PV_FAIL, "silent fallback: it passed without the backend", wanted[i]);
    return;
  }
}

/* The verdicts that are the probe's to give. */
static bool probe_verdict(const char *name, pv_verdict *out) {
  if (name == NULL || !pv_verdict_parse(name, out)) return false;
  return *out == PV_PASS || *out == PV_FAIL || *out == PV_NOT_RUN || *out == PV_ERROR ||
         *out == PV_INCOMPARABLE || *out == PV_VACUOUS || *out == PV_NOT_APPLICABLE;
}

pv_code pv_answer_result(pv_arena *arena, const json_t *message, const json_t *with,
                         pv_falsifier_result *out, pv_error *err) {
  const json_t *compared = json_object_get(message, "compared");
  const json_t *needed = json_object_get(message, "needed_tolerance");
  pv_verdict verdict = PV_NOT_RUN;
  if (!probe_verdict(json_string_value(json_object_get(message, "verdict")), &verdict))
    return odd(err, "verdict");
  if (!json_is_integer(compared) || json_integer_value(compared) < 0) return odd(err, "compared");
  if (!json_is_string(json_object_get(message, "reason"))) return odd(err, "reason");
  out->compared = (uint64_t)json_integer_value(compared);
  out->reason = text(arena, message, "reason");
  if (out->reason == NULL) return pv_error_nomem(err, "the probe's answer");
  out->has_needed_tolerance = needed != NULL && !json_is_null(needed);
  if (out->has_needed_tolerance) out->needed_tolerance = number(needed);
  pv_code code = read_metrics(arena, json_object_get(message, "metrics"), out, err);
  if (code == PV_OK)
    code = read_strings(arena, json_object_get(message, "backends"), &out->backends, err);
  if (code == PV_OK) code = read_series(arena, json_object_get(message, "series"), out, err);
  if (code == PV_OK) code = read_worst(arena, json_object_get(message, "worst"), &out->worst, err);
  if (code != PV_OK) return code;
  out->verdict = verdict;
  out->source = verdict == PV_NOT_RUN ? PV_FROM_NOWHERE : PV_FROM_RUN;
  apply_where(arena, out);
  apply_policy(arena, with, out);
  if (out->verdict == PV_PASS && pv_bind_interprets(out->falsifier, with))
    not_on_a_device(arena, out);
  if (out->verdict != PV_PASS && out->reason[0] == '\0')
    become(arena, out, out->verdict, "it gave no reason", NULL);
  return PV_OK;
}
