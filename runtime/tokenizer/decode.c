/* Ids to bytes, whole or as a stream of valid UTF-8. */
#include <string.h>

#include "runtime/tokenizer/internal.h"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

pv_code pv_tokenizer_piece(const pv_tokenizer *tok, uint32_t id, const char **bytes, size_t *length,
                           pv_error *err) {
  if (id >= tok->count) {
    const pv_code code = pv_error_set(
        err, PV_ERR_INPUT, "token id %u is not in the vocabulary of %u tokens", id, tok->count);
    pv_error_hint(err, "ids run from 0 to %u", tok->count - 1);
    return code;
  }
  *bytes = tok->bytes + tok->start[id];
  *length = (size_t)(tok->start[id + 1] - tok->start[id]);
  return PV_OK;
}

pv_code pv_tokenizer_decode(const pv_tokenizer *tok, const uint32_t *ids, size_t count,
                            pv_text *out, pv_error *err) {
  const size_t before = out->length;
  pv_code code = PV_OK;
  for (size_t i = 0; i < count && code == PV_OK; i++) {
    const char *bytes = NULL;
    size_t length = 0;
    code = pv_tokenizer_piece(tok, ids[i], &bytes, &length, err);
    const size_t skip = i == 0 && tok->blank_prefix && length > 0 && bytes[0] == ' ';
    if (code == PV_OK && length > skip) pv_text_add(out, bytes + skip, length - skip);
  }
  if (code == PV_OK && out->failed)
    code = pv_error_set(err, PV_ERR_NOMEM, "no memory for the decoded text");
  if (code != PV_OK && out->length > before) {
    out->length = before;
    out->data[before] = '\0';
  }
  return code;
}

pv_code pv_tokenizer_stream_add(const pv_tokenizer *tok, pv_tokenizer_stream *stream, uint32_t id,
                                pv_text *out, pv_error *err) {
  const char *bytes = NULL;
  size_t length = 0;
  const pv_code code = pv_tokenizer_piece(tok, id, &bytes, &length, err);
  if (code != PV_OK) return code;
  for (size_t i = 0; i < length; i++) {
    stream->held[stream->held_count++] = (unsigned char)bytes[i];
    /* What is held was cut before this byte came, so at most one byte stays for a second round. */
    while (stream->held_count > 0) {
      const pv_utf8 front = pv_utf8_front(stream->held, stream->held_count);
      if (front.cut) break;
      const unsigned used = front.length > 0 ? front.length : front.prefix;
      if (front.length > 0)
        pv_text_add(out, (const char *)stream->held, used);
      else
        pv_text_puts(out, replacement);
      stream->held_count -= used;
      memmove(stream->held, stream->held + used, stream->held_count);
    }
  }
  return out->failed ? pv_error_set(err, PV_ERR_NOMEM, "no memory for the decoded text") : PV_OK;
}

pv_code pv_tokenizer_stream_finish(pv_tokenizer_stream *stream, pv_text *out, pv_error *err) {
  if (stream->held_count > 0) pv_text_puts(out, replacement);
  stream->held_count = 0;
  return out->failed ? pv_error_set(err, PV_ERR_NOMEM, "no memory for the decoded text") : PV_OK;
}
