/* Any bytes on the probe's channel: each frame lies inside them and is the same however much of it
 * has come; and any bytes as a payload come back, unless a bit of the frame is flipped. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/probe/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "violated: %s\n", what);
  abort();
}

/* A frame that is not whole yet is waited for, or is refused; it is never another frame. */
static void cut(const char *data, size_t used) {
  size_t part = 0, length = 0;
  const char *json = NULL;
  for (size_t n = 0; n < used; n += 1 + used / 64) {
    demand(pv_frame_next(data, n, &part, &json, &length, NULL) == PV_OK, "a beginning is no error");
    demand(part == 0, "a beginning is no frame");
  }
}

static void read_all(const char *data, size_t size) {
  size_t at = 0, used = 1;
  while (used > 0) {
    pv_error err = PV_ERROR_INIT;
    const char *json = NULL;
    size_t length = 0;
    const pv_code code = pv_frame_next(data + at, size - at, &used, &json, &length, &err);
    if (code != PV_OK) {
      demand(code == PV_ERR_INPUT && err.message[0] != '\0', "a refusal says why");
      demand(used == 0, "a refused frame takes nothing");
      return;
    }
    if (used == 0) return;
    demand(used <= size - at && length == used - PV_FRAME_HEAD && length > 0, "a frame is inside");
    demand(json == data + at + PV_FRAME_HEAD, "the payload follows the head");
    cut(data + at, used);
    at += used;
  }
}

static void round_trip(const char *data, size_t size) {
  const int fd = memfd_create("frame", MFD_CLOEXEC);
  char *frame = malloc(size + PV_FRAME_HEAD);
  size_t used = 0, length = 0;
  const char *json = NULL;
  if (fd < 0 || frame == NULL) abort();
  demand(pv_frame_write(fd, data, size, NULL) == PV_OK, "any payload is written");
  demand(pread(fd, frame, size + PV_FRAME_HEAD, 0) == (ssize_t)(size + PV_FRAME_HEAD),
         "it is as long as it says");
  demand(pv_frame_next(frame, size + PV_FRAME_HEAD, &used, &json, &length, NULL) == PV_OK,
         "it is read");
  demand(used == size + PV_FRAME_HEAD && length == size && memcmp(json, data, size) == 0,
         "it comes back");
  for (size_t i = 0; i < size + PV_FRAME_HEAD; i += 1 + size / 32) {
    frame[i] ^= (char)(1 << i % 8);
    demand(pv_frame_next(frame, size + PV_FRAME_HEAD, &used, &json, &length, NULL) != PV_OK ||
               used == 0,
           "a flipped bit is no frame");
    frame[i] ^= (char)(1 << i % 8);
  }
  free(frame);
  close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  read_all((const char *)data, size);
  if (size > 0 && size <= PV_FRAME_LIMIT) round_trip((const char *)data, size);
  return 0;
}
