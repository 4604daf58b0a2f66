#include "runtime/probe/words.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "kernels/cuda/kernels.h"
#include "kernels/foreign/foreign.h"
#include "runtime/faults/faults.h"
#include "runtime/forward/backend.h"
#include "runtime/operations/operations.h"
#include "runtime/sources/side.h"

typedef struct meaning {
  const char *name, *about;
} meaning;

/* Errors about a model's file (docs/threat-model.md): the word stands behind the message. */
static const meaning errors[] = {
    {"PV-GGUF-MAGIC",
     "The file does not begin as a GGUF file does: it is something else, or a pointer to it."},
    {"PV-GGUF-VERSION", "A version of the format other than 3."},
    {"PV-GGUF-BIG-ENDIAN",
     "The file is of a machine with the highest byte first; write it anew as little-endian."},
    {"PV-GGUF-SIZE", "The file is too short to be one, or longer than what can be addressed."},
    {"PV-GGUF-TRUNCATED", "The file ends within its index: a download that broke off."},
    {"PV-GGUF-COUNT", "More tensors, keys or elements are announced than the file has room for."},
    {"PV-GGUF-MEMORY", "The index would take more memory than a file of this size may."},
    {"PV-GGUF-NAME-LENGTH", "A name is longer than the format allows."},
    {"PV-GGUF-NAME-BYTES", "A name has bytes that no name has."},
    {"PV-GGUF-EMPTY-NAME", "A key or a tensor has no name."},
    {"PV-GGUF-DUPLICATE-KEY", "A key occurs twice: which one holds is not defined."},
    {"PV-GGUF-DUPLICATE-TENSOR", "A tensor occurs twice, in one file or in two parts of a model."},
    {"PV-GGUF-VALUE-TYPE", "A value of the metadata has a type that there is not."},
    {"PV-GGUF-NESTED-ARRAY", "An array of arrays, which no known key has."},
    {"PV-GGUF-BOOL", "A truth value that is neither 0 nor 1."},
    {"PV-GGUF-KEY-ABSENT", "A key that the model cannot be computed without is not there."},
    {"PV-GGUF-KEY-TYPE", "A key has a value of another type than it should."},
    {"PV-GGUF-KEY-RANGE", "The value of a key is out of its range."},
    {"PV-GGUF-ALIGNMENT",
     "The alignment that the file states is no power of two, or a tensor does not keep it."},
    {"PV-GGUF-TENSOR-TYPE", "A tensor is of a type that there is not."},
    {"PV-GGUF-DIMS", "A tensor has no dimension, too many, or one of length 0."},
    {"PV-GGUF-BLOCKS", "A row of a tensor is not a whole number of blocks of its type."},
    {"PV-GGUF-OFFSET", "A tensor begins elsewhere than behind the one before it."},
    {"PV-GGUF-OVERLAP", "Two tensors share bytes."},
    {"PV-GGUF-OUTSIDE", "A tensor lies beyond the end of the file: it was cut."},
    {"PV-GGUF-SPLIT", "The parts of a model do not belong together."},
    {"PV-GGUF-SPLIT-NAME", "A part's name says another number than its metadata."},
    {"PV-GGUF-SPLIT-MISSING", "A part of the model is not beside the one that was named."},
    {"PV-MODEL-KEY",
     "A key of the metadata that pv neither computes nor knows to be without influence "
     "(docs/metadata.md)."},
    {"PV-MODEL-KEY-RANGE",
     "A key has a value with which the model cannot be computed (docs/metadata.md)."},
    {"PV-MODEL-TENSORS",
     "Tensors are missing, of another shape, or none that the architecture has."},
    {"PV-MODEL-TENSOR-TYPE",
     "A tensor is of a type that pv does not compute with; it is refused, never guessed."},
};

/* What pv kernel check finds; docs/kernel-descriptor.md, docs/cpu-kernels.md and docs/ptx.md. */
static const meaning findings[] = {
    {"out of bounds", "An access outside every buffer that the kernel was given."},
    {"misaligned", "An access whose address is no multiple of its size."},
    {"uninitialised", "Memory or a register is read that nobody wrote."},
    {"undeclared write", "A store into a buffer that the kernel does not say it writes."},
    {"shared-memory race",
     "Two threads of a block touch the same shared memory, one writes, and no barrier is between "
     "them."},
    {"race in device memory", "The same of memory of the device, between threads of any blocks."},
    {"divergent barrier", "Not all threads of a warp or block reach the barrier that they must."},
    {"trap", "The kernel ended itself."},
    {"endless", "More instructions than the interpreter allows: it does not end."},
    {"written between rows", "A store into what lies behind a row and belongs to none."},
    {"unwritten", "An element of the result that nobody stored."},
    {"wrong value", "A result further from the exact one than its bound allows."},
    {"wrong weights", "The same, and which weights of a block are read wrongly, and how."},
    {"depends on the schedule", "Another order of blocks and warps gave another result."},
    {"bits not defined", "The instruction leaves bits open, and the kernel claims every bit."},
    {"input written", "A store into a buffer that is an input."},
    {"not the same twice", "Two calls over the same input gave two results."},
    {"crash", "The process in which it ran was ended by a signal."},
    {"hang", "It did not come back in time."},
    {"flood", "It wrote more to the channel of the test than a case has."},
    {"exit", "It ended the process."},
    {"failed", "It returned an error."},
};

