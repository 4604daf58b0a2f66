/* Text: a growing buffer, strict number parsing, escaping for terminals. */
#ifndef PV_BASE_TEXT_H
#define PV_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing byte buffer, always NUL-terminated once something was added. An allocation failure
 * is sticky: `failed` stays set and later calls do nothing, so one check at the end is enough. */
typedef struct pv_text {
  char *data; /* owned */
  size_t length;
  size_t capacity;
  bool failed;
} pv_text;

#define PV_TEXT_INIT ((pv_text){0})

void pv_text_add(pv_text *text, const char *bytes, size_t length);
void pv_text_puts(pv_text *text, const char *string);
void pv_text_printf(pv_text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A whole number as `bytes` bytes, the lowest first. */
void pv_text_little(pv_text *text, uint64_t value, unsigned bytes);
void pv_text_free(pv_text *text);

/* Strict decimal numbers: the whole of `[text, text+length)` must be the number. No blanks, no
 * leading '+', no superfluous zeros, no hex, no octal, no nan, no inf; out of range, a non-zero
 * number that would become 0 and a real of more than 63 bytes are false. `*out` is untouched then.
 */
bool pv_parse_u64(const char *text, size_t length, uint64_t *out);
bool pv_parse_i64(const char *text, size_t length, int64_t *out);
bool pv_parse_f64(const char *text, size_t length, double *out);

/* Appends `bytes` with control characters, invalid UTF-8 and bidirectional controls escaped as
 * \xNN, so that text from a stranger's file cannot move the cursor or reorder a line. */
void pv_text_escape(pv_text *text, const char *bytes, size_t length);

/* Appends a word as a shell must be given it: in quotes where it needs them. */
void pv_text_shell(pv_text *text, const char *word);
/* Appends the command `program` with its arguments, for a shell. */
void pv_text_command(pv_text *text, const char *program, int argc, char *const *argv);

/* A number for a reader, as printf's %g, %e or %f ('g', 'e', 'f') with so many digits. What is none
 * is "nan", "inf" or "-inf": one spelling everywhere, whatever sign a NaN has. Returns `out`. */
enum { PV_REAL_ROOM = 48 };
const char *pv_real_text(char out[PV_REAL_ROOM], char style, int digits, double value);
/* The word for a number that is none, NULL for one that is; and the other way round, false for any
 * other word, which leaves `*out` as it was. */
const char *pv_real_word(double value);
bool pv_real_from_word(const char *word, double *out);
/* The same in the place of an argument; lives to the end of the block. */
#define PV_REAL(style, digits, value) \
  pv_real_text((char[PV_REAL_ROOM]){0}, (style), (digits), (value))

/* Edit distance, for "did you mean"; texts of more than 64 bytes are 64 apart. */
size_t pv_text_distance(const char *a, const char *b);
/* Of a table whose entries, of `size` bytes, begin with a name: the name that is nearest to `word`,
 * the first of several, if it is less than `limit` away; else NULL. */
const char *pv_text_nearest(const char *word, const void *table, size_t count, size_t size,
                            size_t limit);

/* Of such a table the first entry of this name, or NULL; some may have none. */
const void *pv_text_find(const char *word, const void *table, size_t count, size_t size);

bool pv_utf8_valid(const char *bytes, size_t length);

#endif
