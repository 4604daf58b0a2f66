/* pv compare of two traces of which one lacks numbers: their digests tell whether they are equal,
 * and where first not; how far they are apart they do not tell. */
#include <stdio.h>

#include "runtime/probe/compare.h"
#include "runtime/trace/hashes.h"

typedef struct table {
  const pv_plan *plan;
  bool json;
  uint64_t rows;
} table;

static void print_row(void *context, pv_stage_id stage, uint32_t layer, bool equal) {
  table *t = context;
  char number[16] = "null";
  char place[PV_PLACE_LENGTH];
  if (pv_plan_is_layered(t->plan, stage)) snprintf(number, sizeof number, "%u", layer);
  if (t->json)
    printf("%s\n  {\"stage\":\"%s\",\"layer\":%s,\"equal\":%s}", t->rows++ > 0 ? "," : "",
           t->plan->rows[stage].name, number, equal ? "true" : "false");
  else if (!equal)
    printf("%s differs\n", pv_plan_place(t->plan, stage, layer, place));
}

static void print_json(const pv_pair *pair, const pv_trace_digests *d, const pv_plan *plan,
                       pv_outcome is, const char *why) {
  const pv_source *left = &pair->recorded[0]->source, *right = &pair->recorded[1]->source;
  printf(
      "],\"by\":\"sha256\",\"tensors_equal\":%llu,\"tensors_different\":%llu,"
      "\"only_left\":%llu,\"only_right\":%llu,\"first\":",
      (unsigned long long)d->equal, (unsigned long long)d->different,
      (unsigned long long)d->only_left, (unsigned long long)d->only_right);
  if (d->different == 0)
    printf("null");
  else if (pv_plan_is_layered(plan, d->stage))
    printf("{\"stage\":\"%s\",\"layer\":%u}", plan->rows[d->stage].name, d->layer);
  else
    printf("{\"stage\":\"%s\",\"layer\":null}", plan->rows[d->stage].name);
  printf(",\"verdict\":\"%s\"", pv_outcome_word(is));
  pv_compare_json_text("reason", why);
  pv_compare_json_text("left_model_sha256", left->model_sha256);
  pv_compare_json_text("right_model_sha256", right->model_sha256);
  puts("}");
}

static void print_text(const pv_trace_digests *d, const pv_plan *plan, pv_outcome is,
                       const char *why) {
  char place[PV_PLACE_LENGTH];
  printf("by SHA-256, since a trace lacks numbers: %llu tensors equal, %llu different",
         (unsigned long long)d->equal, (unsigned long long)d->different);
  if (d->different > 0) printf(", the first %s", pv_plan_place(plan, d->stage, d->layer, place));
  putchar('\n');
  if (d->only_left + d->only_right > 0)
    printf("%llu tensors only on the left, %llu only on the right\n",
           (unsigned long long)d->only_left, (unsigned long long)d->only_right);
  if (is == PV_INCOMPARABLE) printf("INCOMPARABLE: %s\n", why);
}

pv_code pv_compare_digests(const pv_pair *pair, const char *stages, const char *layers, bool json,
                           int *exit_code, pv_error *err) {
  const pv_source sides[] = {pair->recorded[0]->source, pair->recorded[1]->source};
  const pv_plan *plan = sides[0].plan;
  const uint32_t most = sides[sides[1].layers > sides[0].layers].layers;
  table t = {plan, json, 0};
  pv_trace_digests d = {0};
  pv_trace_filter filter;
  char cut[160], place[PV_PLACE_LENGTH];
  pv_code code = pv_trace_filter_parse(stages, layers, plan, most, &filter, err);
  if (code != PV_OK) return code;
  if (json) printf("{\"schema\":\"pv/compare-digests/v1\",\"tensors\":[");
  code = pv_trace_compare_digests(pair->recorded[0], pair->recorded[1], &filter, print_row, &t, &d,
                                  err);
  if (code != PV_OK) {
    if (json) puts("]}");
    return code;
  }
  const char *why = pv_compare_why(sides, d.other_model, d.other_ids);
  if (d.cut) {
    snprintf(cut, sizeof cut, "%s is cut or typed in two ways, so its digests tell nothing",
             pv_plan_place(plan, d.stage, d.layer, place));
    why = cut;
  }
  const uint64_t wrong = d.different + d.only_left + d.only_right;
  const pv_outcome is = why != NULL                  ? PV_INCOMPARABLE
                        : d.equal + d.different == 0 ? PV_VACUOUS
                        : wrong > 0                  ? PV_DIFFERENT
                                                     : PV_EQUAL;
  if (json)
    print_json(pair, &d, plan, is, why);
  else
    print_text(&d, plan, is, why);
  *exit_code = pv_outcome_exit(is);
  return PV_OK;
}
