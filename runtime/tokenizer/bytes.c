/* Bytes, the printable alphabet that stands for them in the vocabulary, and UTF-8. */
#include <stdlib.h>

#include "base/ck.h"
#include "runtime/tokenizer/internal.h"

/* Bytes that are printable characters of Latin-1 stand for themselves. */
static bool stands_for_itself(uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xff && byte != 0xad);
}

/* All other bytes are, in ascending order, the code points from U+0100 on: 0x00..0x20 (33 of them),
 * 0x7f..0xa0 (34), 0xad. */
int pv_symbol_byte(uint32_t code_point) {
  if (code_point < 0x100) return stands_for_itself(code_point) ? (int)code_point : -1;
  const uint32_t n = code_point - 0x100;
  if (n < 33) return (int)n;
  if (n < 67) return (int)(n - 33 + 0x7f);
  return n == 67 ? 0xad : -1;
}

/* Table 3-7 of the Unicode standard: the second byte's range depends on the first. */
static unsigned utf8_shape(unsigned char first, unsigned char *low, unsigned char *high) {
  *low = 0x80;
  *high = 0xbf;
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return 2;
  if (first == 0xe0) *low = 0xa0;  /* shorter forms exist below */
  if (first == 0xed) *high = 0x9f; /* surrogates lie above */
  if (first < 0xf0) return 3;
  if (first == 0xf0) *low = 0x90;
  if (first == 0xf4) *high = 0x8f; /* U+10FFFF is the last */
  return first <= 0xf4 ? 4 : 0;
}

pv_utf8 pv_utf8_front(const unsigned char *at, size_t left) {
  if (left == 0) return (pv_utf8){0};
  unsigned char low, high;
  const unsigned length = utf8_shape(at[0], &low, &high);
  if (length == 0) return (pv_utf8){.prefix = 1};
  uint32_t value = length == 1 ? at[0] : at[0] & (0x7fu >> length);
  for (unsigned i = 1; i < length; i++) {
    if (i == left) return (pv_utf8){.prefix = i, .cut = true};
    if (at[i] < low || at[i] > high) return (pv_utf8){.prefix = i};
    value = value << 6 | (at[i] & 0x3fu);
    low = 0x80;
    high = 0xbf;
  }
  return (pv_utf8){.length = length, .code_point = value};
}

pv_code pv_id_list_add(pv_id_list *list, uint32_t id, pv_error *err) {
  if (list->count == list->capacity) {
    const size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
    uint64_t bytes;
    uint32_t *grown = NULL;
    if (capacity > list->capacity && pv_ck_mul(capacity, sizeof *grown, &bytes))
      grown = realloc(list->data, (size_t)bytes);
    if (grown == NULL) return pv_error_set(err, PV_ERR_NOMEM, "no memory for the token ids");
    list->data = grown;
    list->capacity = capacity;
  }
  list->data[list->count++] = id;
  return PV_OK;
}
