/* Rows and digests out of the files of a trace, each of which somebody may change meanwhile. */
#include "runtime/trace/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernels/quant/quant.h"

enum { CHUNK = 1 << 20 };

typedef struct opened {
  int fd;
  char path[PV_LISTING_PATH];
} opened;

static pv_code at_file(const opened *file, pv_code code, pv_error *err) {
  pv_error_at(err, file->path, 0, 0, -1);
  return code;
}

static void close_part(const opened *file) {
  if (file->fd >= 0) close(file->fd);
}

/* A regular file that has the bytes of the part, and no more where it is that part alone. */
static pv_code open_part(const pv_recorded *r, const pv_trace_part *part, opened *out,
                         pv_error *err) {
  const pv_piece *piece = part->piece;
  const uint64_t end = piece->offset + part->bytes;
  struct stat info;
  pv_code code = PV_OK;
  out->fd = -1;
  if (!pv_listing_file(&r->listing, piece->file, out->path))
    return pv_error_set(err, PV_ERR_LIMIT, "the name of a file of the trace is too long");
  const int fd = open(out->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 || fstat(fd, &info) != 0)
    code = pv_error_errno(err, errno, "cannot open a tensor of the trace");
  else if (!S_ISREG(info.st_mode))
    code = pv_error_set(err, PV_ERR_INPUT, "is not a regular file");
  else if (piece->whole ? (uint64_t)info.st_size != end : (uint64_t)info.st_size < end)
    code = pv_error_set(err, PV_ERR_INPUT, "the file has %llu bytes, the manifest says %llu",
                        (unsigned long long)info.st_size, (unsigned long long)end);
  if (code == PV_OK) {
    out->fd = fd;
    return PV_OK;
  }
  if (fd >= 0) close(fd);
  return at_file(out, code, err);
}

static pv_code read_at(const opened *file, uint64_t from, void *out, uint64_t length,
                       pv_error *err) {
  pv_code code = PV_OK;
  uint64_t have = 0;
  while (code == PV_OK && have < length) {
    const ssize_t n = pread(file->fd, (char *)out + have, length - have, (off_t)(from + have));
    if (n > 0)
      have += (uint64_t)n;
    else if (n == 0)
      code = at_file(file, pv_error_set(err, PV_ERR_INPUT, "the file became shorter"), err);
    else if (errno != EINTR)
      code = at_file(file, pv_error_errno(err, errno, "cannot read the trace"), err);
  }
  return code;
}

static double real_of(pv_stored type, const unsigned char *at) {
  uint16_t half = 0;
  float single = 0;
  double value = 0;
  switch (type) {
    case PV_STORED_F16:
    case PV_STORED_BF16:
      memcpy(&half, at, sizeof half);
      return (double)(type == PV_STORED_F16 ? pv_f16_to_f32(half) : pv_bf16_to_f32(half));
    case PV_STORED_F32:
      memcpy(&single, at, sizeof single);
      return (double)single;
    case PV_STORED_F64:
    case PV_STORED_I32:
    case PV_STORED_I64:
    case PV_STORED_OTHER:
      memcpy(&value, at, sizeof value);
      break;
  }
  return value;
}

/* What the walk wants: an index that no int32 holds is none, -1. Every step is exact, since a trace
 * with any float64 is read as float64. */
static void convert(pv_stored type, const unsigned char *in, size_t count, size_t real_bytes,
                    void *out) {
  const size_t element = pv_stored_bytes(type);
  for (size_t i = 0; i < count; i++, in += element) {
    if (type == PV_STORED_I64) {
      int64_t index = 0;
      memcpy(&index, in, sizeof index);
      ((int32_t *)out)[i] = index < INT32_MIN || index > INT32_MAX ? -1 : (int32_t)index;
    } else if (real_bytes == sizeof(double)) {
      ((double *)out)[i] = real_of(type, in);
    } else {
      ((float *)out)[i] = (float)real_of(type, in);
    }
  }
}

/* Rows first .. first + count - 1 of a part. */
static pv_code read_part(const pv_recorded *r, const pv_trace_part *part, uint64_t first,
                         uint64_t count, void *out, pv_error *err) {
  const pv_stored type = part->piece->type;
  const uint64_t row = part->bytes / part->rows, bytes = count * row;
  const bool as_it_is = type == PV_STORED_I32 || (!pv_stored_is_index(type) &&
                                                  pv_stored_bytes(type) == r->source.real_bytes);
  unsigned char *raw = NULL;
  opened file;
  pv_code code = open_part(r, part, &file, err);
  if (code != PV_OK) return code;
  if (!as_it_is && (raw = malloc(bytes)) == NULL) code = pv_error_nomem(err, "rows of a trace");
  if (code == PV_OK)
    code = read_at(&file, part->piece->offset + first * row, as_it_is ? out : raw, bytes, err);
  if (code == PV_OK && !as_it_is)
    convert(type, raw, (size_t)(count * part->width), r->source.real_bytes, out);
  free(raw);
  close_part(&file);
  return code;
}

