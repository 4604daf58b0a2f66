/* Mutations of GGUF files for libFuzzer: one to three edits of the structure, after which counts,
 * lengths and places are made to agree most of the time; for one input in four, and for what is no
 * GGUF file, libFuzzer's own. Decided by the seed alone. */
#include "tests/fuzz/gguf_mutate.h"

#include <string.h>

#include "kernels/quant/quant.h"

enum { U32 = 4, I32 = 5, STRING = 8, ARRAY = 9 };

typedef struct mutation {
  uint64_t state, counted; /* elements of one of the arrays: what ids elsewhere are compared with */
  size_t input_size, used;
  uint8_t scratch[1u << 18]; /* what edits make; one of them is not done when it is full */
} mutation;

static uint64_t next(mutation *m) { /* splitmix64 */
  uint64_t z = m->state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static size_t below(mutation *m, size_t limit) {
  return limit == 0 ? 0 : (size_t)(next(m) % limit);
}

static uint8_t *room_for(mutation *m, size_t length) {
  if (sizeof m->scratch - m->used < length) return NULL;
  uint8_t *bytes = m->scratch + m->used;
  m->used += length;
  return bytes;
}

/* The low bytes of a value in the file's order; none when there is no room. */
static gguf_span little(mutation *m, uint64_t value, size_t length) {
  uint8_t *bytes = room_for(m, length);
  if (bytes == NULL) return (gguf_span){0};
  for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)(value >> 8 * i);
  return (gguf_span){bytes, length};
}

static gguf_span text(const char *words) {
  return (gguf_span){(const uint8_t *)words, strlen(words)};
}

/* Near where sizes wrap around, near the file's own size, or near what was there. */
static uint64_t wild(mutation *m, uint64_t old) {
  static const uint8_t bits[] = {8, 16, 20, 31, 32, 60, 61, 63};
  uint64_t value = old;
  switch (below(m, 6)) {
    case 0:
      value = 0;
      break;
    case 1:
      value = (uint64_t)1 << bits[below(m, sizeof bits)];
      break;
    case 2:
      value = m->input_size;
      break;
    case 3:
      value = old * (1 + below(m, 4));
      break;
    case 4:
      value = UINT64_MAX - old;
      break;
    default:
      break;
  }
  return value + below(m, 5) - 2;
}

static gguf_span bytewise(mutation *m, gguf_span span, size_t growth) {
  uint8_t *bytes = room_for(m, span.length + growth);
  if (bytes == NULL || span.length + growth == 0) return span;
  if (span.length > 0) memcpy(bytes, span.data, span.length);
  memset(bytes + span.length, 0, growth); /* nothing of an earlier mutation */
  return (gguf_span){bytes, LLVMFuzzerMutate(bytes, span.length, span.length + growth)};
}

/* Where element `index` of a value lies. */
static gguf_span element(const gguf_pair *p, uint64_t index) {
  const size_t size = gguf_element_size(p->element);
  size_t at = 0;
  for (uint64_t i = 0; p->element == STRING && at + 8 <= p->value.length; i++) {
    uint64_t length = 0;
    for (size_t k = 0; k < 8; k++) length |= (uint64_t)p->value.data[at + k] << 8 * k;
    if (length > p->value.length - at - 8) break;
    if (i == index) return (gguf_span){p->value.data + at, 8 + (size_t)length};
    at += 8 + (size_t)length;
  }
  if (size == 0 || index >= p->value.length / size) return (gguf_span){0};
  return (gguf_span){p->value.data + index * size, size};
}

/* The value with `old` replaced by `made`. */
static void splice(mutation *m, gguf_pair *p, gguf_span old, gguf_span made) {
  const size_t head = (size_t)(old.data - p->value.data);
  const size_t tail = p->value.length - head - old.length;
  uint8_t *bytes = room_for(m, head + made.length + tail);
  if (bytes == NULL) return;
  if (head > 0) memcpy(bytes, p->value.data, head);
  if (made.length > 0) memcpy(bytes + head, made.data, made.length);
  if (tail > 0) memcpy(bytes + head + made.length, old.data + old.length, tail);
  p->value = (gguf_span){bytes, head + made.length + tail};
}

