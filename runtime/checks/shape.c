/* forward.shape. What a stage must be is derived here a second time, from its name and the file's
 * metadata alone: nothing of the plan and of pv_shape, by which the forward allocates and cuts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "base/text.h"
#include "runtime/checks/check.h"

typedef struct wanted {
  uint64_t width[PV_STAGES_MAX], experts, vocab, layers;
  bool once[PV_STAGES_MAX], index[PV_STAGES_MAX];
  bool alike[PV_STAGES_MAX]; /* two tokens may well have the same row */
} wanted;

typedef enum key_number {
  ONE,
  HIDDEN,
  HEADS,
  KV_HEADS,
  HEAD,
  EXPERTS,
  USED,
  EXPERT_FFN,
  SHARED_FFN,
  FFN,
  LAYERS,
  KEYS,
  VOCAB = KEYS,
  NUMBERS
} key_number;

/* A stage's width is the product of two numbers. */
static const struct {
  const char *name;
  key_number a, b;
  bool once, index;
} rules[] = {{"embedding", HIDDEN, ONE, true, false},
             {"attn_norm", HIDDEN, ONE, false, false},
             {"q", HEADS, HEAD, false, false},
             {"k", KV_HEADS, HEAD, false, false},
             {"v", KV_HEADS, HEAD, false, false},
             {"q_bias", HEADS, HEAD, false, false},
             {"k_bias", KV_HEADS, HEAD, false, false},
             {"v_bias", KV_HEADS, HEAD, false, false},
             {"q_norm", HEADS, HEAD, false, false},
             {"k_norm", KV_HEADS, HEAD, false, false},
             {"q_rope", HEADS, HEAD, false, false},
             {"k_rope", KV_HEADS, HEAD, false, false},
             {"attn_out", HEADS, HEAD, false, false},
             {"attn_proj", HIDDEN, ONE, false, false},
             {"attn_proj_bias", HIDDEN, ONE, false, false},
             {"attn_post_norm", HIDDEN, ONE, false, false},
             {"attn_residual", HIDDEN, ONE, false, false},
             {"ffn_norm", HIDDEN, ONE, false, false},
             {"moe_router_logits", EXPERTS, ONE, false, false},
             {"moe_router_bias", EXPERTS, ONE, false, false},
             {"moe_router", USED, ONE, false, false},
             {"moe_router_indices", USED, ONE, false, true},
             {"expert_gate", USED, EXPERT_FFN, false, false},
             {"expert_gate_bias", USED, EXPERT_FFN, false, false},
             {"expert_up", USED, EXPERT_FFN, false, false},
             {"expert_up_bias", USED, EXPERT_FFN, false, false},
             {"expert_swiglu", USED, EXPERT_FFN, false, false},
             {"expert_down", USED, HIDDEN, false, false},
             {"expert_down_bias", USED, HIDDEN, false, false},
             {"moe_ffn_out", HIDDEN, ONE, false, false},
             {"shared_gate", SHARED_FFN, ONE, false, false},
             {"shared_up", SHARED_FFN, ONE, false, false},
             {"shared_swiglu", SHARED_FFN, ONE, false, false},
             {"shared_down", HIDDEN, ONE, false, false},
             {"shared_logit", ONE, ONE, false, false},
             {"shared_out", HIDDEN, ONE, false, false},
             {"ffn_gate", FFN, ONE, false, false},
             {"ffn_up", FFN, ONE, false, false},
             {"ffn_swiglu", FFN, ONE, false, false},
             {"ffn_geglu", FFN, ONE, false, false},
             {"ffn_out", HIDDEN, ONE, false, false},
             {"ffn_post_norm", HIDDEN, ONE, false, false},
             {"ffn_residual", HIDDEN, ONE, false, false},
             {"final_norm", HIDDEN, ONE, true, false},
             {"logits", VOCAB, ONE, true, false},
             {"argmax", ONE, ONE, true, true}};
enum { RULES = sizeof rules / sizeof *rules };

/* Two runs over one forward: first the prompt's ids in another order, then the prompt in two
 * batches. What the second leaves unwritten still shows the first. */
