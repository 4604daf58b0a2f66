/* Foreign kernels on a device. It does not watch accesses, so memory is laid out to show them:
 * guard zones around every buffer, patterns where nothing was given, the same launches twice over
 * other patterns, and shared memory that is filled before. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/bare.h"
#include "runtime/guest/device.h"

enum { GUARD = 4096, TURNS = 2 };
#define SECONDS 10.0

typedef struct buffer {
  uint64_t base; /* of the allocation: a guard, the buffer, a guard */
  uint64_t bytes;
  unsigned char *before, *after[TURNS]; /* the whole allocation; before: of the turn under way */
} buffer;

typedef struct device {
  pv_guest_device base;
  const pv_guest_descriptor *d;
  pv_cuda_bare *cuda;
  CUmodule modules[PV_GUEST_LAUNCHES];
  CUfunction functions[PV_GUEST_LAUNCHES], fill;
  buffer buffers[PV_GUEST_BUFFERS];
  unsigned char patterns[TURNS]; /* of the turns of the last run */
} device;

/* Fills the shared memory of a block, which takes all of a multiprocessor's. */
static const char fill_ptx[] =
    ".version 7.0\n.target sm_80\n.address_size 64\n"
    ".extern .shared .align 16 .b8 all[];\n"
    ".visible .entry fill(.param .u32 words, .param .u32 pattern)\n{\n"
    ".reg .pred %p<2>;\n.reg .b32 %r<6>;\n.reg .b32 %a<3>;\n"
    "ld.param.u32 %r1, [words];\nld.param.u32 %r2, [pattern];\n"
    "mov.u32 %r3, %tid.x;\nmov.u32 %r4, %ntid.x;\nmov.u32 %a1, all;\n"
    "LOOP:\nsetp.ge.u32 %p1, %r3, %r1;\n@%p1 bra DONE;\n"
    "shl.b32 %r5, %r3, 2;\nadd.u32 %a2, %a1, %r5;\nst.volatile.shared.u32 [%a2], %r2;\n"
    "add.u32 %r3, %r3, %r4;\nbra LOOP;\nDONE:\nret;\n}\n";

static void forget(device *v) {
  for (size_t i = 0; i < PV_GUEST_BUFFERS; i++) {
    buffer *b = &v->buffers[i];
    if (b->base != 0) pv_cuda_bare_free(v->cuda, b->base);
    free(b->before);
    for (int t = 0; t < TURNS; t++) free(b->after[t]);
    *b = (buffer){0};
  }
}

static void cuda_close(pv_guest_device *base) {
  device *v = (device *)base;
  forget(v);
  pv_cuda_bare_close(v->cuda);
  free(v);
}

static pv_code cuda_open(const pv_guest_descriptor *d, const pv_guest_program *const *programs,
                         pv_guest_device **out, pv_error *err) {
  device *v = calloc(1, sizeof *v);
  CUmodule filler = NULL;
  if (v == NULL) return pv_error_nomem(err, "a device");
  v->base.ops = &pv_guest_on_cuda;
  v->d = d;
  pv_code code = pv_cuda_bare_open(&v->cuda, err);
  if (code == PV_OK) code = pv_cuda_bare_load(v->cuda, "fill", fill_ptx, &filler, err);
  if (code == PV_OK) code = pv_cuda_bare_find(v->cuda, filler, "fill", &v->fill, err);
  for (size_t i = 0; i < d->launch_count && code == PV_OK; i++) {
    for (size_t k = 0; k < i; k++)
      if (programs[k] == programs[i]) v->modules[i] = v->modules[k];
    if (v->modules[i] == NULL)
      code = pv_cuda_bare_load(v->cuda, programs[i]->path, programs[i]->bytes, &v->modules[i], err);
    if (code == PV_OK)
      code = pv_cuda_bare_find(v->cuda, v->modules[i], d->launches[i].entry, &v->functions[i], err);
  }
  if (code != PV_OK)
    cuda_close(&v->base);
  else
    *out = &v->base;
  return code;
}

static pv_code cuda_signature(pv_guest_device *base, size_t which, pv_guest_signature *out,
                              pv_error *err) {
  device *v = (device *)base;
  pv_guest_signature made = {0};
  unsigned threads = 0, shared = 0;
  bool there = true;
  pv_code code = pv_cuda_bare_limits(v->cuda, v->functions[which], &threads, &shared, err);
  while (code == PV_OK && there && made.count < PV_GUEST_PARAMETERS) {
    size_t offset = 0, bytes = 0;
    code = pv_cuda_bare_parameter(v->cuda, v->functions[which], made.count, &there, &offset, &bytes,
                                  err);
    if (code != PV_OK || !there) break;
    /* What the offset allows: nothing else is known of it. */
    const uint32_t align = offset == 0 ? 16 : (uint32_t)(offset & (~offset + 1));
    made.slots[made.count++] =
        (pv_guest_slot){(uint32_t)bytes, align < 16 ? align : 16, PV_PTX_NO_TYPE};
  }
  made.most[0] = threads;
  made.most[1] = made.most[2] = 1;
  made.shared = shared;
  if (code == PV_OK) *out = made;
  return code;
}

