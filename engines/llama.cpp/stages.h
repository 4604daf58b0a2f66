/* Which nodes of llama.cpp's graph are stages (docs/trace-format.md), by the operation and the
 * weight that it reads, or that its sources read: names of nodes repeat, and change from version to
 * version. A stage may also be a source of a node, which is still there when the node was made. */
#ifndef PV_LLAMACPP_STAGES_H
#define PV_LLAMACPP_STAGES_H

#include <stdbool.h>
#include <stddef.h>

#include <ggml.h>

enum { STAGE_LAYERS = 4096, STAGES_OF_A_NODE = 2 };

typedef struct stage {
  const char *name;
  int layer;                        /* -1: outside the layers */
  int row;                          /* how many of the fastest dimensions make a position's row */
  const struct ggml_tensor *values; /* the node or one of its sources */
} stage;

/* How many were written to `out`; 0: nobody needs this node. `scaled`: this architecture multiplies
 * the embedding. */
size_t stages_of(const struct ggml_tensor *node, bool scaled, stage out[STAGES_OF_A_NODE]);

/* What is asked for, a text for each rule; NULL behind the last. `room` is written over. */
const char *stages_rule(size_t n, char *room, size_t size);

#endif
