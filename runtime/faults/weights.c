/* Defects of the block formats: rows as a wrong reader would see them. */
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "runtime/faults/faults.h"

static size_t copy_row(pv_type type, const unsigned char *row, size_t k, unsigned char *out) {
  const pv_type_info *info = pv_type_get(type);
  const size_t blocks = k / info->block_elements;
  memcpy(out, row, blocks * info->block_bytes);
  return blocks;
}

pv_type pv_fault_row_scale_and_min(pv_type type, const unsigned char *row, size_t k,
                                   unsigned char *out) {
  const size_t blocks = copy_row(type, row, k, out), bytes = pv_type_get(type)->block_bytes;
  for (size_t b = 0; b < blocks; b++) {
    pv_block_q4_k *block = (void *)(out + b * bytes); /* Q5_K begins alike */
    uint8_t sc[8], m[8];
    pv_k4_scales(block->scales, sc, m);
    pv_k4_pack(m, sc, block->scales);
  }
  return type;
}

pv_type pv_fault_row_high_bits(pv_type type, const unsigned char *row, size_t k,
                               unsigned char *out) {
  const size_t blocks = copy_row(type, row, k, out), bytes = pv_type_get(type)->block_bytes;
  for (size_t b = 0; b < blocks; b++) {
    unsigned char *block = out + b * bytes;
    if (type == PV_TYPE_Q6_K)
      memset(((pv_block_q6_k *)(void *)block)->high, 0, 64);
    else
      memset(((pv_block_q5_k *)(void *)block)->high, 0, 32);
  }
  return type;
}

/* All bytes 0 are weights 0 in every type. */
pv_type pv_fault_row_short(pv_type type, const unsigned char *row, size_t k, unsigned char *out) {
  const size_t blocks = copy_row(type, row, k, out), bytes = pv_type_get(type)->block_bytes;
  memset(out + (blocks - 1) * bytes, 0, bytes);
  return type;
}

/* The bytes of one type under another; a row that ends too early begins again. */
static pv_type reread(pv_type type, pv_type as, const unsigned char *row, size_t k,
                      unsigned char *out) {
  const pv_type_info *from = pv_type_get(type), *to = pv_type_get(as);
  const size_t have = k / from->block_elements * from->block_bytes;
  const size_t want = k / to->block_elements * to->block_bytes;
  for (size_t i = 0; i < want; i++) out[i] = row[i % have];
  return as;
}

pv_type pv_fault_row_q4k_as_q6k(pv_type type, const unsigned char *row, size_t k,
                                unsigned char *out) {
  return reread(type, PV_TYPE_Q6_K, row, k, out);
}

pv_type pv_fault_row_q6k_as_q4k(pv_type type, const unsigned char *row, size_t k,
                                unsigned char *out) {
  return reread(type, PV_TYPE_Q4_K, row, k, out);
}

pv_type pv_fault_row_sub_scale(pv_type type, const unsigned char *row, size_t k,
                               unsigned char *out) {
  const size_t blocks = copy_row(type, row, k, out), bytes = pv_type_get(type)->block_bytes;
  for (size_t b = 0; b < blocks; b++) {
    if (type == PV_TYPE_Q6_K) {
      pv_block_q6_k *block = (void *)(out + b * bytes);
      const pv_block_q6_k *right = (const void *)(row + b * bytes);
      for (size_t j = 0; j < 16; j++) block->scales[j] = right->scales[j ^ 1];
    } else {
      pv_block_q4_k *block = (void *)(out + b * bytes);
      uint8_t sc[8], m[8], wrong[8];
      pv_k4_scales(block->scales, sc, m);
      for (size_t j = 0; j < 8; j++) wrong[j] = sc[j ^ 1];
      pv_k4_pack(wrong, m, block->scales);
    }
  }
  return type;
}

static uint16_t flushed(uint16_t half) {
  return (half & 0x7c00u) == 0 ? half & 0x8000u : half;
}

