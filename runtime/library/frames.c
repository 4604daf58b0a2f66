#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "runtime/library/parts.h"

static void write_all(const void *bytes, size_t length) {
  const unsigned char *at = bytes;
  while (length > 0) {
    const ssize_t n = write(PV_LIBRARY_CHANNEL, at, length);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    at += n;
    length -= (size_t)n;
  }
}

void pv_library_say(pv_library_word word, int32_t number, int64_t at, const void *bytes,
                    size_t length) {
  const pv_library_frame f = {(uint32_t)word, number, at, length};
  write_all(&f, sizeof f);
  if (length > 0) write_all(bytes, length);
}

bool pv_library_next(const char *text, size_t length, size_t *at, pv_library_frame *out,
                     const char **bytes) {
  if (length - *at < sizeof *out) return false;
  memcpy(out, text + *at, sizeof *out);
  if (out->length > length - *at - sizeof *out) return false;
  *bytes = text + *at + sizeof *out;
  *at += sizeof *out + (size_t)out->length;
  return true;
}
