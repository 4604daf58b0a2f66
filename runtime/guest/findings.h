/* What was found against a kernel: told once for each kind and place, however many cases have it.
 */
#ifndef PV_GUEST_FINDINGS_H
#define PV_GUEST_FINDINGS_H

#include "runtime/guest/device.h"

enum { PV_GUEST_FINDINGS = 256, PV_GUEST_SHOWN = 16 };

typedef struct pv_guest_finding {
  char kind[48];   /* "wrong value", "out of bounds", "not allowed: .approx" */
  char text[768];  /* of the first one: one sentence */
  char where[160]; /* its case; "" where none is needed */
  pv_guest_spot spot;
  const char *file; /* that `spot` has lines of; NULL: the report's */
  size_t cases;     /* that have it */
  uint64_t count;   /* elements, instructions */
} pv_guest_finding;

typedef struct pv_guest_findings {
  pv_guest_finding *list; /* in the arena that made it */
  size_t count;
  uint64_t lost; /* that found no room: kinds and places beyond PV_GUEST_FINDINGS */
} pv_guest_findings;

pv_code pv_guest_findings_open(pv_arena *arena, pv_guest_findings *out, pv_error *err);
/* Adds it, or counts it where its kind and line are there already: the first one's text stays. */
void pv_guest_findings_add(pv_guest_findings *f, const pv_guest_finding *one);
/* Adds those of `from`, whose lines are of `file`. What both have under one kind is told once, with
 * the line where only one has it. */
void pv_guest_findings_join(pv_guest_findings *f, const pv_guest_findings *from, const char *file);
/* By kind, the gravest first, then by line. */
void pv_guest_findings_sort(pv_guest_findings *f);

#endif
