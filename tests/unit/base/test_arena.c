#include <string.h>
#include <wchar.h>

#include "base/arena.h"
#include "tests/unit/testing.h"

static void test_zeroed_and_aligned(void) {
  pv_arena arena = PV_ARENA_INIT;
  static const unsigned char zeros[100000];
  for (size_t n = 0; n < 100; n++) {
    unsigned char *p = pv_arena_alloc(&arena, n * 1000 + 1, 1);
    REQUIRE(p != NULL);
    EXPECT_U64((uintptr_t)p % 16, 0);
    EXPECT_BYTES(p, zeros, n * 1000 + 1);
    memset(p, 0xff, n * 1000 + 1); /* would show in a later object if two overlapped */
  }
  pv_arena_free(&arena);
}

static void test_objects_do_not_overlap(void) {
  enum { COUNT = 5000 };
  static uint32_t *items[COUNT];
  pv_arena arena = PV_ARENA_INIT;
  for (uint32_t i = 0; i < COUNT; i++) {
    items[i] = PV_ARENA_NEW(&arena, 1 + i % 9, uint32_t);
    REQUIRE(items[i] != NULL);
    for (uint32_t k = 0; k < 1 + i % 9; k++) items[i][k] = i;
  }
  unsigned wrong = 0;
  for (uint32_t i = 0; i < COUNT; i++)
    for (uint32_t k = 0; k < 1 + i % 9; k++) wrong += items[i][k] != i;
  EXPECT_U64(wrong, 0);
  pv_arena_free(&arena);
}

static void test_overflow_is_null(void) {
  pv_arena arena = PV_ARENA_INIT;
  EXPECT(pv_arena_alloc(&arena, SIZE_MAX, 2) == NULL);
  EXPECT(pv_arena_alloc(&arena, SIZE_MAX / 2 + 1, 2) == NULL);
  EXPECT(pv_arena_alloc(&arena, SIZE_MAX, 1) == NULL);
  EXPECT(pv_arena_alloc(&arena, SIZE_MAX - 15, 1) == NULL);
  EXPECT(pv_arena_strndup(&arena, "", SIZE_MAX) == NULL);
  EXPECT(pv_arena_alloc(&arena, 8, 1) != NULL); /* still usable */
  pv_arena_free(&arena);
}

static void test_nothing_is_something(void) {
  pv_arena arena = PV_ARENA_INIT;
  void *a = pv_arena_alloc(&arena, 0, 8), *b = pv_arena_alloc(&arena, 8, 0);
  EXPECT(a != NULL && b != NULL && a != b);
  pv_arena_free(&arena);
}

static void test_texts(void) {
  pv_arena arena = PV_ARENA_INIT;
  EXPECT_STR(pv_arena_strdup(&arena, "abc"), "abc");
  EXPECT_STR(pv_arena_strdup(&arena, ""), "");
  EXPECT_STR(pv_arena_strndup(&arena, "abcdef", 2), "ab");
  EXPECT_STR(pv_arena_strndup(&arena, NULL, 0), "");
  EXPECT_BYTES(pv_arena_strndup(&arena, "a\0b", 3), "a\0b", 4);
  EXPECT_STR(pv_arena_printf(&arena, "%d-%s", 5, "x"), "5-x");
  const char *wide = pv_arena_printf(&arena, "%0100000d", 1); /* more than one block */
  REQUIRE(wide != NULL);
  EXPECT_U64(strlen(wide), 100000);
  pv_arena_free(&arena);
}

static void test_free_and_use_again(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_arena_free(&arena);
  EXPECT(pv_arena_alloc(&arena, 1, 1) != NULL);
  pv_arena_free(&arena);
  EXPECT(arena.head == NULL);
  pv_arena_free(&arena);
  EXPECT_STR(pv_arena_strdup(&arena, "again"), "again");
  pv_arena_free(&arena);
}

static void test_what_can_not_be_printed(void) {
  static const wchar_t wrong[] = {0x110000, 0};
  pv_arena arena = PV_ARENA_INIT;
  EXPECT(pv_arena_printf(&arena, "%ls", wrong) == NULL);
  EXPECT(arena.head == NULL);
  pv_arena_free(&arena);
}

int main(void) {
  return pv_testing_main("arena", (pv_case[]){PV_CASE(test_zeroed_and_aligned),
                                              PV_CASE(test_objects_do_not_overlap),
                                              PV_CASE(test_overflow_is_null),
                                              PV_CASE(test_nothing_is_something),
                                              PV_CASE(test_texts),
                                              PV_CASE(test_free_and_use_again),
                                              PV_CASE(test_what_can_not_be_printed),
                                              {0}});
}