typedef struct watch {
  pv_check *check;
  pv_fault_side side;
  pv_forward *forward; /* of the side */
  const wanted *want;
  const pv_plan *plan; /* the names of the stages, and how many there are */
  const pv_reference_prompt *prompt;
  uint32_t *others;        /* the prompt's ids, rotated */
  const pv_capture *fresh; /* of the prompt; NULL during the first run */
  unsigned char *seen;     /* [stage][layer][position]: how often it came in this run */
  uint64_t *marks;         /* likewise: digests of the first run's rows */
  size_t real_bytes, room;
  unsigned char *left, *right; /* a stage, read over two different poisons */
} watch;

static uint64_t layers_of(const wanted *want, pv_stage_id stage) {
  return want->once[stage] ? 1 : want->layers;
}

/* A key's number, or the one that all layers have; false: absent. */
static pv_code read_key(const pv_model *model, const char *key, bool *there, uint64_t *out,
                        pv_error *err) {
  pv_gguf_string arch;
  char name[96];
  const pv_code code = pv_gguf_get_string(model->gguf, "general.architecture", &arch, err);
  if (code != PV_OK) return code;
  snprintf(name, sizeof name, "%.*s.%s", (int)(arch.length < 40 ? arch.length : 40), arch.data,
           key);
  const pv_gguf_value *value = pv_gguf_find(model->gguf, name);
  *there = value != NULL;
  if (value == NULL || value->type != PV_GGUF_ARRAY)
    return *there ? pv_gguf_get_u64(model->gguf, name, out, err) : PV_OK;
  *out = (uint64_t)pv_gguf_array_int(value, 0);
  return PV_OK;
}

/* A number that is asked for, from the file, unless it is there already. A model need not have keys
 * that none of its stages is about; what an absent one means follows from others. */
static pv_code read_number(const pv_model *model, key_number which, uint64_t n[NUMBERS],
                           pv_error *err) {
  static const struct {
    const char *name;
    key_number instead; /* where it is absent: this number, ... */
    key_number divided; /* ... divided by that one */
  } keys[KEYS] = {[HIDDEN] = {"embedding_length", ONE, ONE},
                  [HEADS] = {"attention.head_count", ONE, ONE},
                  [KV_HEADS] = {"attention.head_count_kv", HEADS, ONE},
                  [HEAD] = {"attention.key_length", HIDDEN, HEADS},
                  [EXPERTS] = {"expert_count", ONE, ONE},
                  [USED] = {"expert_used_count", ONE, ONE},
                  [EXPERT_FFN] = {"expert_feed_forward_length", FFN, ONE},
                  [SHARED_FFN] = {"expert_shared_feed_forward_length", ONE, ONE},
                  [FFN] = {"feed_forward_length", ONE, ONE},
                  [LAYERS] = {"block_count", ONE, ONE}};
  bool there = false;
  if (n[which] != 0) return PV_OK;
  pv_code code = read_key(model, keys[which].name, &there, &n[which], err);
  if (code != PV_OK || there) return code;
  if (keys[which].instead == ONE)
    return pv_error_set(err, PV_ERR_INPUT, "the model has no key '%s'", keys[which].name);
  code = read_number(model, keys[which].instead, n, err);
  if (code == PV_OK) code = read_number(model, keys[which].divided, n, err);
  if (code == PV_OK) n[which] = n[keys[which].instead] / n[keys[which].divided];
  return code;
}

static pv_code derive(const pv_model *model, wanted *out, pv_error *err) {
  const pv_gguf_value *tokens = pv_gguf_find(model->gguf, "tokenizer.ggml.tokens");
  uint64_t n[NUMBERS] = {[ONE] = 1};
  n[VOCAB] = tokens != NULL
                 ? tokens->count
                 : pv_model_weight(model, pv_model_stage(model, PV_ROLE_EMBEDDING), 0)->dims[1];
  pv_code code = read_number(model, LAYERS, n, err);
  for (size_t i = 0; i < model->plan->count && code == PV_OK; i++) {
    const char *name = model->plan->rows[i].name;
    size_t r = 0;
    while (r < RULES && strcmp(rules[r].name, name) != 0) r++;
    if (r == RULES)
      return pv_error_set(err, PV_ERR_UNSUPPORTED, "nothing says how wide the stage %s is", name);
    code = read_number(model, rules[r].a, n, err);
    if (code == PV_OK) code = read_number(model, rules[r].b, n, err);
    out->width[i] = n[rules[r].a] * n[rules[r].b];
    out->once[i] = rules[r].once;
    out->index[i] = rules[r].index;
    out->alike[i] = rules[r].index || (rules[r].a == USED && rules[r].b == ONE);
  }
  out->experts = n[EXPERTS];
  out->vocab = n[VOCAB];
  out->layers = n[LAYERS];
  return code;
}

