#include "runtime/guest/judge.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct judging {
  const pv_guest_descriptor *d;
  pv_guest_device *device;
  const pv_guest_case *c;
  const pv_guest_signature *entry;
  pv_guest_tally *tally;
  pv_guest_findings *f;
  bool seen_wrong, seen_unwritten, seen_between; /* in this case, of this tensor */
} judging;

static size_t element_bytes(const pv_guest_descriptor *d, size_t tensor) {
  if (d->operation->tensor[tensor].element == PV_OP_REAL)
    return pv_format_get(d->layouts[tensor].format)->bytes;
  return sizeof(int32_t);
}

double pv_guest_element(const pv_guest_descriptor *d, const pv_guest_case *c, size_t tensor,
                        size_t row, size_t column) {
  const pv_guest_buffer *b = &c->trial.buffers[tensor];
  const unsigned char *at = b->got + row * b->pitch + column * element_bytes(d, tensor);
  float value = 0;
  int32_t index = 0;
  if (d->operation->tensor[tensor].element == PV_OP_INDEX) {
    memcpy(&index, at, sizeof index);
    return index;
  }
  pv_format_decode(d->layouts[tensor].format, at, 1, &value);
  return (double)value;
}

static pv_guest_finding finding(const judging *j, const char *kind) {
  pv_guest_finding out = {.cases = 0, .count = 1};
  snprintf(out.kind, sizeof out.kind, "%s", kind);
  snprintf(out.where, sizeof out.where, "%s", j->c->text);
  return out;
}

/* The instruction that stored an element last. */
static void find_who(const judging *j, size_t tensor, uint64_t at, pv_guest_spot *out) {
  if (j->device->ops->who != NULL) (void)j->device->ops->who(j->device, tensor, at, out);
}

static void wrong(judging *j, size_t tensor, size_t row, size_t column, double got, double want,
                  double bound) {
  const pv_guest_buffer *b = &j->c->trial.buffers[tensor];
  pv_guest_finding one = finding(j, "wrong value");
  find_who(j, tensor, row * b->pitch + column * element_bytes(j->d, tensor), &one.spot);
  one.cases = !j->seen_wrong;
  j->seen_wrong = true;
  j->tally->wrong++;
  if (bound > 0 && isfinite(bound))
    snprintf(one.text, sizeof one.text,
             "%s[%zu][%zu] is %.9g, it must be %.9g within %.3g: %.3g times that", b->name, row,
             column, got, want, bound, fabs(got - want) / bound);
  else
    snprintf(one.text, sizeof one.text, "%s[%zu][%zu] is %.9g, it must be %.9g%s", b->name, row,
             column, got, want, bound == 0 ? " exactly" : "");
  if (one.spot.line != 0)
    snprintf(one.text + strlen(one.text), sizeof one.text - strlen(one.text),
             "; stored by block (%u,%u,%u), thread (%u,%u,%u)", one.spot.block[0],
             one.spot.block[1], one.spot.block[2], one.spot.thread[0], one.spot.thread[1],
             one.spot.thread[2]);
  pv_guest_findings_add(j->f, &one);
}

static void unwritten(judging *j, size_t tensor, size_t row, size_t column) {
  const pv_guest_buffer *b = &j->c->trial.buffers[tensor];
  const pv_guest_step *s = &j->c->trial.steps[j->c->trial.step_count - 1];
  pv_guest_finding one = finding(j, "unwritten");
  one.cases = !j->seen_unwritten;
  j->seen_unwritten = true;
  one.spot.line = j->entry->line;
  snprintf(
      one.text, sizeof one.text,
      "nobody wrote %s[%zu][%zu] of [%llu][%zu], with a grid of %u x %u x %u and blocks of %u x "
      "%u x %u",
      b->name, row, column, (unsigned long long)b->rows, j->c->values[tensor].row, s->shape.grid[0],
      s->shape.grid[1], s->shape.grid[2], s->shape.block[0], s->shape.block[1], s->shape.block[2]);
  j->tally->unwritten++;
  pv_guest_findings_add(j->f, &one);
}

static void note_worst(judging *j, size_t tensor, size_t row, size_t column, double excess,
                       double got, double want, double bound) {
  pv_guest_worst *w = &j->tally->worst;
  if (!(excess > w->excess)) return;
  *w = (pv_guest_worst){
      .excess = excess, .got = got, .want = want, .bound = bound, .row = row, .column = column};
  snprintf(w->tensor, sizeof w->tensor, "%s", j->c->trial.buffers[tensor].name);
  snprintf(w->where, sizeof w->where, "%s", j->c->text);
}

static bool is_stored(const judging *j, size_t tensor, uint64_t at, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    if (!j->device->ops->stored(j->device, tensor, at + i)) return false;
  return true;
}

static void judge_reals(judging *j, size_t tensor, size_t row) {
  const pv_op_values *v = &j->c->values[tensor];
  const pv_guest_buffer *b = &j->c->trial.buffers[tensor];
  const size_t bytes = element_bytes(j->d, tensor);
  for (size_t i = 0; i < v->row; i++) {
    const double want = v->want[row * v->row + i], bound = v->bound[row * v->row + i];
    j->tally->compared++;
    if (!is_stored(j, tensor, row * b->pitch + i * bytes, bytes)) {
      unwritten(j, tensor, row, i);
      continue;
    }
    const double got = pv_guest_element(j->d, j->c, tensor, row, i),
                 excess = pv_op_excess(got, want, bound);
    note_worst(j, tensor, row, i, excess, got, want, bound);
    if (!(excess <= 1)) wrong(j, tensor, row, i, got, want, bound);
  }
}

