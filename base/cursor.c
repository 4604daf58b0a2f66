#include "base/cursor.h"

#include <string.h>

#include "base/ck.h"

pv_cursor pv_cursor_make(const void *data, uint64_t length) {
  return (pv_cursor){.data = data, .length = length};
}

const unsigned char *pv_cursor_take(pv_cursor *cursor, uint64_t length) {
  if (cursor->failed || !pv_ck_range(cursor->at, length, cursor->length)) {
    cursor->failed = true;
    return NULL;
  }
  const unsigned char *p = cursor->data + cursor->at;
  cursor->at += length;
  return p;
}

static uint64_t little(pv_cursor *cursor, unsigned bytes) {
  const unsigned char *p = pv_cursor_take(cursor, bytes);
  uint64_t value = 0;
  for (unsigned i = 0; p != NULL && i < bytes; i++) value |= (uint64_t)p[i] << (8 * i);
  return value;
}

uint8_t pv_cursor_u8(pv_cursor *cursor) {
  return (uint8_t)little(cursor, 1);
}
uint16_t pv_cursor_u16(pv_cursor *cursor) {
  return (uint16_t)little(cursor, 2);
}
uint32_t pv_cursor_u32(pv_cursor *cursor) {
  return (uint32_t)little(cursor, 4);
}
uint64_t pv_cursor_u64(pv_cursor *cursor) {
  return little(cursor, 8);
}

float pv_cursor_f32(pv_cursor *cursor) {
  const uint32_t bits = pv_cursor_u32(cursor);
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

double pv_cursor_f64(pv_cursor *cursor) {
  const uint64_t bits = pv_cursor_u64(cursor);
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}
