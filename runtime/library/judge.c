/* What the child said of one case, against what its outputs must hold. */
#include <math.h>
#include <pv_kernel.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/library/parts.h"

typedef struct heard {
  bool begun[PV_LIBRARY_RUNS], returned[PV_LIBRARY_RUNS], done, faulted;
  int32_t code[PV_LIBRARY_RUNS];
  const unsigned char *output[PV_LIBRARY_RUNS][PV_OP_TENSORS];
} heard;

typedef struct judging {
  const pv_operation *op;
  const pv_op_values *values;
  char where[128];
  pv_library_report *out;
  char seen[PV_LIBRARY_FINDINGS]; /* in this case */
} judging;

/* One more of a kind: the first one's text stays. */
static void found(judging *j, const char *kind, const char *tensor, const char *text) {
  pv_library_report *r = j->out;
  size_t i = 0;
  while (i < r->finding_count &&
         (strcmp(r->findings[i].kind, kind) != 0 || strcmp(r->findings[i].tensor, tensor) != 0))
    i++;
  if (i == PV_LIBRARY_FINDINGS) return; /* kinds times tensors are fewer */
  pv_library_finding *f = &r->findings[i];
  if (i == r->finding_count) {
    r->finding_count++;
    snprintf(f->kind, sizeof f->kind, "%s", kind);
    snprintf(f->tensor, sizeof f->tensor, "%s", tensor);
    snprintf(f->text, sizeof f->text, "%s", text);
    snprintf(f->where, sizeof f->where, "%s", j->where);
  }
  f->count++;
  f->cases += !j->seen[i];
  j->seen[i] = 1;
}

static const char *how_it_lay(size_t run) {
  return run == 0 ? "" : ", where rows are 64 bytes apart";
}

/* Bytes of an output row, and of one of its elements or blocks. */
static size_t element_bytes(const judging *j, size_t tensor) {
  const pv_op_tensor *t = &j->op->tensor[tensor];
  if (t->element == PV_OP_INDEX) return sizeof(int32_t);
  const pv_format f = t->element == PV_OP_PACKED ? j->op->packed : j->values[tensor].format;
  return pv_format_get(f)->bytes;
}

static size_t parts_of_element(const judging *j, size_t tensor) {
  const bool packed = j->op->tensor[tensor].element == PV_OP_PACKED;
  return packed ? pv_format_get(j->op->packed)->numbers : 1;
}

static void place_of(const judging *j, size_t tensor, int64_t at, char *out, size_t size) {
  const pv_op_values *v = &j->values[tensor];
  const size_t row = pv_library_row_bytes(&j->op->tensor[tensor], v->format, v);
  if (at < 0)
    snprintf(out, size, "%llu bytes before %s begins", -(unsigned long long)at,
             j->op->tensor[tensor].name);
  else
    snprintf(out, size, "byte %lld of %s, whose %zu rows have %zu bytes each", (long long)at,
             j->op->tensor[tensor].name, v->rows, row);
}

static void note_fault(judging *j, const pv_library_frame *f, const char *access) {
  char text[256], place[160];
  const int length = f->length < 8 ? (int)f->length : 8;
  if (f->number < 0 || (size_t)f->number >= pv_operation_tensors(j->op)) {
    snprintf(text, sizeof text, "it %.*s memory that is none of its tensors", length, access);
    found(j, "crash", "", text);
    return;
  }
  const pv_op_tensor *t = &j->op->tensor[f->number];
  const pv_op_values *v = &j->values[f->number];
  const size_t row = pv_library_row_bytes(t, v->format, v);
  place_of(j, (size_t)f->number, f->at, place, sizeof place);
  snprintf(text, sizeof text, "it %.*s %s", length, access, place);
  const bool inside = f->at >= 0 && (uint64_t)f->at < v->rows * row;
  found(j, inside && t->role == PV_OP_IN ? "input written" : "out of bounds", t->name, text);
}

