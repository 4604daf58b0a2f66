#include "runtime/forward/gpu_notes.h"

#include <stdlib.h>
#include <string.h>

enum { LAUNCHES_MAX = 1 << 14 };

void pv_gpu_notes_free(pv_gpu_notes *n) {
  for (size_t i = 0; i < n->count; i++) free(n->items[i].args);
  free(n->items);
  *n = (pv_gpu_notes){0};
}

pv_code pv_gpu_notes_begin(pv_gpu_notes *n, pv_error *err) {
  if (n->sequences == PV_GPU_SEQUENCES_MAX)
    return pv_error_set(err, PV_ERR_INTERNAL, "more than %d recorded sequences",
                        PV_GPU_SEQUENCES_MAX);
  if (n->items == NULL) n->items = calloc(LAUNCHES_MAX, sizeof *n->items);
  if (n->items == NULL) return pv_error_nomem(err, "recorded launches");
  n->recording = true;
  return PV_OK;
}

pv_code pv_gpu_notes_add(pv_gpu_notes *n, const pv_gpu_launch *l, pv_error *err) {
  if (n->count == LAUNCHES_MAX)
    return pv_error_set(err, PV_ERR_LIMIT, "more than %d recorded launches", LAUNCHES_MAX);
  pv_gpu_note *note = &n->items[n->count];
  note->args = malloc(l->arg_bytes);
  if (note->args == NULL) return pv_error_nomem(err, "a launch");
  memcpy(note->args, l->args, l->arg_bytes);
  note->launch = *l;
  note->launch.args = note->args;
  n->count++;
  return PV_OK;
}

unsigned pv_gpu_notes_end(pv_gpu_notes *n) {
  n->recording = false;
  n->first[n->sequences + 1] = n->count;
  return n->sequences++;
}

pv_code pv_gpu_notes_replay(const pv_gpu_notes *n, unsigned sequence, pv_gpu *gpu,
                            pv_code (*run)(pv_gpu *gpu, const pv_gpu_launch *launch, pv_error *err),
                            pv_error *err) {
  pv_code code = PV_OK;
  for (size_t i = n->first[sequence]; i < n->first[sequence + 1] && code == PV_OK; i++)
    code = run(gpu, &n->items[i].launch, err);
  return code;
}
