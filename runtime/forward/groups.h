/* The (position, rank) pairs of a batch sorted by expert: each expert's weights are read once. */
#ifndef PV_FORWARD_GROUPS_H
#define PV_FORWARD_GROUPS_H

#include <stddef.h>
#include <stdint.h>

typedef struct pv_groups {
  uint32_t *slots;  /* rows * used entries: position * used + rank, grouped by expert */
  uint32_t *first;  /* experts + 1: where each expert's slots begin */
  uint32_t *active; /* experts that have slots */
  size_t active_count;
} pv_groups;

/* `indices` is [rows][used]; within an expert slots stay in order. */
static inline void pv_groups_fill(pv_groups *g, const int32_t *indices, size_t rows, size_t used,
                                  size_t experts) {
  for (size_t e = 0; e <= experts; e++) g->first[e] = 0;
  for (size_t i = 0; i < rows * used; i++) g->first[indices[i] + 1]++;
  g->active_count = 0;
  for (size_t e = 0; e < experts; e++) {
    if (g->first[e + 1] > 0) g->active[g->active_count++] = (uint32_t)e;
    g->first[e + 1] += g->first[e];
  }
  for (size_t i = rows * used; i-- > 0;) g->slots[--g->first[indices[i] + 1]] = (uint32_t)i;
  for (size_t e = 0; e < experts; e++) g->first[e] = g->first[e + 1];
  g->first[experts] = (uint32_t)(rows * used);
}

#endif
