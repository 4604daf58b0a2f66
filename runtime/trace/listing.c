#include "runtime/trace/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ck.h"
#include "base/file.h"

const char *const pv_stored_names[PV_STORED_TYPES] = {"f16", "bf16", "f32", "f64", "i32", "i64"};

size_t pv_stored_bytes(pv_stored type) {
  static const size_t bytes[] = {2, 2, 4, 8, 4, 8, 0};
  return bytes[type];
}

const char *pv_piece_text(const pv_piece *piece, char out[PV_PIECE_TEXT]) {
  int n = snprintf(out, PV_PIECE_TEXT, "%.100s", piece->name);
  if (piece->layer >= 0)
    n += snprintf(out + n, PV_PIECE_TEXT - (size_t)n, ".%lld", (long long)piece->layer);
  if (piece->position > 0)
    snprintf(out + n, PV_PIECE_TEXT - (size_t)n, "@%llu", (unsigned long long)piece->position);
  return out;
}

pv_code pv_piece_refuse(const pv_listing *l, const pv_piece *piece, int64_t byte, pv_error *err,
                        const char *fmt, ...) {
  char text[PV_PIECE_TEXT], why[320];
  va_list list;
  va_start(list, fmt);
  vsnprintf(why, sizeof why, fmt, list);
  va_end(list);
  pv_error_set(err, PV_ERR_INPUT, "tensor '%s' %s", pv_piece_text(piece, text), why);
  pv_error_at(err, l->place, 0, 0, byte);
  return PV_ERR_INPUT;
}

pv_code pv_listing_refuse(const pv_listing *l, pv_error *err, const char *fmt, ...) {
  char why[400];
  va_list list;
  va_start(list, fmt);
  vsnprintf(why, sizeof why, fmt, list);
  va_end(list);
  pv_error_set(err, PV_ERR_INPUT, "%s", why);
  pv_error_at(err, l->place, 0, 0, -1);
  return PV_ERR_INPUT;
}

const char *pv_listing_text(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

bool pv_listing_is_digest(const char *text) {
  const size_t digits = strspn(text, "0123456789abcdef");
  return digits == 64 && text[digits] == '\0';
}

bool pv_listing_file(const pv_listing *l, const char *file, char out[PV_LISTING_PATH]) {
  const int n = snprintf(out, PV_LISTING_PATH, "%s%s", l->prefix, file);
  return n > 0 && n < PV_LISTING_PATH;
}

static pv_code open_manifest(pv_listing *l, pv_error *err) {
  pv_bytes bytes = {0};
  pv_code code = pv_file_read(l->place, (size_t)64 << 20, &bytes, err);
  if (code != PV_OK)
    pv_error_hint(err, "a trace folder is written by: pv trace --out DIR");
  else
    code = pv_listing_manifest(bytes.data, bytes.length, l, err);
  pv_bytes_free(&bytes);
  return code;
}

static pv_code read_at(const pv_listing *l, int fd, uint64_t from, void *out, uint64_t length,
                       pv_error *err) {
  pv_code code = PV_OK;
  uint64_t have = 0;
  while (code == PV_OK && have < length) {
    const ssize_t n = pread(fd, (char *)out + have, length - have, (off_t)(from + have));
    if (n > 0) {
      have += (uint64_t)n;
    } else if (n == 0) {
      code = pv_listing_refuse(l, err, "the file became shorter");
    } else if (errno != EINTR) {
      code = pv_error_errno(err, errno, "cannot read '%s'", l->place);
      pv_error_at(err, l->place, 0, 0, -1);
    }
  }
  return code;
}

/* The header alone is read: the numbers are read when somebody wants them. */
static pv_code read_header(pv_listing *l, int fd, uint64_t file_bytes, pv_error *err) {
  enum { LIMIT = 100000000 };
  unsigned char head[8];
  uint64_t length = 0;
  if (file_bytes < sizeof head)
    return pv_listing_refuse(l, err, "is neither a folder nor a safetensors file");
  pv_code code = read_at(l, fd, 0, head, sizeof head, err);
  if (code != PV_OK) return code;
  for (int i = 7; i >= 0; i--) length = length << 8 | head[i];
  if (length > LIMIT || length > file_bytes - sizeof head) {
    pv_listing_refuse(l, err,
                      "is no safetensors file: it begins with a header of %llu bytes, of %llu that "
                      "the file has and %d that one may have",
                      (unsigned long long)length, (unsigned long long)file_bytes, LIMIT);
    pv_error_at(err, l->place, 0, 0, 0);
    return PV_ERR_INPUT;
  }
  char *header = malloc((size_t)length + 1);
  if (header == NULL) return pv_error_nomem(err, "the header of a safetensors file");
  code = read_at(l, fd, sizeof head, header, length, err);
  if (code == PV_OK) code = pv_listing_safetensors(header, length, file_bytes, l, err);
  free(header);
  return code;
}

static pv_code open_safetensors(pv_listing *l, pv_error *err) {
  struct stat info;
  pv_code code = PV_OK;
  const int fd = open(l->place, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 || fstat(fd, &info) != 0) {
    code = pv_error_errno(err, errno, "cannot open '%s'", l->place);
    pv_error_at(err, l->place, 0, 0, -1);
  } else if (!S_ISREG(info.st_mode)) {
    code = pv_listing_refuse(l, err, "is neither a folder nor a regular file");
  } else {
    code = read_header(l, fd, (uint64_t)info.st_size, err);
  }
  if (fd >= 0) close(fd);
  return code;
}

pv_code pv_listing_open(const char *path, pv_listing *out, pv_error *err) {
  struct stat info;
  if (strlen(path) >= PV_LISTING_PATH - 256)
    return pv_error_set(err, PV_ERR_LIMIT, "the name of the trace is too long");
  pv_listing *l = calloc(1, sizeof *l);
  if (l == NULL) return pv_error_nomem(err, "the trace");
  const bool file = stat(path, &info) == 0 && !S_ISDIR(info.st_mode);
  snprintf(l->place, sizeof l->place, file ? "%s" : "%s/manifest.json", path);
  snprintf(l->prefix, sizeof l->prefix, file ? "%s" : "%s/", path);
  const pv_code code = file ? open_safetensors(l, err) : open_manifest(l, err);
  if (code == PV_OK)
    *out = *l;
  else
    pv_listing_free(l);
  free(l);
  return code;
}

void pv_listing_free(pv_listing *l) {
  json_decref(l->root);
  json_decref(l->about);
  free(l->list);
  *l = (pv_listing){0};
}
