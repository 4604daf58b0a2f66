/* Inside the room. */
#ifndef PV_BISECT_PARTS_H
#define PV_BISECT_PARTS_H

#include "base/sha256.h"
#include "base/text.h"
#include "runtime/bisect/bisect.h"

/* How far a result goes: operations that are judged, over all batches. */
typedef struct pv_progress {
  uint64_t done;
  bool finished;
  char bits[PV_SHA256_HEX]; /* over every bit of both sides up to there, one digest in the next */
} pv_progress;
pv_code pv_bisect_save(const char *path, const char *key, const pv_progress *at,
                       const pv_bisect_result *result, pv_error *err);
/* `result`: with its arrays, which are filled in. PV_ERR_INPUT for a state of something else. */
pv_code pv_bisect_load(const char *path, const char *key, pv_progress *at, pv_bisect_result *result,
                       pv_error *err);
pv_code pv_bisect_bits(char bits[PV_SHA256_HEX], const pv_rows *rows, pv_error *err);

/* Over the tokens and batches of the bisection. */
pv_walk_spec pv_bisect_walk(const pv_bisect_spec *spec, const pv_source *sources, size_t count);

/* The second pass: the right side with the left side's routing. Only when the rerun would be the
 * right side itself. */
bool pv_bisect_can_route_again(const pv_bisect_spec *spec, const pv_bisect_result *result);
pv_code pv_bisect_route_again(const pv_bisect_spec *spec, const pv_source *left,
                              pv_bisect_routing *out, pv_error *err);

#endif