/* Guards and what nobody gives hold the pattern; a buffer's own bytes what the case gives. */
static pv_code place(device *v, const pv_guest_trial *t, int turn, pv_error *err) {
  const unsigned char pattern = v->patterns[turn];
  pv_code code = PV_OK;
  for (size_t i = 0; i < PV_GUEST_BUFFERS && code == PV_OK; i++) {
    const pv_guest_buffer *from = &t->buffers[i];
    buffer *b = &v->buffers[i];
    if (from->name == NULL) continue;
    const uint64_t all = from->bytes + 2 * (uint64_t)GUARD;
    if (b->base == 0) {
      b->bytes = from->bytes;
      b->before = malloc(all);
      for (int k = 0; k < TURNS; k++) b->after[k] = malloc(all);
      if (b->before == NULL || b->after[0] == NULL || b->after[1] == NULL)
        return pv_error_nomem(err, "a buffer");
      code = pv_cuda_bare_alloc(v->cuda, all, &b->base, err);
    }
    if (code != PV_OK) break;
    memset(b->before, pattern, all);
    if (from->zero) memset(b->before + GUARD, 0, from->bytes);
    for (uint64_t r = 0; from->given != NULL && r < from->rows; r++)
      memcpy(b->before + GUARD + r * from->pitch, from->given + r * from->pitch, from->row);
    code = pv_cuda_bare_upload(v->cuda, b->base, b->before, all, err);
  }
  return code;
}

static pv_code fill_shared(device *v, unsigned char pattern, pv_error *err) {
  uint32_t words = pv_cuda_bare_shared(v->cuda) / 4, value = pattern * 0x01010101u;
  void *arguments[] = {&words, &value};
  const pv_cuda_bare_launch l = {.function = v->fill,
                                 .grid = {4 * pv_cuda_bare_processors(v->cuda), 1, 1},
                                 .block = {1024, 1, 1},
                                 .shared = 4 * words,
                                 .arguments = arguments};
  CUresult cause;
  return pv_cuda_bare_launch_wait(v->cuda, &l, SECONDS, &cause, err);
}

/* What ended a launch, in the words of the interpreter where they say the same. */
static void note(const device *v, size_t which, CUresult cause, const pv_error *err,
                 pv_guest_fault *out) {
  const char *kind = cause == CUDA_ERROR_NOT_READY            ? "endless"
                     : cause == CUDA_ERROR_ILLEGAL_ADDRESS    ? "out of bounds"
                     : cause == CUDA_ERROR_MISALIGNED_ADDRESS ? "misaligned"
                     : cause == CUDA_ERROR_ASSERT || cause == CUDA_ERROR_LAUNCH_FAILED ||
                             cause == CUDA_ERROR_ILLEGAL_INSTRUCTION
                         ? "trap"
                         : "device error";
  *out = (pv_guest_fault){.last = true};
  snprintf(out->kind, sizeof out->kind, "%s", kind);
  if (cause == CUDA_ERROR_NOT_READY)
    snprintf(out->text, sizeof out->text, "kernel %.100s did not end within %g s",
             v->d->launches[which].entry, SECONDS);
  else
    snprintf(out->text, sizeof out->text, "kernel %.100s: %s; no case was run after it",
             v->d->launches[which].entry, err->message);
}

