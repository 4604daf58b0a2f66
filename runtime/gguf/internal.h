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

/* A file; of a set the first part, which has the tensors of all once they are joined. */
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
  pv_gguf **rest;      /* owned; the parts behind the first: NULL where they were not joined */
  uint32_t rest_count;
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
const void *gguf_index_find(const pv_gguf_string *const *index, uint64_t count,
                            pv_gguf_string wanted);
/* The value of such a key, or NULL. */
const pv_gguf_value *gguf_find_key(const pv_gguf *gguf, pv_gguf_string key);

/* gguf.c: one file alone, whatever it says of others. `map`, which may be NULL, becomes its own. */
pv_code gguf_build(const void *data, uint64_t length, const char *name, const pv_map *map,
                   pv_gguf **out, pv_error *err);

/* split.c: makes one object of the parts of a set, in their order, and checks that they are one.
 * On PV_OK parts[0] owns the others, on an error nothing has changed. */
pv_code gguf_join(pv_gguf *const *parts, uint32_t count, pv_error *err);
/* How many files a file says that the model has: split.count, and 1 where it says none or 0. */
pv_code gguf_split_count(const pv_gguf *gguf, uint64_t *out, pv_error *err);
/* What is known of a file by `byte`, -1 for no place. */
pv_code gguf_refuse_part(const pv_gguf *gguf, int64_t byte, pv_error *err, const char *rule,
                         const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

/* pages.c: gives bytes of a mapped file back to the system until somebody reads them. */
void gguf_drop(const pv_gguf *part, const unsigned char *data, uint64_t bytes);

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
