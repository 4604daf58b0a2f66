/* The finding in words. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/limits/structure.h"
#include "runtime/probe/bisect_report.h"

static const char *const side_word[] = {"left", "right"};

const char *pv_bisect_verdict_name(pv_bisect_verdict verdict) {
  static const char *const names[] = {
      [PV_BISECT_EQUAL] = "equal",           [PV_BISECT_LEFT] = "left",
      [PV_BISECT_RIGHT] = "right",           [PV_BISECT_BOTH] = "both",
      [PV_BISECT_FUNCTIONS] = "functions",   [PV_BISECT_UNDECIDED] = "undecided",
      [PV_BISECT_NOT_FINITE] = "not_finite", [PV_BISECT_VACUOUS] = "vacuous"};
  return names[verdict];
}

const pv_bisect_place *pv_bisect_culprit(const pv_bisect_result *r) {
  const pv_bisect_place *place = &r->first;
  if (r->verdict == PV_BISECT_RIGHT || r->verdict == PV_BISECT_BOTH) place = &r->culprit[1];
  if (r->verdict == PV_BISECT_LEFT || (r->verdict == PV_BISECT_BOTH && !place->present))
    place = &r->culprit[0];
  if (r->verdict == PV_BISECT_NOT_FINITE) place = &r->not_finite[r->not_finite[1].present ? 1 : 0];
  for (int i = 0; i < 2 && r->verdict == PV_BISECT_UNDECIDED; i++)
    if (r->large[i].present) place = &r->large[i];
  return place->present ? place : NULL;
}

static void print_place(const pv_bisect_result *r, const pv_bisect_place *p) {
  char place[PV_PLACE_LENGTH];
  printf("%s", pv_plan_place(r->plan, p->stage, p->layer, place));
  if (p->expert >= 0) printf(", expert %lld (rank %lld)", (long long)p->expert, (long long)p->rank);
  printf(", position %zu, element %zu", p->position, p->index);
}

/* Text of a manifest, which a stranger wrote. */
static void print_foreign(const char *text) {
  pv_text escaped = PV_TEXT_INIT;
  pv_text_escape(&escaped, text, strlen(text));
  printf("%s", escaped.data != NULL ? escaped.data : "");
  pv_text_free(&escaped);
}

static void print_recorded(const pv_walker *side, int i) {
  printf("  the %s side was recorded", side_word[i]);
  const pv_source *m = &side->recorded->source;
  const char *about = side->recorded->about;
  const bool whole = about != NULL && strncmp(about, m->computed, strlen(m->computed)) == 0;
  if (m->computed[0] != '\0') {
    printf("; computed by ");
    print_foreign(whole ? about : m->computed);
  }
  if (side->recorded->observer != NULL) {
    printf("; observer: ");
    print_foreign(side->recorded->observer);
  }
  if (side->recorded->unmapped > 0)
    printf("; %zu nodes are none that the map names", side->recorded->unmapped);
  if (m->model_sha256[0] == '\0') printf("; of which model its manifest does not say");
  if (m->ids == NULL) printf("; of which tokens its manifest does not say");
  putchar('\n');
}

static void print_header(const pv_bisect_spec *spec, const pv_bisect_result *r) {
  printf("%s and %s, %zu tokens in batches of %zu\n", spec->side[0].name, spec->side[1].name,
         spec->count, spec->batch);
  for (int i = 0; i < 2; i++)
    if (spec->side[i].recorded != NULL)
      print_recorded(&spec->side[i], i);
    else if (strcmp(r->computed[i], "definition") == 0)
      printf("  on the %s the definition stands in, with the fault; it has the same bits else\n",
             side_word[i]);
  const bool defined = r->defined[0] && r->defined[1];
  if (!defined)
    printf("\nNO DEFINITION: pv does not define how a side computes; float64 alone judges it\n");
  else if (!r->same_identity)
    printf(
        "\nTWO DIFFERENT FUNCTIONS: bits cannot agree, and no difference is a defect by itself\n");
  if (defined && r->same_identity) return;
  for (int i = 0; i < 2; i++) {
    printf("  %-5s ", side_word[i]);
    print_foreign(pv_walker_identity(&spec->side[i]));
    printf("%s\n", r->defined[i] ? "" : " (not defined here)");
  }
}

