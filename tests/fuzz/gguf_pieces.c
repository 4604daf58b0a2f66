/* Taking a GGUF file apart and putting it together: written apart from the reader that is fuzzed,
 * and more tolerant than it. */
#include <string.h>

#include "tests/fuzz/gguf_mutate.h"

enum { STRING = 8, ARRAY = 9, HEAD = 24 };

typedef struct reader {
  const uint8_t *data;
  size_t at, size;
  bool ended;
} reader;

static uint64_t get(reader *r, size_t bytes) {
  uint64_t value = 0;
  if (r->ended || r->size - r->at < bytes) {
    r->ended = true;
    return 0;
  }
  for (size_t i = 0; i < bytes; i++) value |= (uint64_t)r->data[r->at + i] << 8 * i;
  r->at += bytes;
  return value;
}

static gguf_span take(reader *r, uint64_t length) {
  if (r->ended || r->size - r->at < length) {
    r->ended = true;
    return (gguf_span){0};
  }
  const gguf_span span = {r->data + r->at, (size_t)length};
  r->at += span.length;
  return span;
}

size_t gguf_element_size(uint32_t type) {
  static const uint8_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return type < sizeof sizes ? sizes[type] : 0;
}

/* The bytes of `count` values of one type. */
static gguf_span values(reader *r, uint32_t type, uint64_t count) {
  const size_t start = r->at, size = gguf_element_size(type);
  if (type == STRING)
    for (uint64_t i = 0; i < count && !r->ended; i++) (void)take(r, get(r, 8));
  else if (size == 0 || count > r->size)
    r->ended = true;
  else
    (void)take(r, size * count);
  return r->ended ? (gguf_span){0} : (gguf_span){r->data + start, r->at - start};
}

static bool read_pair(reader *r, gguf_pair *p) {
  p->key_length = get(r, 8);
  p->key = take(r, p->key_length);
  p->type = (uint32_t)get(r, 4);
  p->element = p->type == ARRAY ? (uint32_t)get(r, 4) : p->type;
  p->count = p->type == ARRAY ? get(r, 8) : 1;
  p->value = values(r, p->element, p->count);
  return !r->ended;
}

static bool read_entry(reader *r, gguf_entry *t) {
  t->name_length = get(r, 8);
  t->name = take(r, t->name_length);
  t->dim_count = (uint32_t)get(r, 4);
  for (uint32_t i = 0; i < 4; i++) t->dims[i] = i < t->dim_count ? get(r, 8) : 1;
  t->type = (uint32_t)get(r, 4);
  t->offset = get(r, 8);
  return !r->ended && t->dim_count <= 4;
}

bool gguf_take_apart(const uint8_t *data, size_t size, gguf_pieces *out) {
  reader r = {data, 4, size, false};
  size_t good = HEAD;
  if (size < HEAD || memcmp(data, "GGUF", 4) != 0) return false;
  memset(out, 0, sizeof *out);
  out->version = (uint32_t)get(&r, 4);
  out->tensors_said = get(&r, 8);
  out->pairs_said = get(&r, 8);
  while (out->pair_count < out->pairs_said && out->pair_count < GGUF_PAIRS_MAX &&
         read_pair(&r, &out->pairs[out->pair_count])) {
    out->pair_count++;
    good = r.at;
  }
  if (out->pair_count == out->pairs_said)
    while (out->tensor_count < out->tensors_said && out->tensor_count < GGUF_TENSORS_MAX &&
           read_entry(&r, &out->tensors[out->tensor_count])) {
      out->tensor_count++;
      good = r.at;
    }
  out->whole = out->pair_count == out->pairs_said && out->tensor_count == out->tensors_said;
  if (out->whole) {
    const uint64_t alignment = gguf_pieces_alignment(out);
    good = good + (size_t)((alignment - good % alignment) % alignment);
  }
  if (good < size) out->rest = (gguf_span){data + good, size - good};
  return true;
}

uint64_t gguf_pieces_alignment(const gguf_pieces *pieces) {
  for (size_t i = 0; i < pieces->pair_count; i++) {
    const gguf_pair *p = &pieces->pairs[i];
    if (p->key.length != 17 || memcmp(p->key.data, "general.alignment", 17) != 0) continue;
    uint64_t value = 0;
    for (size_t k = 0; k < p->value.length && k < 4; k++)
      value |= (uint64_t)p->value.data[k] << 8 * k;
    if (value > 0 && value <= 65536) return value;
  }
  return 32;
}

typedef struct writer {
  uint8_t *out;
  size_t at, room;
} writer;

static void put_span(writer *w, gguf_span span) {
  const size_t length = span.length < w->room - w->at ? span.length : w->room - w->at;
  if (length > 0) memcpy(w->out + w->at, span.data, length);
  w->at += length;
}

static void put(writer *w, uint64_t value, size_t bytes) {
  uint8_t little[8];
  for (size_t i = 0; i < bytes; i++) little[i] = (uint8_t)(value >> 8 * i);
  put_span(w, (gguf_span){little, bytes});
}

static void put_pair(writer *w, const gguf_pair *p) {
  put(w, p->key_length, 8);
  put_span(w, p->key);
  put(w, p->type, 4);
  if (p->type == ARRAY) {
    put(w, p->element, 4);
    put(w, p->count, 8);
  }
  put_span(w, p->value);
}

static void put_entry(writer *w, const gguf_entry *t) {
  put(w, t->name_length, 8);
  put_span(w, t->name);
  put(w, t->dim_count, 4);
  for (uint32_t i = 0; i < 4 && i < t->dim_count; i++) put(w, t->dims[i], 8);
  put(w, t->type, 4);
  put(w, t->offset, 8);
}

size_t gguf_put_together(const gguf_pieces *pieces, size_t parts, uint8_t *out, size_t room) {
  writer w = {out, 0, room};
  static const uint8_t magic[4] = {'G', 'G', 'U', 'F'};
  if (parts == 0) return 0;
  put_span(&w, (gguf_span){magic, sizeof magic});
  put(&w, pieces->version, 4);
  put(&w, pieces->tensors_said, 8);
  put(&w, pieces->pairs_said, 8);
  parts--;
  for (size_t i = 0; i < pieces->pair_count && parts > 0; i++, parts--)
    put_pair(&w, &pieces->pairs[i]);
  for (size_t i = 0; i < pieces->tensor_count && parts > 0; i++, parts--)
    put_entry(&w, &pieces->tensors[i]);
  if (parts == 0) return w.at;
  const uint64_t alignment = gguf_pieces_alignment(pieces);
  while (pieces->whole && w.at % alignment != 0 && w.at < w.room) put(&w, 0, 1);
  put_span(&w, pieces->rest);
  return w.at;
}
