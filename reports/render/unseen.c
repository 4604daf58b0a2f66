#include "reports/render/unseen.h"

#include <stdlib.h>
#include <string.h>

#include "reports/render/view.h"

enum { NAMED = 2, DEVICES = 3, DIGITS = 12 };

/* A list with commas, of which the first few are named. */
typedef struct list {
  pv_text *out;
  size_t count;
} list;

static void list_add(list *l, const char *name) {
  if (l->count < NAMED) pv_text_printf(l->out, "%s%s", l->count > 0 ? ", " : "", name);
  l->count++;
}

static void list_end(const list *l) {
  if (l->count > NAMED) pv_text_printf(l->out, " and %zu more", l->count - NAMED);
}

/* Somebody looked: the verdict is about what was compared, here or by a receipt. */
static bool looked(const pv_falsifier_result *f) {
  return f->source != PV_FROM_NOWHERE && (f->verdict == PV_PASS || f->verdict == PV_FAIL);
}

static const char *model_fact(const pv_result *r, const char *name) {
  return pv_view_text(pv_fact_value(r->model, r->model_count, name));
}

static bool say_criteria(const pv_result *r, pv_text *out) {
  const size_t unseen = pv_view_count(r, PV_CONCERN_UNSEEN);
  const size_t unjudged = pv_view_count(r, PV_CONCERN_UNJUDGED);
  list l = {.out = out};
  if (unseen + unjudged == 0) {
    pv_text_printf(out, "none of %zu", r->criterion_count);
    return false;
  }
  pv_text_printf(out, "%zu of %zu%s: ", unseen + unjudged, r->criterion_count,
                 unjudged > 0 ? " without an answer" : "");
  for (size_t i = 0; i < r->criterion_count; i++) {
    const pv_concern concern = pv_view_concern(r->criteria[i].verdict);
    if (concern == PV_CONCERN_UNSEEN || concern == PV_CONCERN_UNJUDGED)
      list_add(&l, r->criteria[i].criterion->id);
  }
  list_end(&l);
  return true;
}

/* Devices that really computed, here or in the run of a receipt. */
static bool say_devices(const pv_result *r, pv_text *out) {
  const char *seen[DEVICES] = {0};
  size_t length[DEVICES] = {0}, count = 0, n = 0;
  for (size_t i = 0; i < r->falsifier_count && count < DEVICES; i++) {
    const pv_falsifier_result *f = &r->falsifiers[i];
    const char *device = looked(f) ? pv_view_gpu(r, f, &n) : NULL;
    bool known = device == NULL;
    for (size_t k = 0; k < count; k++)
      known = known || (length[k] == n && strncmp(seen[k], device, n) == 0);
    if (known) continue;
    seen[count] = device;
    length[count++] = n;
  }
  pv_text_puts(out, count > 0 ? "all but " : "all: nothing was computed on one");
  for (size_t i = 0; i < count; i++)
    pv_text_printf(out, "%s%.*s", i > 0 ? ", " : "", (int)length[i], seen[i]);
  return count == 0;
}

static double positions(const pv_result *r) {
  double most = 0.0;
  for (size_t i = 0; i < r->falsifier_count; i++)
    for (size_t k = 0; looked(&r->falsifiers[i]) && k < r->falsifiers[i].metric_count; k++) {
      const pv_metric *m = &r->falsifiers[i].metrics[k];
      if (strcmp(m->name, "positions") == 0 && m->value > most && m->value < 1e15) most = m->value;
    }
  return most;
}

static bool say_prompts(const pv_result *r, pv_text *out) {
  const char *built_in = model_fact(r, "prompts"), *reference = model_fact(r, "reference_sha256");
  const char *given = pv_fact_value(r->environment, r->environment_count, "prompts_from");
  const double most = positions(r);
  list fewer = {.out = out};
  if (given != NULL)
    pv_text_puts(out, "all but those of the call");
  else if (reference[0] != '\0')
    pv_text_printf(out, "all but the reference's (%.*s…)", DIGITS, reference);
  else if (built_in[0] != '\0')
    pv_text_printf(out, "all but %s", built_in);
  else
    return false;
  if (most > 0.0) pv_text_printf(out, ", %.0f positions", most);
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[i];
    if (!looked(f) || pv_falsifier_param(f->falsifier, "prompts") == NULL) continue;
    if (fewer.count == 0) pv_text_puts(out, "; fewer in ");
    list_add(&fewer, f->falsifier->id);
  }
  list_end(&fewer);
  return fewer.count > 0;
}

/* Of which layers there is a measured curve. */
static bool say_layers(const pv_result *r, pv_text *out) {
  enum { LAYERS = 1024 };
  bool seen[LAYERS] = {0};
  const long layers = strtol(model_fact(r, "layers"), NULL, 10);
  long count = 0, first = -1;
  if (layers < 1 || layers > LAYERS) return false;
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[i];
    for (size_t s = 0; looked(f) && s < f->series_count; s++) {
      const pv_series *line = &f->series[s];
      if (strcmp(pv_view_text(line->x_label), "layer") != 0) continue;
      for (size_t k = 0; k < line->count; k++)
        if (line->x[k] >= 0.0 && line->x[k] < (double)layers) seen[(size_t)line->x[k]] = true;
    }
  }
  for (long i = 0; i < layers; i++) {
    count += seen[i];
    if (!seen[i] && first < 0) first = i;
  }
  if (count == layers)
    pv_text_printf(out, "none of %ld", layers);
  else if (count == 0)
    pv_text_printf(out, "of none of %ld is there a curve", layers);
  else
    pv_text_printf(out, "%ld of %ld have no curve, the first is %ld", layers - count, layers,
                   first);
  return count != layers;
}