static size_t slot(const watch *w, pv_stage_id stage, uint32_t layer, size_t position) {
  return ((size_t)stage * w->want->layers + layer) * w->prompt->count + position;
}

static double value_of(const watch *w, pv_stage_id stage, const unsigned char *at) {
  int32_t index = 0;
  float single = 0.0f;
  double real = 0.0;
  if (w->want->index[stage]) {
    memcpy(&index, at, sizeof index);
    return index;
  }
  if (w->real_bytes == sizeof real) {
    memcpy(&real, at, sizeof real);
    return real;
  }
  memcpy(&single, at, sizeof single);
  return (double)single;
}

/* The stage into two buffers that held different bytes, each with as much room behind it: what
 * differs was not written, what changed behind the end was written too much. */
static pv_code read_twice(watch *w, pv_stage_id stage, uint32_t layer, size_t rows, size_t bytes,
                          pv_error *err) {
  const size_t room = 2 * bytes + 4096;
  if (room > w->room) {
    free(w->left);
    free(w->right);
    w->left = malloc(room);
    w->right = malloc(room);
    w->room = w->left != NULL && w->right != NULL ? room : 0;
    if (w->room == 0) return pv_error_set(err, PV_ERR_NOMEM, "out of memory to read a stage");
  }
  memset(w->left, 0x5a, room);
  memset(w->right, 0xa5, room);
  pv_code code = pv_forward_read(w->forward, stage, 0, rows, w->left, err);
  if (code == PV_OK) code = pv_forward_read(w->forward, stage, 0, rows, w->right, err);
  size_t unwritten = 0, beyond = 0;
  char place[PV_PLACE_LENGTH];
  for (size_t i = 0; i < bytes; i++) unwritten += w->left[i] != w->right[i];
  for (size_t i = bytes; i < room; i++) beyond += w->left[i] != 0x5a || w->right[i] != 0xa5;
  if (code == PV_OK && unwritten > 0)
    pv_check_fail(w->check, "stage %s: %zu of %zu bytes are not written",
                  pv_plan_place(w->plan, stage, layer, place), unwritten, bytes);
  if (code == PV_OK && beyond > 0)
    pv_check_fail(w->check, "stage %s: %zu bytes are written beyond its %zu",
                  pv_plan_place(w->plan, stage, layer, place), beyond, bytes);
  return code;
}

static void look_indices(watch *w, pv_stage_id stage, uint32_t layer, size_t position,
                         const unsigned char *row) {
  char place[PV_PLACE_LENGTH];
  const uint64_t limit = w->want->once[stage] ? w->want->vocab : w->want->experts;
  for (uint64_t k = 0; w->want->index[stage] && k < w->want->width[stage]; k++) {
    const double index = value_of(w, stage, row + k * sizeof(int32_t));
    if (!(index >= 0 && index < (double)limit))
      pv_check_fail(w->check, "stage %s, position %zu holds %g, outside 0..%llu",
                    pv_plan_place(w->plan, stage, layer, place), position, index,
                    (unsigned long long)limit - 1);
  }
}

static uint64_t digest(const unsigned char *bytes, size_t count) {
  uint64_t h = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < count; i++) h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
  return h;
}

static bool any_finite(const watch *w, pv_stage_id stage, const unsigned char *row, size_t bytes) {
  for (size_t at = 0; at < bytes; at += w->real_bytes)
    if (isfinite(value_of(w, stage, row + at))) return true;
  return false;
}

/* A row of the second run against a fresh forward, and against the first run, where another token
 * stood: router weights alone may be equal then, since they are normalised. */
