/* Foreign kernels on the interpreter of PTX, everything observed. */
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "kernels/ptx/machine.h"
#include "runtime/guest/device.h"

/* What one block may execute: about a second. More blocks, even of nothing, would take many minutes
 * over all cases. A machine is opened anew after so many bytes. */
#define ALLOWED    ((uint64_t)1 << 25)
#define BLOCKS_MAX ((uint64_t)1 << 22)
#define BYTES_MAX  ((uint64_t)256 << 20)
enum { BUFFERS_MAX = 200 };

typedef struct interpreter {
  pv_guest_device base;
  const pv_guest_descriptor *d;
  const pv_guest_program *programs[PV_GUEST_LAUNCHES];
  pv_ptx_machine *machine;
  unsigned kernels[PV_GUEST_LAUNCHES];
  uint64_t bytes, buffers; /* that the machine holds */
  uint64_t addresses[PV_GUEST_BUFFERS], sizes[PV_GUEST_BUFFERS];
} interpreter;

static pv_code start(interpreter *p, pv_error *err) {
  pv_ptx_machine_close(p->machine);
  p->machine = NULL;
  p->bytes = p->buffers = 0;
  pv_code code = pv_ptx_machine_open(0, &p->machine, err);
  if (code != PV_OK) return code;
  pv_ptx_machine_permit(p->machine);
  for (size_t i = 0; i < p->d->launch_count && code == PV_OK; i++) {
    bool loaded = false;
    for (size_t k = 0; k < i; k++) loaded |= p->programs[k] == p->programs[i];
    if (!loaded)
      code = pv_ptx_machine_load(p->machine, p->programs[i]->path, p->programs[i]->bytes,
                                 p->programs[i]->length, err);
    if (code == PV_OK)
      code = pv_ptx_machine_find(p->machine, p->d->launches[i].entry, &p->kernels[i], err);
  }
  return code;
}

static void ptx_close(pv_guest_device *device) {
  interpreter *p = (interpreter *)device;
  pv_ptx_machine_close(p->machine);
  free(p);
}

static pv_code ptx_open(const pv_guest_descriptor *d, const pv_guest_program *const *programs,
                        pv_guest_device **out, pv_error *err) {
  for (size_t i = 0; i < d->launch_count; i++)
    if (programs[i]->module == NULL) {
      pv_error_set(err, PV_ERR_INPUT, "'%.200s' is machine code: the interpreter takes PTX",
                   programs[i]->path);
      pv_error_hint(err, "--on cuda runs it on a device");
      return PV_ERR_INPUT;
    }
  interpreter *p = calloc(1, sizeof *p);
  if (p == NULL) return pv_error_nomem(err, "an interpreter");
  p->base.ops = &pv_guest_on_ptx;
  p->d = d;
  for (size_t i = 0; i < d->launch_count; i++) p->programs[i] = programs[i];
  const pv_code code = start(p, err);
  if (code != PV_OK)
    ptx_close(&p->base);
  else
    *out = &p->base;
  return code;
}

static bool ptx_approximates(pv_guest_device *device, size_t which, uint32_t *line) {
  const interpreter *p = (interpreter *)device;
  return pv_ptx_machine_approximates(p->machine, p->kernels[which], line);
}

/* Only what the case gives is known to the machine: a read of anything else is a fault. */
static pv_code fill(interpreter *p, const pv_guest_buffer *b, uint64_t address, pv_error *err) {
  pv_code code = PV_OK;
  unsigned char *zeros = b->zero ? calloc(b->bytes + 1, 1) : NULL;
  if (b->zero && zeros == NULL) return pv_error_nomem(err, "a scratch buffer");
  if (b->zero) code = pv_ptx_machine_upload(p->machine, address, zeros, b->bytes, err);
  free(zeros);
  for (uint64_t r = 0; code == PV_OK && b->given != NULL && r < b->rows; r++)
    code = pv_ptx_machine_upload(p->machine, address + r * b->pitch, b->given + r * b->pitch,
                                 b->row, err);
  return code;
}

static pv_code place(interpreter *p, const pv_guest_trial *t, pv_error *err) {
  pv_code code = PV_OK;
  uint64_t bytes = 0, count = 0;
  for (size_t i = 0; i < PV_GUEST_BUFFERS; i++) {
    bytes += t->buffers[i].name != NULL ? t->buffers[i].bytes : 0;
    count += t->buffers[i].name != NULL;
  }
  if (p->bytes > 0 && (p->bytes + bytes > BYTES_MAX || p->buffers + count > BUFFERS_MAX))
    code = start(p, err);
  for (size_t i = 0; i < PV_GUEST_BUFFERS && code == PV_OK; i++) {
    const pv_guest_buffer *b = &t->buffers[i];
    p->sizes[i] = 0;
    if (b->name == NULL) continue;
    code = pv_ptx_machine_alloc(p->machine, b->bytes, &p->addresses[i], err);
    if (code == PV_OK) code = fill(p, b, p->addresses[i], err);
    p->sizes[i] = b->bytes;
  }
  p->bytes += bytes;
  p->buffers += count;
  return code;
}

