#include "tests/unit/forward/two_queues.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/testing.h"

typedef enum kind { COPY, LAUNCH, MARK, AWAIT } kind;

typedef struct item {
  kind kind;
  void *bytes; /* owned: of a copy, or a launch's argument */
  uint64_t to, count;
  pv_gpu_launch launch;
  unsigned mark;
  uint64_t made; /* of AWAIT: how often the mark was made in the other queue by then */
} item;

enum { ROOM = 1 << 15 };
typedef struct queue {
  item items[ROOM];
  size_t head, tail;
  uint64_t queued[PV_GPU_MARKS], reached[PV_GPU_MARKS];
} queue;

two_state two;
static queue queues[2];

static item *add(pv_gpu_queue which, kind what) {
  queue *q = &queues[which];
  if (q->head == q->tail) q->head = q->tail = 0;
  if (!EXPECT(q->tail < ROOM)) abort();
  item *i = &q->items[q->tail++];
  *i = (item){.kind = what};
  return i;
}

static void *copy_of(const void *bytes, uint64_t count) {
  void *out = malloc(count > 0 ? count : 1);
  if (out == NULL) abort();
  memcpy(out, bytes, count);
  return out;
}

static bool is_blocked(pv_gpu_queue which) {
  const queue *q = &queues[which], *other = &queues[1 - which];
  if (q->head == q->tail) return true;
  const item *i = &q->items[q->head];
  return i->kind == AWAIT && !two.deaf && other->reached[i->mark] < i->made;
}

static pv_code run_one(pv_gpu *gpu, pv_gpu_queue which, pv_error *err) {
  queue *q = &queues[which];
  item *i = &q->items[q->head++];
  pv_code code = PV_OK;
  if (i->kind == MARK) q->reached[i->mark]++;
  if (i->kind == COPY) code = pv_gpu_ptx.upload(gpu, i->to, i->bytes, i->count, err);
  if (i->kind == LAUNCH) {
    i->launch.args = i->bytes;
    code = pv_gpu_ptx.launch(gpu, &i->launch, err);
  }
  free(i->bytes);
  return code;
}

/* One queue goes as far as it can before the other goes a step. */
static pv_code drain(pv_gpu *gpu, pv_error *err) {
  const pv_gpu_queue first = two.order == TWO_SENDS_FIRST ? PV_GPU_SENDING : PV_GPU_COMPUTING;
  const pv_gpu_queue second = (pv_gpu_queue)(1 - first);
  pv_code code = PV_OK;
  while (code == PV_OK && (!is_blocked(first) || !is_blocked(second)))
    code = run_one(gpu, is_blocked(first) ? second : first, err);
  if (code == PV_OK && (queues[0].head < queues[0].tail || queues[1].head < queues[1].tail))
    code = pv_error_set(err, PV_ERR_INTERNAL, "each queue waits for the other");
  two.broken |= code != PV_OK;
  return code;
}

/* Interpreters that wait, and how often each was used: there is a limit to what one allocates. */
enum { WAITING = 8, USES = 3 };
static struct {
  pv_gpu *gpu;
  unsigned uses;
  bool taken;
} machines[WAITING];
pv_gpu_ops two_plain;

static pv_code take(const pv_gpu_ops *ops, pv_gpu **out, pv_error *err) {
  pv_code code = PV_OK;
  size_t i = 0;
  while (i < WAITING - 1 && machines[i].taken) i++;
  if (!EXPECT(!machines[i].taken)) abort();
  if (machines[i].uses == USES) {
    pv_gpu_ptx.close(machines[i].gpu);
    machines[i].gpu = NULL;
    machines[i].uses = 0;
  }
  if (machines[i].gpu == NULL) code = pv_gpu_ptx.open(0, &machines[i].gpu, err);
  if (code != PV_OK) return code;
  *out = machines[i].gpu;
  (*out)->ops = ops;
  machines[i].taken = true;
  machines[i].uses++;
  return PV_OK;
}

static void give(pv_gpu *gpu) {
  for (size_t i = 0; i < WAITING; i++)
    if (machines[i].gpu == gpu) machines[i].taken = false;
}

/* One that has failed can only be closed. */
static void discard(pv_gpu *gpu) {
  for (size_t i = 0; i < WAITING; i++)
    if (machines[i].gpu == gpu) {
      pv_gpu_ptx.close(gpu);
      memset(&machines[i], 0, sizeof machines[i]);
    }
}

void two_end(void) {
  for (size_t i = 0; i < WAITING; i++)
    if (machines[i].gpu != NULL) discard(machines[i].gpu);
}

