/* The finding in words. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/text.h"
#include "runtime/probe/bisect_report.h"

static const char *const side_word[] = {"left", "right"};

const char *pv_bisect_verdict_name(pv_bisect_verdict verdict) {
  static const char *const names[] = {
      [PV_BISECT_EQUAL] = "equal",         [PV_BISECT_LEFT] = "left",
      [PV_BISECT_RIGHT] = "right",         [PV_BISECT_BOTH] = "both",
      [PV_BISECT_FUNCTIONS] = "functions", [PV_BISECT_UNDECIDED] = "undecided",
      [PV_BISECT_VACUOUS] = "vacuous"};
  return names[verdict];
}

const pv_bisect_place *pv_bisect_culprit(const pv_bisect_result *r) {
  const pv_bisect_place *place = &r->first;
  if (r->verdict == PV_BISECT_RIGHT || r->verdict == PV_BISECT_BOTH) place = &r->culprit[1];
  if (r->verdict == PV_BISECT_LEFT || (r->verdict == PV_BISECT_BOTH && !place->present))
    place = &r->culprit[0];
  return place->present ? place : NULL;
}

const pv_gguf_tensor *pv_bisect_tensor(const pv_model *model, pv_stage_id stage, uint32_t layer) {
  const pv_layer *l = &model->layers[layer];
  switch (stage) {
    case PV_STAGE_EMBEDDING:
      return model->embedding;
    case PV_STAGE_ATTN_NORM:
      return l->attn_norm;
    case PV_STAGE_Q:
      return l->q;
    case PV_STAGE_K:
      return l->k;
    case PV_STAGE_V:
      return l->v;
    case PV_STAGE_Q_ROPE:
      return l->q_norm;
    case PV_STAGE_K_ROPE:
      return l->k_norm;
    case PV_STAGE_ATTN_PROJ:
      return l->o;
    case PV_STAGE_FFN_NORM:
      return l->ffn_norm;
    case PV_STAGE_MOE_ROUTER_LOGITS:
      return l->router;
    case PV_STAGE_EXPERT_GATE:
      return l->gate;
    case PV_STAGE_EXPERT_UP:
      return l->up;
    case PV_STAGE_EXPERT_DOWN:
      return l->down;
    case PV_STAGE_FINAL_NORM:
      return model->final_norm;
    case PV_STAGE_LOGITS:
      return model->head;
    default:
      return NULL;
  }
}

static void print_place(const pv_bisect_place *p) {
  printf("%s", pv_stage_name(p->stage));
  if (pv_stage_is_layered(p->stage)) printf(" of layer %u", p->layer);
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

static void print_recorded(const pv_bisect_side *side, int i) {
  printf("  the %s side was recorded", side_word[i]);
  if (side->recorded->backend[0] != '\0') {
    printf("; computed by ");
    print_foreign(side->recorded->backend);
  }
  if (side->recorded->ids == NULL) printf("; of which tokens its manifest does not say");
  putchar('\n');
}

static void print_header(const pv_bisect_spec *spec, const pv_bisect_result *r) {
  printf("%s and %s, %zu tokens in batches of %zu\n", spec->side[0].name, spec->side[1].name,
         spec->count, spec->batch);
  for (int i = 0; i < 2; i++)
    if (spec->side[i].recorded != NULL)
      print_recorded(&spec->side[i], i);
    else if (strcmp(r->computed[i], "plain") == 0)
      printf("  on the %s the plain backend stands in, with the fault; it has the same bits else\n",
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
    print_foreign(pv_bisect_identity(&spec->side[i]));
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

static void print_verdict(const pv_bisect_spec *spec, const pv_bisect_result *r) {
  const pv_bisect_place *p = pv_bisect_culprit(r);
  const int less = pv_bisect_less_exact(r);
  printf("\nFINDING  ");
  switch (r->verdict) {
    case PV_BISECT_EQUAL:
      print_equal(r);
      return;
    case PV_BISECT_VACUOUS:
      printf("nothing was compared: the sides have no stage in common\n");
      return;
    case PV_BISECT_LEFT:
    case PV_BISECT_RIGHT:
      printf("the %s side is wrong%s", pv_bisect_verdict_name(r->verdict), p != NULL ? ": " : "\n");
      break;
    case PV_BISECT_BOTH:
      printf("both sides are wrong%s", p != NULL ? "; first on the right or alone: " : "\n");
      break;
    case PV_BISECT_FUNCTIONS:
      printf("each side is what its identity defines; ");
      if (less >= 0) printf("%s is the less exact one; ", spec->side[less].name);
      if (p != NULL) printf("they part in ");
      break;
    case PV_BISECT_UNDECIDED:
      if (p == NULL) printf("no bit differs, and no definition says that it is right");
      if (p != NULL) printf("bits differ, and no witness says which side is wrong: ");
      break;
  }
  if (p != NULL) {
    printf("%s", pv_stage_name(p->stage));
    if (pv_stage_is_layered(p->stage)) printf(" of layer %u", p->layer);
  }
  if (p != NULL || r->verdict == PV_BISECT_UNDECIDED || r->verdict == PV_BISECT_FUNCTIONS)
    putchar('\n');
}

static void print_tensor(const pv_model *model, const pv_bisect_place *p) {
  const pv_gguf_tensor *t = pv_bisect_tensor(model, p->stage, p->layer);
  if (t == NULL) return;
  printf("  made with   %.*s, %s, %llu", (int)t->name.length, t->name.data,
         pv_type_get(t->type)->name, (unsigned long long)t->dims[0]);
  for (unsigned i = 1; i < t->dim_count; i++) printf(" x %llu", (unsigned long long)t->dims[i]);
  putchar('\n');
}

static void print_stages(const bool (*set)[PV_STAGES], uint32_t layers);

/* The file in which a recorded side has the stage, and what may be to blame instead of it. */
static void print_file(const pv_bisect_spec *spec, const pv_bisect_result *r,
                       const pv_bisect_place *p) {
  bool(*behind)[PV_STAGES] = calloc(r->layers, sizeof *behind);
  for (int i = 0; i < 2 && behind != NULL; i++) {
    const pv_recorded *recorded = spec->side[i].recorded;
    if (recorded == NULL || !pv_recorded_has(recorded, p->stage, p->layer)) continue;
    printf("  file        ");
    print_foreign(recorded->folder);
    putchar('/');
    print_foreign(recorded->files[p->stage][p->layer]);
    putchar('\n');
    if (r->stages[p->layer][p->stage].side[i].undefined == 0 ||
        pv_bisect_behind(r, i, p->stage, p->layer, behind) == 0)
      continue;
    printf("  or before   in what the %s side has not recorded:\n", side_word[i]);
    print_stages((const bool(*)[PV_STAGES])behind, r->layers);
  }
  free(behind);
}

