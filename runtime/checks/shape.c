/* forward.shape. What a stage must be is derived here a second time, from the file's metadata
 * alone: nothing of pv_shape or pv_stage_width, by which the forward allocates and cuts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "base/text.h"
#include "runtime/checks/check.h"

typedef struct wanted {
  uint64_t width[PV_STAGES], experts, vocab, layers;
} wanted;

/* Two runs over one forward: first the prompt's ids in another order, then the prompt in two
 * batches. What the second leaves unwritten still shows the first. */
typedef struct watch {
  pv_check *check;
  pv_fault_side side;
  pv_forward *forward; /* of the side */
  const wanted *want;
  const pv_reference_prompt *prompt;
  uint32_t *others;        /* the prompt's ids, rotated */
  const pv_capture *fresh; /* of the prompt; NULL during the first run */
  unsigned char *seen;     /* [stage][layer][position]: how often it came in this run */
  uint64_t *marks;         /* likewise: digests of the first run's rows */
  size_t real_bytes, room;
  unsigned char *left, *right; /* a stage, read over two different poisons */
} watch;

static bool is_index(pv_stage_id stage) {
  return stage == PV_STAGE_MOE_ROUTER_INDICES || stage == PV_STAGE_ARGMAX;
}

static uint64_t layers_of(const wanted *want, pv_stage_id stage) {
  const bool once = stage == PV_STAGE_EMBEDDING || stage == PV_STAGE_FINAL_NORM ||
                    stage == PV_STAGE_LOGITS || stage == PV_STAGE_ARGMAX;
  return once ? 1 : want->layers;
}

static pv_code derive(const pv_model *model, wanted *out, pv_error *err) {
  enum { HIDDEN, HEADS, KV_HEADS, HEAD, EXPERTS, USED, FFN, LAYERS, KEYS };
  static const char *const keys[KEYS] = {[HIDDEN] = "qwen3moe.embedding_length",
                                         [HEADS] = "qwen3moe.attention.head_count",
                                         [KV_HEADS] = "qwen3moe.attention.head_count_kv",
                                         [HEAD] = "qwen3moe.attention.key_length",
                                         [EXPERTS] = "qwen3moe.expert_count",
                                         [USED] = "qwen3moe.expert_used_count",
                                         [FFN] = "qwen3moe.expert_feed_forward_length",
                                         [LAYERS] = "qwen3moe.block_count"};
  uint64_t n[KEYS];
  for (int i = 0; i < KEYS; i++) {
    const pv_code code = pv_gguf_get_u64(model->gguf, keys[i], &n[i], err);
    if (code != PV_OK) return code;
  }
  const pv_gguf_value *tokens = pv_gguf_find(model->gguf, "tokenizer.ggml.tokens");
  *out = (wanted){
      .experts = n[EXPERTS],
      .vocab = tokens != NULL ? tokens->count : model->once.weight[PV_STAGE_EMBEDDING]->dims[1],
      .layers = n[LAYERS]};
  const uint64_t q = n[HEADS] * n[HEAD], kv = n[KV_HEADS] * n[HEAD], ffn = n[USED] * n[FFN];
  const uint64_t widths[PV_STAGES] = {[PV_STAGE_EMBEDDING] = n[HIDDEN],
                                      [PV_STAGE_ATTN_NORM] = n[HIDDEN],
                                      [PV_STAGE_Q] = q,
                                      [PV_STAGE_K] = kv,
                                      [PV_STAGE_V] = kv,
                                      [PV_STAGE_Q_ROPE] = q,
                                      [PV_STAGE_K_ROPE] = kv,
                                      [PV_STAGE_ATTN_OUT] = q,
                                      [PV_STAGE_ATTN_PROJ] = n[HIDDEN],
                                      [PV_STAGE_ATTN_RESIDUAL] = n[HIDDEN],
                                      [PV_STAGE_FFN_NORM] = n[HIDDEN],
                                      [PV_STAGE_MOE_ROUTER_LOGITS] = n[EXPERTS],
                                      [PV_STAGE_MOE_ROUTER] = n[USED],
                                      [PV_STAGE_MOE_ROUTER_INDICES] = n[USED],
                                      [PV_STAGE_EXPERT_GATE] = ffn,
                                      [PV_STAGE_EXPERT_UP] = ffn,
                                      [PV_STAGE_EXPERT_SWIGLU] = ffn,
                                      [PV_STAGE_EXPERT_DOWN] = n[USED] * n[HIDDEN],
                                      [PV_STAGE_MOE_FFN_OUT] = n[HIDDEN],
                                      [PV_STAGE_FFN_RESIDUAL] = n[HIDDEN],
                                      [PV_STAGE_FINAL_NORM] = n[HIDDEN],
                                      [PV_STAGE_LOGITS] = out->vocab,
                                      [PV_STAGE_ARGMAX] = 1};
  memcpy(out->width, widths, sizeof widths);
  return PV_OK;
}

