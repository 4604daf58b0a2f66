/* What a GGUF file holds, as the commands that show one say it in JSON. NULL where memory is out.
 */
#ifndef PV_PROBE_FILE_JSON_H
#define PV_PROBE_FILE_JSON_H

#include <jansson.h>

#include "runtime/gguf/gguf.h"

/* A number, a bool or a whole string; what JSON has no number for, and arrays, as a line of text
 * shows them. */
json_t *pv_file_value_json(const pv_gguf *g, const pv_gguf_value *v);
/* [{type, tensors, parameters, bytes, computed}], by the number of the type. */
json_t *pv_file_types_json(const pv_gguf *g);
/* [{file, bytes, tensors}]: the file, or the parts of a set in their order. */
json_t *pv_file_parts_json(const pv_gguf *g);

#endif
