/* The child: loads the shared object and calls it. What it says goes over the channel; nothing that
 * it holds is believed. */
#include <dlfcn.h>
#include <pv_kernel.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/text.h"
#include "runtime/library/parts.h"

enum { STACK = 64 << 10, WORD = 256 };

static pv_library_buffer buffers[PV_OP_TENSORS]; /* for the handler */
static size_t buffer_count;

typedef int (*entry)(const pv_kernel_call *call);

static void refuse(const char *text) {
  pv_library_say(PV_LIBRARY_ERROR, 0, 0, text, strlen(text));
}

/* Whether the instruction reads or writes is told by x86 alone. */
static const char *access_of(const void *context) {
#ifdef __x86_64__
  const ucontext_t *c = context;
  return (c->uc_mcontext.gregs[REG_ERR] & 2) != 0 ? "writes" : "reads";
#else
  (void)context;
  return "touches";
#endif
}

/* Says which tensor the address is beside, and lets the instruction end the process. */
static void on_fault(int number, siginfo_t *info, void *context) {
  const unsigned char *address = info->si_addr;
  const char *access = access_of(context);
  int32_t which = -1;
  int64_t at = 0;
  for (size_t i = 0; i < buffer_count; i++)
    if (address >= buffers[i].map && address < buffers[i].map + buffers[i].map_bytes) {
      which = (int32_t)i;
      at = address - buffers[i].data;
    }
  pv_library_say(PV_LIBRARY_FAULT, which, at, access, strlen(access));
  signal(number, SIG_DFL);
}

static bool catch_faults(void) {
  static unsigned char stack[STACK];
  const stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
  const struct sigaction action = {.sa_sigaction = on_fault,
                                   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND};
  const struct rlimit none = {0, 0};
  return setrlimit(RLIMIT_CORE, &none) == 0 && sigaltstack(&own, NULL) == 0 &&
         sigaction(SIGSEGV, &action, NULL) == 0 && sigaction(SIGBUS, &action, NULL) == 0;
}

static void type_name(const pv_operation *op, size_t tensor, pv_format format, char out[16]) {
  const pv_op_tensor *t = &op->tensor[tensor];
  const char *name = t->element == PV_OP_INDEX     ? "i32"
                     : t->element == PV_OP_WEIGHTS ? pv_type_get((uint32_t)op->type)->name
                     : t->element == PV_OP_PACKED  ? pv_format_get(op->packed)->name
                                                   : pv_format_get(format)->name;
  size_t i = 0;
  for (; name[i] != '\0' && i < 15; i++)
    out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
  out[i] = '\0';
}

/* Rows of an output, one behind the other. */
static void say_output(size_t tensor, const pv_library_buffer *b) {
  unsigned char *rows = malloc(b->rows * b->row_bytes);
  if (rows == NULL) _exit(1);
  for (size_t r = 0; r < b->rows; r++)
    memcpy(rows + r * b->row_bytes, b->data + r * b->stride, b->row_bytes);
  pv_library_say(PV_LIBRARY_OUTPUT, (int32_t)tensor, 0, rows, b->rows * b->row_bytes);
  free(rows);
}

