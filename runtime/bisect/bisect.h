/* Who is wrong, and where it begins. Two sides run in lockstep, operation by operation. Each stage
 * of each side is made again, from that side's own inputs, by two witnesses:
 *  - the definition of its identity (the definition; for f64 the arbiter): a bit that differs
 *    was made wrong by this stage of this side, whatever it inherited;
 *  - the float64 arbiter: how much error this stage introduces.
 * A third, free-running arbiter gives the error that has piled up. Nothing is kept but sums and the
 * tensors of one operation.
 * A side may have been computed before and be read from a folder. A stage that it lacks is made by
 * its witnesses from what it has, and the next one that it has is held to what they make of that.
 */
#ifndef PV_BISECT_BISECT_H
#define PV_BISECT_BISECT_H

#include "runtime/forward/weights.h"
#include "runtime/sources/walker.h"

typedef struct pv_bisect_spec {
  const pv_model *model;
  pv_walker side[2]; /* left, right */
  const uint32_t *ids;
  size_t count, batch; /* both sides run in batches of at most `batch` */
  unsigned threads;
  void (*progress)(void *context, size_t done, size_t total); /* steps; may be NULL */
  void *context;
  /* A file for the state, or NULL: written after each layer; one that is there is continued. `key`:
   * a digest of all that the result depends on. */
  const char *state, *key;
} pv_bisect_spec;

/* One element. `expert` is -1 outside the experts' stages. */
typedef struct pv_bisect_place {
  bool present;
  pv_stage_id stage;
  uint32_t layer;
  size_t position, index;
  int64_t rank, expert;
  double left, right; /* both sides there; NaN where a side has no such stage */
  double exact;       /* float64 on the inputs of the side in question; of a first difference,
                         free-running */
} pv_bisect_place;

/* Why an element is wrong. Only the first is a matter of the identity: the others are wrong in any,
 * and they are all that a side without a definition is called wrong for. */
typedef enum pv_bisect_why {
  PV_BISECT_SOUND,      /* it is not */
  PV_BISECT_OTHER_BITS, /* its definition gives others */
  PV_BISECT_NO_NUMBER,  /* and float64 has one */
  PV_BISECT_STRUCTURE   /* and more: PV_BISECT_STRUCTURE + what of limits/structure.h is wrong */
} pv_bisect_why;

/* An error that a stage introduces, of the row's largest element, that no rounding to 8 bits makes:
 * worth a look first where there is no definition. */
#define PV_BISECT_LARGE 0.05

/* One stage of one layer, over all positions. Errors are relative to the largest exact element of
 * the row; infinite when a side is not finite and the witness is, NaN when neither is: then there
 * is no figure. */
typedef struct pv_bisect_stage {
  uint64_t elements;  /* that both sides have */
  uint64_t different; /* left from right, bits */
  struct {
    uint64_t judged;    /* elements that this side has */
    uint64_t undefined; /* elements that the side's definition gives other bits for */
    double introduced;  /* largest error on the side's own input */
    double total;       /* largest error of the free run */
  } side[2];
} pv_bisect_stage;

typedef struct pv_bisect_routing {
  uint64_t sets, different;
  bool present; /* the first set that differs, and: */
  uint32_t layer;
  size_t position;
  double margin, noise; /* the left side's rank k over k + 1; largest difference of the logits;
                           NaN without them */
  uint64_t from_arbiter[2];
  /* The right side once more with the routing of the left. */
  bool replayed;
  double cosine, replayed_cosine; /* smallest, of the logits, left against right */
  uint64_t tops, replayed_tops;   /* top tokens that differ */
} pv_bisect_routing;

/* Of one layer: the smallest margin of the left side, the largest difference of the logits. */
typedef struct pv_bisect_router {
  bool present;
  double margin, noise;
  uint64_t different; /* sets */
} pv_bisect_router;

typedef enum pv_bisect_verdict {
  PV_BISECT_EQUAL,      /* no bit differs and both are as defined */
  PV_BISECT_LEFT,       /* the left side is wrong */
  PV_BISECT_RIGHT,      /* the right side is wrong */
  PV_BISECT_BOTH,       /* both are */
  PV_BISECT_NOT_FINITE, /* no side is wrong, and one has no number where it had only numbers */
  PV_BISECT_FUNCTIONS,  /* each is as its own identity defines; the identities differ */
  PV_BISECT_UNDECIDED,  /* bits differ, and no witness says why */
  PV_BISECT_VACUOUS     /* the sides have no stage in common */
} pv_bisect_verdict;

typedef struct pv_bisect_result {
  const pv_plan *plan; /* of the model: what the stages are */
  uint32_t layers;
  pv_bisect_stage (
      *stages)[PV_STAGES_MAX]; /* [layer]; stages outside the layers in layer 0; owned */
  pv_bisect_router *router;    /* [layer]; owned */
  uint64_t compared, different;
  pv_bisect_place first;      /* difference of the sides, in the order of computation */
  pv_bisect_place culprit[2]; /* first element of each side that is wrong */
  pv_bisect_why why[2];       /* and why */
  /* The first element of each side that is no number: made from numbers, unless of what the side
   * has not recorded. And the weight that made it so, if one did. */
  pv_bisect_place not_finite[2];
  pv_bad_weight weight[2];
  /* Of a side without a definition: the first element of an error above PV_BISECT_LARGE. */
  pv_bisect_place large[2];
  double large_error[2];
  bool fallback[2];     /* another backend computed than was asked for */
  char computed[2][48]; /* who did; "definition": stands in, with the fault */
  bool defined[2];      /* pv has a definition of the side's identity */
  bool same_identity;
  pv_bisect_routing routing;
  uint64_t tops_different, tops_from_arbiter[2];
  bool top_present; /* the first position whose top token differs */
  size_t top_position;
  double worst_cosine[2]; /* of the logits with the arbiter's; NaN without them */
  uint64_t memory;        /* bytes of sides and witnesses beyond the mapped file */
  pv_bisect_verdict verdict;
} pv_bisect_result;

/* PV_ERR_UNSUPPORTED when a backend does not exist here. PV_ERR_INPUT for a state of something
 * else, or when the sides do not compute again what they computed before it was written. */
pv_code pv_bisect(const pv_bisect_spec *spec, pv_bisect_result *out, pv_error *err);
void pv_bisect_free(pv_bisect_result *result);

/* The less exact side by the logits' distance from the arbiter: 0, 1, or -1 when they are equal. */
int pv_bisect_less_exact(const pv_bisect_result *result);

#endif
