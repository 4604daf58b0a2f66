/* SHA-256 through OpenSSL's libcrypto. */
#ifndef PV_BASE_SHA256_H
#define PV_BASE_SHA256_H

#include <stddef.h>

#include "base/error.h"

#define PV_SHA256_HEX 65 /* 64 lower-case hex digits and a NUL */

typedef struct pv_sha256 pv_sha256;
pv_sha256 *pv_sha256_new(void); /* NULL when memory is out */
void pv_sha256_add(pv_sha256 *hash, const void *data, size_t length);
/* Writes the digest and frees `hash`. */
pv_code pv_sha256_finish(pv_sha256 *hash, char out[PV_SHA256_HEX], pv_error *err);

pv_code pv_sha256_bytes(const void *data, size_t length, char out[PV_SHA256_HEX], pv_error *err);
/* Streams a regular file. */
pv_code pv_sha256_add_file(pv_sha256 *hash, const char *path, pv_error *err);
pv_code pv_sha256_file(const char *path, char out[PV_SHA256_HEX], pv_error *err);
/* The first `bytes` bytes of a digest in hex. */
void pv_sha256_raw(const char hex[PV_SHA256_HEX], unsigned char *out, size_t bytes);

#endif
