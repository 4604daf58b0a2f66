/* Reading one file, closing, and the plain accessors. */
#include "runtime/gguf/gguf.h"

#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "runtime/gguf/internal.h"

#define VERSION_READ 3u

/* What the first four bytes are when they are not GGUF's; NULL when nobody knows. */
static const char *other_format(const unsigned char magic[4]) {
  static const struct {
    char magic[5];
    const char *name;
  } known[] = {
      {"FUGG", "a byte-swapped GGUF file"},
      {"lmgg", "a GGML file, older than GGUF"},
      {"tjgg", "a GGJT file, older than GGUF"},
      {"fmgg", "a GGMF file, older than GGUF"},
      {"PK\003\004", "a zip archive (perhaps a PyTorch checkpoint)"},
      {"vers", "a Git LFS pointer, not the file itself"},
      {"<!DO", "an HTML page"},
      {"<htm", "an HTML page"},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (memcmp(magic, known[i].magic, 4) == 0) return known[i].name;
  return NULL;
}

static pv_code read_magic(parser *self) {
  pv_cursor *c = &self->cursor;
  const unsigned char *magic = pv_cursor_take(c, 4);
  pv_code code = gguf_check(self, "the magic number");
  if (code != PV_OK) return code;
  if (memcmp(magic, "GGUF", 4) != 0) {
    const char *what = other_format(magic);
    return gguf_refuse(self, PV_ERR_INPUT, 0, "PV-GGUF-MAGIC", "pass a model file in GGUF format",
                       "not a GGUF file%s%s", what == NULL ? "" : ": this is ",
                       what == NULL ? "" : what);
  }
  const uint32_t version = pv_cursor_u32(c);
  code = gguf_check(self, "the version");
  if (code != PV_OK || version == VERSION_READ) return code;
  if (version != 0 && (version & 0xffffu) == 0)
    return gguf_refuse(self, PV_ERR_UNSUPPORTED, 4, "PV-GGUF-BIG-ENDIAN",
                       "convert the model again for a little-endian machine",
                       "a big-endian GGUF file (version %u)", (unsigned)__builtin_bswap32(version));
  return gguf_refuse(self, PV_ERR_UNSUPPORTED, 4, "PV-GGUF-VERSION",
                     version < VERSION_READ ? "convert the model again with a current converter"
                                            : "use a newer pv, or write the file as version 3",
                     "GGUF version %u; only version %u is read", (unsigned)version, VERSION_READ);
}

static pv_code read_all(parser *self) {
  pv_code code = read_magic(self);
  if (code != PV_OK) return code;
  const uint64_t tensors = pv_cursor_u64(&self->cursor);
  const uint64_t values = pv_cursor_u64(&self->cursor);
  code = gguf_check(self, "the header");
  if (code == PV_OK) code = gguf_read_values(self, values);
  if (code == PV_OK) code = gguf_read_alignment(self);
  if (code == PV_OK) code = gguf_read_tensors(self, tensors);
  return code;
}

pv_code gguf_build(const void *data, uint64_t length, const char *name, const pv_map *map,
                   pv_gguf **out, pv_error *err) {
  pv_gguf *gguf = calloc(1, sizeof *gguf);
  if (gguf == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for '%s'", name);
  gguf->data = data;
  gguf->length = length;
  gguf->path = strdup(name);
  pv_code code = PV_OK;
  if (gguf->path == NULL)
    code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for '%s'", name);
  else if (length > INT64_MAX)
    code = pv_error_set(err, PV_ERR_LIMIT, "'%s' is too large", name);
  else
    code = read_all(&(parser){gguf, pv_cursor_make(data, length), err});
  if (code == PV_OK && map != NULL) gguf->map = *map;
  if (code == PV_OK)
    *out = gguf;
  else
    pv_gguf_close(gguf);
  return code;
}

void pv_gguf_close(pv_gguf *gguf) {
  if (gguf == NULL) return;
  while (gguf->views != NULL) {
    string_views *next = gguf->views->next;
    free(gguf->views->items);
    free(gguf->views);
    gguf->views = next;
  }
  free(gguf->keys);
  free(gguf->names);
  free(gguf->values);
  free(gguf->tensors);
  free(gguf->path);
  for (uint32_t i = 0; i < gguf->rest_count; i++) pv_gguf_close(gguf->rest[i]);
  free(gguf->rest);
  if (gguf->map.data != NULL) pv_map_close(&gguf->map);
  free(gguf);
}

const char *pv_gguf_path(const pv_gguf *gguf) {
  return gguf->path;
}

uint32_t pv_gguf_alignment(const pv_gguf *gguf) {
  return gguf->alignment;
}
uint64_t pv_gguf_data_offset(const pv_gguf *gguf) {
  return gguf->data_offset;
}
uint64_t pv_gguf_value_count(const pv_gguf *gguf) {
  return gguf->value_count;
}
uint64_t pv_gguf_tensor_count(const pv_gguf *gguf) {
  return gguf->tensor_count;
}

const pv_gguf_value *pv_gguf_value_at(const pv_gguf *gguf, uint64_t index) {
  return index < gguf->value_count ? &gguf->values[index] : NULL;
}

const pv_gguf_tensor *pv_gguf_tensor_at(const pv_gguf *gguf, uint64_t index) {
  return index < gguf->tensor_count ? &gguf->tensors[index] : NULL;
}

const pv_gguf_value *gguf_find_key(const pv_gguf *gguf, pv_gguf_string key) {
  return gguf_index_find(gguf->keys, gguf->value_count, key);
}

const pv_gguf_value *pv_gguf_find(const pv_gguf *gguf, const char *key) {
  return gguf_find_key(gguf, (pv_gguf_string){key, strlen(key)});
}

const pv_gguf_tensor *pv_gguf_tensor_find(const pv_gguf *gguf, const char *name) {
  return gguf_index_find(gguf->names, gguf->tensor_count, (pv_gguf_string){name, strlen(name)});
}