static void listen_to(judging *j, const char *text, size_t length, heard *h) {
  pv_library_frame f;
  const char *bytes;
  char place[160], said[256];
  size_t run = 0;
  for (size_t at = 0; pv_library_next(text, length, &at, &f, &bytes);) {
    const bool tensor = f.number >= 0 && (size_t)f.number < pv_operation_tensors(j->op);
    if (f.word == PV_LIBRARY_BEGIN && f.number >= 0 && f.number < PV_LIBRARY_RUNS)
      h->begun[run = (size_t)f.number] = true;
    if (f.word == PV_LIBRARY_RETURNED) {
      h->returned[run] = true;
      h->code[run] = f.number;
    }
    if (f.word == PV_LIBRARY_FAULT) {
      h->faulted = true;
      note_fault(j, &f, bytes);
    }
    if (f.word == PV_LIBRARY_OUTSIDE && tensor) {
      place_of(j, (size_t)f.number, f.at, place, sizeof place);
      snprintf(said, sizeof said, "it writes %s%s", place, how_it_lay(run));
      found(j, "out of bounds", j->op->tensor[f.number].name, said);
    }
    if (f.word == PV_LIBRARY_OUTPUT && tensor) {
      const pv_op_values *v = &j->values[f.number];
      if (f.length == v->rows * pv_library_row_bytes(&j->op->tensor[f.number], v->format, v))
        h->output[run][f.number] = (const unsigned char *)bytes;
    }
    if (f.word == PV_LIBRARY_DONE) h->done = true;
  }
}

/* How the child ended, where that was not by itself. */
static void judge_end(judging *j, const heard *h, const pv_library_end *end) {
  char text[256];
  if (end->late) {
    snprintf(text, sizeof text, "it did not end within %d s", PV_LIBRARY_SECONDS);
    found(j, "hang", "", text);
  } else if (end->flooded) {
    found(j, "flood", "", "it wrote more to descriptor 3 than a case has");
  } else if (end->signal != 0 && !h->faulted) {
    snprintf(text, sizeof text, "it was ended by a signal: %s", strsignal(end->signal));
    found(j, "crash", "", text);
  } else if (end->signal == 0 && !h->done) {
    snprintf(text, sizeof text, "it ended the process with exit code %d", end->code);
    found(j, "exit", "", text);
  }
  for (size_t r = 0; r < PV_LIBRARY_RUNS; r++)
    if (h->returned[r] && h->code[r] != PV_KERNEL_DONE && h->code[r] != PV_KERNEL_NOT_TAKEN) {
      snprintf(text, sizeof text, "pv_kernel_run returned %d", (int)h->code[r]);
      found(j, "failed", "", text);
    }
}

static bool is_pattern(const unsigned char *bytes, size_t count, unsigned run) {
  size_t i = 0;
  while (i < count && bytes[i] == pv_library_pattern(run)) i++;
  return i == count;
}

/* Space for one row. */
typedef struct row_room {
  double *numbers;
  int32_t *indices;
  bool *unwritten;
} row_room;

/* The numbers of one row. */
static void numbers_of(const judging *j, size_t tensor, const unsigned char *row, row_room *out) {
  const pv_op_tensor *t = &j->op->tensor[tensor];
  const pv_op_values *v = &j->values[tensor];
  if (t->element != PV_OP_INDEX) {
    pv_format_numbers(t->element == PV_OP_PACKED ? j->op->packed : v->format, row, v->row,
                      out->numbers);
    return;
  }
  memcpy(out->indices, row, v->row * sizeof *out->indices);
  for (size_t i = 0; i < v->row; i++) out->numbers[i] = out->indices[i];
}

static double excess_of(const judging *j, size_t tensor, size_t row, size_t part,
                        const row_room *room) {
  const pv_op_values *v = &j->values[tensor];
  if (j->op->tensor[tensor].element == PV_OP_INDEX)
    return pv_op_index_fits(v, row, room->indices, part) ? 0.0 : INFINITY;
  return pv_op_excess(room->numbers[part], v->want[row * v->parts + part],
                      v->bound[row * v->parts + part]);
}

static void judge_number(judging *j, size_t tensor, size_t run, size_t row, size_t part, double got,
                         double excess) {
  const pv_op_values *v = &j->values[tensor];
  const char *name = j->op->tensor[tensor].name;
  const bool index = j->op->tensor[tensor].element == PV_OP_INDEX;
  const size_t at = row * v->parts + part;
  const double want = index ? (double)v->want_index[at] : v->want[at];
  const double bound = index ? 0.0 : v->bound[at];
  char text[256];
  if (excess > j->out->worst.excess) {
    j->out->worst = (pv_library_worst){
        .excess = excess, .got = got, .want = want, .bound = bound, .row = row, .column = part};
    snprintf(j->out->worst.tensor, sizeof j->out->worst.tensor, "%s", name);
    snprintf(j->out->worst.where, sizeof j->out->worst.where, "%s", j->where);
  }
  if (excess <= 1.0) return;
  j->out->wrong++;
  if (bound > 0.0 && isfinite(bound) && isfinite(got))
    snprintf(text, sizeof text,
             "%s[%zu][%zu] is %.9g, it must be %.9g within %.3g: %.3g times that%s", name, row,
             part, got, want, bound, excess, how_it_lay(run));
  else
    snprintf(text, sizeof text, "%s[%zu][%zu] is %.9g, it must be %.9g%s", name, row, part, got,
             want, how_it_lay(run));
  found(j, "wrong value", name, text);
}

