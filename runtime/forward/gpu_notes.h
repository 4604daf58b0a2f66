/* Recorded sequences of launches, for a device whose driver keeps none. */
#ifndef PV_FORWARD_GPU_NOTES_H
#define PV_FORWARD_GPU_NOTES_H

#include "kernels/cuda/gpu.h"

enum { PV_GPU_SEQUENCES_MAX = 64 };

typedef struct pv_gpu_note {
  pv_gpu_launch launch;
  void *args; /* owned */
} pv_gpu_note;

typedef struct pv_gpu_notes { /* zeros: there are none */
  bool recording;             /* launches are added instead of run */
  pv_gpu_note *items;         /* of all sequences, one after the other */
  size_t count;
  size_t first[PV_GPU_SEQUENCES_MAX + 1]; /* of each sequence; the end of the last */
  unsigned sequences;
} pv_gpu_notes;

void pv_gpu_notes_free(pv_gpu_notes *notes);
pv_code pv_gpu_notes_begin(pv_gpu_notes *notes, pv_error *err);
pv_code pv_gpu_notes_add(pv_gpu_notes *notes, const pv_gpu_launch *launch, pv_error *err);
unsigned pv_gpu_notes_end(pv_gpu_notes *notes); /* the number of the sequence */
/* Runs each launch of a sequence. */
pv_code pv_gpu_notes_replay(const pv_gpu_notes *notes, unsigned sequence, pv_gpu *gpu,
                            pv_code (*run)(pv_gpu *gpu, const pv_gpu_launch *launch, pv_error *err),
                            pv_error *err);

#endif
