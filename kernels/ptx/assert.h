/* Assertions over a kernel's PTX. What each says is in docs/ptx.md.
 *
 * A call that can not be judged is an error, never a finding: a pattern that PTX does not know, an
 * unknown rule, a directive list that is empty. PV_ERR_UNSUPPORTED, with the line of the PTX in the
 * error: this kernel can not be judged, others may; it is unread, or it calls what is unread, has
 * no body here or is reached through a pointer. Findings are texts of the arena. */
#ifndef PV_PTX_ASSERT_H
#define PV_PTX_ASSERT_H

#include "kernels/ptx/ptx.h"

typedef struct pv_ptx_finding {
  const char *kernel;
  const char *directive; /* "forbid .ftz" */
  bool held;
  uint32_t line;                /* of the PTX, 0 when no line is meant */
  const char *text;             /* what was found */
  const pv_ptx_instruction *at; /* the one that is meant, or NULL */
} pv_ptx_finding;

typedef struct pv_ptx_report {
  pv_ptx_finding *findings; /* in the arena */
  size_t count, capacity, failed;
  uint64_t compared; /* instructions that were held against a directive */
} pv_ptx_report;

typedef struct pv_ptx_directives {
  const char *const *require, *const *forbid, *const *order, *const *count;
  size_t requires, forbids, orders, counts;
} pv_ptx_directives;

pv_code pv_ptx_check_directives(pv_arena *arena, const pv_ptx_function *kernel,
                                const pv_ptx_directives *directives, pv_ptx_report *report,
                                pv_error *err);

/* The rules for every kernel, by name; NULL past the end. */
const char *pv_ptx_rule_at(size_t index);
/* `count` 0 means all rules. */
pv_code pv_ptx_check_rules(pv_arena *arena, const pv_ptx_function *kernel, const char *const *rules,
                           size_t count, pv_ptx_report *report, pv_error *err);

/* Every value that reaches `sink` comes through `through` from accumulators that only `writers`
 * write; `combine` adds a value and its shuffled self between two sinks. The writer "zero" is the
 * constant zero. With `factors`, what an fma multiplies into an accumulator is made by these
 * instructions only, down to loads and integers; without, it is not looked at. */
typedef struct pv_ptx_flow {
  const char *sink, *through, *combine;
  const char *const *writers;
  size_t writer_count;
  const char *const *factors;
  size_t factor_count;
} pv_ptx_flow;
pv_code pv_ptx_check_flow(pv_arena *arena, const pv_ptx_function *kernel, const pv_ptx_flow *flow,
                          pv_ptx_report *report, pv_error *err);

/* PV_ERR_UNSUPPORTED when `f` is unread; `call`, or NULL, is the instruction that leads to it. */
pv_code pv_ptx_refuse_unread(const pv_ptx_function *f, const pv_ptx_instruction *call,
                             pv_error *err);

/* Adds a finding. */
pv_code pv_ptx_report_add(pv_arena *arena, pv_ptx_report *report, pv_ptx_finding finding,
                          pv_error *err);

/* The kernel and every function that it calls, near or far, in the arena. PV_ERR_UNSUPPORTED when
 * one of them is unread, or when it calls through a pointer or a function that has no body here.
 * The functions of the CUDA runtime (vprintf, __assertfail, malloc, free) have none anywhere: no
 * value of a sum comes from them. */
pv_code pv_ptx_reached(pv_arena *arena, const pv_ptx_function *kernel, const pv_ptx_function ***out,
                       size_t *count, pv_error *err);

#endif
