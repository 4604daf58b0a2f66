/* A model that is split into several files, told by their names alone: NAME-00001-of-00003.gguf to
 * NAME-00003-of-00003.gguf in one folder, as llama-gguf-split writes them. Nothing is opened here
 * but to be hashed; that a file is the part which its name says is runtime/gguf's to check. */
#ifndef PV_BASE_PARTS_H
#define PV_BASE_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sha256.h"

#define PV_PARTS_MAX 65535u /* what the file's own keys can count */

typedef struct pv_parts {
  uint32_t number; /* of the named file, from 0 */
  uint32_t count;
} pv_parts;

/* False, with `out` untouched: the name is not that of a part. */
bool pv_parts_named(const char *path, pv_parts *out);
/* The path of part `number`, from 0, of the set that `path` names a part of; `path` itself where it
 * names none. The caller frees it. NULL: memory is out. */
char *pv_parts_path(const char *path, uint32_t number);

/* The digest that stands for a model in evidence, traces and receipts: SHA-256 over its bytes, for
 * a set over those of all parts in their order (cat NAME-*.gguf | sha256sum), so it is the same
 * whichever part is named. Files are streamed; one that is not there is PV_ERR_IO. */
pv_code pv_parts_digest(const char *path, char out[PV_SHA256_HEX], pv_error *err);

/* Bytes of the file, or of all parts; false, with `out` untouched, where one can not be looked at.
 */
bool pv_parts_length(const char *path, uint64_t *out);

#endif
