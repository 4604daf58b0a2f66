/* Which weights a kernel reads wrongly: activations that are one at a single place and zero
 * elsewhere make a product that is the weight there. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/guest/guest.h"

enum { PLACES_MAX = 1024, PLAIN_PART = 32, PARTS_MAX = PLACES_MAX / 16, RANGES_SHOWN = 4 };

/* What is off by less was meant and is not exact. */
#define ROUNDED 0.01

/* got = scale * q + offset over a sub-block, q its integers. */
typedef struct line {
  double scale, offset;
  bool fits;
} line;

typedef struct narrowing {
  const pv_guest_descriptor *d;
  const pv_type_info *type;
  size_t w, x, y;
  size_t part;  /* weights that share a scale */
  size_t count; /* places that are looked at */
  size_t hot;   /* the place of the one */
  double got[PLACES_MAX], want[PLACES_MAX];
  int8_t q[PLACES_MAX + 256];
  bool wrong[PLACES_MAX];
} narrowing;

static void set_inputs(void *context, const pv_operation *op, pv_op_values *values) {
  const narrowing *n = context;
  pv_op_values *x = &values[n->x];
  (void)op;
  for (size_t i = 0; i < x->rows * x->row; i++) x->real[i] = i % x->row == n->hot ? 1.0f : 0.0f;
}

/* The tensors of a product: weights, one input of numbers, one output. False: it is none. */
static bool find_tensors(const pv_guest_descriptor *d, narrowing *n) {
  const pv_operation *o = d->operation;
  size_t weights = 0, inputs = 0, outputs = 0;
  *n = (narrowing){.d = d};
  for (size_t i = 0; i < pv_operation_tensors(o); i++) {
    const pv_op_tensor *t = &o->tensor[i];
    if (t->element == PV_OP_WEIGHTS) {
      n->w = i;
      weights++;
    } else if (t->element == PV_OP_REAL && t->role == PV_OP_IN) {
      n->x = i;
      inputs++;
    } else if (t->element == PV_OP_REAL) {
      n->y = i;
      outputs++;
    }
  }
  n->type = pv_type_get((uint32_t)o->type);
  n->part = n->type != NULL && n->type->quantised ? pv_form_group(n->type->form) : PLAIN_PART;
  return weights == 1 && inputs == 1 && outputs == 1 && n->type != NULL;
}

double pv_guest_narrow_cost(const pv_guest_descriptor *d, const pv_guest_case *c) {
  narrowing n; /* here, where nothing can fail: without memory there would be no pattern to tell */
  if (!find_tensors(d, &n)) return INFINITY;
  const pv_op_values *x = &c->values[n.x], *y = &c->values[n.y];
  const double cost = (double)x->row * (double)y->rows * (double)y->row;
  /* What is wrong in one block only shows where there are several. */
  return x->row <= n.type->block_elements || x->row > PLACES_MAX ? 1e6 * cost : cost;
}

static void look(narrowing *n, const pv_guest_case *c) {
  const pv_op_values *w = &c->values[n->w], *y = &c->values[n->y];
  const size_t at = n->hot, block = n->type->block_elements;
  n->count = c->values[n->x].row < PLACES_MAX ? c->values[n->x].row : PLACES_MAX;
  n->got[at] = pv_guest_element(n->d, c, n->y, 0, 0);
  n->want[at] = y->want[0];
  n->wrong[at] = !(pv_op_excess(n->got[at], y->want[0], y->bound[0]) <= 1);
  if (n->type->quantised && at % block == 0)
    pv_block_integers(n->type->type, w->bytes + at / block * n->type->block_bytes, n->q + at);
}

