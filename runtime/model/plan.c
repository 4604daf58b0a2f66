/* What follows from the tables of the architectures. */
#include "runtime/model/plan.h"

#include <stdio.h>
#include <string.h>

/* The architectures, each of the file arch/NAME.c; the first is that of pv synth. */
/* clang-format off */
#define ARCHITECTURES(X) \
  X(qwen3moe) \
  X(qwen3) \
  X(qwen2moe) \
  X(llama) \
  X(mixtral) \
  X(olmoe) \
  X(gemma3) \
  X(gpt_oss)
/* clang-format on */

#define DECLARE(name) extern const pv_plan pv_plan_##name;
ARCHITECTURES(DECLARE)
#define LIST(name) &pv_plan_##name,
static const pv_plan *const plans[] = {ARCHITECTURES(LIST) NULL};

const pv_plan *pv_plan_at(size_t n) {
  return n < sizeof plans / sizeof *plans ? plans[n] : NULL;
}

const pv_plan *pv_plan_find(const char *architecture, size_t length, bool experts) {
  const pv_plan *found = NULL;
  for (size_t i = 0; plans[i] != NULL; i++) {
    if (strlen(plans[i]->architecture) != length ||
        memcmp(plans[i]->architecture, architecture, length) != 0)
      continue;
    if (pv_plan_has_experts(plans[i]) == experts) return plans[i];
    found = plans[i];
  }
  return found;
}

const pv_plan *pv_plan_named(const char *name) {
  for (size_t i = 0; plans[i] != NULL; i++)
    if (strcmp(plans[i]->name, name) == 0) return plans[i];
  return NULL;
}

void pv_plan_list(bool about, char *out, size_t size) {
  size_t n = 0;
  out[0] = '\0';
  for (size_t i = 0; plans[i] != NULL && n < size; i++) {
    const char * or = i == 0 ? "" : plans[i + 1] == NULL ? " or " : ", ";
    n += (size_t)snprintf(out + n, size - n, "%s%s", or, about ? plans[i]->about : plans[i]->name);
  }
}

int pv_plan_role(const pv_plan *plan, pv_role role) {
  for (size_t i = 0; i < plan->count; i++)
    if (plan->rows[i].role == role) return (int)i;
  return -1;
}

int pv_plan_op(const pv_plan *plan, pv_op op) {
  for (size_t i = 0; i < plan->count; i++)
    if (plan->rows[i].op == op) return (int)i;
  return -1;
}

const char *pv_plan_place(const pv_plan *plan, size_t row, uint32_t layer,
                          char out[PV_PLACE_LENGTH]) {
  snprintf(out, PV_PLACE_LENGTH, pv_plan_is_layered(plan, row) ? "%s of layer %u" : "%s",
           plan->rows[row].name, layer);
  return out;
}

int pv_plan_stage(const pv_plan *plan, const char *name) {
  for (size_t i = 0; i < plan->count; i++)
    if (strcmp(plan->rows[i].name, name) == 0) return (int)i;
  return -1;
}

size_t pv_dim_size(pv_dim dim, const pv_shape *s) {
  switch (dim) {
    case PV_DIM_ONE:
      break;
    case PV_DIM_HIDDEN:
      return s->hidden;
    case PV_DIM_HEAD:
      return s->head_dim;
    case PV_DIM_Q:
      return (size_t)s->heads * s->head_dim;
    case PV_DIM_KV:
      return (size_t)s->kv_heads * s->head_dim;
    case PV_DIM_FFN:
      return s->ffn;
    case PV_DIM_EXPERTS:
      return s->experts;
    case PV_DIM_USED:
      return s->used;
    case PV_DIM_SHARED:
      return s->shared;
    case PV_DIM_VOCAB:
      return s->vocab;
  }
  return 1;
}

size_t pv_plan_part(const pv_plan *plan, size_t row, const pv_shape *shape) {
  return pv_dim_size(plan->rows[row].width, shape);
}

