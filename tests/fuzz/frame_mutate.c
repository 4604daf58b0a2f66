/* Mutations of frames for libFuzzer: its own, after which, half of the time, every frame says its
 * length and its digest, without which nothing behind the head is ever looked at. */
#include <stdint.h>
#include <string.h>

#include "base/sha256.h"
#include "runtime/probe/frame.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static unsigned nibble(char digit) {
  return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* One frame: from its magic number to the next one, or to the end. */
static void seal(uint8_t *frame, size_t size) {
  char hex[PV_SHA256_HEX];
  const size_t length = size - PV_FRAME_HEAD;
  if (pv_sha256_bytes(frame + PV_FRAME_HEAD, length, hex, NULL) != PV_OK) return;
  for (unsigned i = 0; i < 4; i++) frame[4 + i] = (uint8_t)(length >> 8 * i);
  for (unsigned i = 0; i < 8; i++)
    frame[8 + i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  for (size_t at = 0; seed % 2 == 0 && size - at >= PV_FRAME_HEAD;) {
    const uint8_t *next = memmem(data + at + 4, size - at - 4, "PVF1", 4);
    const size_t end = next == NULL ? size : (size_t)(next - data);
    if (memcmp(data + at, "PVF1", 4) == 0 && end - at > PV_FRAME_HEAD) seal(data + at, end - at);
    at = end;
  }
  return size;
}
