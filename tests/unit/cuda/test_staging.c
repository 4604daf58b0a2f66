/* Copies through the ring of pinned buffers, over a driver that is none: what is queued is done as
 * late as can be, so that a buffer which is taken too early shows. */
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/staging.h"
#include "tests/unit/testing.h"

typedef struct queued {
  void *to;
  const void *from;
  size_t bytes;
} queued;

struct CUevent_st {
  size_t after; /* copies of the queue that it waits for */
};

enum { QUEUE = 256, BYTES = 19 * PV_STAGING_BYTES + 12345 };
static queued queue[QUEUE];
static size_t head, tail;     /* done and queued so far */
static int pinned, events;    /* that are there */
static size_t calls, failing; /* the call of this number fails; 0: none */
static size_t direct;         /* copies from or to memory that is not pinned */
static char *device, *memory, *other;

static CUresult call(void) {
  return ++calls == failing ? CUDA_ERROR_LAUNCH_FAILED : CUDA_SUCCESS;
}

static void drain(size_t until) {
  for (; head < until; head++)
    memcpy(queue[head % QUEUE].to, queue[head % QUEUE].from, queue[head % QUEUE].bytes);
}

static bool owns(const void *p) {
  const char *at = p;
  return (at >= memory && at < memory + BYTES) || (at >= other && at < other + BYTES);
}

static CUresult copy(void *to, const void *from, size_t bytes) {
  if (call() != CUDA_SUCCESS) return CUDA_ERROR_LAUNCH_FAILED;
  if (!EXPECT(tail - head < QUEUE)) return CUDA_ERROR_OUT_OF_MEMORY;
  queue[tail++ % QUEUE] = (queued){to, from, bytes};
  if (owns(to) || owns(from)) { /* the driver takes pageable memory in before it returns */
    direct++;
    drain(tail);
  }
  return CUDA_SUCCESS;
}

static CUresult copy_in(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
  (void)stream;
  return copy(device + to, from, bytes);
}

static CUresult copy_out(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
  (void)stream;
  return copy(to, device + from, bytes);
}

static CUresult host_alloc(void **out, size_t bytes, unsigned flags) {
  (void)flags;
  if (call() != CUDA_SUCCESS) return CUDA_ERROR_OUT_OF_MEMORY;
  *out = malloc(bytes);
  pinned++;
  return CUDA_SUCCESS;
}

static CUresult host_free(void *p) {
  free(p);
  pinned--;
  return CUDA_SUCCESS;
}

static CUresult event_create(CUevent *out, unsigned flags) {
  (void)flags;
  if (call() != CUDA_SUCCESS) return CUDA_ERROR_OUT_OF_MEMORY;
  *out = calloc(1, sizeof **out);
  events++;
  return CUDA_SUCCESS;
}

static CUresult event_destroy(CUevent event) {
  free(event);
  events--;
  return CUDA_SUCCESS;
}

static CUresult event_record(CUevent event, CUstream stream) {
  (void)stream;
  if (call() != CUDA_SUCCESS) return CUDA_ERROR_LAUNCH_FAILED;
  event->after = tail;
  return CUDA_SUCCESS;
}

static CUresult event_wait(CUevent event) {
  if (call() != CUDA_SUCCESS) return CUDA_ERROR_LAUNCH_FAILED;
  drain(event->after);
  return CUDA_SUCCESS;
}

static CUresult stream_wait(CUstream stream) {
  (void)stream;
  drain(tail);
  return CUDA_SUCCESS;
}

static const pv_cuda_device driver = {.api = {.copy_in = copy_in,
                                              .copy_out = copy_out,
                                              .host_alloc = host_alloc,
                                              .host_free = host_free,
                                              .event_create = event_create,
                                              .event_destroy = event_destroy,
                                              .event_record = event_record,
                                              .event_wait = event_wait,
                                              .stream_wait = stream_wait}};

static void start(size_t fails, size_t bytes) {
  calls = direct = 0;
  failing = fails;
  memset(device, 0, bytes);
  memset(other, 0, bytes);
}

/* There and back. */
static CUresult both_ways(pv_cuda_staging *s, size_t bytes) {
  CUresult code = pv_cuda_stage_in(s, &driver, 0, memory, bytes);
  if (code != CUDA_SUCCESS) return code;
  const queued *last = tail > 0 ? &queue[(tail - 1) % QUEUE] : NULL;
  EXPECT(last == NULL || head == tail || !owns(last->from)); /* the caller's memory is free again */
  code = pv_cuda_stage_out(s, &driver, other, 0, bytes);
  if (code == CUDA_SUCCESS) EXPECT_BYTES(other, memory, bytes);
  return code;
}

