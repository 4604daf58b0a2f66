/* What `pv inspect` found, from its JSON to text. */
#ifndef PV_PROBE_INSPECT_H
#define PV_PROBE_INSPECT_H

#include <jansson.h>

#include "base/text.h"

/* `facts` is an object of the schema pv/inspect/v1. Appends a screen of text. */
void pv_inspect_text(const json_t *facts, pv_text *out);

#endif
