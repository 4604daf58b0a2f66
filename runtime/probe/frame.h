/* The frame channel between `pv` and `pv-probe` (fd 3 of the probe).
 *
 * A frame is: 4 bytes "PVF1", u32 little-endian payload length (at most PV_FRAME_LIMIT), the
 * first 8 bytes of the payload's SHA-256, the payload: one JSON object in UTF-8. Every payload
 * carries the nonce of the request; anything else on the channel makes the whole answer void.
 *
 * Request (stdin, one JSON object):
 *   {"protocol":1,"nonce":"32 hex digits","model":"path or null","reference":"path or null",
 *    "threads":2,"memory":0,"backend":"cpu",      (bytes that a side may hold, 0: what there is)
 *    "falsifiers":[{"id":"F_X_001","check":"forward.finite","with":{...}},...]}
 *   A falsifier may carry "fault":"name": planted in the side that it tests ("none": nothing is
 *   wrong, but what stands in for that side is used).
 * Answers, in this order:
 *   {"nonce","type":"hello","environment":{..},"model":{"path","name","arch",...}|null,
 *    "numerics":{"i16":"string","f64":...}}
 *   {"nonce","type":"model","sha256":"64 hex digits"}  once, of a model, anywhere before the end
 *   {"nonce","type":"begin","id"}                      before each falsifier
 *   {"nonce","type":"progress","id","done":n,"total":n}   any number
 *   {"nonce","type":"result","id","verdict":"PASS|FAIL|NOT_RUN|ERROR|INCOMPARABLE|VACUOUS",
 *    "reason":"","compared":n,"metrics":{name:number},"worst":{..}|null,
 *    "needed_tolerance":number|null,"duration_s":number,"series":[...],"backends":["cpu"]}
 *   {"nonce","type":"end","count":n}
 * A probe that exits without "end" has crashed, whatever its exit code. */
#ifndef PV_PROBE_FRAME_H
#define PV_PROBE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define PV_FRAME_LIMIT    (4u << 20)
#define PV_FRAME_HEAD     16u
#define PV_FRAME_PROTOCOL 1

/* Names of built-in prompts begin with this; see runtime/reference/reference.h. */
#define PV_BUILTIN_PROMPT "builtin-"

/* Writes one frame to `fd`, whole. */
pv_code pv_frame_write(int fd, const char *json, size_t length, pv_error *err);

/* Looks at the first frame in `data`. `*used` is 0 when more bytes are needed, else the number of
 * bytes the frame takes and `*json`, `*json_length` point into `data`. A wrong magic, length or
 * digest is PV_ERR_INPUT. */
pv_code pv_frame_next(const char *data, size_t length, size_t *used, const char **json,
                      size_t *json_length, pv_error *err);

#endif
