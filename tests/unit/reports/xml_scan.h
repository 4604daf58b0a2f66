/* Is this text well-formed XML? Enough of XML 1.0 for what pv writes: no DTD but a bare DOCTYPE,
 * no comments, no CDATA, no processing instructions but the declaration. */
#ifndef PV_TEST_REPORTS_XML_SCAN_H
#define PV_TEST_REPORTS_XML_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* NULL when well-formed; else what is wrong, with `*at` the byte where it was seen. */
const char *xml_scan(const char *text, size_t length, size_t *at);

/* How many start tags are named `element`. */
size_t xml_count(const char *text, const char *element);

#endif