static pv_code launch(device *v, const pv_guest_trial *t, size_t which, pv_guest_fault *fault,
                      pv_error *err) {
  const pv_guest_step *s = &t->steps[which];
  unsigned char bytes[PV_GUEST_PARAMETERS * 64];
  void *arguments[PV_GUEST_PARAMETERS];
  uint64_t addresses[PV_GUEST_BUFFERS];
  size_t used = 0;
  pv_code code = PV_OK;
  for (size_t i = 0; i < PV_GUEST_BUFFERS; i++) addresses[i] = v->buffers[i].base + GUARD;
  for (size_t i = 0; i < s->signature->count && code == PV_OK; i++) {
    used = (used + 15) / 16 * 16;
    if (used + s->signature->slots[i].bytes > sizeof bytes)
      return pv_error_set(err, PV_ERR_LIMIT, "more than %zu bytes of parameters", sizeof bytes);
    arguments[i] = bytes + used;
    code = pv_guest_argument(s->launch, s->signature, i, t->values, addresses, bytes + used, err);
    used += s->signature->slots[i].bytes;
  }
  if (code != PV_OK) return code;
  pv_cuda_bare_launch l = {.function = v->functions[which],
                           .shared = s->shape.shared,
                           .cooperative = s->launch->cooperative,
                           .arguments = arguments};
  memcpy(l.grid, s->shape.grid, sizeof l.grid);
  memcpy(l.block, s->shape.block, sizeof l.block);
  CUresult cause = CUDA_SUCCESS;
  pv_error own = PV_ERROR_INIT;
  code = pv_cuda_bare_launch_wait(v->cuda, &l, SECONDS, &cause, &own);
  if (code == PV_ERR_DEVICE) {
    note(v, which, cause, &own, fault);
    return PV_OK;
  }
  if (code != PV_OK && err != NULL) *err = own;
  return code;
}

/* Bytes that the launches had no right to. */
static void look_around(const device *v, const pv_guest_trial *t, int turn, pv_guest_fault *out) {
  for (size_t i = 0; i < PV_GUEST_BUFFERS && out->kind[0] == '\0'; i++) {
    const pv_guest_buffer *from = &t->buffers[i];
    const buffer *b = &v->buffers[i];
    if (from->name == NULL) continue;
    const uint64_t all = b->bytes + 2 * (uint64_t)GUARD;
    for (uint64_t at = 0; at < all && out->kind[0] == '\0'; at++) {
      const bool inside = at >= GUARD && at < GUARD + b->bytes;
      if ((inside && from->written) || b->after[turn][at] == b->before[at]) continue;
      snprintf(out->kind, sizeof out->kind, "%s", inside ? "undeclared write" : "out of bounds");
      snprintf(out->text, sizeof out->text, "byte %lld of %s was written, which has %llu%s",
               (long long)at - GUARD, from->name, (unsigned long long)b->bytes,
               inside ? " and is no output" : "");
    }
  }
}

static pv_code take(device *v, const pv_guest_trial *t, int turn, pv_guest_fault *fault,
                    pv_error *err) {
  pv_code code = place(v, t, turn, err);
  if (code == PV_OK) code = fill_shared(v, v->patterns[turn], err);
  for (size_t i = 0; i < t->step_count && code == PV_OK && fault->kind[0] == '\0'; i++)
    code = launch(v, t, i, fault, err);
  if (code != PV_OK || fault->kind[0] != '\0') return code;
  for (size_t i = 0; i < PV_GUEST_BUFFERS && code == PV_OK; i++)
    if (t->buffers[i].name != NULL)
      code = pv_cuda_bare_download(v->cuda, v->buffers[i].after[turn], v->buffers[i].base,
                                   v->buffers[i].bytes + 2 * (uint64_t)GUARD, err);
  if (code == PV_OK) look_around(v, t, turn, fault);
  return code;
}

/* Twice, over two patterns, so that a byte that still holds both was written by nobody. The other
 * way begins with the other pattern: outputs that differ then depend on what nobody gave. */
static pv_code cuda_run(pv_guest_device *base, const pv_guest_trial *t, unsigned way,
                        pv_guest_fault *fault, pv_error *err) {
  device *v = (device *)base;
  static const unsigned char patterns[] = {0xff, 0x7d};
  pv_code code = PV_OK;
  fault->kind[0] = '\0';
  fault->last = false;
  forget(v);
  for (int turn = 0; turn < TURNS && code == PV_OK && fault->kind[0] == '\0'; turn++) {
    v->patterns[turn] = patterns[(way + (unsigned)turn) % TURNS];
    code = take(v, t, turn, fault, err);
  }
  for (size_t i = 0; i < PV_GUEST_BUFFERS && code == PV_OK && fault->kind[0] == '\0'; i++)
    if (t->buffers[i].name != NULL && t->buffers[i].written)
      memcpy(t->buffers[i].got, v->buffers[i].after[0] + GUARD, t->buffers[i].bytes);
  return code;
}

static bool cuda_stored(pv_guest_device *base, size_t which, uint64_t at) {
  const device *v = (device *)base;
  const buffer *b = &v->buffers[which];
  for (int t = 0; t < TURNS; t++)
    if (b->after[t][GUARD + at] != v->patterns[t]) return true;
  return false;
}

const pv_guest_device_ops pv_guest_on_cuda = {.name = "cuda",
                                              .ways = TURNS,
                                              .runs = TURNS,
                                              .open = cuda_open,
                                              .close = cuda_close,
                                              .signature = cuda_signature,
                                              .run = cuda_run,
                                              .stored = cuda_stored};
