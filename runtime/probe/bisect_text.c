/* The finding in words. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runtime/probe/bisect_report.h"

static const char *const side_word[] = {"left", "right"};

const char *pv_bisect_verdict_name(pv_bisect_verdict verdict) {
  static const char *const names[] = {
      [PV_BISECT_EQUAL] = "equal",         [PV_BISECT_LEFT] = "left",
      [PV_BISECT_RIGHT] = "right",         [PV_BISECT_BOTH] = "both",
      [PV_BISECT_FUNCTIONS] = "functions", [PV_BISECT_UNDECIDED] = "undecided"};
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

static void print_header(const pv_bisect_spec *spec, const pv_bisect_result *r) {
  printf("%s and %s, %zu tokens in batches of %zu\n", spec->side[0].name, spec->side[1].name,
         spec->count, spec->batch);
  for (int i = 0; i < 2; i++)
    if (strcmp(r->computed[i], "plain") == 0)
      printf("  on the %s the plain backend stands in, with the fault; it has the same bits else\n",
             side_word[i]);
  if (r->same_identity) return;
  printf("\nTWO DIFFERENT FUNCTIONS: bits cannot agree, and no difference is a defect by itself\n");
  for (int i = 0; i < 2; i++)
    printf("  %-5s %s\n", side_word[i], pv_numerics_identity(spec->side[i].numerics));
}

static void print_verdict(const pv_bisect_spec *spec, const pv_bisect_result *r) {
  const pv_bisect_place *p = pv_bisect_culprit(r);
  const int less = pv_bisect_less_exact(r);
  printf("\nFINDING  ");
  switch (r->verdict) {
    case PV_BISECT_EQUAL:
      printf("no bit differs, and both are as their identity defines\n");
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
      if (less >= 0) printf("%s is the less exact one; they part in ", spec->side[less].name);
      break;
    case PV_BISECT_UNDECIDED:
      printf("bits differ, and no witness says which side is wrong: ");
      break;
  }
  if (p != NULL) {
    printf("%s", pv_stage_name(p->stage));
    if (pv_stage_is_layered(p->stage)) printf(" of layer %u", p->layer);
    putchar('\n');
  }
}

static void print_tensor(const pv_model *model, const pv_bisect_place *p) {
  const pv_gguf_tensor *t = pv_bisect_tensor(model, p->stage, p->layer);
  if (t == NULL) return;
  printf("  made with   %.*s, %s, %llu", (int)t->name.length, t->name.data,
         pv_type_get(t->type)->name, (unsigned long long)t->dims[0]);
  for (unsigned i = 1; i < t->dim_count; i++) printf(" x %llu", (unsigned long long)t->dims[i]);
  putchar('\n');
}

static void print_how_much(const pv_bisect_result *r, const pv_bisect_place *p) {
  const pv_bisect_stage *s = &r->stages[p->layer][p->stage];
  printf("  there       left %.9g, right %.9g, float64 %.9g\n", p->left, p->right, p->exact);
  if (!pv_stage_is_index(p->stage))
    printf("  introduces  left %.2e, right %.2e of the row's largest element, on its own input\n",
           s->side[0].introduced, s->side[1].introduced);
  printf("  not defined left %llu, right %llu of %llu elements of this stage\n",
         (unsigned long long)s->side[0].undefined, (unsigned long long)s->side[1].undefined,
         (unsigned long long)s->elements);
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
  printf(
      "\nROUTING  the first set of experts that differs: layer %u, position %zu\n"
      "  margin %.3g between the last expert kept and the first left out; the logits differ by "
      "%.3g\n",
      o->layer, o->position, o->margin, o->noise);
  if (r->top_present) printf("  the first top token that differs: position %zu\n", r->top_position);
  if (!o->replayed) return;
  printf(
      "  with the left side's experts on the right: 1 - cosine of the logits %.3g instead of "
      "%.3g,\n  %llu top tokens differ instead of %llu\n",
      1.0 - o->replayed_cosine, 1.0 - o->cosine, (unsigned long long)o->replayed_tops,
      (unsigned long long)o->tops);
}

static void print_exact(const pv_bisect_spec *spec, const pv_bisect_result *r) {
  printf("\nAGAINST FLOAT64 %26s %26s\n", side_word[0], side_word[1]);
  printf("  largest 1 - cosine, logits %15.3g %26.3g\n", 1.0 - r->worst_cosine[0],
         1.0 - r->worst_cosine[1]);
  printf("  top tokens that differ %19llu %26llu\n", (unsigned long long)r->tops_from_arbiter[0],
         (unsigned long long)r->tops_from_arbiter[1]);
  printf("  expert sets that differ %18llu %26llu\n",
         (unsigned long long)r->routing.from_arbiter[0],
         (unsigned long long)r->routing.from_arbiter[1]);
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
    printf("%5u %20.2e %12.2e   %10.2e %-18s %10.2e %s\n", l, sum->side[0].total,
           sum->side[1].total, introduced[0], pv_stage_name((pv_stage_id)worst[0]), introduced[1],
           pv_stage_name((pv_stage_id)worst[1]));
  }
  (void)spec;
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
                 (unsigned long long)sum->side[i].undefined, (unsigned long long)sum->elements,
                 sum->side[i].introduced);
      putchar('\n');
    }
  if (seen > SHOWN) printf("  and %zu more stages\n", seen - SHOWN);
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
    print_how_much(r, p);
    print_since(r, p);
  } else {
    printf("  %llu elements compared\n", (unsigned long long)r->compared);
  }
  printf("  again       %s\n", again);
  if (r->verdict == PV_BISECT_EQUAL) return;
  print_undefined(r);
  print_routing(r);
  print_exact(spec, r);
}
