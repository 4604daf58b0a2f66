/* GGUF version 3, little-endian, read-only. The file is mapped; counts and lengths are checked
 * against the file's length before anything is allocated from them. No weights are read or copied.
 *
 * A model that is split into files (split.count of 2 or more) is one object with the tensors of
 * all: whichever part is opened, the others are found beside it by their names (base/parts.h). Each
 * is part NUMBER of COUNT by its name and by its keys, all count the same tensors and hold that
 * many together, none has a name or a key of its own that contradicts the first, which alone has
 * the metadata. What this can not tell is a part of the same model in another quantisation, cut at
 * the same tensors: pv_gguf_digest is over the bytes of all.
 *
 * An object that opened holds these promises: keys and tensor names are unique, not empty and free
 * of control characters; every value, array element and tensor lies inside the file; tensor data
 * is aligned and does not overlap; value types are those of the list below; a tensor's type is one
 * of pv_type_known, which pv_type_get may not know: such a file can be listed, and no model is made
 * of it; bools are 0 or 1. Every refusal names the file, the byte offset where there is one, a rule
 * id ("PV-GGUF-...") and a cure.
 *
 * A file that is truncated by someone else while it is mapped ends the process with SIGBUS: files
 * from strangers are opened in a probe process, never in the one that writes a status. */
#ifndef PV_GGUF_GGUF_H
#define PV_GGUF_GGUF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "kernels/quant/quant.h"

#define PV_GGUF_MAX_KEYS       1000000u
#define PV_GGUF_MAX_TENSORS    1000000u
#define PV_GGUF_MAX_KEY_BYTES  65535u
#define PV_GGUF_MAX_NAME_BYTES 128u /* of a tensor */
#define PV_GGUF_MAX_DIMS       4u
#define PV_GGUF_MIN_ALIGNMENT  8u /* a power of two; 32 when the file does not say */
#define PV_GGUF_MAX_ALIGNMENT  65536u

/* Numbers as stored in the file; any other is refused, and so is an array of arrays. */
typedef enum pv_gguf_value_type {
  PV_GGUF_U8,
  PV_GGUF_I8,
  PV_GGUF_U16,
  PV_GGUF_I16,
  PV_GGUF_U32,
  PV_GGUF_I32,
  PV_GGUF_F32,
  PV_GGUF_BOOL,
  PV_GGUF_STRING,
  PV_GGUF_ARRAY,
  PV_GGUF_U64,
  PV_GGUF_I64,
  PV_GGUF_F64
} pv_gguf_value_type;

typedef struct pv_gguf_string {
  const char *data; /* into the mapping: not NUL-terminated, may hold any byte */
  uint64_t length;
} pv_gguf_string;

typedef struct pv_gguf_value {
  pv_gguf_string key;
  pv_gguf_value_type type;
  pv_gguf_value_type element; /* PV_GGUF_ARRAY */
  uint64_t count;             /* PV_GGUF_ARRAY: elements, else 1 */
  const unsigned char *data;  /* first byte of the value or of the first element */
  uint64_t bytes;             /* of all elements, lengths of strings included */
  uint64_t offset;            /* of `data` in the file, of a set its first part */
} pv_gguf_value;

typedef struct pv_gguf_tensor {
  pv_gguf_string name;
  pv_type type;
  unsigned dim_count; /* 1..4 */
  uint64_t dims[4];   /* dims[0] is the row length; unused ones are 1 */
  uint64_t elements, row_bytes, bytes;
  const unsigned char *data;
  uint64_t offset; /* of `data` in its file */
  uint32_t part;   /* which file of a set, from 0 */
} pv_gguf_tensor;

typedef struct pv_gguf pv_gguf;

pv_code pv_gguf_open(const char *path, pv_gguf **out, pv_error *err);
/* Same checks over bytes in memory, which must outlive the object (tests, fuzzers, planted
 * defects). `name` stands in for the path in errors. `data` must be aligned to 8 bytes when the
 * file has tensors, as every allocation is. */
pv_code pv_gguf_parse(const void *data, uint64_t length, const char *name, pv_gguf **out,
                      pv_error *err);