/* One element is taken away, said twice, set to another one, or changed. */
static void edit_element(mutation *m, gguf_pair *p) {
  const gguf_span old = element(p, below(m, (size_t)p->count));
  const gguf_span other = element(p, below(m, (size_t)p->count));
  if (old.data == NULL || other.data == NULL) return;
  const gguf_span end = {old.data + old.length, 0};
  gguf_span made;
  switch (below(m, p->type == ARRAY ? 5 : 2)) {
    case 2:
      splice(m, p, old, (gguf_span){0});
      p->count--;
      return;
    case 3:
      splice(m, p, end, other);
      p->count++;
      return;
    case 4:
      splice(m, p, old, other);
      return;
    default:
      break;
  }
  if (p->element == STRING) { /* its length goes with it */
    const gguf_span words = bytewise(m, (gguf_span){old.data + 8, old.length - 8}, 8);
    uint8_t *bytes = room_for(m, 8 + words.length);
    if (bytes == NULL) return;
    for (size_t i = 0; i < 8; i++) bytes[i] = (uint8_t)((uint64_t)words.length >> 8 * i);
    if (words.length > 0) memcpy(bytes + 8, words.data, words.length);
    made = (gguf_span){bytes, 8 + words.length};
  } else {
    const uint64_t near = m->counted + below(m, 3) - 1;
    made = little(m, below(m, 2) == 0 ? near : wild(m, below(m, (size_t)p->count + 4)), old.length);
  }
  splice(m, p, old, made);
}

static void edit_alignment(mutation *m, gguf_pieces *f) {
  static const uint32_t asked[] = {8, 16, 32, 64, 128, 4096, 65536, 0, 1, 3, 131072, 0x80000000u};
  size_t i = 0;
  while (i < f->pair_count && f->pairs[i].key.length != 17) i++;
  if (i == GGUF_PAIRS_MAX) return;
  if (i == f->pair_count) f->pair_count++;
  const uint32_t value = asked[below(m, below(m, 2) == 0 ? 5 : sizeof asked / sizeof *asked)];
  f->pairs[i] = (gguf_pair){.key = text("general.alignment"),
                            .key_length = 17,
                            .type = U32,
                            .element = U32,
                            .count = 1,
                            .value = little(m, value, 4)};
}

static const char *const keys[] = {"general.alignment",
                                   "general.architecture",
                                   "tokenizer.ggml.model",
                                   "tokenizer.ggml.pre",
                                   "tokenizer.ggml.tokens",
                                   "tokenizer.ggml.token_type",
                                   "tokenizer.ggml.merges",
                                   "tokenizer.ggml.bos_token_id",
                                   "tokenizer.ggml.eos_token_id",
                                   "tokenizer.ggml.padding_token_id",
                                   "tokenizer.ggml.add_bos_token",
                                   "tokenizer.ggml.scores",
                                   "tokenizer.ggml.add_space_prefix"};

/* As many bytes as one value of its type has. */
static void retype(mutation *m, gguf_pair *p) {
  const size_t length = gguf_element_size(p->type);
  if (length == 0) return;
  p->element = p->type;
  p->count = 1;
  p->value = little(m, wild(m, 1), length);
}

static void edit_pair(mutation *m, gguf_pieces *f) {
  gguf_pair *p = &f->pairs[below(m, f->pair_count)], *q = &f->pairs[below(m, f->pair_count)];
  const gguf_pair kept = *p;
  switch (below(m, 14)) {
    case 0:
      p->type = (uint32_t)below(m, 14);
      if (below(m, 2) == 0) retype(m, p);
      break;
    case 1:
      p->element = (uint32_t)below(m, 14);
      break;
    case 2:
      p->count = wild(m, p->count);
      break;
    case 3:
      p->key = below(m, 2) == 0 ? bytewise(m, p->key, 4)
                                : text(keys[below(m, sizeof keys / sizeof *keys)]);
      p->key_length = p->key.length;
      break;
    case 4:
      p->key_length = wild(m, p->key_length);
      break;
    case 5:
      if (f->pair_count < GGUF_PAIRS_MAX) f->pairs[f->pair_count++] = *p;
      break;
    case 6:
      *p = f->pairs[--f->pair_count];
      break;
    case 7:
      *p = *q;
      *q = kept;
      break;
    default:
      edit_element(m, p);
  }
}

