/* Any bytes as the parts of a model: the first byte says how many, each but the last begins with
 * its length in four bytes. Refused: the error is complete, of one of the parts, its place in it.
 * Accepted: every part says that it is the part as which it was given and counts the tensors that
 * there are, what it says of the model the first says too, every tensor lies inside its part and is
 * found by its name. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/gguf/internal.h"

enum { PARTS = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "violated: %s\n", what);
  abort();
}

static void check_tensor(const pv_gguf *set, const pv_gguf_tensor *t) {
  char name[PV_GGUF_MAX_NAME_BYTES + 1];
  uint64_t length = 0;
  demand(t->part < pv_gguf_part_count(set), "a tensor is of a part");
  const unsigned char *part = pv_gguf_part_bytes(set, t->part, &length);
  demand(t->bytes <= length && t->offset <= length - t->bytes, "a tensor lies inside its part");
  demand(t->data == part + t->offset, "data and offset agree");
  memcpy(name, t->name.data, (size_t)t->name.length);
  name[t->name.length] = '\0';
  demand(pv_gguf_tensor_find(set, name) == t, "every tensor is found by its name");
}

/* What the part says when it is read by itself. */
static void check_part(const pv_gguf *set, uint32_t number) {
  pv_gguf *alone = NULL;
  uint64_t length = 0, value = 0;
  const unsigned char *bytes = pv_gguf_part_bytes(set, number, &length);
  demand(gguf_build(bytes, length, "alone", NULL, &alone, NULL) == PV_OK, "a part is a file");
  demand(pv_gguf_get_u64(alone, "split.no", &value, NULL) == PV_OK && value == number,
         "a part says its number");
  demand(pv_gguf_get_u64(alone, "split.count", &value, NULL) == PV_OK &&
             value == pv_gguf_part_count(set),
         "a part says how many there are");
  demand(pv_gguf_get_u64(alone, "split.tensors.count", &value, NULL) == PV_OK &&
             value == pv_gguf_tensor_count(set),
         "a part counts the tensors of all");
  for (uint64_t i = 0; i < pv_gguf_value_count(alone) && number > 0; i++) {
    const pv_gguf_value *own = pv_gguf_value_at(alone, i), *said = gguf_find_key(set, own->key);
    if (memmem(own->key.data, (size_t)own->key.length, "split.", 6) == own->key.data ||
        (own->key.length == 17 && memcmp(own->key.data, "general.alignment", 17) == 0))
      continue;
    demand(said != NULL && said->type == own->type && said->element == own->element &&
               said->bytes == own->bytes && memcmp(said->data, own->data, (size_t)own->bytes) == 0,
           "what a part says of the model the first says too");
  }
  pv_gguf_close(alone);
}

/* The input cut into parts, each at an address that a file in memory has. */
static uint32_t cut(const uint8_t *data, size_t size, pv_gguf_bytes_of parts[PARTS]) {
  static const char *const names[PARTS] = {"0", "1", "2", "3", "4", "5", "6", "7"};
  const uint32_t count = size == 0 ? 1 : data[0] % PARTS + 1;
  size_t at = size == 0 ? 0 : 1;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t length = 0;
    if (i + 1 < count && size - at >= sizeof length) {
      memcpy(&length, data + at, sizeof length);
      at += sizeof length;
    }
    if (i + 1 == count || length > size - at) length = (uint32_t)(size - at);
    uint8_t *copy = malloc(length == 0 ? 1 : length);
    demand(copy != NULL, "there is memory for a part");
    if (length > 0) memcpy(copy, data + at, length);
    at += length;
    parts[i] = (pv_gguf_bytes_of){copy, length, names[i]};
  }
  return count;
}

static void check_refusal(const pv_error *err, const pv_gguf_bytes_of *parts, uint32_t count) {
  demand(err->message[0] != '\0' && err->hint[0] != '\0', "a refusal says why and what to do");
  demand(strncmp(err->rule, "PV-GGUF-", 8) == 0, "a refusal names its rule");
  const unsigned part = (unsigned char)err->file[0] - (unsigned)'0';
  demand(part < count && err->file[1] == '\0', "a refusal names a part");
  demand(err->byte >= -1 && err->byte <= (int64_t)parts[part].length, "its place is in the part");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  pv_gguf_bytes_of parts[PARTS];
  pv_gguf *set = NULL;
  pv_error err = PV_ERROR_INIT;
  const uint32_t count = cut(data, size, parts);
  const pv_code code = pv_gguf_parse_set(parts, count, &set, &err);
  if (code != PV_OK) {
    demand(set == NULL && err.code == code, "a refusal gives no object");
    check_refusal(&err, parts, count);
  } else {
    demand(pv_gguf_part_count(set) == count, "all parts are in");
    for (uint64_t i = 0; i < pv_gguf_tensor_count(set); i++)
      check_tensor(set, pv_gguf_tensor_at(set, i));
    for (uint32_t i = 0; i < count && count > 1; i++) check_part(set, i);
  }
  pv_gguf_close(set);
  for (uint32_t i = 0; i < count; i++) free((void *)(uintptr_t)parts[i].data);
  return 0;
}
