/* What a fault says: where, who, and what lies next to it. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernels/ptx/step.h"

static const char *const names[] = {
    [PV_PTX_NO_FAULT] = "no fault",
    [PV_PTX_OUT_OF_BOUNDS] = "out of bounds",
    [PV_PTX_MISALIGNED] = "misaligned",
    [PV_PTX_UNINITIALISED] = "uninitialised",
    [PV_PTX_UNDECLARED_WRITE] = "undeclared write",
    [PV_PTX_DIVERGENT_BARRIER] = "divergent barrier",
    [PV_PTX_SHARED_RACE] = "shared-memory race",
    [PV_PTX_ENDLESS] = "endless",
    [PV_PTX_GLOBAL_RACE] = "race in device memory",
    [PV_PTX_TRAP] = "trap",
};

const char *pv_ptx_fault_name(pv_ptx_fault_kind kind) {
  return names[kind];
}

static void describe(pv_ptx_warp *warp, const pv_ptx_step *step, unsigned lane,
                     pv_ptx_fault_kind kind, uint64_t address, const char *what) {
  pv_ptx_block *b = warp->block;
  const pv_ptx_instruction *i = b->code->sources[step->source];
  const unsigned *size = b->grid->launch->block;
  const uint32_t thread = warp->index * PV_PTX_LANES + lane;
  pv_ptx_fault *f = &b->fault;
  char place[240];
  if (b->failed) return;
  b->failed = true;
  *f = (pv_ptx_fault){
      .kind = kind,
      .line = i->line,
      .block = {b->id[0], b->id[1], b->id[2]},
      .thread = {thread % size[0], thread / size[0] % size[1], thread / size[0] / size[1]},
      .address = address};
  snprintf(f->kernel, sizeof f->kernel, "%s", b->code->function->name);
  snprintf(f->instruction, sizeof f->instruction, "%s", i->opcode);
  const char *source = pv_ptx_file_name(b->code->module, i->source_file);
  if (i->source_line != 0 && source != NULL) {
    snprintf(f->source, sizeof f->source, "%s", source);
    f->source_line = i->source_line;
    snprintf(place, sizeof place, "%.60s line %u (%.120s:%u)", b->code->module->name, i->line,
             f->source, f->source_line);
  } else {
    snprintf(place, sizeof place, "%.60s line %u", b->code->module->name, i->line);
  }
  const size_t length = (size_t)snprintf(
      f->text, sizeof f->text,
      "%s: kernel %.60s, %.200s, %s, block (%u, %u, %u), thread (%u, %u, %u): ", names[kind],
      f->kernel, place, f->instruction, f->block[0], f->block[1], f->block[2], f->thread[0],
      f->thread[1], f->thread[2]);
  snprintf(f->text + length, sizeof f->text - length, "%s", what);
}

void pv_ptx_fail_at(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask,
                    pv_ptx_fault_kind kind, const char *fmt, ...) {
  char what[256];
  va_list args;
  va_start(args, fmt);
  vsnprintf(what, sizeof what, fmt, args);
  va_end(args);
  describe(warp, step, (unsigned)__builtin_ctz(mask), kind, 0, what);
}

/* Where an address lies, seen from the buffers. */
static void locate(const pv_ptx_memory *memory, uint64_t address, char *out, size_t size) {
  const pv_ptx_buffer *best = NULL;
  uint64_t least = UINT64_MAX;
  for (uint32_t i = 0; i < memory->count; i++) {
    const pv_ptx_buffer *b = &memory->buffers[i];
    const uint64_t away = address < b->address               ? b->address - address
                          : address - b->address >= b->bytes ? address - b->address - b->bytes + 1
                                                             : 0;
    if (away < least) {
      least = away;
      best = b;
    }
  }
  char what[80] = "the buffer";
  if (best != NULL && best->variable != NULL)
    snprintf(what, sizeof what, "the variable '%.60s'", best->variable->name);
  if (best == NULL)
    snprintf(out, size, "there is no buffer");
  else if (address < best->address)
    snprintf(out, size, "%" PRIu64 " bytes before %s of %" PRIu64 " bytes at 0x%" PRIx64,
             best->address - address, what, best->bytes, best->address);
  else
    snprintf(out, size, "byte %" PRIu64 " of %s of %" PRIu64 " bytes at 0x%" PRIx64,
             address - best->address, what, best->bytes, best->address);
}

void pv_ptx_fail_access(pv_ptx_warp *warp, const pv_ptx_step *step, unsigned lane,
                        pv_ptx_fault_kind kind, uint64_t address, const char *what) {
  char text[600], nearest[240] = "";
  const unsigned bytes = (unsigned)step->bytes * step->count;
  const char *comma = what[0] != '\0' ? ", " : "";
  const bool global = step->space == PV_PTX_GLOBAL || step->space == PV_PTX_CONST ||
                      (step->space == PV_PTX_NO_SPACE && address < PV_PTX_WINDOW);
  if (global) locate(warp->block->grid->memory, address, nearest, sizeof nearest);
  snprintf(text, sizeof text, "%u bytes at 0x%" PRIx64 "%s%s%s%s", bytes, address, comma, what,
           global ? "; " : "", nearest);
  describe(warp, step, lane, kind, address, text);
}