static void print_how_much(const pv_bisect_result *r, const pv_bisect_place *p) {
  const pv_bisect_stage *s = &r->stages[p->layer][p->stage];
  const double value[] = {p->left, p->right};
  printf("  there      ");
  for (int i = 0; i < 2; i++)
    if (s->side[i].judged > 0)
      printf(" %s %.9g,", side_word[i], value[i]);
    else
      printf(" %s not recorded,", side_word[i]);
  printf(" float64 %.9g\n", p->exact);
  if (!pv_stage_is_index(p->stage))
    printf("  introduces  left %.2e, right %.2e of the row's largest element, on its own input\n",
           s->side[0].introduced, s->side[1].introduced);
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
    print_place(&r->first);
    putchar('\n');
  }
  printf("  in all      %llu of %llu elements differ, %llu of %llu expert sets, %llu top tokens\n",
         (unsigned long long)r->different, (unsigned long long)r->compared,
         (unsigned long long)r->routing.different, (unsigned long long)r->routing.sets,
         (unsigned long long)r->tops_different);
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
        "  margin %.3g between the last expert kept and the first left out; the logits differ by "
        "%.3g\n",
        o->margin, o->noise);
  if (r->top_present) printf("  the first top token that differs: position %zu\n", r->top_position);
  if (!o->replayed) return;
  printf(
      "  with the left side's experts on the right: 1 - cosine of the logits %.3g instead of "
      "%.3g,\n  %llu top tokens differ instead of %llu\n",
      1.0 - o->replayed_cosine, 1.0 - o->cosine, (unsigned long long)o->replayed_tops,
      (unsigned long long)o->tops);
}

