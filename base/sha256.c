#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct pv_sha256 {
  EVP_MD_CTX *context;
  bool failed;
};

pv_sha256 *pv_sha256_new(void) {
  pv_sha256 *hash = calloc(1, sizeof *hash);
  if (hash == NULL) return NULL;
  hash->context = EVP_MD_CTX_new();
  if (hash->context == NULL) {
    free(hash);
    return NULL;
  }
  hash->failed = EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) != 1;
  return hash;
}

void pv_sha256_add(pv_sha256 *hash, const void *data, size_t length) {
  if (length > 0 && EVP_DigestUpdate(hash->context, data, length) != 1) hash->failed = true;
}

pv_code pv_sha256_finish(pv_sha256 *hash, char out[PV_SHA256_HEX], pv_error *err) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (EVP_DigestFinal_ex(hash->context, digest, &length) != 1 || length != 32) hash->failed = true;
  const bool failed = hash->failed;
  EVP_MD_CTX_free(hash->context);
  free(hash);
  if (failed) return pv_error_set(err, PV_ERR_INTERNAL, "libcrypto could not compute SHA-256");
  for (unsigned i = 0; i < 32; i++) {
    out[2 * i] = "0123456789abcdef"[digest[i] >> 4];
    out[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
  }
  out[64] = '\0';
  return PV_OK;
}

pv_code pv_sha256_bytes(const void *data, size_t length, char out[PV_SHA256_HEX], pv_error *err) {
  pv_sha256 *hash = pv_sha256_new();
  if (hash == NULL) return pv_error_nomem(err, "a digest");
  pv_sha256_add(hash, data, length);
  return pv_sha256_finish(hash, out, err);
}

pv_code pv_sha256_add_file(pv_sha256 *hash, const char *path, pv_error *err) {
  enum { CHUNK = 1 << 20 };
  pv_code code = PV_OK;
  unsigned char *buffer = malloc(CHUNK);
  struct stat info;
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not block */
  if (fd < 0 || fstat(fd, &info) != 0) {
    code = pv_error_errno(err, errno, "cannot open '%s'", path);
    pv_error_at(err, path, 0, 0, -1);
  } else if (!S_ISREG(info.st_mode)) {
    code = pv_error_set(err, PV_ERR_INPUT, "'%s' is not a regular file", path);
    pv_error_at(err, path, 0, 0, -1);
  } else if (buffer == NULL) {
    code = pv_error_nomem(err, "a digest");
  }
  while (code == PV_OK) {
    const ssize_t n = read(fd, buffer, CHUNK);
    if (n > 0) pv_sha256_add(hash, buffer, (size_t)n);
    if (n == 0) break;
    if (n < 0 && errno != EINTR) {
      code = pv_error_errno(err, errno, "cannot read '%s'", path);
      pv_error_at(err, path, 0, 0, -1);
    }
  }
  free(buffer);
  if (fd >= 0) close(fd);
  return code;
}

pv_code pv_sha256_file(const char *path, char out[PV_SHA256_HEX], pv_error *err) {
  char digest[PV_SHA256_HEX];
  pv_sha256 *hash = pv_sha256_new();
  if (hash == NULL) return pv_error_nomem(err, "a digest");
  pv_code code = pv_sha256_add_file(hash, path, err);
  const pv_code finished =
      pv_sha256_finish(hash, code == PV_OK ? out : digest, code == PV_OK ? err : NULL);
  return code == PV_OK ? finished : code;
}

static unsigned nibble(char digit) {
  return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

void pv_sha256_raw(const char hex[PV_SHA256_HEX], unsigned char *out, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    out[i] = (unsigned char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
}
