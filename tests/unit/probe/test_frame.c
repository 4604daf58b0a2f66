/* Frames: what is written is read, and nothing else is. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/probe/frame.h"
#include "tests/unit/testing.h"

static const char payload[] = "{\"nonce\":\"00\",\"type\":\"end\",\"count\":1}";
enum { PAYLOAD = sizeof payload - 1, FRAME = PAYLOAD + PV_FRAME_HEAD };

/* Writes one frame through a pipe; the pipe takes 64 KiB, far more than these frames. */
static size_t make(char *out, size_t room, const char *json, size_t length) {
  int ends[2];
  size_t have = 0;
  if (pipe(ends) != 0) return 0;
  const pv_code code = pv_frame_write(ends[1], json, length, NULL);
  close(ends[1]);
  for (ssize_t n = 1; n > 0 && have<room; have += n> 0 ? (size_t)n : 0)
    n = read(ends[0], out + have, room - have);
  close(ends[0]);
  return code == PV_OK ? have : 0;
}

static pv_code next(const char *data, size_t length, size_t *used, pv_error *err) {
  const char *json = NULL;
  size_t json_length = 0;
  /* A copy of exactly this length, so that a sanitizer sees a read past the end. */
  char *copy = malloc(length + (length == 0));
  memcpy(copy, data, length);
  const pv_code code = pv_frame_next(copy, length, used, &json, &json_length, err);
  if (code == PV_OK && *used > 0) {
    EXPECT_U64(json_length, PAYLOAD);
    EXPECT_BYTES(json, payload, PAYLOAD);
  }
  free(copy);
  return code;
}

static void test_round_trip(void) {
  char frame[2 * FRAME];
  size_t used = 0;
  EXPECT_U64(make(frame, sizeof frame, payload, PAYLOAD), FRAME);
  EXPECT_BYTES(frame, "PVF1", 4);
  EXPECT(next(frame, FRAME, &used, NULL) == PV_OK);
  EXPECT_U64(used, FRAME);
  memcpy(frame + FRAME, frame, FRAME); /* a second frame behind it is not touched */
  EXPECT(next(frame, sizeof frame, &used, NULL) == PV_OK);
  EXPECT_U64(used, FRAME);
}

/* The bytes of the head are a format that another program may write. */
static void test_layout(void) {
  char frame[64];
  static const unsigned char want[] = {'P',  'V',  'F',  '1',  2,    0,    0,    0,   0x44,
                                       0x13, 0x6f, 0xa3, 0x55, 0xb3, 0x67, 0x8a, '{', '}'};
  EXPECT_U64(make(frame, sizeof frame, "{}", 2), sizeof want);
  EXPECT_BYTES(frame, want, sizeof want); /* SHA-256 of "{}" begins 44136fa355b3678a */
}

static void test_split_at_every_byte(void) {
  char frame[FRAME];
  REQUIRE(make(frame, sizeof frame, payload, PAYLOAD) == FRAME);
  for (size_t cut = 0; cut < FRAME; cut++) {
    size_t used = 99;
    EXPECT(next(frame, cut, &used, NULL) == PV_OK);
    EXPECT_U64(used, 0);
  }
}

static void test_any_changed_byte(void) {
  char frame[FRAME];
  REQUIRE(make(frame, sizeof frame, payload, PAYLOAD) == FRAME);
  for (size_t at = 0; at < FRAME; at++) {
    for (int bit = 0; bit < 8; bit++) {
      size_t used = 0;
      char wrong[FRAME];
      memcpy(wrong, frame, FRAME);
      wrong[at] = (char)(wrong[at] ^ (1 << bit));
      const pv_code code = next(wrong, FRAME, &used, NULL);
      /* A larger length only asks for more bytes; everything else is refused at once. */
      const bool longer = at >= 4 && at < 8 && code == PV_OK && used == 0;
      EXPECT(code == PV_ERR_INPUT || longer);
    }
  }
}

static void test_reasons(void) {
  char frame[FRAME];
  size_t used = 0;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(make(frame, sizeof frame, payload, PAYLOAD) == FRAME);
  EXPECT(next("PASS", 4, &used, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "no frame");
  EXPECT(next("x", 1, &used, &err) == PV_ERR_INPUT); /* the first wrong byte is enough */
  frame[FRAME - 1] = ' ';
  EXPECT(next(frame, FRAME, &used, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "digest");
  memcpy(frame + 4, "\x01\x00\x40\x00", 4); /* one more than the limit, with 16 bytes of it */
  EXPECT(next(frame, PV_FRAME_HEAD, &used, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "4194305");
  memcpy(frame + 4, "\x00\x00\x00\x00", 4);
  EXPECT(next(frame, FRAME, &used, &err) == PV_ERR_INPUT);
}

static void test_write_refuses(void) {
  pv_error err = PV_ERROR_INIT;
  char *large = calloc(1, PV_FRAME_LIMIT + 1);
  REQUIRE(large != NULL);
  EXPECT(pv_frame_write(-1, large, PV_FRAME_LIMIT + 1, &err) == PV_ERR_LIMIT);
  EXPECT(pv_frame_write(-1, large, 0, &err) == PV_ERR_LIMIT);
  EXPECT(pv_frame_write(-1, payload, PAYLOAD, &err) == PV_ERR_IO);
  free(large);
}

static void test_largest(void) {
  int ends[2];
  char *large = malloc(PV_FRAME_LIMIT), *frame = malloc(PV_FRAME_LIMIT + PV_FRAME_HEAD);
  REQUIRE(large != NULL && frame != NULL && pipe(ends) == 0);
  memset(large, ' ', PV_FRAME_LIMIT);
  const pid_t writer = fork();
  if (writer == 0) _exit(pv_frame_write(ends[1], large, PV_FRAME_LIMIT, NULL) == PV_OK ? 0 : 1);
  close(ends[1]);
  size_t have = 0, used = 0, json_length = 0;
  const char *json = NULL;
  for (ssize_t n = 1; n > 0; have += n > 0 ? (size_t)n : 0)
    n = read(ends[0], frame + have, PV_FRAME_LIMIT + PV_FRAME_HEAD - have);
  EXPECT_U64(have, PV_FRAME_LIMIT + PV_FRAME_HEAD);
  EXPECT(pv_frame_next(frame, have, &used, &json, &json_length, NULL) == PV_OK);
  EXPECT_U64(json_length, PV_FRAME_LIMIT);
  close(ends[0]);
  int ended = -1;
  EXPECT(waitpid(writer, &ended, 0) == writer && ended == 0);
  free(frame);
  free(large);
}

int main(void) {
  return pv_testing_main("frame", (pv_case[]){PV_CASE(test_round_trip),
                                              PV_CASE(test_layout),
                                              PV_CASE(test_split_at_every_byte),
                                              PV_CASE(test_any_changed_byte),
                                              PV_CASE(test_reasons),
                                              PV_CASE(test_write_refuses),
                                              PV_CASE(test_largest),
                                              {0}});
}
