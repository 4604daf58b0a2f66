/* Where a foreign kernel runs: interpreted, or on a device. One trial is one case run once: buffers
 * of exactly the size that the case gives them, launches one behind the other, what was written.
 *
 * Codes: PV_ERR_UNSUPPORTED, nothing can be judged here: no device, an instruction that is not
 * executed; PV_ERR_INPUT, the descriptor does not fit. A defect of the kernel is a fault, no error.
 */
#ifndef PV_GUEST_DEVICE_H
#define PV_GUEST_DEVICE_H

#include "runtime/guest/signature.h"

/* A file of a launch, read once however many launches name it. */
typedef struct pv_guest_program {
  const char *path;
  const char *bytes; /* a NUL follows */
  size_t length;
  const pv_ptx_module *module; /* NULL: machine code */
} pv_guest_program;

typedef struct pv_guest_buffer {
  const char *name;                 /* NULL: not used */
  uint64_t rows, row, pitch, bytes; /* bytes: that of the last row's end */
  unsigned char *given;             /* what it holds first, padding included; NULL: nothing */
  bool zero;                        /* holds zeros first */
  bool written;                     /* by one of the launches */
  unsigned char *got;               /* `bytes`, filled where it is written */
} pv_guest_buffer;

typedef struct pv_guest_step {
  const pv_guest_launch *launch;
  const pv_guest_signature *signature;
  pv_guest_shape shape;
} pv_guest_step;

typedef struct pv_guest_trial {
  pv_guest_buffer buffers[PV_GUEST_BUFFERS];
  pv_guest_step steps[PV_GUEST_LAUNCHES];
  size_t step_count;
  const pv_guest_value *values;
} pv_guest_trial;

/* What an instruction did: where it stands, and in which block and thread. `line` 0: not known. */
typedef struct pv_guest_spot {
  uint32_t line, source_line;
  char source[256];
  uint32_t block[3], thread[3];
} pv_guest_spot;

/* A defect that ended or spoiled the run. */
typedef struct pv_guest_fault {
  char kind[48]; /* "out of bounds"; "": none */
  char text[768];
  pv_guest_spot spot;
  bool last; /* nothing can run here any more */
} pv_guest_fault;

typedef struct pv_guest_device pv_guest_device;
typedef struct pv_guest_device_ops {
  const char *name;
  /* Ways that a case can be run in (schedules, or what memory holds before), and how many of them
   * each case is: the first, then others in turn. */
  unsigned ways, runs;
  /* `programs` of the launches, one each; they live as long as the device. */
  pv_code (*open)(const pv_guest_descriptor *d, const pv_guest_program *const *programs,
                  pv_guest_device **out, pv_error *err);
  void (*close)(pv_guest_device *device);
  /* Of launch `which`, when its program is machine code; NULL where that does not run. */
  pv_code (*signature)(pv_guest_device *device, size_t which, pv_guest_signature *out,
                       pv_error *err);
  /* Whether the launch has instructions whose bits are not defined, and where; NULL: not known. */
  bool (*approximates)(pv_guest_device *device, size_t which, uint32_t *line);
  pv_code (*run)(pv_guest_device *device, const pv_guest_trial *trial, unsigned way,
                 pv_guest_fault *fault, pv_error *err);
  /* Of the last run: whether anybody stored this byte of a buffer that is written. */
  bool (*stored)(pv_guest_device *device, size_t buffer, uint64_t at);
  /* And who did; false: not known. */
  bool (*who)(pv_guest_device *device, size_t buffer, uint64_t at, pv_guest_spot *out);
} pv_guest_device_ops;

struct pv_guest_device { /* first member of every device's own state */
  const pv_guest_device_ops *ops;
};

extern const pv_guest_device_ops pv_guest_on_ptx;
extern const pv_guest_device_ops pv_guest_on_cuda;

#endif