/* Headings of pv bisect, noise and perplexity. */
static const meaning headings[] = {
    {"NO DEFINITION",
     "A side computes what pv does not define, as another engine does: float64 alone judges it."},
    {"TWO DIFFERENT FUNCTIONS",
     "The sides have two numerics identities: bits can not agree, and that is no defect."},
    {"FINDING",
     "What came out, in a sentence: which side is wrong, or the less exact one, and where it "
     "begins."},
    {"ROUTING", "Where the sides first choose other experts, and how near the choice was."},
    {"AGAINST FLOAT64", "The error of each side, layer by layer, against the forward in float64."},
    {"MADE WRONG",
     "Stages that are wrong although their input was right: where a defect is, not where it "
     "shows."},
    {"NOT JUDGED", "Stages that the trace does not hold, or whose input it does not hold."},
    {"ERROR AND 1 - COSINE", "The floor: how far a sound forward is from float64, layer by layer."},
    {"CHOICES", "How often another top token or another set of experts was chosen."},
    {"NOT FINITE", "A number that is none stands there: nothing can be said of what follows."},
    {"LARGEST ERROR",
     "Of one row over its largest element, stage by stage, in the layer where it is worst."},
    {"OF ONE BLOCK ALONE", "The error that a stage makes itself, on an input that is right."},
};

static void add(json_t **out, const char *name, const char *kind, const char *about) {
  pv_json_append(out, json_pack("{s:s, s:s, s:s}", "name", name, "kind", kind, "about", about));
}

static void add_all(json_t **out, const meaning *list, size_t count, const char *kind) {
  for (size_t i = 0; i < count; i++) add(out, list[i].name, kind, list[i].about);
}

static void add_identities(json_t **out) {
  const pv_foreign *f;
  for (int i = 0; i < PV_NUMERICS_COUNT; i++)
    add(out, pv_numerics_name((pv_numerics)i), "numerics identity",
        pv_numerics_identity((pv_numerics)i));
  for (size_t i = 0; (f = pv_foreign_at(i)) != NULL; i++)
    add(out, f->name, "identity of other engines", f->about);
}

static void add_faults(json_t **out) {
  size_t count = 0;
  const pv_fault *list = pv_faults(&count);
  for (size_t i = 0; i < count; i++) {
    pv_text about = PV_TEXT_INIT;
    pv_text_printf(&about, "%s. Seen by %s.", list[i].summary, list[i].caught_by);
    if (about.failed)
      pv_json_append(out, NULL); /* then there is no list */
    else
      add(out, list[i].name, "fault, a defect that is planted", about.data);
    pv_text_free(&about);
  }
}

/* Once each, with where it occurs, whatever architectures share it. */
static void add_stages(json_t **out) {
  const pv_plan *plan;
  for (size_t n = 0; (plan = pv_plan_at(n)) != NULL; n++)
    for (size_t row = 0; row < plan->count; row++) {
      bool before = false;
      for (size_t i = 0; i < n && !before; i++)
        before = pv_plan_stage(pv_plan_at(i), plan->rows[row].name) >= 0;
      if (before) continue;
      char about[160];
      snprintf(about, sizeof about, "%s, of %s%s; docs/conventions.md has its width",
               pv_plan_is(plan, row, PV_ROW_ONCE) ? "Once in a forward" : "Once in each layer",
               plan->name, pv_plan_at(n + 1) != NULL ? " and others" : "");
      add(out, plan->rows[row].name, "stage of the forward", about);
    }
}

json_t *pv_probe_words_json(void) {
  json_t *out = json_array();
  size_t count = 0;
  const pv_side_kind *kinds = pv_side_kinds(&count);
  for (size_t i = 0; i < count; i++) add(&out, kinds[i].name, "side", kinds[i].about);
  add_identities(&out);
  add_faults(&out);
  add_stages(&out);
  const pv_operation *op;
  for (size_t i = 0; (op = pv_operation_at(i)) != NULL; i++)
    add(&out, op->name, "operation of a kernel", op->about);
  for (int i = 0; i < PV_GPU_KERNEL_COUNT; i++)
    add(&out, pv_kernel_get((pv_gpu_kernel)i)->name, "CUDA kernel of pv",
        "pv kernel list says how it is launched and what it writes");
  add_all(&out, errors, sizeof errors / sizeof *errors, "error of a model's file");
  add_all(&out, findings, sizeof findings / sizeof *findings, "finding of pv kernel check");
  add_all(&out, headings, sizeof headings / sizeof *headings, "heading of a report");
  return out;
}
