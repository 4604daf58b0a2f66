/* The mutator of GGUF files: what it takes apart it puts together again, it stays in its room, the
 * seed alone decides, and what it makes is accepted often and refused by many rules. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/gguf_mutate.h"
#include "tests/unit/gguf/build.h"
#include "tests/unit/testing.h"

enum { ROOM = 1024, RULES = 64 };

static unsigned bytewise;

/* libFuzzer's part, which no test has: one byte is another one. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) {
  bytewise++;
  if (size == 0 && max_size > 0) size = 1;
  if (size > 0) data[size / 2] ^= 1;
  return size;
}

static void test_apart_and_together(void) {
  static gguf_pieces pieces;
  static uint8_t out[ROOM];
  pv_text file = PV_TEXT_INIT;
  gb_sound(&file);
  REQUIRE(!file.failed && file.length < ROOM);
  for (size_t length = 0; length <= file.length; length++) {
    const uint8_t *data = (const uint8_t *)file.data;
    if (!EXPECT(gguf_take_apart(data, length, &pieces) == (length >= 24))) break;
    if (length < 24) continue;
    const size_t got = gguf_put_together(&pieces, SIZE_MAX, out, ROOM);
    if (!EXPECT(got >= length && got < length + 32)) break; /* at its end it may be padded */
    if (!EXPECT_BYTES(out, data, length)) break;
  }
  EXPECT(pieces.whole);
  EXPECT_U64(pieces.pair_count, 3);
  EXPECT_U64(pieces.tensor_count, 2);
  EXPECT_U64(gguf_put_together(&pieces, 1, out, ROOM), 24);
  EXPECT_U64(gguf_put_together(&pieces, SIZE_MAX, out, 100), 100);
  pv_text_free(&file);
}

static size_t mutated(const pv_text *file, uint8_t *out, size_t room, unsigned seed) {
  memcpy(out, file->data, file->length);
  memset(out + file->length, 0xa5, ROOM - file->length);
  return LLVMFuzzerCustomMutator(out, file->length, room, seed);
}

static void test_seed_decides(void) {
  static uint8_t first[ROOM], second[ROOM];
  pv_text file = PV_TEXT_INIT;
  unsigned differ = 0;
  gb_sound(&file);
  for (unsigned seed = 0; seed < 2000; seed++) {
    const size_t room = file.length + seed % 64, length = mutated(&file, first, room, seed);
    if (!EXPECT(length <= room)) break;
    if (!EXPECT_U64(mutated(&file, second, room, seed), length)) break;
    if (!EXPECT_BYTES(first, second, length)) break;
    if (!EXPECT(first[room] == 0xa5)) break;
    differ += length != file.length || memcmp(first, file.data, length) != 0;
  }
  EXPECT(differ > 1800);
  pv_text_free(&file);
}

/* Which rules refuse mutations of a sound file, each once more mutated. */
static void test_reaches_far(void) {
  char rules[RULES][32] = {""};
  unsigned accepted = 0, known = 0;
  pv_text file = PV_TEXT_INIT;
  uint8_t *out = malloc(ROOM);
  gb_sound(&file);
  bytewise = 0;
  for (unsigned seed = 0; out != NULL && seed < 4000; seed++) {
    pv_gguf *gguf = NULL;
    pv_error err = PV_ERROR_INIT;
    size_t length = mutated(&file, out, ROOM, seed);
    length = LLVMFuzzerCustomMutator(out, length, ROOM, ~seed);
    if (pv_gguf_parse(out, length, "mutated", &gguf, &err) == PV_OK) accepted++;
    pv_gguf_close(gguf);
    unsigned i = 0;
    while (i < known && strcmp(rules[i], err.rule) != 0) i++;
    if (i == known && known < RULES && err.rule[0] != '\0')
      snprintf(rules[known++], sizeof rules[0], "%s", err.rule);
  }
  EXPECT(accepted > 400);
  EXPECT(known >= 18);
  EXPECT(bytewise > 1000);
  free(out);
  pv_text_free(&file);
}

int main(void) {
  return pv_testing_main("gguf_mutate", (pv_case[]){PV_CASE(test_apart_and_together),
                                                    PV_CASE(test_seed_decides),
                                                    PV_CASE(test_reaches_far),
                                                    {0}});
}