/* The parts of a set, in their order; one file is a set of one. */
typedef struct pv_gguf_bytes_of {
  const void *data;
  uint64_t length;
  const char *name;
} pv_gguf_bytes_of;
pv_code pv_gguf_parse_set(const pv_gguf_bytes_of *parts, uint32_t count, pv_gguf **out,
                          pv_error *err);
void pv_gguf_close(pv_gguf *gguf);

/* The files: 1, or the parts of a set. Part 0 is the first, which has the metadata. */
uint32_t pv_gguf_part_count(const pv_gguf *gguf);
const char *pv_gguf_part_path(const pv_gguf *gguf, uint32_t part);
const unsigned char *pv_gguf_part_bytes(const pv_gguf *gguf, uint32_t part, uint64_t *length);
/* Of part 0: where the metadata are, for errors. */
const char *pv_gguf_path(const pv_gguf *gguf);
/* Of all files together. */
uint64_t pv_gguf_length(const pv_gguf *gguf);
/* The model's SHA-256 over what is mapped: that of pv_parts_digest. `drop`: what was read is given
 * back to the system at once, so that the process never holds much of it for this. */
pv_code pv_gguf_digest(const pv_gguf *gguf, bool drop, char out[PV_SHA256_HEX], pv_error *err);
/* Asks the system for a tensor's bytes before somebody reads them; gives what it holds of them back
 * until then. Of bytes that are the caller's own nothing happens. */
void pv_gguf_ask(const pv_gguf *gguf, const pv_gguf_tensor *tensor);
void pv_gguf_drop(const pv_gguf *gguf, const pv_gguf_tensor *tensor);
const char *pv_gguf_value_type_name(pv_gguf_value_type type);
uint32_t pv_gguf_alignment(const pv_gguf *gguf);
/* Where tensor data begins in the file, of a set in its first part. */
uint64_t pv_gguf_data_offset(const pv_gguf *gguf);

/* Values and tensors in file order, the first part's before the second's. Lookups are binary
 * searches in a sorted index: unlike a hash table it cannot be made slow by chosen names. */
uint64_t pv_gguf_value_count(const pv_gguf *gguf);
const pv_gguf_value *pv_gguf_value_at(const pv_gguf *gguf, uint64_t index);
const pv_gguf_value *pv_gguf_find(const pv_gguf *gguf, const char *key); /* NULL when absent */
uint64_t pv_gguf_tensor_count(const pv_gguf *gguf);
const pv_gguf_tensor *pv_gguf_tensor_at(const pv_gguf *gguf, uint64_t index);
const pv_gguf_tensor *pv_gguf_tensor_find(const pv_gguf *gguf, const char *name);

/* Typed access. An absent key is PV_ERR_INPUT naming the key; a wrong type too. Any unsigned or
 * signed integer type is taken for u64 when the value is not negative; f64 takes F32 and F64 and
 * refuses NaN and infinities. */
pv_code pv_gguf_get_u64(const pv_gguf *gguf, const char *key, uint64_t *out, pv_error *err);
pv_code pv_gguf_get_f64(const pv_gguf *gguf, const char *key, double *out, pv_error *err);
pv_code pv_gguf_get_bool(const pv_gguf *gguf, const char *key, bool *out, pv_error *err);
pv_code pv_gguf_get_string(const pv_gguf *gguf, const char *key, pv_gguf_string *out,
                           pv_error *err);
/* The strings of an array, as views; `*out` is owned by `gguf`. */
pv_code pv_gguf_get_strings(pv_gguf *gguf, const char *key, const pv_gguf_string **out,
                            uint64_t *count, pv_error *err);
/* Element `index` of an i32/u32/f32 array. The caller checks type and count first. */
int64_t pv_gguf_array_int(const pv_gguf_value *value, uint64_t index);
double pv_gguf_array_real(const pv_gguf_value *value, uint64_t index);

/* The value as text on one line: strings in quotes, escaped, at most 60 bytes of each; of an array
 * the first 8 elements and the count. */
void pv_gguf_value_put(const pv_gguf *gguf, const pv_gguf_value *value, pv_text *out);

#endif
