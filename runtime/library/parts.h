/* Inside the room: what the child says, and how tensors lie in its memory. */
#ifndef PV_LIBRARY_PARTS_H
#define PV_LIBRARY_PARTS_H

#include "runtime/library/library.h"

enum { PV_LIBRARY_RUNS = 2, PV_LIBRARY_CHANNEL = 3 };

/* Frames on the channel. */
typedef enum pv_library_word {
  PV_LIBRARY_ERROR = 1, /* text: the file can not be used */
  PV_LIBRARY_ABOUT,     /* operation, numerics, formats, each with its NUL */
  PV_LIBRARY_BEGIN,     /* number: which run */
  PV_LIBRARY_RETURNED,  /* number: of the function */
  PV_LIBRARY_OUTPUT,    /* number: tensor; its rows, one behind the other */
  PV_LIBRARY_OUTSIDE,   /* number: tensor; at: a byte beside its rows that was written */
  PV_LIBRARY_FAULT, /* number: tensor, or -1; at: byte from its first; text: "reads", "writes" */
  PV_LIBRARY_DONE
} pv_library_word;

typedef struct pv_library_frame {
  uint32_t word;
  int32_t number;
  int64_t at;
  uint64_t length; /* of the bytes behind it */
} pv_library_frame;

/* Async-signal-safe. */
void pv_library_say(pv_library_word word, int32_t number, int64_t at, const void *bytes,
                    size_t length);
/* The next frame of the text and its bytes; false at the end, or where a whole one is not there. */
bool pv_library_next(const char *text, size_t length, size_t *at, pv_library_frame *out,
                     const char **bytes);

/* The format of each tensor from "x=q8_1 y=f16". */
pv_code pv_library_formats(const pv_operation *op, const char *text, pv_format out[PV_OP_TENSORS],
                           pv_error *err);

/* A tensor between pages that can not be touched. */
typedef struct pv_library_buffer {
  unsigned char *map, *data;
  size_t map_bytes, rows, row_bytes, stride, bytes; /* bytes: of all rows with what is between */
  bool input;
  unsigned char pattern;
} pv_library_buffer;

/* Bytes of a row as the kernel gets it; 0: no whole blocks. */
size_t pv_library_row_bytes(const pv_op_tensor *t, pv_format format, const pv_op_values *v);
/* How tensor `t` lies in run 0 or 1, with what the kernel is given. False: no memory, or numbers
 * that can not be given so. */
bool pv_library_place(const pv_op_tensor *t, const pv_op_values *v, unsigned run,
                      pv_library_buffer *out);
/* The first byte beside the rows that is not what it was; false: none. */
bool pv_library_outside(const pv_library_buffer *b, int64_t *at);
void pv_library_release(pv_library_buffer *b);
/* What output rows hold before run 0 or 1. */
unsigned char pv_library_pattern(unsigned run);

/* One case judged from what the child said; `code`, `signal` and `late`: how it ended. An error, no
 * memory, is none of the kernel's: the report is worth nothing then. */
typedef struct pv_library_end {
  int code, signal;
  bool late, flooded;
} pv_library_end;
pv_code pv_library_judge(const pv_operation *op, const pv_op_case *c, const pv_op_values *values,
                         const char *text, size_t length, const pv_library_end *end,
                         pv_library_report *out, pv_error *err);

#endif
