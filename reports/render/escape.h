/* Escaping of strangers' texts for each output format. All of them first make control characters,
 * invalid UTF-8 and bidirectional controls visible as \xNN and turn line ends and tabs into one
 * blank, so that one value stays on one line. NULL reads as "". */
#ifndef PV_RENDER_ESCAPE_H
#define PV_RENDER_ESCAPE_H

#include "base/text.h"

/* At most this many bytes of one value are shown in a report; the rest becomes an ellipsis. */
#define PV_ESC_CLIP 480u

/* The plain line itself, cut after `limit` bytes (0: never) at a character. */
void pv_esc_line(pv_text *out, const char *value, size_t limit);
/* XML and HTML text or attribute value in double quotes. */
void pv_esc_xml(pv_text *out, const char *value, size_t limit);
/* Inline markdown, also inside a table cell. */
void pv_esc_markdown(pv_text *out, const char *value);
/* A code span, also inside a table cell; falls back to escaped text when it cannot be one. */
void pv_esc_markdown_code(pv_text *out, const char *value);
/* Several lines of XML text (for <pre> and system-out): line ends and tabs stay. */
void pv_esc_xml_lines(pv_text *out, const char *value, size_t limit);

#endif