/* The element of a tensor that one edit makes a lie, or a whole tensor. */
static void edit_tensor(mutation *m, gguf_pieces *f) {
  static const uint8_t types[] = {0, 1, 8, 12, 13, 14, 30};
  gguf_entry *t = &f->tensors[below(m, f->tensor_count)];
  gguf_entry *other = &f->tensors[below(m, f->tensor_count)];
  const gguf_entry kept = *t;
  uint64_t *dim = &t->dims[below(m, t->dim_count < 4 ? t->dim_count : 4)];
  switch (below(m, 12)) {
    case 0:
      t->type = below(m, 8) == 0 ? (uint32_t)wild(m, t->type) : types[below(m, sizeof types)];
      break;
    case 1:
      *dim = wild(m, *dim);
      break;
    case 2:
      *dim = (1 + below(m, 3)) << (below(m, 2) == 0 ? 8 : below(m, 6));
      break;
    case 3:
      t->dim_count = below(m, 4) == 0 ? (uint32_t)wild(m, 4) : (uint32_t)(1 + below(m, 4));
      break;
    case 4:
      t->offset = wild(m, t->offset);
      break;
    case 5:
      t->offset += gguf_pieces_alignment(f) * (below(m, 5) - 2);
      break;
    case 6:
      t->offset = other->offset;
      break;
    case 7:
      t->name_length = wild(m, t->name_length);
      break;
    case 8:
      t->name = below(m, 4) == 0 ? other->name : bytewise(m, t->name, 4);
      t->name_length = t->name.length;
      break;
    case 9:
      if (f->tensor_count < GGUF_TENSORS_MAX) f->tensors[f->tensor_count++] = *t;
      break;
    case 10:
      *t = f->tensors[--f->tensor_count];
      break;
    default:
      *t = *other;
      *other = kept;
  }
}

static void edit(mutation *m, gguf_pieces *f) {
  const size_t which = below(m, 16);
  if (which == 0)
    f->rest = bytewise(m, f->rest, 32);
  else if (which == 1)
    edit_alignment(m, f);
  else if (which == 2 && below(m, 4) == 0)
    f->version = (uint32_t)wild(m, f->version);
  else if (f->tensor_count > 0 && (which % 2 == 0 || f->pair_count == 0))
    edit_tensor(m, f);
  else if (f->pair_count > 0)
    edit_pair(m, f);
}

/* Tensors one behind the other, with data as long as they need, where that has room. */
static void place(mutation *m, gguf_pieces *f, size_t max_size) {
  const uint64_t alignment = gguf_pieces_alignment(f);
  uint64_t at = 0, end = 0;
  for (size_t i = 0; i < f->tensor_count; i++) {
    gguf_entry *t = &f->tensors[i];
    uint64_t elements = 0, row = 0, bytes = 0;
    if (t->dim_count < 1 || t->dim_count > 4 ||
        !pv_tensor_size((pv_type)t->type, t->dims, t->dim_count, &elements, &row, &bytes) ||
        bytes > max_size)
      continue;
    t->offset = at;
    end = at + bytes;
    at = (end + alignment - 1) / alignment * alignment;
  }
  uint8_t *data = end > max_size ? NULL : room_for(m, (size_t)end);
  if (data == NULL || end == 0) return;
  const size_t kept = f->rest.length < end ? f->rest.length : (size_t)end;
  memset(data, 0, (size_t)end);
  if (kept > 0) memcpy(data, f->rest.data, kept);
  f->rest = (gguf_span){data, (size_t)end};
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  static mutation m;
  static gguf_pieces f;
  m.state = seed;
  m.input_size = size;
  m.used = 0;
  if (below(&m, 4) == 0 || !gguf_take_apart(data, size, &f))
    return LLVMFuzzerMutate(data, size, max_size);
  m.counted = f.pair_count == 0 ? 0 : f.pairs[below(&m, f.pair_count)].count;
  const size_t pairs = f.pair_count, tensors = f.tensor_count;
  for (size_t edits = 1 + below(&m, 1 + below(&m, 3)); edits > 0; edits--) edit(&m, &f);
  f.pairs_said += f.pair_count - pairs;
  f.tensors_said += f.tensor_count - tensors;
  if (f.whole && below(&m, 4) != 0) place(&m, &f, max_size);
  if (below(&m, 16) == 0) f.pairs_said = wild(&m, f.pairs_said);
  if (below(&m, 16) == 0) f.tensors_said = wild(&m, f.tensors_said);
  const size_t pieces = 2 + f.pair_count + f.tensor_count;
  const size_t parts = below(&m, 16) == 0 ? 1 + below(&m, pieces) : pieces;
  uint8_t *made = room_for(&m, max_size);
  if (made == NULL) return LLVMFuzzerMutate(data, size, max_size);
  const size_t length = gguf_put_together(&f, parts, made, max_size);
  memcpy(data, made, length);
  return length;
}