static void print_equal(const pv_bisect_result *r) {
  if (r->defined[0] && r->defined[1])
    printf("no bit differs, and both are as their identity defines\n");
  else
    printf("no bit differs, and the %s side is as its identity defines\n",
           side_word[r->defined[0] ? 0 : 1]);
}

const char *pv_bisect_why_text(pv_bisect_why why) {
  if (why == PV_BISECT_NO_NUMBER) return "no number, where float64 has one";
  return why > PV_BISECT_STRUCTURE
             ? pv_structure_text((pv_structure_why)(why - PV_BISECT_STRUCTURE))
             : "";
}

double pv_bisect_worst(const pv_bisect_result *r, int side, pv_stage_id *stage, uint32_t *layer) {
  double worst = 0.0;
  for (uint32_t l = 0; l < r->layers; l++)
    for (pv_stage_id s = 0; s < r->plan->count; s++)
      if (pv_distance_exceeds(r->stages[l][s].side[side].introduced, worst)) {
        worst = r->stages[l][s].side[side].introduced;
        *layer = l;
        *stage = s;
      }
  return worst;
}

/* Why there is no number: which weight it was, or that it was none. */
static void print_no_number(const pv_bisect_spec *spec, const pv_bisect_result *r, int side) {
  const pv_bisect_place *p = &r->not_finite[side];
  const pv_bad_weight *bad = &r->weight[side];
  const pv_gguf_tensor *t = pv_model_weight(spec->model, p->stage, p->layer);
  char place[PV_PLACE_LENGTH];
  pv_plan_place(r->plan, p->stage, p->layer, place);
  if (!bad->present) {
    bool(*behind)[PV_STAGES_MAX] = calloc(r->layers, sizeof *behind);
    const bool known = behind != NULL && pv_bisect_behind(r, side, p->stage, p->layer, behind) == 0;
    free(behind);
    printf("%s has no number%s", place,
           known ? " where all that it is made of are numbers" : ", the first of what is recorded");
    return;
  }
  printf("the weights are not finite: %.*s, element %llu is %s; so %s has no number",
         (int)t->name.length, t->name.data, (unsigned long long)bad->element,
         PV_REAL('g', 6, bad->value), place);
}

/* No side can be called wrong: how large the errors are, and where one stands out. */
static void print_undecided(const pv_bisect_result *r) {
  char place[PV_PLACE_LENGTH];
  printf(r->different == 0 ? "no bit differs, and no definition says that it is right"
                           : "bits differ, and no definition says which are right");
  for (int i = 0; i < 2; i++) {
    pv_stage_id stage = 0;
    uint32_t layer = 0;
    if (r->defined[i]) continue;
    const double worst = pv_bisect_worst(r, i, &stage, &layer);
    printf("; against float64 the %s side is ", side_word[i]);
    if (r->large[i].present)
      printf("first far off in %s (%s)",
             pv_plan_place(r->plan, r->large[i].stage, r->large[i].layer, place),
             PV_REAL('e', 1, r->large_error[i]));
    else
      printf("nowhere far off");
    printf(", most in %s (%s)", pv_plan_place(r->plan, stage, layer, place),
           PV_REAL('e', 1, worst));
  }
  putchar('\n');
}

static void print_wrong(const pv_bisect_result *r, const pv_bisect_place *p) {
  char place[PV_PLACE_LENGTH];
  if (r->verdict == PV_BISECT_BOTH)
    printf("both sides are wrong%s", p != NULL ? "; first on the right or alone: " : "");
  else
    printf("the %s side is wrong%s", pv_bisect_verdict_name(r->verdict), p != NULL ? ": " : "");
  if (p == NULL) {
    putchar('\n');
    return;
  }
  const char *why = pv_bisect_why_text(r->why[p == &r->culprit[0] ? 0 : 1]);
  printf("%s%s%s\n", pv_plan_place(r->plan, p->stage, p->layer, place),
         why[0] != '\0' ? " holds " : "", why);
}

