/* printf for reports. What stands in the format goes in as it is; every value is escaped, so none
 * of a stranger's can become markup, and numbers are the same bytes whatever the locale. */
#ifndef PV_RENDER_PUT_H
#define PV_RENDER_PUT_H

#include <stdarg.h>

#include "base/text.h"

typedef void (*pv_put_text)(pv_text *out, const char *value);

/* How a format writes texts of strangers. */
typedef struct pv_put {
  pv_put_text text; /* %s */
  pv_put_text code; /* %-s: as a piece of code, and nothing where it is empty */
} pv_put;

/* Beside %s and %-s: %g a double as of pv_fmt_number, %f seconds as of pv_fmt_seconds, %.1f with so
 * many digits, %ju a uintmax_t with commas, %zu, %u and %d plain, %%. Nothing else. */
void pv_put_list(pv_text *out, const pv_put *how, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

/* For a terminal: nothing in a text moves the cursor or turns a line around. */
void pv_put_plain(pv_text *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A word quoted for a shell where it must be, as pv_put_plain. */
void pv_put_shell(pv_text *out, const char *word);
/* To standard output; false when memory is out, and then nothing is printed. */
bool pv_put_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* XML text and attributes, each cut after PV_ESC_CLIP bytes. */
void pv_put_xml(pv_text *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