static void look_back(watch *w, pv_stage_id stage, uint32_t layer, size_t position,
                      const unsigned char *row, size_t bytes) {
  const size_t size = w->want->index[stage] ? sizeof(int32_t) : w->real_bytes;
  char place[PV_PLACE_LENGTH];
  const unsigned char *fresh = pv_capture_row(w->fresh, stage, layer, position);
  for (size_t at = 0; at < bytes; at += size) {
    if (memcmp(row + at, fresh + at, size) == 0) continue;
    const double left = value_of(w, stage, row + at), right = value_of(w, stage, fresh + at);
    if (!pv_check_failed(w->check))
      pv_check_worst(w->check, stage, layer, position, at / size, left, right);
    pv_check_fail(w->check,
                  "stage %s, position %zu, element %zu is %s after another run, and %s in a fresh "
                  "forward",
                  pv_plan_place(w->plan, stage, layer, place), position, at / size,
                  PV_REAL('g', 9, left), PV_REAL('g', 9, right));
    return;
  }
  if (w->want->alike[stage] || w->others[position] == w->prompt->ids[position] ||
      w->marks[slot(w, stage, layer, position)] != digest(row, bytes))
    return;
  /* Nothing that can be told apart: that is no proof that it was not computed. */
  const bool finite = any_finite(w, stage, row, bytes);
  pv_check_fail(w->check, "stage %s, position %zu %s for the tokens %u and %u: %s",
                pv_plan_place(w->plan, stage, layer, place), position,
                finite ? "is the same" : "holds no number", w->others[position],
                w->prompt->ids[position],
                finite ? "it was not computed" : "nothing tells whether it was computed");
}

static pv_code look(watch *w, const pv_rows *of, uint32_t layer, size_t position, pv_error *err) {
  const pv_stage_id stage = of->stage;
  const size_t rows = of->rows, width = of->width; /* what is in them is read again, over poison */
  char place[PV_PLACE_LENGTH];
  const uint64_t want = w->want->width[stage];
  if (width != want)
    return pv_check_fail(w->check, "stage %s is %zu wide, the metadata imply %llu",
                         pv_plan_place(w->plan, stage, layer, place), width,
                         (unsigned long long)want);
  if (layer >= layers_of(w->want, stage) || !pv_ck_range(position, rows, w->prompt->count))
    return pv_check_fail(w->check, "stage %s came for layer %u, positions %zu to %zu",
                         w->plan->rows[stage].name, layer, position, position + rows - 1);
  const size_t bytes = width * (w->want->index[stage] ? sizeof(int32_t) : w->real_bytes);
  const pv_code code = read_twice(w, stage, layer, rows, rows * bytes, err);
  if (code != PV_OK) return code;
  w->check->compared += rows * width;
  for (size_t r = 0; r < rows; r++) {
    const unsigned char *row = w->left + r * bytes;
    const size_t at = slot(w, stage, layer, position + r);
    w->seen[at]++;
    look_indices(w, stage, layer, position + r, row);
    if (w->fresh == NULL)
      w->marks[at] = digest(row, bytes);
    else
      look_back(w, stage, layer, position + r, row, bytes);
  }
  return PV_OK;
}

static pv_code look_step(void *context, const pv_walk_at *at, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t k = 0; k < at->step.count && code == PV_OK; k++)
    code = look(context, &at->of[0][k], at->step.layer, at->position, err);
  return code;
}

/* Every row of every stage came exactly once; the count begins anew. */
static void look_complete(watch *w) {
  for (pv_stage_id s = 0; s < w->plan->count; s++)
    for (uint32_t l = 0; l < layers_of(w->want, s); l++)
      for (size_t p = 0; p < w->prompt->count; p++) {
        char place[PV_PLACE_LENGTH];
        const size_t at = slot(w, s, l, p);
        if (w->seen[at] != 1)
          pv_check_fail(w->check, "stage %s came %u times for position %zu",
                        pv_plan_place(w->plan, s, l, place), w->seen[at], p);
        w->seen[at] = 0;
      }
}