static void print_verdict(const pv_bisect_spec *spec, const pv_bisect_result *r) {
  const pv_bisect_place *p = pv_bisect_culprit(r);
  const int less = pv_bisect_less_exact(r);
  char place[PV_PLACE_LENGTH];
  printf("\nFINDING  ");
  switch (r->verdict) {
    case PV_BISECT_EQUAL:
      print_equal(r);
      break;
    case PV_BISECT_VACUOUS:
      printf("nothing was compared: the sides have no stage in common\n");
      break;
    case PV_BISECT_LEFT:
    case PV_BISECT_RIGHT:
    case PV_BISECT_BOTH:
      print_wrong(r, p);
      break;
    case PV_BISECT_NOT_FINITE:
      print_no_number(spec, r, p == &r->not_finite[0] ? 0 : 1);
      printf(", %s\n", r->not_finite[0].present && r->not_finite[1].present ? "on both sides"
                       : p == &r->not_finite[0]                             ? "on the left side"
                                                                            : "on the right side");
      break;
    case PV_BISECT_FUNCTIONS:
      printf("each side is what its identity defines; ");
      if (less >= 0) printf("%s is the less exact one; ", spec->side[less].name);
      if (p != NULL) printf("they part in %s", pv_plan_place(r->plan, p->stage, p->layer, place));
      putchar('\n');
      break;
    case PV_BISECT_UNDECIDED:
      print_undecided(r);
      break;
  }
}

/* Where a side has no number and that is not the finding. */
static void print_numbers(const pv_bisect_spec *spec, const pv_bisect_result *r,
                          const pv_bisect_place *p) {
  for (int i = 0; i < 2; i++) {
    const pv_bisect_place *none = &r->not_finite[i];
    if (!none->present || p == NULL || r->verdict == PV_BISECT_NOT_FINITE ||
        (none->stage == p->stage && none->layer == p->layer))
      continue;
    printf("  no number   on the %s side: ", side_word[i]);
    print_no_number(spec, r, i);
    putchar('\n');
  }
}

/* Of each wrong side: which kernels make the stage, and in which file. */
static void print_sources(const pv_bisect_spec *spec, const pv_bisect_result *r,
                          const pv_bisect_place *p) {
  for (int i = 0; i < 2; i++) {
    const bool wrong =
        r->verdict == PV_BISECT_BOTH || r->verdict == (i == 0 ? PV_BISECT_LEFT : PV_BISECT_RIGHT);
    const pv_recorded *recorded = spec->side[i].recorded;
    if (!wrong || !r->defined[i] || p != &r->culprit[i]) continue;
    const char *source = pv_bisect_source(
        spec->model, r->computed[i],
        recorded != NULL ? recorded->numerics : spec->side[i].who.numerics, p->stage, p->layer);
    if (source != NULL) printf("  kernel      %s, on the %s\n", source, side_word[i]);
  }
}

static void print_tensor(const pv_model *model, const pv_bisect_place *p) {
  const pv_gguf_tensor *t = pv_model_weight(model, p->stage, p->layer);
  if (t == NULL) return;
  printf("  made with   %.*s, %s, %llu", (int)t->name.length, t->name.data,
         pv_type_get(t->type)->name, (unsigned long long)t->dims[0]);
  for (unsigned i = 1; i < t->dim_count; i++) printf(" x %llu", (unsigned long long)t->dims[i]);
  putchar('\n');
}

static void print_stages(const pv_bisect_result *r, const bool (*set)[PV_STAGES_MAX]);

