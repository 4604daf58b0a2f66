/* Values as one line of text, for listings and messages. */
#include "base/ck.h"
#include "base/text.h"
#include "runtime/gguf/internal.h"

#define SHOWN_BYTES    60u
#define SHOWN_ELEMENTS 8u

static void put_string(pv_text *out, const unsigned char *bytes, uint64_t length) {
  const uint64_t shown = length > SHOWN_BYTES ? SHOWN_BYTES : length;
  pv_text_puts(out, "'");
  pv_text_escape(out, (const char *)bytes, (size_t)shown);
  pv_text_puts(out, shown < length ? "...'" : "'");
}

/* What stands at `c`, one element of type `type`; the cursor moves behind it. */
static void put_element(pv_text *out, pv_cursor *c, pv_gguf_value_type type) {
  bool negative = false;
  uint64_t number = 0;
  switch (type) {
    case PV_GGUF_BOOL:
      pv_text_puts(out, pv_cursor_u8(c) == 1 ? "true" : "false");
      return;
    case PV_GGUF_STRING:
      number = pv_cursor_u64(c);
      put_string(out, pv_cursor_take(c, number), number);
      return;
    case PV_GGUF_F32:
      pv_text_puts(out, PV_REAL('g', 9, (double)pv_cursor_f32(c)));
      return;
    case PV_GGUF_F64:
      pv_text_puts(out, PV_REAL('g', 17, pv_cursor_f64(c)));
      return;
    default:
      number = gguf_integer(pv_cursor_take(c, gguf_value_size(type)), type, 0, &negative);
      if (negative)
        pv_text_printf(out, "%lld", (long long)number);
      else
        pv_text_printf(out, "%llu", (unsigned long long)number);
  }
}

void pv_gguf_value_put(const pv_gguf *gguf, const pv_gguf_value *value, pv_text *out) {
  /* Every length was checked when the file was opened. */
  pv_cursor c = pv_cursor_make(value->data, gguf->length - value->offset);
  const bool array = value->type == PV_GGUF_ARRAY;
  const uint64_t shown = value->count > SHOWN_ELEMENTS ? SHOWN_ELEMENTS : value->count;
  if (array) pv_text_puts(out, "[");
  for (uint64_t i = 0; i < shown; i++) {
    if (i > 0) pv_text_puts(out, ", ");
    put_element(out, &c, value->element);
  }
  if (array)
    pv_text_printf(out, shown < value->count ? ", ... %llu in all]" : "]",
                   (unsigned long long)value->count);
}
