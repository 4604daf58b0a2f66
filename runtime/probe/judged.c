#include "runtime/probe/judged.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

static const char *name_at(size_t n) {
  return pv_foreign_at(n) != NULL ? pv_foreign_at(n)->name : NULL;
}

static void list(const char *(*at)(size_t n), char *out, size_t size) {
  size_t n = 0;
  out[0] = '\0';
  for (size_t i = 0; at(i) != NULL && n < size; i++)
    n += (size_t)snprintf(out + n, size - n, "%s%s", i > 0 ? ", " : "", at(i));
}

pv_code pv_judged_identity(const pv_walker *side, const char *as, pv_foreign *out, pv_error *err) {
  char names[160], caches[64];
  if (pv_foreign_read(as != NULL ? as : pv_walker_identity(side), out)) return PV_OK;
  if (as == NULL) *out = *pv_foreign_at(0);
  if (as == NULL) return PV_OK;
  list(name_at, names, sizeof names);
  list(pv_foreign_cache, caches, sizeof caches);
  pv_error_set(err, PV_ERR_INPUT, "there is no identity '%.80s'", as);
  pv_error_hint(err, "those that pv has limits for are %s; with another cache NAME/CACHE: %s",
                names, caches);
  return PV_ERR_INPUT;
}

pv_code pv_judged_run(const pv_judged *j, pv_limits_result *out, pv_error *err) {
  pv_fault_side opened = {0};
  pv_source source;
  pv_walk_progress progress = {.show = pv_call_progress, .context = j->job};
  const pv_sequence *tokens = &j->job->sequences[0];
  const pv_backend_config config = {PV_NUMERICS_F64, tokens->count, tokens->count, j->job->threads,
                                    NULL};
  const pv_limits_spec spec = {.model = j->job->model,
                               .source = &source,
                               .identity = &j->identity,
                               .ids = tokens->ids,
                               .count = tokens->count,
                               .threads = j->job->threads,
                               .factor = j->factor,
                               .progress = &progress};
  pv_code code = pv_walker_open(j->side, j->job->model, &config, &opened, &source, err);
  if (code == PV_OK) code = pv_limits(&spec, out, err);
  pv_fault_close(&opened);
  return code;
}

static void print_place(const char *what, const pv_limits_result *r, const pv_limits_place *p) {
  char place[PV_PLACE_LENGTH];
  printf("%s: %s, position %zu, element %zu: %s", what,
         pv_plan_place(r->plan, p->stage, p->layer, place), p->position, p->index,
         pv_limits_text(p->why));
  if (p->why == PV_LIMITS_WIDTH) {
    printf(": %.0f elements, not %.0f\n", p->got, p->exact);
    return;
  }
  if (isfinite(p->ratio)) printf(", by a factor of %.3g", p->ratio);
  printf("\n  it has %.9g, the exact operation on its own inputs %.9g, limit %.3g\n", p->got,
         p->exact, p->limit);
}

/* How much of the first stage that is outside. */
static void print_extent(const pv_limits_result *r) {
  const pv_limits_stage *s = &r->stages[r->first.layer][r->first.stage];
  printf("  %llu of its %llu elements are, at positions %llu to %llu\n",
         (unsigned long long)s->beyond, (unsigned long long)s->elements,
         (unsigned long long)s->first, (unsigned long long)s->last);
}

void pv_judged_print(const pv_judged *j, const char *who, const pv_limits_result *r) {
  char name[48];
  pv_foreign_text(&j->identity, name, sizeof name);
  if (r->judged == 0) {
    printf("%sNothing was judged: no stage was recorded together with its inputs.\n", who);
  } else if (r->first.why == PV_LIMITS_WITHIN) {
    printf(
        "%sEvery judged stage is what %s explains: %llu elements, at most %.3g of their "
        "limits.\n",
        who, name, (unsigned long long)r->judged, r->worst.ratio);
  } else {
    printf("%sNot what %s explains.\n", who, name);
    print_place("First outside", r, &r->first);
    if (r->first.why != PV_LIMITS_WIDTH) print_extent(r);
    print_place("Worst", r, &r->worst);
  }
}