/* The file in which a recorded side has the stage, and what may be to blame instead of it. */
static void print_file(const pv_bisect_spec *spec, const pv_bisect_result *r,
                       const pv_bisect_place *p) {
  bool(*behind)[PV_STAGES_MAX] = calloc(r->layers, sizeof *behind);
  for (int i = 0; i < 2 && behind != NULL; i++) {
    const pv_recorded *recorded = spec->side[i].recorded;
    const pv_trace_tensor *tensor =
        recorded != NULL ? pv_recorded_tensor(recorded, p->stage, p->layer) : NULL;
    if (tensor == NULL || tensor->hashed) continue;
    printf("  file        ");
    print_foreign(recorded->listing.prefix);
    print_foreign(tensor->file);
    putchar('\n');
    if ((r->stages[p->layer][p->stage].side[i].undefined == 0 && p != &r->not_finite[i]) ||
        pv_bisect_behind(r, i, p->stage, p->layer, behind) == 0)
      continue;
    printf("  or before   in what the %s side has not recorded:\n", side_word[i]);
    print_stages(r, (const bool(*)[PV_STAGES_MAX])behind);
  }
  free(behind);
}

static void print_how_much(const pv_bisect_result *r, const pv_bisect_place *p) {
  const pv_bisect_stage *s = &r->stages[p->layer][p->stage];
  const double value[] = {p->left, p->right};
  printf("  there      ");
  for (int i = 0; i < 2; i++)
    printf(" %s %s,", side_word[i],
           s->side[i].judged > 0 ? PV_REAL('g', 9, value[i]) : "not recorded");
  printf(" float64 %s\n", PV_REAL('g', 9, p->exact));
  if (!pv_plan_is(r->plan, p->stage, PV_ROW_INDEX))
    printf("  introduces  left %s, right %s of the row's largest element, on its own input\n",
           PV_REAL('e', 2, s->side[0].introduced), PV_REAL('e', 2, s->side[1].introduced));
  printf("  not defined left %llu, right %llu of %llu elements of this stage\n",
         (unsigned long long)s->side[0].undefined, (unsigned long long)s->side[1].undefined,
         (unsigned long long)(s->side[0].judged > s->side[1].judged ? s->side[0].judged
                                                                    : s->side[1].judged));
}

static void print_since(const pv_bisect_result *r, const pv_bisect_place *p) {
  if (r->first.present && r->first.stage == p->stage && r->first.layer == p->layer)
    printf("  since       here: up to this stage no bit differs between the sides\n");
  else if (r->first.present) {
    printf("  since       the sides part in ");
    print_place(r, &r->first);
    putchar('\n');
  }
  printf("  in all      %llu of %llu elements differ, ", (unsigned long long)r->different,
         (unsigned long long)r->compared);
  if (pv_plan_has_experts(r->plan))
    printf("%llu of %llu expert sets, ", (unsigned long long)r->routing.different,
           (unsigned long long)r->routing.sets);
  printf("%llu top tokens\n", (unsigned long long)r->tops_different);
}

static void print_routing(const pv_bisect_result *r) {
  const pv_bisect_routing *o = &r->routing;
  if (!o->present) return;
  printf("\nROUTING  the first set of experts that differs: layer %u, position %zu\n", o->layer,
         o->position);
  if (isnan(o->margin + o->noise))
    printf("  the router's logits there are not recorded\n");
  else
    printf(
        "  margin %s between the last expert kept and the first left out; the logits differ by "
        "%s\n",
        PV_REAL('g', 3, o->margin), PV_REAL('g', 3, o->noise));
  if (r->top_present) printf("  the first top token that differs: position %zu\n", r->top_position);
  if (!o->replayed) return;
  printf(
      "  with the left side's experts on the right: 1 - cosine of the logits %s instead of "
      "%s,\n  %llu top tokens differ instead of %llu\n",
      PV_REAL('g', 3, 1.0 - o->replayed_cosine), PV_REAL('g', 3, 1.0 - o->cosine),
      (unsigned long long)o->replayed_tops, (unsigned long long)o->tops);
}

