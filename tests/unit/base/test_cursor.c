#include <stddef.h>

#include "base/cursor.h"
#include "tests/unit/testing.h"

static void test_little_endian(void) {
  static const unsigned char bytes[] = {0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0f, 0x0e,
                                        0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x88, 0x00, 0x00, 0xc0,
                                        0x3f, 0,    0,    0,    0,    0,    0,    0xf8, 0xbf};
  pv_cursor cursor = pv_cursor_make(bytes, sizeof bytes);
  EXPECT_U64(pv_cursor_u8(&cursor), 0x01);
  EXPECT_U64(pv_cursor_u16(&cursor), 0x0203);
  EXPECT_U64(pv_cursor_u32(&cursor), 0x04050607);
  EXPECT_U64(pv_cursor_u64(&cursor), 0x88090a0b0c0d0e0fu);
  EXPECT_BITS32(pv_cursor_f32(&cursor), 1.5f);
  EXPECT_F64(pv_cursor_f64(&cursor), -1.5, 0);
  EXPECT(!cursor.failed);
  EXPECT_U64(cursor.at, sizeof bytes);
}

static void test_past_the_end(void) {
  static const unsigned char bytes[] = {1, 2, 3};
  pv_cursor cursor = pv_cursor_make(bytes, sizeof bytes);
  EXPECT_U64(pv_cursor_u8(&cursor), 1);
  EXPECT_U64(pv_cursor_u32(&cursor), 0);
  EXPECT(cursor.failed);
  EXPECT_U64(cursor.at, 1);             /* the byte where it happened */
  EXPECT_U64(pv_cursor_u8(&cursor), 0); /* would fit, but nothing is read after a failure */
  EXPECT_U64(cursor.at, 1);
}

static void test_take(void) {
  static const unsigned char bytes[] = {1, 2, 3};
  pv_cursor cursor = pv_cursor_make(bytes, sizeof bytes);
  EXPECT(pv_cursor_take(&cursor, 2) == bytes);
  EXPECT(pv_cursor_take(&cursor, 0) == bytes + 2);
  EXPECT(pv_cursor_take(&cursor, 1) == bytes + 2);
  EXPECT(pv_cursor_take(&cursor, 0) == bytes + 3);
  EXPECT(!cursor.failed);
  EXPECT(pv_cursor_take(&cursor, UINT64_MAX) == NULL); /* at + length wraps */
  EXPECT(cursor.failed);
  EXPECT(pv_cursor_take(&cursor, 0) == NULL);
}

static void test_empty(void) {
  pv_cursor cursor = pv_cursor_make(NULL, 0);
  EXPECT(!cursor.failed);
  EXPECT_U64(pv_cursor_u8(&cursor), 0);
  EXPECT(cursor.failed);
  EXPECT_U64(cursor.at, 0);
}

int main(void) {
  return pv_testing_main("cursor", (pv_case[]){PV_CASE(test_little_endian),
                                               PV_CASE(test_past_the_end),
                                               PV_CASE(test_take),
                                               PV_CASE(test_empty),
                                               {0}});
}