size_t pv_plan_width(const pv_plan *plan, size_t row, const pv_shape *shape) {
  return pv_plan_part(plan, row, shape) *
         (pv_plan_is(plan, row, PV_ROW_BY_EXPERT) ? shape->used : 1);
}

int pv_plan_input(const pv_plan *plan, size_t row, size_t k, uint32_t layer, uint32_t layers,
                  uint32_t *at) {
  const bool once = pv_plan_is(plan, row, PV_ROW_ONCE);
  if (k >= 3 || plan->rows[row].in[k] == 0) return -1;
  int in = plan->rows[row].in[k];
  uint32_t of = layer;
  if (in == PV_STREAM) {
    const bool first = !once && layer == 0;
    in = pv_plan_role(plan, first ? PV_ROLE_EMBEDDING : PV_ROLE_LAYER_OUT);
    of = once ? layers - 1 : first ? 0 : layer - 1;
  }
  if (at != NULL) *at = pv_plan_is(plan, (size_t)in, PV_ROW_ONCE) ? 0 : of;
  return in;
}

bool pv_plan_is_vector(const pv_plan *plan, size_t row) {
  const pv_op op = plan->rows[row].op;
  return op == PV_OP_NORM || op == PV_OP_HEADS || op == PV_OP_BIAS || op == PV_OP_ATTEND;
}

bool pv_plan_weight(const pv_plan *plan, size_t row, const pv_shape *shape, uint64_t dims[3]) {
  const pv_stage_row *r = &plan->rows[row];
  const size_t width = pv_plan_part(plan, row, shape);
  const uint64_t experts = pv_plan_is(plan, row, PV_ROW_BY_EXPERT) ? shape->experts : 1;
  if (r->weight == NULL) return false;
  dims[0] = r->op == PV_OP_HEADS ? shape->head_dim : r->op == PV_OP_ATTEND ? shape->heads : width;
  dims[1] = r->op == PV_OP_GATHER ? shape->vocab : r->op == PV_OP_BIAS ? experts : 1;
  dims[2] = r->op == PV_OP_BIAS ? 1 : experts;
  if (r->op != PV_OP_MATMUL) return true;
  dims[0] = pv_plan_part(plan, r->in[0], shape);
  dims[1] = width;
  return true;
}

const char *pv_plan_weight_name(const pv_plan *plan, size_t row, uint32_t layer,
                                char out[PV_WEIGHT_NAME]) {
  const pv_stage_row *r = &plan->rows[row];
  const char *kind = r->op == PV_OP_BIAS ? "bias" : "weight";
  if (pv_plan_is(plan, row, PV_ROW_ONCE))
    snprintf(out, PV_WEIGHT_NAME, "%s.%s", r->weight, kind);
  else
    snprintf(out, PV_WEIGHT_NAME, "blk.%u.%s.%s", layer, r->weight, kind);
  return out;
}

/* Rows of the step that begins at `row`. */
static size_t step_rows(const pv_plan *plan, size_t row) {
  size_t n = 1;
  while (row + n < plan->count && !pv_plan_is(plan, row + n, PV_ROW_STEP)) n++;
  return n;
}

bool pv_plan_next(const pv_plan *plan, uint32_t layers, pv_step *step) {
  const bool inside = step->count > 0 && pv_plan_is_layered(plan, step->first);
  size_t row = step->first + step->count;
  uint32_t layer = step->layer;
  if (inside && (row == plan->count || !pv_plan_is_layered(plan, row)) && layer + 1 < layers) {
    for (row = 0; !pv_plan_is_layered(plan, row);) row++;
    layer++;
  }
  if (row == plan->count) return false;
  *step = (pv_step){row, step_rows(plan, row), pv_plan_is_layered(plan, row) ? layer : 0};
  return true;
}

size_t pv_plan_steps(const pv_plan *plan, uint32_t layers) {
  size_t n = 0;
  for (pv_step step = {0}; pv_plan_next(plan, layers, &step);) n++;
  return n;
}

int pv_step_find(const pv_plan *plan, const pv_step *step, pv_role role) {
  for (size_t i = 0; i < step->count; i++)
    if (plan->rows[step->first + i].role == role) return (int)i;
  return -1;
}

