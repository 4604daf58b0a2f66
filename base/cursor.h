/* A bounded little-endian reader over bytes in memory. A read past the end sets `failed` at the
 * byte where it happened and returns zero; later reads do nothing. One check at the end of a
 * group of reads is enough, but never use a value read for an allocation before that check. */
#ifndef PV_BASE_CURSOR_H
#define PV_BASE_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

typedef struct pv_cursor {
  const unsigned char *data;
  uint64_t length;
  uint64_t at;
  bool failed;
} pv_cursor;

pv_cursor pv_cursor_make(const void *data, uint64_t length);
uint8_t pv_cursor_u8(pv_cursor *cursor);
uint16_t pv_cursor_u16(pv_cursor *cursor);
uint32_t pv_cursor_u32(pv_cursor *cursor);
uint64_t pv_cursor_u64(pv_cursor *cursor);
float pv_cursor_f32(pv_cursor *cursor);
double pv_cursor_f64(pv_cursor *cursor);
/* `length` bytes in place, or NULL. */
const unsigned char *pv_cursor_take(pv_cursor *cursor, uint64_t length);

#endif