static json_t *place_json(const pv_limits_result *r, const pv_limits_place *p) {
  if (p->why == PV_LIMITS_WITHIN) return json_null();
  const bool layered = pv_plan_is_layered(r->plan, p->stage);
  return json_pack(
      "{s:s, s:o, s:I, s:I, s:s, s:o, s:o, s:o, s:o}", "stage", r->plan->rows[p->stage].name,
      "layer", layered ? json_integer(p->layer) : json_null(), "position", (json_int_t)p->position,
      "index", (json_int_t)p->index, "why", pv_limits_text(p->why), "got", pv_json_number(p->got),
      "exact", pv_json_number(p->exact), "limit", pv_json_number(p->limit), "ratio",
      pv_json_number(p->ratio));
}

static json_t *stages_json(const pv_limits_result *r) {
  json_t *list = json_array();
  for (size_t s = 0; s < r->plan->count; s++)
    for (uint32_t l = 0; l < (pv_plan_is_layered(r->plan, s) ? r->layers : 1); l++) {
      const pv_limits_stage *sum = &r->stages[l][s];
      const bool layered = pv_plan_is_layered(r->plan, s);
      json_t *row =
          json_pack("{s:s, s:o, s:I, s:I, s:o}", "stage", r->plan->rows[s].name, "layer",
                    layered ? json_integer(l) : json_null(), "elements", (json_int_t)sum->elements,
                    "outside", (json_int_t)sum->beyond, "ratio",
                    sum->elements > 0 ? pv_json_number(sum->ratio) : json_null());
      pv_json_append(&list, row);
    }
  return list;
}

json_t *pv_judged_json(const pv_judged *j, const pv_limits_result *r) {
  char name[48];
  pv_foreign_text(&j->identity, name, sizeof name);
  return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "identity", name, "judged",
                   (json_int_t)r->judged, "outside", (json_int_t)r->beyond,
                   "tensors_without_inputs", (json_int_t)r->unjudged, "tensors_not_recorded",
                   (json_int_t)r->absent, "first", place_json(r, &r->first), "worst",
                   place_json(r, &r->worst), "stages", stages_json(r));
}

/* Stages of layers that an identity does not explain. */
static uint64_t tensors_beyond(const pv_limits_result *r) {
  uint64_t count = 0;
  for (uint32_t l = 0; l < r->layers; l++)
    for (size_t s = 0; s < r->plan->count; s++) count += r->stages[l][s].beyond > 0;
  return count;
}

/* Of those that leave the fewest tensors outside it is the one whose limits allow least: the others
 * say less of the same run. */
pv_code pv_judged_explain(const pv_judged *j, int *exit_code, pv_error *err) {
  uint64_t fewest = UINT64_MAX;
  double wide = INFINITY;
  const char *best = "";
  const bool other_cache = strchr(pv_walker_identity(j->side), '/') != NULL;
  pv_code code = PV_OK;
  *exit_code = 3;
  puts("  identity       largest ratio  outside  first outside");
  for (size_t n = 0; pv_foreign_at(n) != NULL && code == PV_OK; n++) {
    pv_judged as = *j;
    pv_limits_result r;
    char place[PV_PLACE_LENGTH], name[48];
    as.identity = *pv_foreign_at(n);
    if (other_cache) as.identity.cache = j->identity.cache;
    code = pv_judged_run(&as, &r, err);
    if (code != PV_OK) break;
    const uint64_t beyond = tensors_beyond(&r);
    if (r.judged > 0) *exit_code = 1;
    if (beyond < fewest || (beyond == fewest && r.wide < wide)) {
      fewest = beyond;
      wide = r.wide;
      best = as.identity.name;
    }
    pv_foreign_text(&as.identity, name, sizeof name);
    printf("  %-14s %13.3g %8llu  %s\n", name, r.worst.ratio, (unsigned long long)beyond,
           beyond == 0 ? "none" : pv_plan_place(r.plan, r.first.stage, r.first.layer, place));
    pv_limits_free(&r);
  }
  if (code != PV_OK) return code;
  if (*exit_code == 3)
    puts("Nothing was judged: no stage was recorded together with its inputs.");
  else if (fewest > 0)
    printf("None explains all of it; nearest is %s.\n", best);
  else
    printf("It computes what %s explains.\n", best);
  if (*exit_code == 1 && fewest == 0) *exit_code = 0;
  return PV_OK;
}

int pv_judged_exit(const pv_limits_result *r) {
  return r->judged == 0 && r->beyond == 0 ? 3 : r->beyond > 0 ? 1 : 0;
}
