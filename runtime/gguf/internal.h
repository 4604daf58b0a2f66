/* Shared by the files of this room only. */
#ifndef PV_GGUF_INTERNAL_H
#define PV_GGUF_INTERNAL_H

#include "base/cursor.h"
#include "base/file.h"
#include "runtime/gguf/gguf.h"

/* The views of one string array, made when it is first asked for. */
typedef struct string_views {
  struct string_views *next;
  const pv_gguf_value *value;
  pv_gguf_string *items; /* owned */
} string_views;

struct pv_gguf {
  pv_map map; /* empty when the bytes belong to the caller */
  const unsigned char *data;
  uint64_t length;
  char *path;            /* owned */
  pv_gguf_value *values; /* owned, in file order */
  uint64_t value_count;
  pv_gguf_tensor *tensors; /* owned, in file order */
  uint64_t tensor_count;
  const pv_gguf_string **keys, **names; /* owned; sorted pointers to the first member of each */
  uint32_t alignment;
  uint64_t data_offset;
  string_views *views; /* owned */
};

/* The first member of both records is their name, so a pointer to a name is one to the record. */
_Static_assert(offsetof(pv_gguf_value, key) == 0, "index.c returns pointers to names");
_Static_assert(offsetof(pv_gguf_tensor, name) == 0, "index.c returns pointers to names");

typedef struct parser {
  pv_gguf *gguf;
  pv_cursor cursor;
  pv_error *err;
} parser;

/* values.c, tensors.c: the two lists of the directory, each from its first byte to its last. */
pv_code gguf_read_values(parser *self, uint64_t count);
pv_code gguf_read_alignment(parser *self);
pv_code gguf_read_tensors(parser *self, uint64_t count);
/* The size of one element of a fixed size, 0 for strings, arrays and unknown types. */
unsigned gguf_value_size(uint32_t type);

/* get.c: element `index` of an integer type as 64 bits; `*negative` tells what the sign bit means.
 */
uint64_t gguf_integer(const unsigned char *data, pv_gguf_value_type type, uint64_t index,
                      bool *negative);

/* index.c */
pv_code gguf_index_make(const void *records, uint64_t count, size_t stride,
                        const pv_gguf_string ***out, pv_error *err);
/* The second of two equal names, or NULL. */
const pv_gguf_string *gguf_index_duplicate(const pv_gguf_string *const *index, uint64_t count);
const void *gguf_index_find(const pv_gguf_string *const *index, uint64_t count, const char *name);

/* report.c: one refusal with file, byte, rule and cure. */
pv_code gguf_refuse(parser *self, pv_code code, uint64_t byte, const char *rule, const char *hint,
                    const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* When a read went past the end: says what was being read. Else PV_OK. */
pv_code gguf_check(parser *self, const char *what);
pv_code gguf_truncated(parser *self, uint64_t byte, const char *what, uint64_t needed);
/* A name for a message: at most 80 bytes of it, escaped, in `out`. Returns `out`. */
const char *gguf_show(pv_gguf_string string, char out[96]);
/* True when the string has no control characters; it becomes part of messages and file names. */
bool gguf_printable(pv_gguf_string string);

#define GGUF_CURE_DAMAGED "the file is damaged: copy or download it again"
#define GGUF_CURE_CONVERT "the program that wrote the file is at fault: convert the model again"

#endif