static void print_layers(const pv_bisect_result *r) {
  printf(
      "\nlayer   piled up in ffn_residual: left, right   introduced, largest stage: left, right\n");
  for (uint32_t l = 0; l < r->layers; l++) {
    double introduced[2] = {0.0, 0.0};
    int worst[2] = {PV_STAGE_Q, PV_STAGE_Q};
    for (int s = 0; s < PV_STAGES; s++)
      for (int i = 0; i < 2; i++)
        if (pv_stage_is_layered((pv_stage_id)s) &&
            r->stages[l][s].side[i].introduced > introduced[i]) {
          introduced[i] = r->stages[l][s].side[i].introduced;
          worst[i] = s;
        }
    const pv_bisect_stage *sum = &r->stages[l][PV_STAGE_FFN_RESIDUAL];
    char piled[2][32];
    for (int i = 0; i < 2; i++)
      snprintf(piled[i], sizeof piled[i], sum->side[i].judged > 0 ? "%.2e" : "-",
               sum->side[i].total);
    printf("%5u %20s %12s   %10.2e %-18s %10.2e %s\n", l, piled[0], piled[1], introduced[0],
           introduced[0] > 0.0 ? pv_stage_name((pv_stage_id)worst[0]) : "-", introduced[1],
           introduced[1] > 0.0 ? pv_stage_name((pv_stage_id)worst[1]) : "-");
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
    static const pv_stage_id stages[] = {PV_STAGE_LOGITS, PV_STAGE_ARGMAX,
                                         PV_STAGE_MOE_ROUTER_INDICES};
    char text[2][32];
    for (int i = 0; i < 2; i++) {
      const uint64_t count = line == 1 ? r->tops_from_arbiter[i] : r->routing.from_arbiter[i];
      if (!has_any(r, i, stages[line]))
        snprintf(text[i], sizeof text[i], "-");
      else if (line == 0)
        snprintf(text[i], sizeof text[i], "%.3g", 1.0 - r->worst_cosine[i]);
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
  size_t seen = 0;
  for (uint32_t l = 0; l < r->layers; l++)
    for (int s = 0; s < PV_STAGES; s++) {
      const pv_bisect_stage *sum = &r->stages[l][s];
      if (sum->side[0].undefined + sum->side[1].undefined == 0) continue;
      if (seen++ == 0)
        printf("\nMADE WRONG, each on the side's own input (largest error introduced)\n");
      if (seen > SHOWN) continue;
      printf("  %-20s layer %-4u", pv_stage_name((pv_stage_id)s), l);
      for (int i = 0; i < 2; i++)
        if (sum->side[i].undefined > 0)
          printf(" %s: %llu of %llu elements, %.2e;", side_word[i],
                 (unsigned long long)sum->side[i].undefined,
                 (unsigned long long)sum->side[i].judged, sum->side[i].introduced);
      putchar('\n');
    }
  if (seen > SHOWN) printf("  and %zu more stages\n", seen - SHOWN);
}

/* "q 0-2,5; logits": stages, each with its layers, folded. */
static void print_stages(const bool (*set)[PV_STAGES], uint32_t layers) {
  enum { INDENT = 4, FOLD = 96 };
  int column = 0; /* 0: nothing yet */
  for (int s = 0; s < PV_STAGES; s++) {
    pv_text text = PV_TEXT_INIT;
    const uint32_t last = pv_stage_is_layered((pv_stage_id)s) ? layers : 1;
    for (uint32_t l = 0; l < last; l++) {
      uint32_t end = l;
      if (!set[l][s]) continue;
      while (end + 1 < last && set[end + 1][s]) end++;
      pv_text_puts(&text, text.length == 0 ? pv_stage_name((pv_stage_id)s) : ",");
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
    bool(*missing)[PV_STAGES] = recorded != NULL ? calloc(r->layers, sizeof *missing) : NULL;
    bool some = false;
    for (uint32_t l = 0; l < r->layers && missing != NULL; l++)
      for (int s = 0; s < PV_STAGES; s++)
        some |= missing[l][s] = !pv_recorded_has(recorded, (pv_stage_id)s, l);
    if (some) {
      printf("\nNOT JUDGED on the %s, not recorded (stage, layers):\n", side_word[i]);
      print_stages((const bool(*)[PV_STAGES])missing, r->layers);
    }
    free(missing);
  }
}

/* Where there is no definition, the size of the error is all that can be said. */
static void print_worst(const pv_bisect_result *r) {
  for (int i = 0; i < 2; i++) {
    double worst = 0.0;
    uint32_t layer = 0;
    int stage = 0;
    for (uint32_t l = 0; l < r->layers; l++)
      for (int s = 0; s < PV_STAGES; s++)
        if (r->stages[l][s].side[i].introduced > worst) {
          worst = r->stages[l][s].side[i].introduced;
          layer = l;
          stage = s;
        }
    if (r->defined[i] || worst == 0.0) continue;
    printf("  by float64  the %s side introduces most, %.2e, in %s", side_word[i], worst,
           pv_stage_name((pv_stage_id)stage));
    if (pv_stage_is_layered((pv_stage_id)stage)) printf(" of layer %u", layer);
    putchar('\n');
  }
}

void pv_bisect_text(const pv_bisect_spec *spec, const pv_bisect_result *r, const char *again) {
  const pv_bisect_place *p = pv_bisect_culprit(r);
  print_header(spec, r);
  print_verdict(spec, r);
  for (int i = 0; i < 2; i++)
    if (r->fallback[i])
      printf("  fallback    %s was asked for on the %s, %s computed\n", spec->side[i].backend,
             side_word[i], r->computed[i]);
  if (p != NULL) {
    printf("  where       ");
    print_place(p);
    putchar('\n');
    print_tensor(spec->model, p);
    print_file(spec, r, p);
    print_how_much(r, p);
    print_since(r, p);
  } else {
    printf("  %llu elements compared\n", (unsigned long long)r->compared);
  }
  print_worst(r);
  printf("  again       %s\n", again);
  print_missing(spec, r);
  if (r->verdict == PV_BISECT_EQUAL || r->verdict == PV_BISECT_VACUOUS) return;
  print_undefined(r);
  print_routing(r);
  print_exact(r);
}