static void judge_indices(judging *j, size_t tensor, size_t row) {
  const pv_op_values *v = &j->c->values[tensor];
  const pv_guest_buffer *b = &j->c->trial.buffers[tensor];
  const unsigned char *at = b->got + row * b->pitch;
  int32_t got[PV_GUEST_INDICES] = {0};
  memcpy(got, at, v->row * sizeof *got);
  for (size_t i = 0; i < v->row; i++) {
    j->tally->compared++;
    if (!is_stored(j, tensor, row * b->pitch + i * sizeof *got, sizeof *got))
      unwritten(j, tensor, row, i);
    else if (!pv_op_index_fits(v, row, got, i))
      wrong(j, tensor, row, i, got[i], v->want_index[row * v->row + i], 0);
  }
}

/* Blocks: each number of one has a value and a bound. */
static void judge_packed(judging *j, size_t tensor, size_t row) {
  const pv_op_values *v = &j->c->values[tensor];
  const pv_guest_buffer *b = &j->c->trial.buffers[tensor];
  const pv_format format = j->d->operation->packed;
  const pv_format_info *info = pv_format_get(format);
  const unsigned char *at = b->got + row * b->pitch;
  double numbers[320];
  for (size_t k = 0; k < v->row / info->elements; k++) {
    const uint64_t place = row * b->pitch + k * info->bytes;
    if (!is_stored(j, tensor, place, info->bytes)) {
      j->tally->compared += info->numbers;
      unwritten(j, tensor, row, k * info->elements);
      continue;
    }
    pv_format_numbers(format, at + k * info->bytes, info->elements, numbers);
    for (size_t i = 0; i < info->numbers; i++) {
      const size_t n = row * v->parts + k * info->numbers + i;
      const double excess = pv_op_excess(numbers[i], v->want[n], v->bound[n]);
      j->tally->compared++;
      note_worst(j, tensor, row, k * info->numbers + i, excess, numbers[i], v->want[n],
                 v->bound[n]);
      if (!(excess <= 1))
        wrong(j, tensor, row, k * info->numbers + i, numbers[i], v->want[n], v->bound[n]);
    }
  }
}

/* Bytes between the rows belong to somebody else. */
static void judge_between(judging *j, size_t tensor, size_t row) {
  const pv_guest_buffer *b = &j->c->trial.buffers[tensor];
  if (row + 1 >= b->rows) return;
  for (uint64_t at = row * b->pitch + b->row; at < (row + 1) * b->pitch; at++) {
    if (!j->device->ops->stored(j->device, tensor, at)) continue;
    pv_guest_finding one = finding(j, "written between rows");
    find_who(j, tensor, at, &one.spot);
    one.cases = !j->seen_between;
    j->seen_between = true;
    snprintf(
        one.text, sizeof one.text,
        "byte %llu of %s was written: it lies between row %zu, which has %llu bytes, and the next",
        (unsigned long long)at, b->name, row, (unsigned long long)b->row);
    pv_guest_findings_add(j->f, &one);
  }
}

void pv_guest_judge(const pv_guest_descriptor *d, pv_guest_device *device, const pv_guest_case *c,
                    const pv_guest_signature *entry, pv_guest_tally *tally, pv_guest_findings *f) {
  for (size_t t = 0; t < pv_operation_tensors(d->operation); t++) {
    const pv_op_tensor *tensor = &d->operation->tensor[t];
    judging j = {d, device, c, entry, tally, f, false, false, false};
    if (tensor->role == PV_OP_IN) continue;
    for (size_t r = 0; r < c->values[t].rows; r++) {
      if (tensor->element == PV_OP_INDEX)
        judge_indices(&j, t, r);
      else if (tensor->element == PV_OP_PACKED)
        judge_packed(&j, t, r);
      else
        judge_reals(&j, t, r);
      judge_between(&j, t, r);
    }
  }
}

void pv_guest_judge_same(const pv_guest_descriptor *d, pv_guest_device *device,
                         const pv_guest_case *c, unsigned char *const *before,
                         pv_guest_findings *f) {
  for (size_t t = 0; t < pv_operation_tensors(d->operation); t++) {
    const pv_guest_buffer *b = &c->trial.buffers[t];
    judging j = {.d = d, .device = device, .c = c, .f = f};
    if (d->operation->tensor[t].role == PV_OP_IN || !b->written) continue;
    for (uint64_t r = 0; r < b->rows; r++) {
      const uint64_t from = r * b->pitch;
      uint64_t i = 0;
      while (i < b->row &&
             (b->got[from + i] == before[t][from + i] || !device->ops->stored(device, t, from + i)))
        i++;
      if (i == b->row) continue;
      const uint64_t at = i / element_bytes(d, t) * element_bytes(d, t);
      pv_guest_finding one = finding(&j, "depends on the schedule");
      one.cases = 1;
      find_who(&j, t, from + at, &one.spot);
      snprintf(one.text, sizeof one.text,
               "%s[%llu], byte %llu: two runs over the same inputs are not the same, in another "
               "order of "
               "blocks and warps, or over other bytes where nothing was given",
               b->name, (unsigned long long)r, (unsigned long long)at);
      pv_guest_findings_add(f, &one);
      break;
    }
  }
}
