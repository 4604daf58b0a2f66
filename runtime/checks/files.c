/* Checks of how a model file is read: tensor types, refusals, names. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/text.h"
#include "runtime/alone/rows.h"
#include "runtime/checks/check.h"

/* Two rows of a tensor through the kernels against float64 over the tensor's own type. */
static pv_code check_tensor(pv_check *check, const pv_gguf_tensor *t, uint64_t *seed,
                            pv_error *err) {
  const size_t k = (size_t)t->dims[0];
  const uint64_t rows = t->elements / t->dims[0];
  pv_alone_set set;
  float *x = calloc(k, sizeof *x);
  pv_rows_act act = {0};
  pv_code code = PV_OK;
  if (x == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a row");
  for (size_t i = 0; i < k; i++) x[i] = (float)(pv_random_unit(seed) - 0.5);
  code = pv_check_set(check, "cpu", &set, err);
  if (code == PV_OK) code = pv_rows_act_make(set.host, PV_PRODUCT_I16, x, k, &act, err);
  for (int i = 0; i < 2 && code == PV_OK; i++) {
    const uint64_t r = i == 0 ? 0 : rows - 1;
    const unsigned char *row = t->data + r * t->row_bytes;
    double bound;
    const double want = pv_rows_exact_value(t->type, PV_PRODUCT_I16, row, x, k, &bound);
    const double got = (double)pv_rows_multiply(set.host, PV_PRODUCT_I16, t->type, row, k, &act);
    check->compared++;
    if (!(fabs(got - want) <= bound))
      pv_check_fail(check, "row %llu of %.*s, read as %s, gives %s, exact is %s",
                    (unsigned long long)r, (int)t->name.length, t->name.data,
                    pv_type_get(t->type)->name, PV_REAL('g', 6, got), PV_REAL('g', 6, want));
  }
  pv_rows_act_free(&act);
  free(x);
  return code;
}

static pv_code run_types_dispatch(pv_check *check, pv_error *err) {
  uint64_t seed = 13, seen[PV_TYPE_COUNT] = {0};
  size_t kinds = 0;
  pv_code code = PV_OK;
  if (!pv_check_has(check, false)) return PV_OK;
  const pv_gguf *gguf = check->model->gguf;
  for (uint64_t i = 0; i < pv_gguf_tensor_count(gguf) && code == PV_OK; i++) {
    const pv_gguf_tensor *t = pv_gguf_tensor_at(gguf, i);
    for (int k = 0; k < PV_TYPE_COUNT; k++) seen[k] += pv_type_table[k].type == t->type;
    code = check_tensor(check, t, &seed, err);
  }
  for (int k = 0; k < PV_TYPE_COUNT; k++) {
    char name[32];
    snprintf(name, sizeof name, "tensors_%s", pv_type_table[k].name);
    if (seen[k] > 0) pv_check_metric(check, name, (double)seen[k]);
    kinds += seen[k] > 0;
  }
  pv_check_metric(check, "tensor_types", (double)kinds);
  const double wanted = pv_check_real(check, "min_types");
  if (code == PV_OK && (double)kinds < wanted)
    return pv_check_verdict(check, "NOT_RUN", "the model has %zu tensor types, %g are needed",
                            kinds, wanted);
  pv_check_backend(check, "cpu");
  return code == PV_OK ? pv_check_pass(check) : code;
}

const pv_check_spec pv_check_types_dispatch = {
    .name = "types.dispatch",
    .about =
        "First and last row of every tensor, read by the tensor's own type, in i16 against "
        "float64. Fails when a kernel reads bytes of one type as another.",
    .subject = "files",
    .needs = PV_NEEDS_MODEL,
    .timeout_s = 60,
    .params = PV_PARAMS(PV_TAKES_INT("min_types", 1, PV_TYPE_COUNT, PV_LOOSENS_DOWN, "types", "1",
                                     "tensor types that the model must mix")),
    .run = run_types_dispatch};

/* A private copy of the file, or of all parts of a set, to be damaged. */
typedef struct copy {
  unsigned char *bytes;    /* owned: of all parts, each aligned as a mapping is */
  pv_gguf_bytes_of *parts; /* owned; into `bytes` */
  uint32_t count;
} copy;

static void copy_free(copy *c) {
  free(c->bytes);
  free(c->parts);
}

static pv_code copy_make(const pv_gguf *gguf, copy *out, pv_error *err) {
  uint64_t room = 0, at = 0, length = 0;
  copy made = {.count = pv_gguf_part_count(gguf)};
  for (uint32_t i = 0; i < made.count; i++) {
    (void)pv_gguf_part_bytes(gguf, i, &length);
    room += length + 16 - length % 16; /* all of it is mapped already */
  }
  made.bytes = malloc(room);
  made.parts = calloc(made.count, sizeof *made.parts);
  if (made.bytes == NULL || made.parts == NULL) {
    copy_free(&made);
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a copy");
  }
  for (uint32_t i = 0; i < made.count; i++) {
    const unsigned char *bytes = pv_gguf_part_bytes(gguf, i, &length);
    memcpy(made.bytes + at, bytes, length);
    made.parts[i] = (pv_gguf_bytes_of){made.bytes + at, length, "damaged copy"};
    at += length + 16 - length % 16;
  }
  *out = made;
  return PV_OK;
}

/* Where the directory entry of a tensor stores its name; the entry is
 * u64 length, name, u32 dimensions, u64 each, u32 type, u64 offset. */
static unsigned char *entry(const copy *c, const char *name) {
  const size_t n = strlen(name);
  unsigned char key[8 + 96], *found = NULL;
  const uint64_t length = n;
  memcpy(key, &length, sizeof length);
  memcpy(key + 8, name, n);
  for (uint32_t i = 0; i < c->count && found == NULL; i++)
    found = memmem(c->parts[i].data, c->parts[i].length, key, 8 + n);
  return found == NULL ? NULL : found + 8;
}

static unsigned char *entry_type(unsigned char *name, size_t length) {
  uint32_t dims;
  memcpy(&dims, name + length, sizeof dims);
  return name + length + 4 + 8 * (size_t)dims;
}

/* The damaged file must not open as a model. */
static void must_refuse(pv_check *check, const copy *c, const char *what) {
  pv_gguf *gguf = NULL;
  pv_model *model = NULL;
  pv_error local = PV_ERROR_INIT;
  pv_code code = pv_gguf_parse_set(c->parts, c->count, &gguf, &local);
  if (code == PV_OK) {
    code = pv_model_from_gguf(gguf, &model, &local);
    if (code != PV_OK) pv_gguf_close(gguf);
  }
  check->compared++;
  if (code == PV_OK) {
    pv_model_close(model);
    pv_check_fail(check, "%s was accepted", what);
  } else if (local.message[0] == '\0') {
    pv_check_fail(check, "%s was refused without a word", what);
  }
}

static void damage(pv_check *check, copy *c, unsigned char *at, const void *bytes, size_t length,
                   const char *what) {
  unsigned char kept[96];
  const bool type = strstr(what, "tensor type") != NULL, shape = strstr(what, "transposed") != NULL;
  memcpy(kept, at, length);
  /* A reader that lets it pass sees what it expects. */
  if (!(type && pv_check_planted(check, "unknown_type_accepted")) &&
      !(shape && pv_check_planted(check, "shape_unchecked")))
    memcpy(at, bytes, length);
  must_refuse(check, c, what);
  memcpy(at, kept, length);
}

/* The first file that has tensors, cut: what may follow the last of them is padding. */
static void shorten(pv_check *check, const copy *c) {
  const pv_gguf *gguf = check->model->gguf;
  const uint32_t part = pv_gguf_tensor_at(gguf, 0)->part;
  const uint64_t length = c->parts[part].length;
  uint64_t end = 0;
  for (uint64_t i = 0; i < pv_gguf_tensor_count(gguf); i++) {
    const pv_gguf_tensor *t = pv_gguf_tensor_at(gguf, i);
    if (t->part == part && t->offset + t->bytes > end) end = t->offset + t->bytes;
  }
  const struct {
    uint64_t length;
    const char *what;
  } cuts[] = {{length / 2, "a truncated file"},
              {end - 1, "a file that lacks the last byte of its tensors"},
              {23, "a file of 23 bytes"}};
  for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
    c->parts[part].length = cuts[i].length;
    must_refuse(check, c, cuts[i].what);
  }
  c->parts[part].length = length;
}