static void run(const pv_operation *op, const pv_op_case *c, const pv_op_values *v, entry function,
                unsigned which) {
  pv_kernel_tensor tensors[PV_OP_TENSORS];
  pv_kernel_number numbers[PV_OP_SIZES + PV_OP_SCALARS];
  char types[PV_OP_TENSORS][16];
  pv_kernel_call call = {PV_KERNEL_ABI, (uint32_t)pv_operation_tensors(op), 0, tensors, numbers};
  for (size_t i = 0; i < call.tensor_count; i++) {
    if (!pv_library_place(&op->tensor[i], &v[i], which, &buffers[i])) {
      refuse("there is no memory for a case");
      _exit(1);
    }
    type_name(op, i, v[i].format, types[i]);
    tensors[i] = (pv_kernel_tensor){op->tensor[i].name, types[i],          v[i].rows,
                                    v[i].row,           buffers[i].stride, buffers[i].data};
  }
  buffer_count = call.tensor_count;
  for (size_t i = 0; i < PV_OP_SIZES && op->size[i] != NULL; i++)
    numbers[call.number_count++] = (pv_kernel_number){op->size[i], c->size[i]};
  for (size_t i = 0; i < PV_OP_SCALARS && op->scalar[i].name != NULL; i++)
    numbers[call.number_count++] = (pv_kernel_number){op->scalar[i].name, c->scalar[i]};
  pv_library_say(PV_LIBRARY_BEGIN, (int32_t)which, 0, NULL, 0);
  const int code = function(&call);
  pv_library_say(PV_LIBRARY_RETURNED, code, 0, NULL, 0);
  for (size_t i = 0; i < call.tensor_count; i++) {
    int64_t at = 0;
    if (!buffers[i].input && pv_library_outside(&buffers[i], &at))
      pv_library_say(PV_LIBRARY_OUTSIDE, (int32_t)i, at, NULL, 0);
    if (!buffers[i].input && code == PV_KERNEL_DONE) say_output(i, &buffers[i]);
  }
  for (size_t i = 0; i < call.tensor_count; i++) pv_library_release(&buffers[i]);
}

static void run_case(const pv_kernel_info *about, entry function, uint64_t index) {
  pv_arena arena = PV_ARENA_INIT;
  pv_op_values v[PV_OP_TENSORS];
  pv_op_case c;
  pv_format formats[PV_OP_TENSORS];
  const pv_operation *op = pv_operation_find(about->operation);
  const char *text = about->formats == NULL ? "" : about->formats;
  if (op == NULL || !pv_operation_case_at(op, (size_t)index, &c) ||
      pv_library_formats(op, text, formats, NULL) != PV_OK ||
      pv_operation_make(op, &c, &arena, v, NULL) != PV_OK) {
    refuse("there is no such case");
    _exit(1);
  }
  for (size_t i = 0; i < PV_OP_TENSORS; i++) v[i].format = formats[i];
  for (unsigned r = 0; r < PV_LIBRARY_RUNS; r++) run(op, &c, v, function, r);
  pv_library_say(PV_LIBRARY_DONE, 0, 0, NULL, 0);
}

static void say_about(const pv_kernel_info *about) {
  const char *const parts[] = {about->operation, about->numerics, about->formats};
  char text[3 * WORD];
  size_t length = 0;
  for (size_t i = 0; i < 3; i++) {
    const char *part = parts[i] == NULL ? "" : parts[i];
    const size_t n = strnlen(part, WORD - 1);
    memcpy(text + length, part, n);
    text[length + n] = '\0';
    length += n + 1;
  }
  pv_library_say(PV_LIBRARY_ABOUT, 0, 0, text, length);
}

int pv_library_host(int argc, char **argv) {
  uint64_t index = 0;
  void *file = argc == 3 && catch_faults() ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  const bool asks = argc == 3 && strcmp(argv[2], "about") == 0;
  if (argc != 3 || (!asks && !pv_parse_u64(argv[2], strlen(argv[2]), &index))) return 2;
  if (file == NULL) {
    refuse(dlerror());
    _exit(1);
  }
  const pv_kernel_info *about = dlsym(file, "pv_kernel_about");
  void *function = dlsym(file, "pv_kernel_run");
  entry run_it;
  memcpy(&run_it, &function, sizeof run_it);
  if (about == NULL || function == NULL) {
    refuse("it has no pv_kernel_about or no pv_kernel_run");
  } else if (about->abi != PV_KERNEL_ABI) {
    refuse("it is made for another version of pv_kernel.h");
  } else if (asks) {
    say_about(about);
  } else {
    run_case(about, run_it, index);
  }
  _exit(0);
}