pv_code pv_recorded_read(const pv_source *s, pv_stage_id stage, uint32_t layer, size_t position,
                         size_t rows, void *out, pv_error *err) {
  const pv_recorded *r = s->kept;
  const pv_trace_tensor *t = pv_recorded_tensor(r, stage, layer);
  pv_code code = PV_OK;
  if (t == NULL || t->hashed)
    return pv_error_set(err, PV_ERR_INPUT, "the trace has no %s", s->plan->rows[stage].name);
  const size_t element = pv_stored_is_index(t->type) ? sizeof(int32_t) : s->real_bytes;
  const size_t until = position + rows;
  char *to = out;
  for (size_t i = 0; i < t->count && position < until && code == PV_OK; i++) {
    const pv_trace_part *part = &t->parts[i];
    const size_t begin = (size_t)part->piece->position, end = begin + (size_t)part->rows;
    if (position < begin || position >= end) continue;
    const size_t count = (end < until ? end : until) - position;
    code = read_part(r, part, position - begin, count, to, err);
    position += count;
    to += count * t->width * element;
  }
  if (code == PV_OK && position < until)
    code = pv_error_set(err, PV_ERR_INTERNAL, "a trace was asked for rows that it does not have");
  return code;
}

pv_code pv_recorded_part(const pv_recorded *r, const pv_trace_part *part, char out[PV_SHA256_HEX],
                         pv_error *err) {
  const char *said = part->piece->sha256;
  char own[PV_SHA256_HEX];
  opened file;
  if (part->piece->file == NULL) {
    snprintf(out, PV_SHA256_HEX, "%s", said != NULL ? said : "");
    return PV_OK;
  }
  pv_code code = open_part(r, part, &file, err);
  if (code != PV_OK) return code;
  pv_sha256 *hash = pv_sha256_new();
  unsigned char *buffer = malloc(CHUNK);
  if (hash == NULL || buffer == NULL) code = pv_error_nomem(err, "a digest");
  for (uint64_t at = 0; code == PV_OK && at < part->bytes; at += CHUNK) {
    const uint64_t left = part->bytes - at, n = left < CHUNK ? left : CHUNK;
    code = read_at(&file, part->piece->offset + at, buffer, n, err);
    if (code == PV_OK) pv_sha256_add(hash, buffer, (size_t)n);
  }
  if (hash != NULL) {
    const pv_code finished = pv_sha256_finish(hash, own, code == PV_OK ? err : NULL);
    if (code == PV_OK) code = finished;
  }
  if (code == PV_OK && said != NULL && strcmp(said, own) != 0)
    code = at_file(&file,
                   pv_error_set(err, PV_ERR_INPUT,
                                "the bytes of %s are not those that the trace names: their SHA-256 "
                                "begins with %.12s, not with %.12s",
                                pv_piece_text(part->piece, (char[PV_PIECE_TEXT]){0}), own, said),
                   err);
  if (code == PV_OK) memcpy(out, own, sizeof own);
  free(buffer);
  close_part(&file);
  return code;
}

static bool is_missing(const pv_recorded *r, const pv_piece *piece) {
  char path[PV_LISTING_PATH];
  struct stat info;
  return pv_listing_file(&r->listing, piece->file, path) && stat(path, &info) != 0 &&
         errno == ENOENT;
}

static pv_code check_tensor(pv_recorded *r, pv_trace_tensor *t, bool model, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t i = 0; i < t->count && code == PV_OK; i++) {
    const pv_trace_part *part = &t->parts[i];
    char unused[PV_SHA256_HEX];
    opened file;
    if (part->piece->file == NULL) continue;
    if (!model && part->piece->sha256 != NULL && is_missing(r, part->piece)) {
      r->listing.list[part->piece - r->listing.list].file = NULL;
      t->hashed = true;
    } else if (model && part->piece->sha256 != NULL) {
      code = pv_recorded_part(r, part, unused, err);
    } else {
      code = open_part(r, part, &file, err);
      close_part(&file);
    }
  }
  return code;
}

pv_code pv_recorded_check_files(pv_recorded *r, bool model, pv_error *err) {
  pv_code code = PV_OK;
  bool served = false;
  for (size_t i = 0; i < r->count && code == PV_OK; i++) {
    code = check_tensor(r, &r->list[i], model, err);
    served |= !r->list[i].hashed;
  }
  if (code != PV_OK || !model || served) return code;
  pv_listing_refuse(&r->listing, err, "the trace has digests alone, and no numbers");
  pv_error_hint(err, "trace it without --hashes; pv compare A B compares two traces by digests");
  return PV_ERR_INPUT;
}

static pv_code add_file(pv_sha256 *hash, const char *path, pv_error *err) {
  char one[PV_SHA256_HEX];
  const pv_code code = pv_sha256_file(path, one, err);
  if (code == PV_OK) pv_sha256_add(hash, one, sizeof one);
  return code;
}

pv_code pv_recorded_digest(const pv_recorded *r, char out[PV_SHA256_HEX], pv_error *err) {
  char unused[PV_SHA256_HEX], path[PV_LISTING_PATH], last[PV_LISTING_PATH];
  pv_sha256 *hash = pv_sha256_new();
  if (hash == NULL) return pv_error_nomem(err, "a digest");
  pv_code code = add_file(hash, r->listing.place, err);
  snprintf(last, sizeof last, "%s", r->listing.place);
  for (size_t i = 0; i < r->part_count && code == PV_OK; i++) {
    const pv_piece *piece = r->parts[i].piece;
    if (piece->file == NULL) continue;
    if (!pv_listing_file(&r->listing, piece->file, path))
      code = pv_error_set(err, PV_ERR_LIMIT, "the name of a file of the trace is too long");
    else if (strcmp(path, last) != 0)
      code = add_file(hash, path, err);
    memcpy(last, path, sizeof last);
  }
  pv_sha256_add(hash, r->map_sha256, sizeof r->map_sha256);
  const pv_code finished =
      pv_sha256_finish(hash, code == PV_OK ? out : unused, code == PV_OK ? err : NULL);
  return code == PV_OK ? finished : code;
}