static pv_code run_types_refuse_unknown(pv_check *check, pv_error *err) {
  static const char name[] = "blk.0.attn_q.weight";
  copy c = {0};
  if (!pv_check_has(check, false)) return PV_OK;
  pv_code code = copy_make(check->model->gguf, &c, err);
  if (code != PV_OK) return code;
  unsigned char *at = entry(&c, name);
  if (at == NULL) {
    copy_free(&c);
    return pv_check_verdict(check, "NOT_RUN", "the model has no tensor %s", name);
  }
  unsigned char *type = entry_type(at, strlen(name));
  for (uint32_t number = 0; number < 100; number++)
    if (pv_type_get(number) == NULL) damage(check, &c, type, &number, 4, "an unknown tensor type");
  damage(check, &c, type, &(uint32_t){0xffffffffu}, 4, "an unknown tensor type");
  damage(check, &c, c.bytes, "GGML", 4, "a wrong magic");
  damage(check, &c, c.bytes + 4, &(uint32_t){2}, 4, "version 2");
  damage(check, &c, c.bytes + 4, &(uint32_t){4}, 4, "version 4");
  damage(check, &c, c.bytes + 4, &(uint32_t){0x03000000u}, 4, "a big-endian file");
  shorten(check, &c);
  copy_free(&c);
  return pv_check_pass(check);
}