/* What a row has in both runs: nobody wrote it, or not the same. */
static void judge_twice(judging *j, const heard *h, size_t tensor, size_t row, size_t row_bytes,
                        bool *unwritten) {
  const pv_op_tensor *t = &j->op->tensor[tensor];
  const size_t each = element_bytes(j, tensor), count = row_bytes / each;
  char text[256];
  for (size_t i = 0; i < count; i++) {
    const unsigned char *a = h->output[0][tensor] + row * row_bytes + i * each;
    const unsigned char *b = h->output[1][tensor] + row * row_bytes + i * each;
    unwritten[i] = t->role == PV_OP_OUT && is_pattern(a, each, 0) && is_pattern(b, each, 1);
    if (unwritten[i]) {
      snprintf(text, sizeof text, "nobody wrote %s[%zu][%zu] of [%zu][%zu]", t->name, row, i,
               j->values[tensor].rows, count);
      j->out->unwritten++;
      found(j, "unwritten", t->name, text);
    } else if (memcmp(a, b, each) != 0) {
      snprintf(text, sizeof text,
               "%s[%zu][%zu] was not the same in a second run, with rows 64 bytes apart", t->name,
               row, i);
      found(j, "not the same twice", t->name, text);
    }
  }
}

static void judge_tensor(judging *j, const heard *h, size_t tensor, row_room *room) {
  const pv_op_values *v = &j->values[tensor];
  const size_t row_bytes = pv_library_row_bytes(&j->op->tensor[tensor], v->format, v);
  const size_t per = parts_of_element(j, tensor);
  const bool both = h->output[0][tensor] != NULL && h->output[1][tensor] != NULL;
  for (size_t r = 0; r < v->rows; r++) {
    memset(room->unwritten, 0, v->parts * sizeof *room->unwritten);
    if (both) judge_twice(j, h, tensor, r, row_bytes, room->unwritten);
    for (size_t run = 0; run < PV_LIBRARY_RUNS; run++) {
      const unsigned char *row = h->output[run][tensor];
      if (row == NULL) continue;
      row += r * row_bytes;
      if (run > 0 && both && memcmp(row, h->output[0][tensor] + r * row_bytes, row_bytes) == 0)
        continue; /* as before */
      numbers_of(j, tensor, row, room);
      for (size_t i = 0; i < v->parts; i++) {
        j->out->compared += run == 0;
        if (room->unwritten[i / per]) continue;
        judge_number(j, tensor, run, r, i, room->numbers[i], excess_of(j, tensor, r, i, room));
      }
    }
  }
}

static pv_code judge_outputs(judging *j, const heard *h, pv_error *err) {
  const size_t tensors = pv_operation_tensors(j->op);
  size_t longest = 1;
  for (size_t i = 0; i < tensors; i++)
    if (j->op->tensor[i].role != PV_OP_IN && j->values[i].parts > longest)
      longest = j->values[i].parts;
  row_room room = {calloc(longest, sizeof *room.numbers), calloc(longest, sizeof *room.indices),
                   calloc(longest, sizeof *room.unwritten)};
  const bool ok = room.numbers != NULL && room.indices != NULL && room.unwritten != NULL;
  for (size_t i = 0; ok && i < tensors; i++)
    if (j->op->tensor[i].role != PV_OP_IN) judge_tensor(j, h, i, &room);
  free(room.numbers);
  free(room.indices);
  free(room.unwritten);
  return ok ? PV_OK : pv_error_nomem(err, "a row");
}

pv_code pv_library_judge(const pv_operation *op, const pv_op_case *c, const pv_op_values *values,
                         const char *text, size_t length, const pv_library_end *end,
                         pv_library_report *out, pv_error *err) {
  judging j = {.op = op, .values = values, .out = out};
  heard h = {0};
  size_t before = 0, after = 0;
  pv_operation_case_text(op, c, j.where, sizeof j.where);
  for (size_t i = 0; i < out->finding_count; i++) before += out->findings[i].cases;
  listen_to(&j, text, length, &h);
  judge_end(&j, &h, end);
  out->runs += (size_t)h.begun[0] + (size_t)h.begun[1];
  const pv_code code = judge_outputs(&j, &h, err);
  if (code != PV_OK) return code;
  for (size_t i = 0; i < out->finding_count; i++) after += out->findings[i].cases;
  const bool taken = !(h.returned[0] && h.code[0] == PV_KERNEL_NOT_TAKEN);
  out->cases += taken;
  out->left_out += !taken;
  out->cases_wrong += after > before;
  return PV_OK;
}