/* What an operation takes and gives. `inputs` of MATMUL and BIAS: one more by expert. */
enum { NO, YES, MAY };
static const struct {
  uint8_t inputs, weight;
  bool index;
} rules[] = {[PV_OP_GATHER] = {0, YES, false},        [PV_OP_NORM] = {1, YES, false},
             [PV_OP_MATMUL] = {1, YES, false},        [PV_OP_HEADS] = {1, YES, false},
             [PV_OP_ATTEND] = {3, MAY, false},        [PV_OP_ADD] = {2, NO, false},
             [PV_OP_ROUTE] = {1, NO, false},          [PV_OP_TOPK] = {1, NO, true},
             [PV_OP_SWIGLU] = {2, NO, false},         [PV_OP_COMBINE] = {2, NO, false},
             [PV_OP_ARGMAX] = {1, NO, true},          [PV_OP_ROPE] = {1, NO, false},
             [PV_OP_BIAS] = {1, YES, false},          [PV_OP_GEGLU] = {2, NO, false},
             [PV_OP_SWIGLU_CLAMPED] = {2, NO, false}, [PV_OP_GATE] = {2, NO, false}};

static pv_dim width_in(const pv_plan *plan, uint8_t in) {
  return in == PV_STREAM ? plan->rows[0].width : plan->rows[in].width;
}

static const char *flaw_of_width(const pv_plan *plan, const pv_stage_row *r) {
  const bool same[2] = {r->width == width_in(plan, r->in[0]), r->width == width_in(plan, r->in[1])};
  bool fits = true;
  switch (r->op) {
    case PV_OP_NORM:
    case PV_OP_HEADS:
    case PV_OP_ATTEND:
    case PV_OP_ROPE:
    case PV_OP_BIAS:
      fits = same[0];
      break;
    case PV_OP_ADD:
    case PV_OP_SWIGLU:
    case PV_OP_GEGLU:
    case PV_OP_SWIGLU_CLAMPED:
      fits = same[0] && same[1];
      break;
    case PV_OP_COMBINE:
      fits = same[0] && width_in(plan, r->in[1]) == PV_DIM_USED;
      break;
    case PV_OP_GATE:
      fits = same[0] && width_in(plan, r->in[1]) == PV_DIM_ONE;
      break;
    case PV_OP_ROUTE:
    case PV_OP_TOPK:
      fits = r->width == PV_DIM_USED;
      break;
    case PV_OP_ARGMAX:
      fits = r->width == PV_DIM_ONE;
      break;
    case PV_OP_GATHER:
    case PV_OP_MATMUL:
      break;
  }
  return fits ? NULL : "its width does not follow from its inputs";
}

static const char *flaw_of_inputs(const pv_plan *plan, size_t row) {
  const pv_stage_row *r = &plan->rows[row];
  const bool chosen =
      (r->op == PV_OP_MATMUL || r->op == PV_OP_BIAS) && pv_plan_is(plan, row, PV_ROW_BY_EXPERT);
  const size_t want = rules[r->op].inputs + (size_t)(chosen ? 1 : 0);
  size_t count = 0;
  while (count < 3 && r->in[count] != 0) count++;
  for (size_t i = 0; i < count; i++) {
    if (r->in[i] != PV_STREAM && r->in[i] >= row) return "an input is not there yet";
    if (r->in[i] == PV_STREAM && r->op != PV_OP_NORM && r->op != PV_OP_ADD)
      return "its operation does not take the stream";
  }
  for (size_t i = count; i < 3; i++)
    if (r->in[i] != 0) return "its inputs have a gap";
  if (count != want) return "its operation takes other inputs";
  for (size_t i = 1; i < 3 && r->op == PV_OP_ATTEND; i++)
    if (!pv_plan_is(plan, r->in[i], PV_ROW_APPENDS)) return "its keys or values are not cached";
  return flaw_of_width(plan, r);
}