const pv_check_spec pv_check_types_refuse_unknown = {
    .name = "types.refuse_unknown",
    .about =
        "Copies of the model with an unknown tensor type, another version, another byte order or "
        "an end too early are refused.",
    .subject = "files",
    .needs = PV_NEEDS_MODEL,
    .timeout_s = 60,
    .run = run_types_refuse_unknown};

/* One tensor that the plan names, in a turn of its own: outside the layers (0), or in one of them.
 */
static void resolve(pv_check *check, size_t row, uint32_t turn, uint64_t *wanted) {
  const pv_model *m = check->model;
  char name[PV_WEIGHT_NAME];
  uint64_t dims[3];
  if (pv_plan_is(m->plan, row, PV_ROW_ONCE) != (turn == 0) ||
      (pv_plan_is(m->plan, row, PV_ROW_TIED) && m->shape.tied) ||
      !pv_plan_weight(m->plan, row, &m->shape, dims))
    return;
  pv_plan_weight_name(m->plan, row, turn - 1, name);
  const pv_gguf_tensor *t = pv_gguf_tensor_find(m->gguf, name);
  check->compared++;
  ++*wanted;
  if (t == NULL)
    pv_check_fail(check, "tensor '%s' is missing", name);
  else if (memcmp(t->dims, dims, sizeof dims) != 0)
    pv_check_fail(check, "tensor '%s' has another shape than the metadata imply", name);
}

static pv_code run_names_resolve(pv_check *check, pv_error *err) {
  uint64_t wanted = 0;
  (void)err;
  if (!pv_check_has(check, false)) return PV_OK;
  const pv_gguf *gguf = check->model->gguf;
  for (uint32_t turn = 0; turn <= check->model->shape.layers; turn++)
    for (size_t row = 0; row < check->model->plan->count; row++) resolve(check, row, turn, &wanted);
  if (pv_gguf_tensor_count(gguf) != wanted)
    pv_check_fail(check, "%llu tensors, the architecture has %llu",
                  (unsigned long long)pv_gguf_tensor_count(gguf), (unsigned long long)wanted);
  pv_check_metric(check, "tensors", (double)pv_gguf_tensor_count(gguf));
  pv_check_backend(check, "cpu");
  return pv_check_pass(check);
}

const pv_check_spec pv_check_names_resolve = {
    .name = "names.resolve",
    .about =
        "Every tensor that the architecture needs is there with the shape that the metadata imply, "
        "and no other.",
    .subject = "files",
    .needs = PV_NEEDS_MODEL,
    .timeout_s = 30,
    .run = run_names_resolve};

/* The tensor under another name, and where that is another shape, transposed. */
static void mutate(pv_check *check, copy *c, const char *name) {
  const size_t n = strlen(name);
  unsigned char *at = entry(c, name);
  char what[128];
  uint32_t dims;
  uint64_t d[2];
  if (at == NULL) {
    pv_check_fail(check, "tensor %s is missing", name);
    return;
  }
  snprintf(what, sizeof what, "%s under another name", name);
  damage(check, c, at + n - 8, "_", 1, what);
  memcpy(&dims, at + n, sizeof dims);
  memcpy(d, at + n + 4, sizeof d);
  if (dims < 2 || d[0] == d[1]) return;
  const uint64_t swapped[2] = {d[1], d[0]};
  snprintf(what, sizeof what, "%s transposed", name);
  damage(check, c, at + n + 4, swapped, sizeof swapped, what);
}

/* Each tensor outside the layers and of the first one. */
static pv_code run_names_mutations(pv_check *check, pv_error *err) {
  copy c = {0};
  if (!pv_check_has(check, false)) return PV_OK;
  const pv_model *m = check->model;
  pv_code code = copy_make(m->gguf, &c, err);
  if (code != PV_OK) return code;
  for (size_t row = 0; row < m->plan->count; row++) {
    char name[PV_WEIGHT_NAME];
    if (m->plan->rows[row].weight == NULL) continue;
    if (pv_plan_is(m->plan, row, PV_ROW_TIED) && m->shape.tied) continue;
    mutate(check, &c, pv_plan_weight_name(m->plan, row, 0, name));
  }
  unsigned char *k = entry(&c, "blk.0.attn_k.weight");
  if (k != NULL) damage(check, &c, k + 11, "v", 1, "two tensors of one name");
  copy_free(&c);
  return pv_check_pass(check);
}

const pv_check_spec pv_check_names_mutations = {
    .name = "names.mutations",
    .about = "Copies of the model with a renamed, doubled or transposed tensor are refused.",
    .subject = "files",
    .needs = PV_NEEDS_MODEL,
    .timeout_s = 60,
    .run = run_names_mutations};