static void test_bytes_arrive(void) {
  static const size_t sizes[] = {1,
                                 PV_STAGING_LEAST - 1,
                                 PV_STAGING_LEAST,
                                 PV_STAGING_BYTES,
                                 PV_STAGING_BYTES + 1,
                                 9 * PV_STAGING_BYTES,
                                 BYTES};
  pv_cuda_staging s = {0};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    start(0, BYTES);
    EXPECT_I64(both_ways(&s, sizes[i]), CUDA_SUCCESS);
    EXPECT_I64(direct, sizes[i] < PV_STAGING_LEAST ? 2 : 0);
    EXPECT(sizes[i] == BYTES || other[sizes[i]] == 0);
  }
  EXPECT_I64(pinned, PV_STAGING_BUFFERS);
  pv_cuda_staging_close(&s, &driver);
  EXPECT_I64(pinned, 0);
  EXPECT_I64(events, 0);
}

/* What lies one behind the other on the device goes together; the rest by itself, and all of it. */
static void test_pieces_sent(void) {
  enum { PIECE = 1 << 12, GAP = 3 * PIECE };
  static const size_t sizes[] = {1, 255, 3841, PIECE, 5 * PIECE + 7, 100, 9 * PIECE};
  pv_cuda_staging s = {.piece = PIECE};
  size_t at = 0, from = 0;
  start(0, BYTES);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    EXPECT_I64(pv_cuda_stage_send(&s, &driver, at, memory + from, sizes[i]), CUDA_SUCCESS);
    at += sizes[i] + (i == 5 ? GAP : 0);
    from += sizes[i];
  }
  EXPECT_I64(pv_cuda_stage_flush(&s, &driver), CUDA_SUCCESS);
  EXPECT_I64(direct, 0);
  EXPECT_U64(tail - head <= QUEUE && tail > 0, 1);
  drain(tail);
  EXPECT_BYTES(device, memory, at - GAP - sizes[6]);
  EXPECT_BYTES(device + at - sizes[6], memory + from - sizes[6], sizes[6]);
  const size_t copies = calls;
  EXPECT_I64(pv_cuda_stage_flush(&s, &driver), CUDA_SUCCESS); /* there is nothing left */
  EXPECT_U64(calls, copies);
  failing = calls + 1;
  EXPECT(pv_cuda_stage_send(&s, &driver, 0, memory, 2 * PIECE) != CUDA_SUCCESS);
  EXPECT_U64(head, tail); /* and nothing under way */
  pv_cuda_staging_close(&s, &driver);
  EXPECT_I64(pinned + events, 0);
}

/* Each call in turn: of what fails nothing is left under way, and everything is given back. */
static void test_each_failure(void) {
  enum { SIZE = 8 * PV_STAGING_BYTES + PV_STAGING_LEAST, OPENING = 2 * PV_STAGING_BUFFERS };
  size_t failed = 0, n = 1;
  for (bool ended = false; !ended; n++) {
    pv_cuda_staging s = {0};
    start(n, SIZE);
    const CUresult code = both_ways(&s, SIZE);
    ended = calls < n;
    failed += code != CUDA_SUCCESS;
    if (n <= OPENING) { /* without a ring the driver copies by itself */
      EXPECT_I64(code, CUDA_SUCCESS);
      EXPECT_I64(direct, 2);
    } else {
      EXPECT_I64(code, ended ? CUDA_SUCCESS : CUDA_ERROR_LAUNCH_FAILED);
    }
    EXPECT_I64(tail - head, 0);
    pv_cuda_staging_close(&s, &driver);
    EXPECT_I64(pinned, 0);
    EXPECT_I64(events, 0);
  }
  EXPECT_I64(failed, n - 2 - OPENING);
}

int main(void) {
  device = malloc(BYTES);
  memory = malloc(BYTES);
  other = malloc(BYTES);
  if (device == NULL || memory == NULL || other == NULL) return 1;
  for (size_t i = 0; i < BYTES; i++) memory[i] = (char)(i * 2654435761u >> 13 | 1);
  const int code = pv_testing_main(
      "staging",
      (pv_case[]){
          PV_CASE(test_bytes_arrive), PV_CASE(test_pieces_sent), PV_CASE(test_each_failure), {0}});
  free(device);
  free(memory);
  free(other);
  return code;
}
