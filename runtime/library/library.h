/* A kernel of the CPU in a shared object of somebody else (include/pv_kernel.h): run in a child,
 * over the cases of the operation that it stands for, and judged here, where it can touch nothing.
 *
 * Each case runs twice in one process: first with rows that lie together, each tensor ending at a
 * page that can not be touched; then with rows 64 bytes apart, beginning behind such a page. Inputs
 * can not be written. Outputs hold a pattern first, another one each time. */
#ifndef PV_LIBRARY_LIBRARY_H
#define PV_LIBRARY_LIBRARY_H

#include "runtime/operations/operations.h"

enum { PV_LIBRARY_FINDINGS = 32, PV_LIBRARY_SECONDS = 5 /* for one case */ };

typedef enum pv_library_verdict {
  PV_LIBRARY_NOT_RUN,
  PV_LIBRARY_FAIL,
  PV_LIBRARY_PASS
} pv_library_verdict;
const char *pv_library_verdict_name(pv_library_verdict verdict); /* "PASS" */

typedef struct pv_library_finding {
  char kind[32];   /* "wrong value", "out of bounds" */
  char tensor[32]; /* "" where it is about none */
  char text[256];  /* of the first one: one sentence */
  char where[128]; /* its case */
  size_t cases;
  uint64_t count; /* elements */
} pv_library_finding;

typedef struct pv_library_worst {
  double excess, got, want, bound;
  char tensor[32], where[128];
  size_t row, column;
} pv_library_worst;

typedef struct pv_library_report {
  pv_library_verdict verdict;
  char reason[256];              /* of NOT_RUN */
  const pv_operation *operation; /* NULL where it did not come to that */
  pv_op_numerics numerics;
  size_t cases, left_out, cases_wrong, runs;
  uint64_t compared, wrong, unwritten; /* elements */
  pv_library_worst worst;
  pv_library_finding findings[PV_LIBRARY_FINDINGS];
  size_t finding_count;
} pv_library_report;

/* Whether the file is a shared object of this machine; machine code of a GPU is none. */
bool pv_library_is(const char *path);

/* PV_ERR_INPUT: the file, or what it says of itself. A kernel that is wrong, crashes or hangs is no
 * error. `host`: a program and the command of it that is pv_library_host. */
pv_code pv_library_check(const char *path, const char *const host[2], pv_library_report *out,
                         pv_error *err);

/* The child: `FILE about` or `FILE CASE`. Says all on descriptor 3; ends the process. */
int pv_library_host(int argc, char **argv);

#endif