/* What holds of two rows. */
static const char *flaw_of_pair(const pv_stage_row *a, const pv_stage_row *b) {
  if (strcmp(a->name, b->name) == 0) return "its name is there twice";
  if (a->role != PV_ROLE_NONE && a->role == b->role) return "its role is there twice";
  if (a->weight != NULL && b->weight != NULL && strcmp(a->weight, b->weight) == 0 &&
      (a->op == PV_OP_BIAS) == (b->op == PV_OP_BIAS) && ((a->flags ^ b->flags) & PV_ROW_ONCE) == 0)
    return "its weight is there twice";
  return NULL;
}

static const char *flaw_of_row(const pv_plan *plan, size_t row) {
  const pv_stage_row *r = &plan->rows[row], *last = row > 0 ? r - 1 : r;
  const unsigned kind = PV_ROW_ONCE | PV_ROW_LAST_ROWS;
  const bool moved = row == 0 || (r->flags & kind) != (last->flags & kind);
  const char *flaw = NULL;
  if (rules[r->op].weight != MAY && (r->weight != NULL) != (rules[r->op].weight == YES))
    return "its operation and its weight do not fit";
  if (pv_plan_is(plan, row, PV_ROW_INDEX) != rules[r->op].index)
    return "its operation makes int32 elements, or does not";
  if ((r->flags & kind) == PV_ROW_ONCE && row > 0) return "it is outside the layers, between them";
  if (row > 1 && (last->flags & kind) == kind && (r->flags & kind) != kind)
    return "it is outside the layers, between them";
  if (moved && !pv_plan_is(plan, row, PV_ROW_STEP)) return "no step begins here";
  for (size_t i = 0; i < row && flaw == NULL; i++) flaw = flaw_of_pair(&plan->rows[i], r);
  return flaw != NULL ? flaw : flaw_of_inputs(plan, row);
}

/* Whether rows of these roles follow each other. */
static bool are_in_turn(const pv_plan *plan, pv_role first, pv_role last) {
  const int row = pv_plan_role(plan, first);
  for (int role = first; row >= 0 && role <= (int)last; role++)
    if (pv_plan_role(plan, (pv_role)role) != row + role - (int)first) return false;
  return row >= 0;
}

static const char *flaw_of_roles(const pv_plan *plan) {
  static const pv_role needed[] = {PV_ROLE_EMBEDDING, PV_ROLE_FFN_IN, PV_ROLE_FFN_OUT,
                                   PV_ROLE_LAYER_OUT};
  bool experts = false;
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
    if (pv_plan_role(plan, needed[i]) < 0) return "a role is missing that every forward has";
  for (size_t i = 0; i < plan->count; i++)
    experts |=
        pv_plan_is(plan, i, PV_ROW_BY_EXPERT) ||
        (plan->rows[i].role >= PV_ROLE_ROUTER_LOGITS && plan->rows[i].role <= PV_ROLE_EXPERTS_OUT);
  if (!are_in_turn(plan, PV_ROLE_LOGITS, PV_ROLE_TOP))
    return "the roles of the logits and the top are not there in turn";
  if (experts && (!are_in_turn(plan, PV_ROLE_ROUTER_LOGITS, PV_ROLE_ROUTER_INDICES) ||
                  pv_plan_role(plan, PV_ROLE_EXPERTS_OUT) < 0))
    return "the roles of experts and their router are not there in turn";
  return pv_plan_role(plan, PV_ROLE_EMBEDDING) == 0 ? NULL : "the embedding is not the first row";
}

const char *pv_plan_flaw(const pv_plan *plan, size_t *row) {
  *row = 0;
  if (plan->count == 0 || plan->count > PV_STAGES_MAX) return "it has no rows, or too many";
  for (size_t i = 0; i < plan->count; i++) {
    const char *flaw = flaw_of_row(plan, i);
    if (flaw == NULL && pv_plan_is(plan, i, PV_ROW_STEP) && step_rows(plan, i) > PV_STEP_ROWS)
      flaw = "a step has too many rows";
    if (flaw == NULL) continue;
    *row = i;
    return flaw;
  }
  return flaw_of_roles(plan);
}