static pv_code run(watch *w, const char *backend, pv_error *err) {
  const size_t count = w->prompt->count;
  const uint32_t *ids = w->prompt->ids;
  const pv_source source = pv_source_of(w->forward);
  const pv_visitor visitor = {.context = w, .visit = look_step};
  pv_walk_spec walk = {.plan = source.plan,
                       .layers = source.layers,
                       .sources = &source,
                       .source_count = 1,
                       .ids = w->others,
                       .count = count,
                       .batch = count};
  for (size_t i = 0; i < count; i++) w->others[i] = ids[(i + 1) % count];
  pv_code code = pv_walk(&walk, &visitor, err);
  if (code != PV_OK) return code;
  look_complete(w);
  if (pv_check_failed(w->check)) return PV_OK; /* a capture asks for sound shapes */
  code = pv_check_capture(w->check, backend, PV_NUMERICS_I16, w->prompt, &w->fresh, err);
  if (code != PV_OK || w->fresh == NULL) return code;
  walk.ids = ids;
  walk.batch = (count + 1) / 2;
  code = pv_walk(&walk, &visitor, err);
  if (code == PV_OK) look_complete(w);
  return code;
}

static pv_code check_prompt(pv_check *check, const wanted *want, const char *backend,
                            const pv_reference_prompt *prompt, pv_error *err) {
  const pv_backend_config config = {
      .context = prompt->count, .batch = prompt->count, .threads = check->threads};
  uint64_t slots = 0;
  if (!pv_ck_mul(want->layers, check->model->plan->count, &slots) ||
      !pv_ck_mul(slots, prompt->count, &slots))
    return pv_error_set(err, PV_ERR_LIMIT, "%zu positions are too many to watch", prompt->count);
  pv_error local = PV_ERROR_INIT;
  watch w = {.check = check, .want = want, .plan = check->model->plan, .prompt = prompt};
  pv_code code = pv_check_open(check, backend, &config, &w.side, &local);
  if (code == PV_ERR_UNSUPPORTED) return pv_check_verdict(check, "NOT_RUN", "%s", local.message);
  if (code != PV_OK) {
    if (err != NULL) *err = local;
    return code;
  }
  w.forward = w.side.forward;
  pv_check_backend(check, pv_forward_backend(w.forward));
  w.real_bytes = pv_forward_real_bytes(w.forward);
  w.others = calloc(prompt->count, sizeof *w.others);
  w.seen = calloc(slots, 1);
  w.marks = calloc(slots, sizeof *w.marks);
  if (w.others == NULL || w.seen == NULL || w.marks == NULL)
    code = pv_error_set(err, PV_ERR_NOMEM, "out of memory to watch %zu positions", prompt->count);
  if (code == PV_OK) code = run(&w, backend, err);
  free(w.left);
  free(w.right);
  free(w.marks);
  free(w.seen);
  free(w.others);
  pv_fault_close(&w.side);
  return code;
}

static pv_code run_forward_shape(pv_check *check, pv_error *err) {
  const char *backend = pv_check_word(check, "backend");
  pv_prompts prompts;
  wanted want = {0};
  if (!pv_check_has(check, true)) return PV_OK;
  pv_code code = derive(check->model, &want, err);
  if (code == PV_OK) code = pv_check_prompts(check, 32, &prompts, err);
  for (size_t i = 0; code == PV_OK && i < prompts.count; i++) {
    const uint64_t before = check->compared;
    code = check_prompt(check, &want, backend, prompts.items[i], err);
    if (code != PV_OK || pv_check_failed(check) || check->compared == before) return code;
    pv_check_progress(check, i + 1, prompts.count);
  }
  pv_check_metric(check, "vocabulary", (double)want.vocab);
  return code == PV_OK ? pv_check_pass(check) : code;
}

const pv_check_spec pv_check_forward_shape = {
    .name = "forward.shape",
    .about =
        "Every stage has the rows and the width that the metadata imply, each row comes once for "
        "each layer and position, all of it is written and nothing beyond, nothing is left from an "
        "earlier run, and expert and token indices are in range.",
    .subject = "forward",
    .needs = PV_NEEDS_MODEL | PV_NEEDS_PROMPTS,
    .timeout_s = 60,
    .params = PV_PARAMS(PV_TAKES_BACKEND, PV_TAKES_PROMPTS),
    .run = run_forward_shape};