static size_t slot(const watch *w, pv_stage_id stage, uint32_t layer, size_t position) {
  return ((size_t)stage * w->want->layers + layer) * w->prompt->count + position;
}

static double value_of(const watch *w, pv_stage_id stage, const unsigned char *at) {
  int32_t index = 0;
  float single = 0.0f;
  double real = 0.0;
  if (is_index(stage)) {
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
  char place[PV_STAGE_PLACE];
  for (size_t i = 0; i < bytes; i++) unwritten += w->left[i] != w->right[i];
  for (size_t i = bytes; i < room; i++) beyond += w->left[i] != 0x5a || w->right[i] != 0xa5;
  if (code == PV_OK && unwritten > 0)
    pv_check_fail(w->check, "stage %s: %zu of %zu bytes are not written",
                  pv_stage_place(stage, layer, place), unwritten, bytes);
  if (code == PV_OK && beyond > 0)
    pv_check_fail(w->check, "stage %s: %zu bytes are written beyond its %zu",
                  pv_stage_place(stage, layer, place), beyond, bytes);
  return code;
}

static void look_indices(watch *w, pv_stage_id stage, uint32_t layer, size_t position,
                         const unsigned char *row) {
  char place[PV_STAGE_PLACE];
  const uint64_t limit = stage == PV_STAGE_ARGMAX ? w->want->vocab : w->want->experts;
  for (uint64_t k = 0; is_index(stage) && k < w->want->width[stage]; k++) {
    const double index = value_of(w, stage, row + k * sizeof(int32_t));
    if (!(index >= 0 && index < (double)limit))
      pv_check_fail(w->check, "stage %s, position %zu holds %g, outside 0..%llu",
                    pv_stage_place(stage, layer, place), position, index,
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
  const size_t size = is_index(stage) ? sizeof(int32_t) : w->real_bytes;
  char place[PV_STAGE_PLACE];
  const unsigned char *fresh = pv_capture_row(w->fresh, stage, layer, position);
  for (size_t at = 0; at < bytes; at += size) {
    if (memcmp(row + at, fresh + at, size) == 0) continue;
    const double left = value_of(w, stage, row + at), right = value_of(w, stage, fresh + at);
    if (!pv_check_failed(w->check))
      pv_check_worst(w->check, stage, layer, position, at / size, left, right);
    pv_check_fail(w->check,
                  "stage %s, position %zu, element %zu is %s after another run, and %s in a fresh "
                  "forward",
                  pv_stage_place(stage, layer, place), position, at / size, PV_REAL('g', 9, left),
                  PV_REAL('g', 9, right));
    return;
  }
  if (is_index(stage) || stage == PV_STAGE_MOE_ROUTER ||
      w->others[position] == w->prompt->ids[position] ||
      w->marks[slot(w, stage, layer, position)] != digest(row, bytes))
    return;
  /* Nothing that can be told apart: that is no proof that it was not computed. */
  const bool number = any_finite(w, stage, row, bytes);
  pv_check_fail(w->check, "stage %s, position %zu %s for the tokens %u and %u: %s",
                pv_stage_place(stage, layer, place), position,
                number ? "is the same" : "holds no number", w->others[position],
                w->prompt->ids[position],
                number ? "it was not computed" : "nothing tells whether it was computed");
}

static int want_all(void *context, pv_stage_id stage, uint32_t layer) {
  (void)context;
  (void)stage;
  (void)layer;
  return 1;
}

static pv_code look(void *context, pv_stage_id stage, uint32_t layer, size_t position, size_t rows,
                    size_t width, const void *data, pv_error *err) {
  watch *w = context;
  char place[PV_STAGE_PLACE];
  (void)data; /* read again, over poison */
  const uint64_t want = w->want->width[stage];
  if (width != want)
    return pv_check_fail(w->check, "stage %s is %zu wide, the metadata imply %llu",
                         pv_stage_place(stage, layer, place), width, (unsigned long long)want);
  if (layer >= layers_of(w->want, stage) || !pv_ck_range(position, rows, w->prompt->count))
    return pv_check_fail(w->check, "stage %s came for layer %u, positions %zu to %zu",
                         pv_stage_name(stage), layer, position, position + rows - 1);
  const size_t bytes = width * (is_index(stage) ? sizeof(int32_t) : w->real_bytes);
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

/* Every row of every stage came exactly once; the count begins anew. */
static void look_complete(watch *w) {
  for (int s = 0; s < PV_STAGES; s++)
    for (uint32_t l = 0; l < layers_of(w->want, (pv_stage_id)s); l++)
      for (size_t p = 0; p < w->prompt->count; p++) {
        char place[PV_STAGE_PLACE];
        const size_t at = slot(w, (pv_stage_id)s, l, p);
        if (w->seen[at] != 1)
          pv_check_fail(w->check, "stage %s came %u times for position %zu",
                        pv_stage_place((pv_stage_id)s, l, place), w->seen[at], p);
        w->seen[at] = 0;
      }
}

static pv_code run(watch *w, const char *backend, pv_error *err) {
  const size_t count = w->prompt->count, half = (count + 1) / 2;
  const uint32_t *ids = w->prompt->ids;
  const pv_sink sink = {w, want_all, look};
  for (size_t i = 0; i < count; i++) w->others[i] = ids[(i + 1) % count];
  pv_code code = pv_forward_run(w->forward, w->others, count, count, &sink, err);
  if (code != PV_OK) return code;
  look_complete(w);
  if (pv_check_failed(w->check)) return PV_OK; /* a capture asks for sound shapes */
  code = pv_check_capture(w->check, backend, PV_NUMERICS_I16, w->prompt, &w->fresh, err);
  if (code != PV_OK || w->fresh == NULL) return code;
  pv_forward_rewind(w->forward, 0);
  code = pv_forward_run(w->forward, ids, half, half, &sink, err);
  if (code == PV_OK && count > half)
    code = pv_forward_run(w->forward, ids + half, count - half, count - half, &sink, err);
  if (code == PV_OK) look_complete(w);
  return code;
}

static pv_code check_prompt(pv_check *check, const wanted *want, const char *backend,
                            const pv_reference_prompt *prompt, pv_error *err) {
  const pv_backend_config config = {
      .context = prompt->count, .batch = prompt->count, .threads = check->threads};
  uint64_t slots = 0;
  if (!pv_ck_mul(want->layers, PV_STAGES, &slots) || !pv_ck_mul(slots, prompt->count, &slots))
    return pv_error_set(err, PV_ERR_LIMIT, "%zu positions are too many to watch", prompt->count);
  pv_error local = PV_ERROR_INIT;
  watch w = {.check = check, .want = want, .prompt = prompt};
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