static pv_code measure(pv_guest_device *device, const pv_guest_signature *signatures,
                       const pv_op_case *c, narrowing *n, pv_guest_spot *spot, bool *stopped,
                       pv_error *err) {
  const pv_guest_change change = {set_inputs, n};
  pv_code code = PV_OK;
  n->count = 1;
  for (n->hot = 0; code == PV_OK && !*stopped && n->hot < n->count; n->hot++) {
    pv_arena arena = PV_ARENA_INIT;
    pv_guest_fault fault = {.kind = ""};
    pv_guest_case made;
    bool fits = false;
    code = pv_guest_case_fits(n->d, c, &made, &fits, err);
    if (code == PV_OK && fits)
      code = pv_guest_case_make(n->d, signatures, &change, &arena, &made, &fits, err);
    if (code == PV_OK && fits) code = device->ops->run(device, &made.trial, 0, &fault, err);
    *stopped = code != PV_OK || !fits || fault.kind[0] != '\0';
    if (!*stopped) {
      look(n, &made);
      if (device->ops->who != NULL) (void)device->ops->who(device, n->y, 0, spot);
    }
    pv_arena_free(&arena);
  }
  return code;
}

/* The line through the values of one sub-block. */
static line fit(const narrowing *n, const double *values, size_t from) {
  double q = 0, v = 0, qq = 0, qv = 0;
  line out = {0};
  for (size_t i = from; i < from + n->part; i++) {
    q += n->q[i];
    v += values[i];
    qq += (double)n->q[i] * n->q[i];
    qv += n->q[i] * values[i];
  }
  const double count = (double)n->part, spread = count * qq - q * q;
  if (spread == 0) return out;
  out.scale = (count * qv - q * v) / spread;
  out.offset = (v - out.scale * q) / count;
  out.fits = true;
  for (size_t i = from; i < from + n->part; i++)
    out.fits &= fabs(values[i] - out.scale * n->q[i] - out.offset) <=
                1e-3 * (fabs(out.scale * n->q[i]) + fabs(out.offset));
  return out;
}

static bool near(double a, double b, double unit) {
  return fabs(a - b) <= 1e-2 * unit;
}

/* How far the weights of the sub-blocks from..to are off, in parts of themselves. */
static double furthest(const narrowing *n, size_t from, size_t to) {
  double out = 0;
  for (size_t i = from * n->part; i < (to + 1) * n->part; i++) {
    const double off = fabs(n->got[i] - n->want[i]);
    if (!(off <= out * fabs(n->want[i]))) out = n->want[i] != 0 ? off / fabs(n->want[i]) : INFINITY;
  }
  return out;
}

/* Single weights of the sub-blocks from..to: how many are wrong, and the first. Where those of all
 * blocks are told as of one, that one may have none: then the first of another block. */
static void name_weight(const narrowing *n, size_t from, size_t to, char *out, size_t size) {
  const size_t begin = from * n->part, end = (to + 1) * n->part;
  size_t count = 0, first = begin;
  for (size_t i = begin; i < end; i++)
    if (n->wrong[i] && count++ == 0) first = i;
  for (size_t i = 0; count == 0 && i < n->count; i++) {
    const size_t in_block = i % n->type->block_elements;
    if (n->wrong[i] && in_block >= begin && in_block < end) {
      first = i;
      break;
    }
  }
  const int used = count > 0 && count < end - begin
                       ? snprintf(out, size, "%zu of these, the first: ", count)
                       : 0;
  snprintf(out + used, size - (size_t)used, "weight %zu of row 0 is taken as %.6g, it is %.6g",
           first, n->got[first], n->want[first]);
}

/* What is wrong with the sub-blocks from..to: scale, minimum, or the integers. */
static void relate(const narrowing *n, size_t from, size_t to, char *out, size_t size) {
  double factor = NAN;
  bool scales = true, offsets = true, dropped = true, steady = true, zeros = true;
  for (size_t p = from; p <= to; p++) {
    for (size_t i = p * n->part; i < (p + 1) * n->part; i++) zeros &= n->got[i] == 0;
    const line got = fit(n, n->got, p * n->part), want = fit(n, n->want, p * n->part);
    const double unit = fabs(want.scale) * 16 + fabs(want.offset);
    if (!got.fits || !want.fits || !n->type->quantised) {
      scales = offsets = false;
      continue;
    }
    if (near(got.offset, want.offset, unit) && near(16 * got.scale, 16 * want.scale, unit))
      continue;
    scales &= near(got.offset, want.offset, unit);
    offsets &= near(16 * got.scale, 16 * want.scale, unit);
    dropped &= near(got.offset, 0, unit);
    if (isnan(factor)) factor = got.scale / want.scale;
    steady &= fabs(got.scale / want.scale - factor) <= 1e-2 * fabs(factor);
  }
  const double off = furthest(n, from, to);
  if (off < ROUNDED)
    snprintf(out, size, "they are rounded, by at most %.2g of themselves", off);
  else if (zeros)
    snprintf(out, size, "they are taken as 0");
  else if (scales && steady)
    snprintf(out, size, "their scale is %.3g times what it should be", factor);
  else if (scales)
    snprintf(out, size, "their scale is wrong, %.3g times what it should be in the first", factor);
  else if (offsets)
    snprintf(out, size, "their minimum is %s", dropped ? "left out" : "wrong");
  else
    name_weight(n, from, to, out, size);
}

