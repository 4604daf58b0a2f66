/* What is kept of a bisection that may be interrupted: the sums and how far they go. Caches are
 * not kept: they are made again by the sides, which is cheap beside judging them. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "runtime/bisect/parts.h"

/* Of this build alone: the key holds its version, and these sizes are compared. */
typedef struct head {
  char magic[24];
  char key[PV_SHA256_HEX], bits[PV_SHA256_HEX];
  uint64_t done, finished, result_bytes, stage_bytes, layers;
} head;

static const char magic[24] = "pv bisect state 1\n";

static pv_code refuse(const char *path, const char *why, pv_error *err) {
  pv_error_set(err, PV_ERR_INPUT, "%s", why);
  pv_error_at(err, path, 0, 0, -1);
  pv_error_hint(err, "name a new file, or the options of the run that was interrupted");
  return PV_ERR_INPUT;
}

static size_t stages_bytes(const pv_bisect_result *r) {
  return r->layers * sizeof *r->stages;
}

pv_code pv_bisect_save(const char *path, const char *key, const pv_progress *at,
                       const pv_bisect_result *result, pv_error *err) {
  head h = {.done = at->done,
            .finished = at->finished,
            .result_bytes = sizeof *result,
            .stage_bytes = sizeof *result->stages,
            .layers = result->layers};
  pv_bisect_result kept = *result;
  char digest[PV_SHA256_HEX];
  pv_text text = PV_TEXT_INIT;
  memcpy(h.magic, magic, sizeof magic);
  memcpy(h.key, key, sizeof h.key);
  memcpy(h.bits, at->bits, sizeof h.bits);
  kept.plan = NULL;
  kept.stages = NULL;
  kept.router = NULL;
  pv_text_add(&text, (const char *)&h, sizeof h);
  pv_text_add(&text, (const char *)&kept, sizeof kept);
  pv_text_add(&text, (const char *)result->stages, stages_bytes(result));
  pv_text_add(&text, (const char *)result->router, result->layers * sizeof *result->router);
  pv_code code = text.failed ? pv_error_set(err, PV_ERR_NOMEM, "out of memory for the state")
                             : pv_sha256_bytes(text.data, text.length, digest, err);
  if (code == PV_OK) {
    pv_text_add(&text, digest, sizeof digest);
    code = text.failed ? pv_error_set(err, PV_ERR_NOMEM, "out of memory for the state")
                       : pv_file_replace(path, text.data, text.length, err);
  }
  pv_text_free(&text);
  return code;
}

pv_code pv_bisect_load(const char *path, const char *key, pv_progress *at, pv_bisect_result *result,
                       pv_error *err) {
  const size_t stages = stages_bytes(result), router = result->layers * sizeof *result->router;
  const size_t body = sizeof(head) + sizeof *result + stages + router;
  pv_bisect_result kept;
  pv_bytes bytes = {0};
  char digest[PV_SHA256_HEX];
  head h;
  pv_code code = pv_file_read(path, (size_t)1 << 30, &bytes, err);
  if (code != PV_OK) return code;
  if (bytes.length < sizeof h || memcmp(bytes.data, magic, sizeof magic) != 0) {
    code = refuse(path, "is no state of pv bisect", err);
    goto cleanup;
  }
  memcpy(&h, bytes.data, sizeof h);
  if (memcmp(h.key, key, sizeof h.key) != 0 || h.result_bytes != sizeof *result ||
      h.stage_bytes != sizeof *result->stages || h.layers != result->layers) {
    code =
        refuse(path, "the state is of other sides, tokens or options, of another model or pv", err);
    goto cleanup;
  }
  if (bytes.length == body + sizeof digest) code = pv_sha256_bytes(bytes.data, body, digest, err);
  if (code != PV_OK) goto cleanup;
  if (bytes.length != body + sizeof digest ||
      memcmp(digest, bytes.data + body, sizeof digest) != 0) {
    code = refuse(path, "the state is damaged", err);
    goto cleanup;
  }
  memcpy(&kept, bytes.data + sizeof h, sizeof kept);
  kept.plan = result->plan;
  kept.stages = result->stages;
  kept.router = result->router;
  *result = kept;
  memcpy(result->stages, bytes.data + sizeof h + sizeof kept, stages);
  memcpy(result->router, bytes.data + sizeof h + sizeof kept + stages, router);
  at->done = h.done;
  at->finished = h.finished != 0;
  memcpy(at->bits, h.bits, sizeof at->bits);
cleanup:
  pv_bytes_free(&bytes);
  return code;
}

pv_code pv_bisect_bits(char bits[PV_SHA256_HEX], const pv_rows *rows, pv_error *err) {
  if (rows->absent) return PV_OK;
  pv_sha256 *hash = pv_sha256_new();
  if (hash == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a digest");
  pv_sha256_add(hash, bits, PV_SHA256_HEX);
  pv_sha256_add(hash, rows->data, rows->rows * rows->width * rows->size);
  return pv_sha256_finish(hash, bits, err);
}
