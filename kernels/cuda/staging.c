#include "kernels/cuda/staging.h"

#include <string.h>

#include "base/clock.h"

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
  *s = (pv_cuda_staging){.piece = s->piece, .refused = s->refused};
}

static size_t piece_of(const pv_cuda_staging *s) {
  return s->piece > 0 ? s->piece : PV_STAGING_BYTES;
}

/* Whether the ring is there; taken at the first call. */
static bool is_open(pv_cuda_staging *s, const pv_cuda_device *d) {
  if (s->pool != NULL || s->refused) return !s->refused;
  s->refused = pv_pool_open(0, &s->pool, NULL) != PV_OK;
  for (int i = 0; i < PV_STAGING_BUFFERS && !s->refused; i++)
    s->refused = d->api.host_alloc(&s->buffer[i], piece_of(s), 0) != CUDA_SUCCESS ||
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

/* The same in the stream of what is sent. */
static CUresult settled_sending(const pv_cuda_device *d, CUresult code) {
  if (code != CUDA_SUCCESS) d->api.stream_wait(d->sending);
  return code;
}

CUresult pv_cuda_stage_flush(pv_cuda_staging *s, const pv_cuda_device *d) {
  const unsigned i = s->next % PV_STAGING_BUFFERS;
  if (s->filled == 0) return CUDA_SUCCESS;
  CUresult code = d->api.copy_in(s->to, s->buffer[i], s->filled, d->sending);
  if (code == CUDA_SUCCESS) code = d->api.event_record(s->copied[i], d->sending);
  s->filled = 0;
  s->next++;
  return settled_sending(d, code);
}

CUresult pv_cuda_stage_send(pv_cuda_staging *s, const pv_cuda_device *d, CUdeviceptr to,
                            const void *from, size_t bytes) {
  CUresult code = CUDA_SUCCESS;
  if (!is_open(s, d)) return d->api.copy_in(to, from, bytes, d->sending);
  for (size_t at = 0, n; at < bytes && code == CUDA_SUCCESS; at += n) {
    const size_t left = bytes - at;
    if (s->filled == piece_of(s) || s->to + s->filled != to + at) code = pv_cuda_stage_flush(s, d);
    const unsigned i = s->next % PV_STAGING_BUFFERS;
    if (code == CUDA_SUCCESS && s->filled == 0) code = d->api.event_wait(s->copied[i]);
    if (code != CUDA_SUCCESS) break;
    if (s->filled == 0) s->to = to + at;
    n = left < piece_of(s) - s->filled ? left : piece_of(s) - s->filled;
    move_bytes(s, (char *)s->buffer[i] + s->filled, (const char *)from + at, n);
    s->filled += n;
  }
  if (code == CUDA_SUCCESS && s->filled == piece_of(s)) code = pv_cuda_stage_flush(s, d);
  return settled_sending(d, code);
}

CUresult pv_cuda_link(const pv_cuda_device *d, double *rate) {
  enum { BYTES = 64 << 20, TIMES = 32 };
  void *from = NULL;
  CUdeviceptr to = 0;
  double start = 0.0;
  CUresult code = d->api.host_alloc(&from, BYTES, 0);
  if (code == CUDA_SUCCESS) code = d->api.memory_alloc(&to, BYTES);
  for (int i = -1; i < TIMES && code == CUDA_SUCCESS; i++) { /* the first warms up */
    code = d->api.copy_in(to, from, BYTES, d->sending);
    if (i < 0 && code == CUDA_SUCCESS) code = d->api.stream_wait(d->sending);
    if (i < 0) start = pv_clock_now();
  }
  code = settled_sending(d, code);
  if (code == CUDA_SUCCESS) code = d->api.stream_wait(d->sending);
  *rate = (double)BYTES * TIMES / (pv_clock_now() - start);
  if (to != 0) d->api.memory_free(to);
  if (from != NULL) d->api.host_free(from);
  return code;
}
