/* From a path, or from bytes, to an object: one file, or all parts of a set; and those parts. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/parts.h"
#include "runtime/gguf/internal.h"

static pv_code open_one(const char *path, pv_gguf **out, pv_error *err) {
  pv_map map = {0};
  pv_code code = pv_map_open(path, &map, err);
  if (code != PV_OK) return code;
  code = gguf_build(map.data, map.length, path, &map, out, err);
  if (code != PV_OK) pv_map_close(&map);
  return code;
}

/* Name and keys agree on whether the file is a part of a set; if so, `set` says of which. */
static pv_code find_set(const pv_gguf *named, pv_parts *set, pv_error *err) {
  uint64_t count = 1, number = 0;
  char cure[160];
  const bool by_name = pv_parts_named(named->path, set) && set->count > 1;
  pv_code code = gguf_split_count(named, &count, err);
  if (code != PV_OK || (count > 1) == by_name) return code;
  if (by_name)
    return gguf_refuse_part(named, -1, err, "PV-GGUF-SPLIT-NAME",
                            "rename it if it is a whole model, else copy or download it again",
                            "by its name the file is part %u of %u of a model, and it has no "
                            "split.count that says so",
                            (unsigned)set->number + 1, (unsigned)set->count);
  code = pv_gguf_get_u64(named, "split.no", &number, err);
  if (code != PV_OK) return code;
  snprintf(cure, sizeof cure,
           "give it and the others, in one folder, the names that parts have: "
           "NAME-%05llu-of-%05llu.gguf",
           (unsigned long long)(number < count ? number + 1 : 1), (unsigned long long)count);
  return gguf_refuse_part(named, -1, err, "PV-GGUF-SPLIT-NAME", cure,
                          "the file is part %llu of %llu of a model, and by its name it is none: "
                          "the others can not be found",
                          (unsigned long long)number + 1, (unsigned long long)count);
}

/* What is not there is said before anything else is looked at. */
static pv_code check_missing(const pv_gguf *named, uint32_t count, pv_error *err) {
  struct stat info;
  char *first = NULL;
  uint32_t missing = 0;
  pv_code code = PV_OK;
  for (uint32_t i = 0; i < count && code == PV_OK; i++) {
    char *path = pv_parts_path(named->path, i);
    if (path == NULL) code = pv_error_nomem(err, "the parts of a model");
    const bool absent = path != NULL && stat(path, &info) != 0 && errno == ENOENT;
    missing += absent;
    if (absent && first == NULL)
      first = path;
    else
      free(path);
  }
  if (code == PV_OK && first != NULL) {
    code = pv_error_set(err, PV_ERR_INPUT, "%u of the %u parts of the model %s missing%s",
                        (unsigned)missing, (unsigned)count, missing == 1 ? "is" : "are",
                        missing == 1 ? "" : "; this is the first");
    pv_error_at(err, first, 0, 0, -1);
    pv_error_rule(err, "PV-GGUF-SPLIT-MISSING");
    pv_error_hint(err, "copy or download it into the folder of the others, under this name");
  }
  free(first);
  return code;
}

/* Takes `named` on success. */
static pv_code open_set(pv_gguf *named, const pv_parts *set, pv_gguf **out, pv_error *err) {
  pv_gguf **parts = calloc(set->count, sizeof *parts);
  if (parts == NULL) return pv_error_nomem(err, "the parts of a model");
  pv_code code = check_missing(named, set->count, err);
  for (uint32_t i = 0; i < set->count && code == PV_OK; i++) {
    char *path = i == set->number ? NULL : pv_parts_path(named->path, i);
    if (i == set->number)
      parts[i] = named;
    else if (path == NULL)
      code = pv_error_nomem(err, "the parts of a model");
    else
      code = open_one(path, &parts[i], err);
    free(path);
    if (code != PV_OK && err != NULL && err->hint[0] == '\0')
      pv_error_hint(err, "it is part %u of %u of the model that was named", (unsigned)i + 1,
                    (unsigned)set->count);
  }
  if (code == PV_OK) code = gguf_join(parts, set->count, err);
  if (code == PV_OK) *out = parts[0];
  for (uint32_t i = 0; i < set->count && code != PV_OK; i++)
    if (parts[i] != named) pv_gguf_close(parts[i]);
  free(parts);
  return code;
}

pv_code pv_gguf_open(const char *path, pv_gguf **out, pv_error *err) {
  pv_gguf *named = NULL;
  pv_parts set = {0, 1};
  pv_code code = open_one(path, &named, err);
  if (code != PV_OK) return code;
  code = find_set(named, &set, err);
  if (code == PV_OK && set.count > 1)
    code = open_set(named, &set, out, err);
  else if (code == PV_OK)
    *out = named;
  if (code != PV_OK) pv_gguf_close(named);
  return code;
}

pv_code pv_gguf_parse_set(const pv_gguf_bytes_of *of, uint32_t count, pv_gguf **out,
                          pv_error *err) {
  pv_gguf **parts = calloc(count == 0 ? 1 : count, sizeof *parts);
  if (parts == NULL) return pv_error_nomem(err, "the parts of a model");
  pv_code code = count == 0 || count > PV_PARTS_MAX
                     ? pv_error_set(err, PV_ERR_LIMIT, "%u parts of a model", (unsigned)count)
                     : PV_OK;
  for (uint32_t i = 0; i < count && code == PV_OK; i++)
    code = gguf_build(of[i].data, of[i].length, of[i].name, NULL, &parts[i], err);
  if (code == PV_OK) code = gguf_join(parts, count, err);
  if (code == PV_OK) *out = parts[0];
  for (uint32_t i = 0; i < count && code != PV_OK; i++) pv_gguf_close(parts[i]);
  free(parts);
  return code;
}

pv_code pv_gguf_parse(const void *data, uint64_t length, const char *name, pv_gguf **out,
                      pv_error *err) {
  return pv_gguf_parse_set(&(pv_gguf_bytes_of){data, length, name}, 1, out, err);
}

static const pv_gguf *part_of(const pv_gguf *gguf, uint32_t part) {
  return part == 0 || part > gguf->rest_count ? gguf : gguf->rest[part - 1];
}

uint32_t pv_gguf_part_count(const pv_gguf *gguf) {
  return gguf->rest_count + 1;
}

const char *pv_gguf_part_path(const pv_gguf *gguf, uint32_t part) {
  return part_of(gguf, part)->path;
}

const unsigned char *pv_gguf_part_bytes(const pv_gguf *gguf, uint32_t part, uint64_t *length) {
  *length = part_of(gguf, part)->length;
  return part_of(gguf, part)->data;
}

uint64_t pv_gguf_length(const pv_gguf *gguf) {
  uint64_t all = gguf->length; /* what lies in memory together has a size */
  for (uint32_t i = 0; i < gguf->rest_count; i++) all += gguf->rest[i]->length;
  return all;
}

pv_code pv_gguf_digest(const pv_gguf *gguf, bool drop, char out[PV_SHA256_HEX], pv_error *err) {
  enum { PIECE = 1 << 20 };
  pv_sha256 *hash = pv_sha256_new();
  if (hash == NULL) return pv_error_nomem(err, "a digest");
  for (uint32_t i = 0; i <= gguf->rest_count; i++) {
    const pv_gguf *part = part_of(gguf, i);
    for (uint64_t at = 0, n = 0; at < part->length; at += n) {
      n = part->length - at < PIECE ? part->length - at : PIECE;
      pv_sha256_add(hash, part->data + at, (size_t)n);
      if (drop) gguf_drop(part, part->data + at, n);
    }
  }
  return pv_sha256_finish(hash, out, err);
}
