#include "kernels/cuda/staging.h"

#include <string.h>

enum { TASK_BYTES = 128 << 10 };

typedef struct move {
  char *to;
  const char *from;
  size_t bytes;
} move;

static void move_task(void *context, size_t task, unsigned thread) {
  const move *m = context;
  const size_t at = task * TASK_BYTES, left = m->bytes - at;
  (void)thread;
  memcpy(m->to + at, m->from + at, left < TASK_BYTES ? left : TASK_BYTES);
}

static void move_bytes(const pv_cuda_staging *s, void *to, const void *from, size_t bytes) {
  move m = {to, from, bytes};
  pv_pool_run(s->pool, move_task, &m, (bytes + TASK_BYTES - 1) / TASK_BYTES);
}

void pv_cuda_staging_close(pv_cuda_staging *s, const pv_cuda_device *d) {
  for (int i = 0; i < PV_STAGING_BUFFERS; i++) {
    if (s->copied[i] != NULL) d->api.event_destroy(s->copied[i]);
    if (s->buffer[i] != NULL) d->api.host_free(s->buffer[i]);
  }
  pv_pool_close(s->pool);
  *s = (pv_cuda_staging){.refused = s->refused};
}

/* Whether the ring is there; taken at the first call. */
static bool is_open(pv_cuda_staging *s, const pv_cuda_device *d) {
  if (s->pool != NULL || s->refused) return !s->refused;
  s->refused = pv_pool_open(0, &s->pool, NULL) != PV_OK;
  for (int i = 0; i < PV_STAGING_BUFFERS && !s->refused; i++)
    s->refused = d->api.host_alloc(&s->buffer[i], PV_STAGING_BYTES, 0) != CUDA_SUCCESS ||
                 d->api.event_create(&s->copied[i], CU_EVENT_DISABLE_TIMING) != CUDA_SUCCESS;
  if (s->refused) pv_cuda_staging_close(s, d);
  return !s->refused;
}

static size_t piece(size_t bytes, size_t at) {
  return bytes - at < PV_STAGING_BYTES ? bytes - at : PV_STAGING_BYTES;
}

/* After a failure: no copy may still read from or write to what the caller or the ring owns. */
static CUresult settled(const pv_cuda_device *d, CUresult code) {
  if (code != CUDA_SUCCESS) d->api.stream_wait(d->stream);
  return code;
}

CUresult pv_cuda_stage_in(pv_cuda_staging *s, const pv_cuda_device *d, CUdeviceptr to,
                          const void *from, size_t bytes) {
  CUresult code = CUDA_SUCCESS;
  if (bytes < PV_STAGING_LEAST || !is_open(s, d)) return d->api.copy_in(to, from, bytes, d->stream);
  for (size_t at = 0; at < bytes && code == CUDA_SUCCESS; at += PV_STAGING_BYTES) {
    const unsigned i = s->next++ % PV_STAGING_BUFFERS;
    const size_t n = piece(bytes, at);
    code = d->api.event_wait(s->copied[i]); /* of none that was recorded: at once */
    if (code != CUDA_SUCCESS) break;
    move_bytes(s, s->buffer[i], (const char *)from + at, n);
    code = d->api.copy_in(to + at, s->buffer[i], n, d->stream);
    if (code == CUDA_SUCCESS) code = d->api.event_record(s->copied[i], d->stream);
  }
  return settled(d, code);
}

/* Pieces are asked for a ring ahead of the one that is taken. */
CUresult pv_cuda_stage_out(pv_cuda_staging *s, const pv_cuda_device *d, void *to, CUdeviceptr from,
                           size_t bytes) {
  CUresult code = CUDA_SUCCESS;
  if (bytes < PV_STAGING_LEAST || !is_open(s, d)) {
    code = d->api.copy_out(to, from, bytes, d->stream);
    return code == CUDA_SUCCESS ? d->api.stream_wait(d->stream) : code;
  }
  const unsigned first = s->next;
  size_t asked = 0;
  for (size_t at = 0; at < bytes && code == CUDA_SUCCESS; at += PV_STAGING_BYTES) {
    for (; asked < bytes && asked < at + (size_t)PV_STAGING_BUFFERS * PV_STAGING_BYTES &&
           code == CUDA_SUCCESS;
         asked += PV_STAGING_BYTES) {
      const unsigned i = s->next++ % PV_STAGING_BUFFERS;
      /* The stream keeps the order: what was sent from this buffer has left it before. */
      code = d->api.copy_out(s->buffer[i], from + asked, piece(bytes, asked), d->stream);
      if (code == CUDA_SUCCESS) code = d->api.event_record(s->copied[i], d->stream);
    }
    const unsigned i = (first + (unsigned)(at / PV_STAGING_BYTES)) % PV_STAGING_BUFFERS;
    if (code == CUDA_SUCCESS) code = d->api.event_wait(s->copied[i]);
    if (code == CUDA_SUCCESS) move_bytes(s, (char *)to + at, s->buffer[i], piece(bytes, at));
  }
  return settled(d, code);
}