static void print_layers(const pv_bisect_result *r) {
  const int last = pv_plan_role(r->plan, PV_ROLE_LAYER_OUT);
  printf("\nlayer   piled up in %s: left, right   introduced, largest stage: left, right\n",
         r->plan->rows[last].name);
  for (uint32_t l = 0; l < r->layers; l++) {
    const pv_bisect_stage *sum = &r->stages[l][last];
    double introduced[2] = {0.0, 0.0};
    const char *worst[2] = {"-", "-"};
    char piled[2][PV_REAL_ROOM] = {"-", "-"};
    for (pv_stage_id s = 0; s < r->plan->count; s++)
      for (int i = 0; i < 2; i++)
        if (pv_plan_is_layered(r->plan, s) &&
            pv_distance_exceeds(r->stages[l][s].side[i].introduced, introduced[i])) {
          introduced[i] = r->stages[l][s].side[i].introduced;
          worst[i] = r->plan->rows[s].name;
        }
    for (int i = 0; i < 2; i++)
      if (sum->side[i].judged > 0) pv_real_text(piled[i], 'e', 2, sum->side[i].total);
    printf("%5u %20s %12s   %10s %-18s %10s %s\n", l, piled[0], piled[1],
           PV_REAL('e', 2, introduced[0]), worst[0], PV_REAL('e', 2, introduced[1]), worst[1]);
  }
}

/* Whether the side has the stage in any layer: else there is no figure. */
static bool has_any(const pv_bisect_result *r, int side, pv_stage_id stage) {
  for (uint32_t l = 0; l < r->layers; l++)
    if (r->stages[l][stage].side[side].judged > 0) return true;
  return false;
}

static void print_exact(const pv_bisect_result *r) {
  printf("\nAGAINST FLOAT64 %26s %26s\n", side_word[0], side_word[1]);
  for (int line = 0; line < 3; line++) {
    static const char *const names[] = {"largest 1 - cosine, logits", "top tokens that differ",
                                        "expert sets that differ"};
    static const pv_role of[] = {PV_ROLE_LOGITS, PV_ROLE_TOP, PV_ROLE_ROUTER_INDICES};
    const int stage = pv_plan_role(r->plan, of[line]);
    char text[2][32];
    if (stage < 0) continue;
    for (int i = 0; i < 2; i++) {
      const uint64_t count = line == 1 ? r->tops_from_arbiter[i] : r->routing.from_arbiter[i];
      if (!has_any(r, i, (pv_stage_id)stage))
        snprintf(text[i], sizeof text[i], "-");
      else if (line == 0)
        snprintf(text[i], sizeof text[i], "%s", PV_REAL('g', 3, 1.0 - r->worst_cosine[i]));
      else
        snprintf(text[i], sizeof text[i], "%llu", (unsigned long long)count);
    }
    printf("  %-26s %15s %26s\n", names[line], text[0], text[1]);
  }
  print_layers(r);
}

/* Stages in which a side is not what its identity defines. */
static void print_undefined(const pv_bisect_result *r) {
  enum { SHOWN = 12 };
  char place[PV_PLACE_LENGTH];
  size_t seen = 0;
  for (uint32_t l = 0; l < r->layers; l++)
    for (pv_stage_id s = 0; s < r->plan->count; s++) {
      const pv_bisect_stage *sum = &r->stages[l][s];
      if (sum->side[0].undefined + sum->side[1].undefined == 0) continue;
      if (seen++ == 0)
        printf("\nMADE WRONG, each on the side's own input (largest error introduced)\n");
      if (seen > SHOWN) continue;
      printf("  %-31s", pv_plan_place(r->plan, s, l, place));
      for (int i = 0; i < 2; i++)
        if (sum->side[i].undefined > 0)
          printf(
              " %s: %llu of %llu elements%s%s;", side_word[i],
              (unsigned long long)sum->side[i].undefined, (unsigned long long)sum->side[i].judged,
              pv_plan_is(r->plan, s, PV_ROW_INDEX) ? "" : ", ",
              pv_plan_is(r->plan, s, PV_ROW_INDEX) ? "" : PV_REAL('e', 2, sum->side[i].introduced));
      putchar('\n');
    }
  if (seen > SHOWN) printf("  and %zu more stages\n", seen - SHOWN);
}