pv_type pv_fault_row_subnormals(pv_type type, const unsigned char *row, size_t k,
                                unsigned char *out) {
  const size_t blocks = copy_row(type, row, k, out), bytes = pv_type_get(type)->block_bytes;
  for (size_t b = 0; b < blocks; b++) {
    pv_block_q6_k *block = (void *)(out + b * bytes);
    block->d = flushed(block->d);
  }
  return type;
}

/* What a changed model owns: its own copy of everything but the file. */
typedef struct changed {
  pv_model model; /* first */
  pv_gguf_tensor *tensors;
  unsigned char **bytes;
  size_t count, room;
} changed;

void pv_fault_model_free(pv_model *model) {
  changed *c = (changed *)model;
  if (c == NULL) return;
  for (size_t i = 0; c->bytes != NULL && i < c->count; i++) free(c->bytes[i]);
  free(c->bytes);
  free(c->tensors);
  free(c->model.layers);
  free(c);
}

/* Matrices of the layers, and the head where every layer is concerned. */
static bool concerns(const pv_planted *planted, const pv_model *model, size_t row, uint32_t layer) {
  const pv_plan *plan = model->plan;
  const pv_fault *fault = planted->fault;
  const bool once = pv_plan_is(plan, row, PV_ROW_ONCE);
  const pv_gguf_tensor *t = pv_model_weight(model, row, layer);
  if (plan->rows[row].op != PV_OP_MATMUL) return false;
  if (planted->layer >= 0 && (once || planted->layer != (int64_t)layer)) return false;
  if (fault->row == NULL) /* the stride of the experts, in the first matrix that has some */
    return pv_plan_is(plan, row, PV_ROW_BY_EXPERT) && !pv_plan_is(plan, row - 1, PV_ROW_BY_EXPERT);
  for (size_t i = 0; fault->types[i] >= 0; i++)
    if (fault->types[i] == (int)t->type) return true;
  return false;
}

static pv_code start(const pv_model *model, changed **out, pv_error *err) {
  const size_t layers = model->shape.layers;
  changed *c = calloc(1, sizeof *c);
  if (c != NULL) {
    c->model = *model;
    c->room = (layers + 1) * model->plan->count;
    c->model.layers = malloc(layers * sizeof *model->layers);
    c->tensors = calloc(c->room, sizeof *c->tensors);
    c->bytes = calloc(c->room, sizeof *c->bytes);
  }
  if (c == NULL || c->model.layers == NULL || c->tensors == NULL || c->bytes == NULL) {
    pv_fault_model_free(c == NULL ? NULL : &c->model);
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a changed model");
  }
  memcpy(c->model.layers, model->layers, layers * sizeof *model->layers);
  *out = c;
  return PV_OK;
}