/* Sub-blocks with a wrong weight. `folded`: there are some in every block, and those of all of them
 * are told as of one; a scale or a minimum that happens to be zero shows nothing. */
static size_t find_parts(const narrowing *n, bool *parts, bool *folded) {
  const size_t all = n->count / n->part, each = n->type->block_elements / n->part;
  size_t count = 0;
  for (size_t p = 0; p < all; p++) {
    for (size_t i = p * n->part; i < (p + 1) * n->part; i++) parts[p] |= n->wrong[i];
    count += parts[p];
  }
  *folded = each > 1 && all > each;
  for (size_t b = 0; *folded && b < all / each; b++) {
    bool any = false;
    for (size_t p = b * each; p < (b + 1) * each; p++) any |= parts[p];
    *folded = any;
  }
  for (size_t p = each; *folded && p < all; p++) parts[p % each] |= parts[p];
  return count;
}

static void tell(const narrowing *n, pv_guest_finding *one) {
  bool parts[PARTS_MAX] = {false}, folded = false;
  const size_t found = find_parts(n, parts, &folded);
  const size_t end = folded ? n->type->block_elements / n->part : n->count / n->part;
  size_t used = 0, ranges = 0;
  char relation[160] = "";
  one->count = 1;
  if (found == 0) {
    snprintf(one->text, sizeof one->text,
             "each weight alone is read as it is: what adds their products up is wrong");
    return;
  }
  for (size_t p = 0; p < end; p++) {
    if (!parts[p]) continue;
    size_t to = p;
    while (to + 1 < end && parts[to + 1]) to++;
    if (ranges++ == 0) relate(n, p, to, relation, sizeof relation);
    if (ranges <= RANGES_SHOWN && used < sizeof one->text)
      used += (size_t)snprintf(one->text + used, sizeof one->text - used, "%s%zu..%zu",
                               ranges > 1 ? ", " : "weights ", p * n->part, (to + 1) * n->part - 1);
    p = to;
  }
  if (used < sizeof one->text)
    snprintf(one->text + used, sizeof one->text - used, "%s of %s of %zu are wrong: %s",
             ranges > RANGES_SHOWN ? " and more" : "", folded ? "each block" : "a row",
             folded ? (size_t)n->type->block_elements : n->count, relation);
}

pv_code pv_guest_narrow(pv_guest_device *device, const pv_guest_descriptor *d,
                        const pv_guest_signature *signatures, const pv_op_case *c,
                        pv_guest_findings *out, pv_error *err) {
  narrowing *n = malloc(sizeof *n);
  pv_guest_finding one = {.kind = "wrong weights"};
  pv_op_case plain = *c;
  bool stopped = false;
  pv_code code = PV_OK;
  if (n == NULL) return pv_error_nomem(err, "a narrowing");
  if (!find_tensors(d, n)) goto cleanup;
  plain.data = PV_DATA_ORDINARY;
  code = measure(device, signatures, &plain, n, &one.spot, &stopped, err);
  if (code != PV_OK || stopped) goto cleanup;
  tell(n, &one);
  pv_operation_case_text(d->operation, &plain, one.where, sizeof one.where);
  pv_guest_findings_add(out, &one);
cleanup:
  free(n);
  return code;
}
