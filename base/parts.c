#include "base/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ck.h"

/* "-00001-of-00003.gguf" */
enum { DIGITS = 5, OF = 4, EXTENSION = 5, TAIL = 1 + DIGITS + OF + DIGITS + EXTENSION };

static bool read_digits(const char *at, uint32_t *out) {
  uint32_t value = 0;
  for (int i = 0; i < DIGITS; i++) {
    if (at[i] < '0' || at[i] > '9') return false;
    value = 10 * value + (uint32_t)(at[i] - '0');
  }
  *out = value;
  return true;
}

bool pv_parts_named(const char *path, pv_parts *out) {
  const size_t length = strlen(path);
  uint32_t number = 0, count = 0;
  if (length < TAIL) return false;
  const char *tail = path + length - TAIL, *of = tail + 1 + DIGITS, *end = of + OF + DIGITS;
  if (tail[0] != '-' || strncmp(of, "-of-", OF) != 0 || strcmp(end, ".gguf") != 0 ||
      !read_digits(tail + 1, &number) || !read_digits(of + OF, &count))
    return false;
  if (number == 0 || number > count || count > PV_PARTS_MAX) return false;
  *out = (pv_parts){number - 1, count};
  return true;
}

char *pv_parts_path(const char *path, uint32_t number) {
  pv_parts parts;
  char *out = strdup(path);
  if (out == NULL || !pv_parts_named(path, &parts) || number >= parts.count) return out;
  char digits[DIGITS + 1];
  snprintf(digits, sizeof digits, "%05u", (unsigned)(number + 1) % 100000u);
  memcpy(out + strlen(out) - TAIL + 1, digits, DIGITS);
  return out;
}

pv_code pv_parts_digest(const char *path, char out[PV_SHA256_HEX], pv_error *err) {
  pv_parts parts = {0, 1};
  pv_code code = PV_OK;
  char digest[PV_SHA256_HEX];
  pv_sha256 *hash = pv_sha256_new();
  if (hash == NULL) return pv_error_nomem(err, "a digest");
  (void)pv_parts_named(path, &parts);
  for (uint32_t i = 0; i < parts.count && code == PV_OK; i++) {
    char *one = pv_parts_path(path, i);
    code = one == NULL ? pv_error_nomem(err, "a digest") : pv_sha256_add_file(hash, one, err);
    free(one);
  }
  const pv_code finished =
      pv_sha256_finish(hash, code == PV_OK ? out : digest, code == PV_OK ? err : NULL);
  return code == PV_OK ? finished : code;
}

bool pv_parts_length(const char *path, uint64_t *out) {
  pv_parts parts = {0, 1};
  struct stat info;
  uint64_t all = 0;
  bool there = true;
  (void)pv_parts_named(path, &parts);
  for (uint32_t i = 0; i < parts.count && there; i++) {
    char *one = pv_parts_path(path, i);
    there = one != NULL && stat(one, &info) == 0 && pv_ck_add(all, (uint64_t)info.st_size, &all);
    free(one);
  }
  if (there) *out = all;
  return there;
}
