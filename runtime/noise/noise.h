/* How far a forward moves when nothing is wrong with it: the floor that a tolerance must lie above.
 * A float64 arbiter runs undisturbed; beside it, in lockstep, run the sources of noise:
 *  - the arbiter again, with elements of some stages changed by a random relative amount that is at
 *    most half a unit in the last place of float32, several times;
 *  - the forward of a numerics identity, whose roundings are the noise.
 * Of each stage of each layer the largest distance is kept, over repeats, prompts and positions. */
#ifndef PV_NOISE_NOISE_H
#define PV_NOISE_NOISE_H

#include "runtime/sources/side.h"
#include "runtime/walk/walk.h"

#define PV_NOISE_LAST_BIT    0x1p-24 /* half a unit in the last place of float32, relative */
#define PV_NOISE_SOURCES_MAX 8
#define PV_NOISE_REPEATS_MAX 64

/* For `stages`: row 0 of the plan, and every one (an index is never changed). */
#define PV_NOISE_EMBEDDING   UINT64_C(1)
#define PV_NOISE_EVERY_STAGE UINT64_MAX

typedef enum pv_noise_kind { PV_NOISE_PERTURBED, PV_NOISE_ROUNDED } pv_noise_kind;

typedef struct pv_noise_source {
  pv_noise_kind kind;
  uint64_t stages;  /* perturbed: bit s is set for a stage s that is changed */
  pv_side side;     /* rounded: whose forward; one of f64 is PV_ERR_INPUT */
  const char *name; /* rounded: as it is written */
} pv_noise_source;

typedef struct pv_noise_spec {
  const pv_model *model;
  const pv_sequence *prompts;
  size_t prompt_count, batch; /* batch: positions at once, which changes no figure */
  unsigned threads;
  const pv_noise_source *sources;
  size_t source_count;
  size_t repeats; /* runs of each perturbed source, 1 .. PV_NOISE_REPEATS_MAX */
  uint64_t seed;
  double amount; /* largest relative change of an element: PV_NOISE_LAST_BIT */
  void (*progress)(void *context, size_t done, size_t total); /* operations; may be NULL */
  void *context;
} pv_noise_spec;

/* Infinite when an element of either side is not finite: nothing can be told from such a run. */
typedef struct pv_noise_spread {
  double error; /* largest difference in a row over the row's largest exact magnitude */
  double angle; /* 1 - cosine, in float64 without cancellation */
} pv_noise_spread;

typedef struct pv_noise_stage {
  uint64_t elements; /* index stages have none */
  /* Of the experts' stages expert by expert, whatever the ranks; one that a single side chose is
   * left out, and its set is counted as changed. */
  pv_noise_spread total;
  /* Rounded sources alone: on the source's own input of the block (attention, each norm, the
   * router, the experts, the head), so without what was inherited. */
  pv_noise_spread block;
} pv_noise_stage;

/* The router of one layer. Margins are between the logits of rank k and k + 1 of the arbiter. */
typedef struct pv_noise_routing {
  uint64_t sets, changed;
  double margin; /* smallest of a set that did not change; infinite when each did */
  double shift;  /* largest error of a router logit */
  double ratio;  /* smallest margin over twice the row's shift: above 1 nothing can change */
} pv_noise_routing;

typedef struct pv_noise_of { /* one source */
  pv_noise_stage (
      *stages)[PV_STAGES_MAX]; /* [layer]; stages outside the layers in layer 0; owned */
  pv_noise_routing *routing;   /* [layer]; owned */
  uint64_t tops, tops_changed; /* top tokens */
  bool finite;                 /* no spread is infinite */
  const char *computed;        /* who did: "cpu"; "definition": stands in, with the fault */
} pv_noise_of;

typedef struct pv_noise_result {
  const pv_plan *plan; /* of the model: what the stages are */
  uint32_t layers;
  size_t source_count, positions;
  pv_noise_of of[PV_NOISE_SOURCES_MAX];
  uint64_t memory; /* bytes of everything that ran, beyond the mapped file */
} pv_noise_result;

/* A perturbation depends on the seed, the repeat, the prompt, the stage, the layer, the position
 * and the element alone. Nothing to measure (no prompt, no source, no repeat of a perturbed one)
 * is PV_ERR_INPUT. */
pv_code pv_noise(const pv_noise_spec *spec, pv_noise_result *out, pv_error *err);
void pv_noise_free(pv_noise_result *result);

#endif
