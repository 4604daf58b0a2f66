/* One conversation with one process: a probe, or a provider over one falsifier. */
#ifndef PV_RUN_TALK_H
#define PV_RUN_TALK_H

#include "base/child.h"
#include "validator/run/run.h"

typedef enum pv_talk_end {
  PV_TALK_DONE = 0, /* said "end", everything answered */
  PV_TALK_BROKEN,   /* outside the protocol: nothing it said counts */
  PV_TALK_LEFT,     /* ended early */
  PV_TALK_LATE      /* a deadline passed */
} pv_talk_end;

typedef struct pv_talk {
  /* given */
  const size_t *list; /* indices of falsifiers */
  size_t count;
  size_t shown, shown_total;     /* for the progress line: already answered, all */
  const pv_child_place *foreign; /* the falsifier's provider runs there; NULL: it is a probe */
  /* left behind; arrays of `count` in the arena */
  pv_talk_end end;
  bool heard, framed; /* a hello, any byte on the frame channel */
  pv_run_hello hello;
  bool *answered;
  pv_falsifier_result *results;
  size_t current;   /* index into `list` of the one it was working on, or SIZE_MAX */
  double current_s; /* how long */
  int code, signal; /* how the process ended; PV_TALK_LEFT only */
  bool out_of_memory;
  char why[512]; /* one sentence: what went wrong */
  char *output;  /* tail of stderr, maybe "" */
} pv_talk;

/* "probe" or "provider". */
const char *pv_talk_who(const pv_talk *talk);

/* Starts it, hears it out, leaves no process behind. An error is PV_ERR_CANCELLED, or the
 * system's or our own; whatever the other one does is in `talk`. */
pv_code pv_talk_hold(pv_arena *arena, const pv_run_spec *spec, pv_talk *talk, pv_error *err);

#endif