/* "q 0-2,5; logits": stages, each with its layers, folded. */
static void print_stages(const pv_bisect_result *r, const bool (*set)[PV_STAGES_MAX]) {
  enum { INDENT = 4, FOLD = 96 };
  int column = 0; /* 0: nothing yet */
  for (pv_stage_id s = 0; s < r->plan->count; s++) {
    pv_text text = PV_TEXT_INIT;
    const uint32_t last = pv_plan_is_layered(r->plan, s) ? r->layers : 1;
    for (uint32_t l = 0; l < last; l++) {
      uint32_t end = l;
      if (!set[l][s]) continue;
      while (end + 1 < last && set[end + 1][s]) end++;
      pv_text_puts(&text, text.length == 0 ? r->plan->rows[s].name : ",");
      if (last > 1) pv_text_printf(&text, text.data[text.length - 1] == ',' ? "%u" : " %u", l);
      if (end > l) pv_text_printf(&text, "-%u", end);
      l = end;
    }
    if (text.length == 0) continue;
    const bool fold = column == 0 || column + (int)text.length + 2 > FOLD;
    if (fold) printf("%s%*s", column > 0 ? "\n" : "", INDENT, "");
    column = (fold ? INDENT : column) + printf("%s%s", fold ? "" : "; ", text.data);
    pv_text_free(&text);
  }
  if (column > 0) putchar('\n');
}

/* Never equal over nothing: what was not there is told. */
static void print_missing(const pv_bisect_spec *spec, const pv_bisect_result *r) {
  for (int i = 0; i < 2; i++) {
    const pv_recorded *recorded = spec->side[i].recorded;
    bool(*missing)[PV_STAGES_MAX] = recorded != NULL ? calloc(r->layers, sizeof *missing) : NULL;
    bool some = false;
    for (uint32_t l = 0; l < r->layers && missing != NULL; l++)
      for (pv_stage_id s = 0; s < r->plan->count; s++)
        some |= missing[l][s] = !pv_recorded_has(recorded, s, l);
    if (some) {
      printf("\nNOT JUDGED on the %s, not recorded (stage, layers):\n", side_word[i]);
      print_stages(r, (const bool(*)[PV_STAGES_MAX])missing);
    }
    free(missing);
  }
}

/* Where there is no definition, the size of the error is all that can be said; the headline says it
 * when it is about nothing else. */
static void print_worst(const pv_bisect_result *r) {
  char place[PV_PLACE_LENGTH];
  for (int i = 0; i < 2 && r->verdict != PV_BISECT_UNDECIDED; i++) {
    pv_stage_id stage = 0;
    uint32_t layer = 0;
    const double worst = pv_bisect_worst(r, i, &stage, &layer);
    if (r->defined[i] || worst == 0.0) continue;
    printf("  by float64  the %s side introduces most, %s, in %s\n", side_word[i],
           PV_REAL('e', 2, worst), pv_plan_place(r->plan, stage, layer, place));
  }
}

void pv_bisect_text(const pv_bisect_spec *spec, const pv_bisect_result *r, const char *again) {
  const pv_bisect_place *p = pv_bisect_culprit(r);
  print_header(spec, r);
  print_verdict(spec, r);
  for (int i = 0; i < 2; i++)
    if (r->fallback[i])
      printf("  fallback    %s was asked for on the %s, %s computed\n",
             spec->side[i].who.kind->name, side_word[i], r->computed[i]);
  if (p != NULL) {
    printf("  where       ");
    print_place(r, p);
    putchar('\n');
    print_tensor(spec->model, p);
    print_sources(spec, r, p);
    print_file(spec, r, p);
    print_how_much(r, p);
    print_since(r, p);
  } else {
    printf("  %llu elements compared\n", (unsigned long long)r->compared);
  }
  print_numbers(spec, r, p);
  print_worst(r);
  printf("  again       %s\n", again);
  print_missing(spec, r);
  if (r->verdict == PV_BISECT_EQUAL || r->verdict == PV_BISECT_VACUOUS) return;
  print_undefined(r);
  print_routing(r);
  print_exact(r);
}