/* Types of tensors that a falsifier counted, or is about. */
static bool say_types(const pv_result *r, pv_text *out) {
  static const char mark[] = "tensors_";
  const char *seen[32] = {0};
  size_t count = 0;
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[i];
    const pv_param *own = pv_falsifier_param(f->falsifier, "type");
    for (size_t k = 0; looked(f) && k <= f->metric_count; k++) {
      const char *type = own != NULL ? own->text : NULL;
      if (k < f->metric_count)
        type = strncmp(f->metrics[k].name, mark, sizeof mark - 1) == 0
                   ? f->metrics[k].name + sizeof mark - 1
                   : NULL;
      for (size_t n = 0; n < count && type != NULL; n++)
        if (strcmp(seen[n], type) == 0) type = NULL;
      if (type != NULL && count < sizeof seen / sizeof *seen) seen[count++] = type;
    }
  }
  if (count == 0 && r->model_count == 0) return false;
  pv_text_puts(out, count == 0 ? "not recorded: none was counted" : "all but ");
  for (size_t i = 0; i < count; i++) pv_text_printf(out, "%s%s", i > 0 ? ", " : "", seen[i]);
  return count == 0;
}

static bool side_has(const pv_falsifier *f, const char *identity) {
  static const char mark[] = "numerics";
  for (size_t i = 0; f->known != NULL && i < f->known->param_count; i++) {
    const pv_known_param *p = &f->known->params[i];
    const size_t length = strlen(p->name);
    if (length < sizeof mark - 1 || strcmp(p->name + length - (sizeof mark - 1), mark) != 0)
      continue;
    const pv_param *own = pv_falsifier_param(f, p->name);
    const char *value = own != NULL ? own->text : p->fallback;
    if (value != NULL && strcmp(value, identity) == 0) return true;
  }
  return false;
}

/* Identities that this build has, and no side of a falsifier. */
static bool say_identities(const pv_result *r, pv_text *out) {
  list unused = {.out = out};
  if (r->model_count == 0) return false;
  for (size_t n = 0; n < r->numerics_count; n++) {
    bool used = false;
    for (size_t i = 0; i < r->falsifier_count && !used; i++)
      used = looked(&r->falsifiers[i]) && side_has(r->falsifiers[i].falsifier, r->numerics[n].name);
    if (!used) list_add(&unused, r->numerics[n].name);
  }
  list_end(&unused);
  if (unused.count == 0 && r->numerics_count > 0)
    pv_text_printf(out, "none of %zu", r->numerics_count);
  return false;
}

/* Whether what held was ever seen to fail. */
static bool say_faults(const pv_result *r, pv_text *out) {
  size_t declared = 0, killed = 0, judged = 0, bare = 0;
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[i];
    if (!looked(f)) continue;
    judged++;
    declared += f->faults_declared.count;
    killed += f->faults_killed.count;
    bare += f->faults_declared.count == 0;
  }
  if (judged == 0) return false;
  if (declared == killed)
    pv_text_printf(out, "none of %zu", declared);
  else
    pv_text_printf(out, "%zu of %zu not tried", declared - killed, declared);
  if (bare > 0)
    pv_text_printf(out, "; %zu falsifier%s declare%s none", bare, bare == 1 ? "" : "s",
                   bare == 1 ? "s" : "");
  return declared != killed || bare > 0;
}

/* Stages that no criterion is written for. */
static bool say_stages(const pv_result *r, pv_text *out) {
  list l = {.out = out};
  for (size_t i = 0; i < r->stage_count; i++)
    if (r->stages[i].stage->criteria.count == 0) list_add(&l, r->stages[i].stage->id);
  list_end(&l);
  if (l.count > 0) pv_text_puts(out, ": no criterion yet");
  return l.count > 0;
}

bool pv_unseen_find(pv_arena *arena, const pv_result *r, pv_unseen rows[PV_UNSEEN_ROWS],
                    size_t *count) {
  static const struct {
    const char *topic;
    bool (*say)(const pv_result *r, pv_text *out); /* true: see pv_unseen.open */
  } all[PV_UNSEEN_ROWS] = {{"Criteria", say_criteria},     {"GPUs", say_devices},
                           {"Prompts", say_prompts},       {"Layers", say_layers},
                           {"Tensor types", say_types},    {"Numerics", say_identities},
                           {"Planted faults", say_faults}, {"Stages", say_stages}};
  size_t n = 0;
  for (size_t i = 0; i < PV_UNSEEN_ROWS; i++) {
    pv_text text = PV_TEXT_INIT;
    const bool open = all[i].say(r, &text);
    const char *kept = text.failed ? NULL : pv_arena_strdup(arena, pv_view_text(text.data));
    pv_text_free(&text);
    if (kept == NULL) return false;
    if (kept[0] != '\0') rows[n++] = (pv_unseen){all[i].topic, kept, open};
  }
  *count = n;
  return true;
}