/* A copy of `t` with room for rows of any type. */
static pv_code copy_tensor(changed *c, const pv_gguf_tensor *t, uint64_t row_bytes,
                           pv_gguf_tensor **out, unsigned char **data, pv_error *err) {
  uint64_t bytes = 0;
  size_t need = 0;
  if (!pv_ck_mul(t->elements / t->dims[0], row_bytes, &bytes) || !pv_ck_size(bytes, &need))
    return pv_error_set(err, PV_ERR_LIMIT, "a changed tensor does not fit in memory");
  unsigned char *copy = malloc(need);
  if (copy == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a changed tensor");
  pv_gguf_tensor *made = &c->tensors[c->count];
  c->bytes[c->count++] = copy;
  *made = *t;
  made->row_bytes = row_bytes;
  made->bytes = bytes;
  made->data = copy;
  *out = made;
  *data = copy;
  return PV_OK;
}

static pv_code change_rows(changed *c, const pv_fault *fault, const pv_gguf_tensor **slot,
                           pv_error *err) {
  const pv_gguf_tensor *t = *slot;
  const size_t k = (size_t)t->dims[0];
  unsigned char *data = NULL, *probe = malloc(8 * k + 256); /* no type takes 8 bytes a weight */
  pv_gguf_tensor *made = NULL;
  if (probe == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a row");
  const pv_type type = fault->row(t->type, t->data, k, probe);
  free(probe);
  const pv_type_info *info = pv_type_get(type);
  const uint64_t row_bytes = k / info->block_elements * info->block_bytes;
  const pv_code code = copy_tensor(c, t, row_bytes, &made, &data, err);
  if (code != PV_OK) return code;
  made->type = type;
  for (uint64_t r = 0; r < t->elements / t->dims[0]; r++)
    fault->row(t->type, t->data + r * t->row_bytes, k, data + r * row_bytes);
  *slot = made;
  return PV_OK;
}

/* Expert e begins e rows too late; behind the last, the first again. */
static pv_code change_stride(changed *c, const pv_gguf_tensor **slot, pv_error *err) {
  const pv_gguf_tensor *t = *slot;
  const uint64_t rows = t->dims[1], all = t->elements / t->dims[0];
  unsigned char *data = NULL;
  pv_gguf_tensor *made = NULL;
  const pv_code code = copy_tensor(c, t, t->row_bytes, &made, &data, err);
  if (code != PV_OK) return code;
  for (uint64_t r = 0; r < all; r++)
    memcpy(data + r * t->row_bytes, t->data + (r + r / rows) % all * t->row_bytes, t->row_bytes);
  *slot = made;
  return PV_OK;
}

/* The rows of one layer, or those outside the layers. */
static pv_code change_layer(changed *c, const pv_model *model, const pv_planted *planted, bool once,
                            uint32_t layer, pv_error *err) {
  pv_layer *to = once ? &c->model.once : &c->model.layers[layer];
  pv_code code = PV_OK;
  for (size_t i = 0; i < model->plan->count && code == PV_OK; i++) {
    if (pv_plan_is(model->plan, i, PV_ROW_ONCE) != once || !concerns(planted, model, i, layer))
      continue;
    code = planted->fault->row != NULL ? change_rows(c, planted->fault, &to->weight[i], err)
                                       : change_stride(c, &to->weight[i], err);
  }
  return code;
}

pv_code pv_fault_model(const pv_model *model, const pv_planted *planted, pv_model **out,
                       pv_error *err) {
  changed *c = NULL;
  pv_code code = start(model, &c, err);
  if (code != PV_OK) return code;
  if (planted->fault->host == PV_FAULT_IN_SHAPE) {
    /* What a reader takes that does not look for the key. */
    pv_rope *ropes[] = {&c->model.shape.rope, &c->model.shape.rope_sliding};
    for (size_t i = 0; i < 2; i++)
      if (ropes[i]->base > 0.0) ropes[i]->base = ropes[i]->base == 1e4 ? 1e6 : 1e4;
    *out = &c->model;
    return PV_OK;
  }
  for (uint32_t l = 0; l < model->shape.layers && code == PV_OK; l++)
    code = change_layer(c, model, planted, false, l, err);
  if (code == PV_OK) code = change_layer(c, model, planted, true, 0, err);
  if (code == PV_OK && c->count == 0)
    code = pv_error_set(err, PV_ERR_INPUT, "no tensor there is one that %s is about",
                        planted->fault->name);
  if (code == PV_OK)
    *out = &c->model;
  else
    pv_fault_model_free(&c->model);
  return code;
}

/* Rows of a matrix, or numbers of a vector, three times each. */
static pv_code tie(changed *c, const pv_gguf_tensor **slot, bool vector, pv_error *err) {
  const pv_gguf_tensor *t = *slot;
  const uint64_t count = vector ? t->dims[0] : t->dims[1];
  const uint64_t bytes = vector ? sizeof(float) : t->row_bytes;
  unsigned char *data = NULL;
  pv_gguf_tensor *made = NULL;
  const pv_code code = copy_tensor(c, t, t->row_bytes, &made, &data, err);
  if (code != PV_OK) return code;
  for (uint64_t r = 0; r < count; r++) memcpy(data + r * bytes, t->data + r / 3 * 3 * bytes, bytes);
  *slot = made;
  return PV_OK;
}

pv_code pv_fault_tied_model(const pv_model *model, pv_model **out, pv_error *err) {
  const int logits = pv_plan_role(model->plan, PV_ROLE_ROUTER_LOGITS);
  const pv_stage_row *rows = model->plan->rows;
  changed *c = NULL;
  pv_code code = start(model, &c, err);
  for (uint32_t l = 0; code == PV_OK && logits >= 0 && l < model->shape.layers; l++) {
    const pv_gguf_tensor **weight = c->model.layers[l].weight;
    const bool biased = rows[logits].op == PV_OP_BIAS;
    code = tie(c, &weight[logits], biased, err);
    if (code == PV_OK && biased) code = tie(c, &weight[rows[logits].in[0]], false, err);
  }
  if (code == PV_OK)
    *out = &c->model;
  else if (c != NULL)
    pv_fault_model_free(&c->model);
  return code;
}

/* The first matrix in the order of computation that the fault changes. */
static bool weights_show(const pv_planted *planted, const pv_model *model, pv_stage_id *stage,
                         uint32_t *layer) {
  for (uint32_t turn = 0; turn <= model->shape.layers; turn++) /* the last: outside the layers */
    for (size_t i = 0; i < model->plan->count; i++) {
      const bool once = turn == model->shape.layers;
      *stage = (pv_stage_id)i;
      *layer = once ? 0 : turn;
      if (pv_plan_is(model->plan, i, PV_ROW_ONCE) == once && concerns(planted, model, i, *layer))
        return true;
    }
  return false;
}

/* Whether the numbers of the model leave room for it. */
static bool has_room(const pv_fault *fault, const pv_shape *s) {
  bool other = fault->defect.group == NULL;
  for (uint32_t h = 0; h < s->heads && !other; h++)
    other = fault->defect.group(s, h) != h / (s->heads / s->kv_heads);
  return other && (fault->routes == 0 || (fault->routes >> s->route & 1) != 0);
}

/* Whether the fold of a product's rows is the same in any order: it has two terms at most. */
static bool has_no_order(const pv_model *model, size_t row, uint32_t layer) {
  const pv_gguf_tensor *t = pv_model_weight(model, row, layer);
  const pv_type_info *type = pv_type_get(t->type);
  return type->quantised && t->dims[0] <= 2 * (uint64_t)type->block_elements;
}

bool pv_fault_shows(const pv_planted *planted, const pv_model *model, pv_stage_id *stage,
                    uint32_t *layer) {
  const pv_fault *fault = planted->fault;
  if (fault->host == PV_FAULT_IN_WEIGHTS) return weights_show(planted, model, stage, layer);
  if (fault->host == PV_FAULT_IN_CHOICE || !has_room(fault, &model->shape)) return false;
  const pv_plan *plan = model->plan;
  unsigned ops = fault->defect.ops;
  if (fault->host == PV_FAULT_IN_SHAPE) ops = 1u << PV_OP_HEADS | 1u << PV_OP_ROPE; /* its base */
  const bool reorders = fault->defect.kernels == &pv_fault_random_order ||
                        fault->defect.kernels == &pv_fault_other_order;
  *layer = planted->layer < 0 ? 0 : (uint32_t)planted->layer;
  for (size_t i = 0; i < plan->count; i++) {
    *stage = (pv_stage_id)i;
    if (reorders && plan->rows[i].op == PV_OP_MATMUL && has_no_order(model, i, *layer)) continue;
    if ((ops >> plan->rows[i].op & 1) != 0) return true;
    if (plan->rows[i].role != PV_ROLE_NONE && plan->rows[i].role == fault->defect.role) return true;
  }
  return false;
}

bool pv_fault_applies(const pv_planted *planted, const pv_model *model) {
  const pv_fault *fault = planted->fault;
  const bool sound = fault->host == PV_FAULT_IN_OPERATION && fault->defect.ops == 0 &&
                     fault->defect.role == PV_ROLE_NONE;
  pv_stage_id stage;
  uint32_t layer;
  return sound || fault->host == PV_FAULT_IN_CHOICE ||
         pv_fault_shows(planted, model, &stage, &layer);
}