static void note(const interpreter *p, const pv_guest_trial *t, pv_guest_fault *out) {
  const pv_ptx_fault *f = pv_ptx_machine_fault(p->machine);
  *out = (pv_guest_fault){.last = f->kind == PV_PTX_ENDLESS};
  snprintf(out->kind, sizeof out->kind, "%s", pv_ptx_fault_name(f->kind));
  snprintf(out->text, sizeof out->text, "%s", f->text);
  out->spot.line = f->line;
  out->spot.source_line = f->source_line;
  snprintf(out->spot.source, sizeof out->spot.source, "%s", f->source);
  memcpy(out->spot.block, f->block, sizeof f->block);
  memcpy(out->spot.thread, f->thread, sizeof f->thread);
  /* The machine knows no names: an address becomes one. */
  for (size_t i = 0; f->address != 0 && i < PV_GUEST_BUFFERS; i++) {
    const int64_t at = (int64_t)(f->address - p->addresses[i]);
    if (t->buffers[i].name == NULL || at < -4096 || at > (int64_t)p->sizes[i] + 4096) continue;
    const size_t length = strlen(out->text);
    snprintf(out->text + length, sizeof out->text - length, " (%s, byte %lld of %llu)",
             t->buffers[i].name, (long long)at, (unsigned long long)p->sizes[i]);
    break;
  }
}

static pv_code check_blocks(const pv_guest_step *s, pv_error *err) {
  const uint32_t *g = s->shape.grid;
  uint64_t blocks = 0;
  if (pv_ck_mul(g[0], g[1], &blocks) && pv_ck_mul(blocks, g[2], &blocks) && blocks <= BLOCKS_MAX)
    return PV_OK;
  const pv_guest_place *at =
      s->launch->grid[0] != NULL ? &s->launch->grid[0]->place : &s->launch->place;
  pv_error_set(err, PV_ERR_INPUT,
               "a grid of %u x %u x %u blocks: more than %llu are not interpreted", g[0], g[1],
               g[2], (unsigned long long)BLOCKS_MAX);
  pv_error_at(err, at->file, at->line, at->column, -1);
  pv_error_hint(err, "the cases are small; does the grid follow from their sizes?");
  return PV_ERR_INPUT;
}

static pv_code launch(interpreter *p, const pv_guest_trial *t, size_t which, unsigned way,
                      pv_error *err) {
  static const pv_ptx_order orders[] = {PV_PTX_ASCENDING, PV_PTX_DESCENDING, PV_PTX_SHUFFLED};
  const pv_guest_step *s = &t->steps[which];
  unsigned char params[PV_GUEST_PARAMETERS * 64];
  uint64_t outputs[PV_GUEST_BUFFERS];
  pv_ptx_launch l = {.kernel = p->kernels[which],
                     .shared = s->shape.shared,
                     .params = params,
                     .outputs = outputs,
                     .order = orders[way],
                     .seed = 1 + way,
                     .allowed = ALLOWED,
                     .cooperative = s->launch->cooperative,
                     .observe = true};
  pv_code code = check_blocks(s, err);
  memcpy(l.grid, s->shape.grid, sizeof l.grid);
  memcpy(l.block, s->shape.block, sizeof l.block);
  for (size_t i = 0; i < PV_GUEST_BUFFERS; i++)
    if (t->buffers[i].name != NULL && s->launch->writes[i])
      outputs[l.output_count++] = p->addresses[i];
  for (size_t i = 0; i < s->signature->count && code == PV_OK; i++) {
    const pv_guest_slot *slot = &s->signature->slots[i];
    uint64_t at = 0;
    if (!pv_ck_align(l.param_bytes, slot->align, &at) || at + slot->bytes > sizeof params)
      return pv_error_set(err, PV_ERR_LIMIT, "more than %zu bytes of parameters", sizeof params);
    code = pv_guest_argument(s->launch, s->signature, i, t->values, p->addresses, params + at, err);
    l.param_bytes = (size_t)at + slot->bytes;
  }
  return code == PV_OK ? pv_ptx_machine_launch(p->machine, &l, err) : code;
}

static pv_code ptx_run(pv_guest_device *device, const pv_guest_trial *t, unsigned way,
                       pv_guest_fault *fault, pv_error *err) {
  interpreter *p = (interpreter *)device;
  fault->kind[0] = '\0';
  fault->last = false;
  pv_code code = place(p, t, err);
  for (size_t i = 0; i < t->step_count && code == PV_OK; i++) code = launch(p, t, i, way, err);
  if (code == PV_ERR_DEVICE && pv_ptx_machine_fault(p->machine) != NULL) {
    note(p, t, fault);
    code = PV_OK;
  }
  for (size_t i = 0; i < PV_GUEST_BUFFERS && code == PV_OK; i++)
    if (t->buffers[i].name != NULL && t->buffers[i].written)
      code = pv_ptx_machine_download(p->machine, t->buffers[i].got, p->addresses[i],
                                     t->buffers[i].bytes, err);
  return code;
}

static bool ptx_stored(pv_guest_device *device, size_t buffer, uint64_t at) {
  const interpreter *p = (interpreter *)device;
  return pv_ptx_machine_unwritten(p->machine, p->addresses[buffer] + at, 1) != 0;
}

static bool ptx_who(pv_guest_device *device, size_t buffer, uint64_t at, pv_guest_spot *out) {
  const interpreter *p = (interpreter *)device;
  pv_ptx_store s;
  if (!pv_ptx_machine_stored(p->machine, p->addresses[buffer] + at, &s)) return false;
  *out = (pv_guest_spot){.line = s.line, .source_line = s.source_line};
  snprintf(out->source, sizeof out->source, "%s", s.source);
  memcpy(out->block, s.block, sizeof s.block);
  memcpy(out->thread, s.thread, sizeof s.thread);
  return true;
}

const pv_guest_device_ops pv_guest_on_ptx = {.name = "ptx",
                                             .ways = 3,
                                             .runs = 2,
                                             .open = ptx_open,
                                             .close = ptx_close,
                                             .approximates = ptx_approximates,
                                             .run = ptx_run,
                                             .stored = ptx_stored,
                                             .who = ptx_who};
