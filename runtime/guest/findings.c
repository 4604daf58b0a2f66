#include "runtime/guest/findings.h"

#include <stdlib.h>
#include <string.h>

pv_code pv_guest_findings_open(pv_arena *arena, pv_guest_findings *out, pv_error *err) {
  pv_guest_finding *list = PV_ARENA_NEW(arena, PV_GUEST_FINDINGS, pv_guest_finding);
  if (list == NULL) return pv_error_nomem(err, "findings");
  *out = (pv_guest_findings){.list = list};
  return PV_OK;
}

/* Of one instruction, or of one line of the source, which a compiler may have unrolled. */
static bool same_place(const pv_guest_spot *a, const pv_guest_spot *b) {
  return a->source_line != 0 && b->source_line != 0
             ? a->source_line == b->source_line && strcmp(a->source, b->source) == 0
             : a->line == b->line;
}

void pv_guest_findings_add(pv_guest_findings *f, const pv_guest_finding *one) {
  for (size_t i = 0; i < f->count; i++) {
    pv_guest_finding *old = &f->list[i];
    if (strcmp(old->kind, one->kind) != 0 || !same_place(&old->spot, &one->spot)) continue;
    old->cases += one->cases;
    old->count += one->count;
    return;
  }
  if (f->count == PV_GUEST_FINDINGS)
    f->lost++;
  else
    f->list[f->count++] = *one;
}

void pv_guest_findings_join(pv_guest_findings *f, const pv_guest_findings *from, const char *file) {
  f->lost += from->lost;
  for (size_t i = 0; i < from->count; i++) {
    pv_guest_finding one = from->list[i];
    size_t kept = 0;
    bool there = false;
    one.file = file;
    for (size_t k = 0; k < f->count; k++) {
      const pv_guest_finding *old = &f->list[k];
      const bool same = strcmp(old->kind, one.kind) == 0;
      there = there || (same && same_place(&old->spot, &one.spot));
      if (!same || old->spot.line != 0 || one.spot.line == 0) f->list[kept++] = *old;
    }
    f->count = kept;
    if (!there || one.spot.line != 0) pv_guest_findings_add(f, &one);
  }
}

/* What a kernel does to memory explains what it computes, and stands before it. */
static int rank(const pv_guest_finding *f) {
  static const char *const order[] = {"out of bounds",
                                      "misaligned",
                                      "uninitialised",
                                      "undeclared write",
                                      "shared-memory race",
                                      "race in device memory",
                                      "divergent barrier",
                                      "trap",
                                      "endless",
                                      "input overwritten",
                                      "written between rows",
                                      "unwritten",
                                      "wrong weights",
                                      "wrong value",
                                      "depends on the schedule"};
  int i = 0;
  while (i < (int)(sizeof order / sizeof *order) && strcmp(order[i], f->kind) != 0) i++;
  return i;
}

static int compare(const void *a, const void *b) {
  const pv_guest_finding *x = a, *y = b;
  const int by_rank = rank(x) - rank(y);
  if (by_rank != 0) return by_rank;
  if (x->spot.line != y->spot.line) return x->spot.line < y->spot.line ? -1 : 1;
  return strcmp(x->kind, y->kind);
}

void pv_guest_findings_sort(pv_guest_findings *f) {
  qsort(f->list, f->count, sizeof *f->list, compare);
}
