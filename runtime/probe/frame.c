#include "runtime/probe/frame.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/sha256.h"

static const char magic[4] = {'P', 'V', 'F', '1'};
enum { DIGEST = 8 }; /* first bytes of the payload's SHA-256 */

static pv_code digest(const char *json, size_t length, unsigned char out[DIGEST], pv_error *err) {
  char hex[PV_SHA256_HEX];
  const pv_code code = pv_sha256_bytes(json, length, hex, err);
  if (code == PV_OK) pv_sha256_raw(hex, out, DIGEST);
  return code;
}

static pv_code write_all(int fd, const void *data, size_t length, pv_error *err) {
  const char *p = data;
  while (length > 0) {
    const ssize_t n = write(fd, p, length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return pv_error_errno(err, errno, "cannot write a frame");
    p += n;
    length -= (size_t)n;
  }
  return PV_OK;
}

pv_code pv_frame_write(int fd, const char *json, size_t length, pv_error *err) {
  unsigned char head[PV_FRAME_HEAD];
  if (length == 0 || length > PV_FRAME_LIMIT)
    return pv_error_set(err, PV_ERR_LIMIT, "a frame of %zu bytes is outside 1..%u", length,
                        PV_FRAME_LIMIT);
  memcpy(head, magic, sizeof magic);
  for (int i = 0; i < 4; i++) head[4 + i] = (unsigned char)(length >> (8 * i));
  pv_code code = digest(json, length, head + 8, err);
  if (code == PV_OK) code = write_all(fd, head, sizeof head, err);
  if (code == PV_OK) code = write_all(fd, json, length, err);
  return code;
}

pv_code pv_frame_next(const char *data, size_t length, size_t *used, const char **json,
                      size_t *json_length, pv_error *err) {
  unsigned char want[DIGEST];
  const unsigned char *head = (const unsigned char *)data;
  const size_t known = length < sizeof magic ? length : sizeof magic;
  *used = 0;
  if (length == 0) return PV_OK; /* `data` may be NULL then */
  if (memcmp(data, magic, known) != 0)
    return pv_error_set(err, PV_ERR_INPUT, "the channel holds something that is no frame");
  if (length < PV_FRAME_HEAD) return PV_OK;
  size_t payload = 0;
  for (int i = 0; i < 4; i++) payload |= (size_t)head[4 + i] << (8 * i);
  if (payload == 0 || payload > PV_FRAME_LIMIT)
    return pv_error_set(err, PV_ERR_INPUT, "a frame of %zu bytes is outside 1..%u", payload,
                        PV_FRAME_LIMIT);
  if (length - PV_FRAME_HEAD < payload) return PV_OK;
  const pv_code code = digest(data + PV_FRAME_HEAD, payload, want, err);
  if (code != PV_OK) return code;
  if (memcmp(want, head + 8, DIGEST) != 0)
    return pv_error_set(err, PV_ERR_INPUT, "a frame does not match its digest");
  *used = PV_FRAME_HEAD + payload;
  *json = data + PV_FRAME_HEAD;
  *json_length = payload;
  return PV_OK;
}
