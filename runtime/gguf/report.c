/* Refusals: one place that fills every field of the error. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "runtime/gguf/internal.h"

pv_code gguf_refuse(parser *self, pv_code code, uint64_t byte, const char *rule, const char *hint,
                    const char *fmt, ...) {
  char message[400];
  va_list args;
  va_start(args, fmt);
  vsnprintf(message, sizeof message, fmt, args);
  va_end(args);
  pv_error_set(self->err, code, "%s", message);
  pv_error_at(self->err, self->gguf->path, 0, 0, (int64_t)byte);
  pv_error_rule(self->err, rule);
  pv_error_hint(self->err, "%s", hint);
  return code;
}

pv_code gguf_truncated(parser *self, uint64_t byte, const char *what, uint64_t needed) {
  return gguf_refuse(self, PV_ERR_INPUT, byte, "PV-GGUF-TRUNCATED",
                     "the file is incomplete or damaged: copy or download it again",
                     "the file ends inside %s: %llu bytes are needed at byte %llu, %llu are left",
                     what, (unsigned long long)needed, (unsigned long long)byte,
                     (unsigned long long)(self->gguf->length - byte));
}

pv_code gguf_check(parser *self, const char *what) {
  if (!self->cursor.failed) return PV_OK;
  return gguf_refuse(self, PV_ERR_INPUT, self->cursor.at, "PV-GGUF-TRUNCATED",
                     "the file is incomplete or damaged: copy or download it again",
                     "the file of %llu bytes ends inside %s",
                     (unsigned long long)self->gguf->length, what);
}

const char *gguf_show(pv_gguf_string string, char out[96]) {
  pv_text text = PV_TEXT_INIT;
  const size_t shown = string.length > 80 ? 80 : (size_t)string.length;
  pv_text_escape(&text, string.data, shown);
  snprintf(out, 96, "%.*s%s", 90, text.data == NULL ? "" : text.data,
           string.length > shown || text.length > 90 ? "..." : "");
  pv_text_free(&text);
  return out;
}

bool gguf_printable(pv_gguf_string string) {
  for (uint64_t i = 0; i < string.length; i++) {
    const unsigned char byte = (unsigned char)string.data[i];
    if (byte < 0x20 || byte == 0x7f) return false;
  }
  return true;
}
