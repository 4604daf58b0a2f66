/* Error codes and the one error record that every fallible function fills.
 *
 * Convention: a fallible function returns `pv_code` and takes a `pv_error *` as its last
 * parameter. On PV_OK the record is untouched; otherwise it is filled once, at the place of the
 * cause. `err` may be NULL where a caller only needs the code. */
#ifndef PV_BASE_ERROR_H
#define PV_BASE_ERROR_H

#include <stdint.h>
#include <stdio.h>

typedef enum pv_code {
  PV_OK = 0,
  PV_ERR_INPUT,       /* the input or the call is wrong: exit code 2 */
  PV_ERR_IO,          /* the system refused to read or write */
  PV_ERR_NOMEM,       /* an allocation failed */
  PV_ERR_LIMIT,       /* the input is larger than a documented limit */
  PV_ERR_UNSUPPORTED, /* valid, but not something this build can do */
  PV_ERR_CONFLICT,    /* somebody else changed or holds the file */
  PV_ERR_CANCELLED,   /* Ctrl-C or SIGTERM */
  PV_ERR_DEVICE,      /* the accelerator failed: nothing it holds can be trusted any more */
  PV_ERR_INTERNAL     /* a broken invariant of pv itself: exit code 4 */
} pv_code;

typedef struct pv_error {
  pv_code code;
  char rule[32];     /* static rule or bug-class id, e.g. "PV-YAML-004"; "" when none */
  char file[512];    /* "" when no file is involved */
  int64_t line;      /* 1-based; 0 when unknown */
  int64_t column;    /* 1-based, in bytes; 0 when unknown */
  int64_t byte;      /* 0-based offset in the file; -1 when unknown */
  char message[512]; /* what is wrong: one sentence without a full stop */
  char hint[256];    /* what to do about it; "" when nothing useful can be said */
} pv_error;

#define PV_ERROR_INIT ((pv_error){.code = PV_OK, .byte = -1})

/* Fills `err` (when not NULL) and returns `code`. Place and hint are reset. */
pv_code pv_error_set(pv_error *err, pv_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The two most common ones. "out of memory for `what`", PV_ERR_NOMEM; and what the user gave is
 * refused, PV_ERR_INPUT, with the cure. */
pv_code pv_error_nomem(pv_error *err, const char *what);
pv_code pv_error_refuse(pv_error *err, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Add a place, a rule id or a cure to an error that was just set. NULL `err` is allowed. */
void pv_error_at(pv_error *err, const char *file, int64_t line, int64_t column, int64_t byte);
void pv_error_rule(pv_error *err, const char *rule);
void pv_error_hint(pv_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* `strerror` of `saved_errno` appended to the formatted text; PV_ERR_NOMEM for ENOMEM, else IO. */
pv_code pv_error_errno(pv_error *err, int saved_errno, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __clang_analyzer__ /* it can not see into error.c: what these return is never PV_OK */
#define pv_error_set(err, code, ...) (pv_error_set((err), (code), __VA_ARGS__), (code))
#define pv_error_errno(...)          (pv_error_errno(__VA_ARGS__), PV_ERR_IO)
#define pv_error_nomem(err, what)    (pv_error_nomem((err), (what)), PV_ERR_NOMEM)
#define pv_error_refuse(...)         (pv_error_refuse(__VA_ARGS__), PV_ERR_INPUT)
#endif

/* Writes "file:line:column: error: message [rule]\n  hint\n" with control and bidirectional
 * characters escaped. `file` NULL writes nothing, and so does PV_ERR_IO without a message (see
 * pv_output_flush). */
void pv_error_print(const pv_error *err, FILE *file);

/* The process exit code for a code (DESIGN: 0 ok, 2 wrong input or call, 4 internal). */
int pv_code_exit(pv_code code);

#endif