static pv_code two_open(unsigned number, pv_gpu **out, pv_error *err) {
  const pv_code code = take(&two_queues, out, err);
  (void)number;
  memset(queues, 0, sizeof queues);
  two.held = two.sent = two.recorded = 0;
  two.broken = false;
  return code;
}

static void two_close(pv_gpu *gpu) {
  (void)drain(gpu, NULL); /* where something has failed, not all of it runs */
  for (int i = 0; i < 2; i++)
    for (; queues[i].head < queues[i].tail; queues[i].head++)
      free(queues[i].items[queues[i].head].bytes);
  if (two.broken)
    discard(gpu);
  else
    give(gpu);
}

static pv_code two_info(pv_gpu *gpu, pv_gpu_info *out, pv_error *err) {
  const pv_code code = pv_gpu_ptx.info(gpu, out, err);
  out->free_ = out->memory = two.free_;
  return code;
}

static pv_code two_alloc(pv_gpu *gpu, uint64_t bytes, uint64_t *out, pv_error *err) {
  two.held += bytes;
  return pv_gpu_ptx.alloc(gpu, bytes, out, err);
}

static pv_code copy(pv_gpu_queue which, uint64_t to, const void *from, uint64_t bytes) {
  item *i = add(which, COPY);
  i->bytes = copy_of(from, bytes);
  i->to = to;
  i->count = bytes;
  return PV_OK;
}

static pv_code two_upload(pv_gpu *gpu, uint64_t to, const void *from, uint64_t bytes,
                          pv_error *err) {
  (void)gpu;
  (void)err;
  return copy(PV_GPU_COMPUTING, to, from, bytes);
}

static pv_code two_send(pv_gpu *gpu, uint64_t to, const void *from, uint64_t bytes, pv_error *err) {
  (void)gpu;
  (void)err;
  two.sent += bytes;
  return copy(PV_GPU_SENDING, to, from, bytes);
}

static pv_code two_download(pv_gpu *gpu, void *to, uint64_t from, uint64_t bytes, pv_error *err) {
  const pv_code code = drain(gpu, err);
  return code == PV_OK ? pv_gpu_ptx.download(gpu, to, from, bytes, err) : code;
}

static pv_code two_launch(pv_gpu *gpu, const pv_gpu_launch *l, pv_error *err) {
  item *i = add(PV_GPU_COMPUTING, LAUNCH);
  (void)gpu;
  (void)err;
  i->launch = *l;
  i->bytes = copy_of(l->args, l->arg_bytes);
  return PV_OK;
}

static pv_code two_mark(pv_gpu *gpu, pv_gpu_queue which, unsigned number, pv_error *err) {
  (void)gpu;
  (void)err;
  add(which, MARK)->mark = number;
  queues[which].queued[number]++;
  return PV_OK;
}

static pv_code two_await(pv_gpu *gpu, pv_gpu_queue which, unsigned number, pv_error *err) {
  item *i = add(which, AWAIT);
  (void)gpu;
  (void)err;
  i->mark = number;
  i->made = queues[1 - which].queued[number];
  return PV_OK;
}

static pv_code two_record(pv_gpu *gpu, pv_error *err) {
  const pv_code code = drain(gpu, err);
  two.recorded++;
  return code == PV_OK ? pv_gpu_ptx.record(gpu, err) : code;
}

static pv_code two_recorded(pv_gpu *gpu, unsigned *sequence, pv_error *err) {
  const pv_code code = drain(gpu, err); /* what was launched is noted down */
  return code == PV_OK ? pv_gpu_ptx.recorded(gpu, sequence, err) : code;
}

static pv_code two_replay(pv_gpu *gpu, unsigned sequence, pv_error *err) {
  const pv_code code = drain(gpu, err);
  return code == PV_OK ? pv_gpu_ptx.replay(gpu, sequence, err) : code;
}

static pv_code two_find(pv_gpu *gpu, const char *kernel, unsigned *out, pv_error *err) {
  return pv_gpu_ptx.find(gpu, kernel, out, err);
}

const pv_gpu_ops two_queues = {.name = "two",
                               .open = two_open,
                               .close = two_close,
                               .info = two_info,
                               .alloc = two_alloc,
                               .upload = two_upload,
                               .send = two_send,
                               .mark = two_mark,
                               .await = two_await,
                               .download = two_download,
                               .find = two_find,
                               .launch = two_launch,
                               .finish = drain,
                               .record = two_record,
                               .recorded = two_recorded,
                               .replay = two_replay};

static pv_code plain_open(unsigned number, pv_gpu **out, pv_error *err) {
  (void)number;
  return take(&two_plain, out, err);
}

void two_begin(void) {
  two_plain = pv_gpu_ptx;
  two_plain.open = plain_open;
  two_plain.close = give;
}
