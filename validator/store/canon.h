/* One form for every JSON text that is hashed: keys sorted, one value a line, ASCII, numbers with
 * 17 digits, a final newline. Reading such a text and writing it again gives the same bytes. */
#ifndef PV_STORE_CANON_H
#define PV_STORE_CANON_H

#include <jansson.h>

#include "base/error.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/text.h"

/* Replaces what `out` holds. Errors as of pv_json_write. */
pv_code pv_canon_write(const json_t *value, pv_text *out, pv_error *err);
pv_code pv_canon_digest(const json_t *value, char out[PV_SHA256_HEX], pv_error *err);

/* Takes `seal` out of `root` and says whether it is the digest of the rest. False also where there
 * is none. PV_ERR_NOMEM alone. */
pv_code pv_canon_sealed(json_t *root, bool *out, pv_error *err);

/* The same of the text that `root` was read from, without writing it anew: true only where its
 * bytes but the line of the seal have that digest, which are then the form above. False says
 * nothing: the text may have another form. */
pv_code pv_canon_sealed_text(const char *text, size_t length, bool *out, pv_error *err);

/* After json_loadb gave NULL: memory was out, which is no word about the text. */
bool pv_canon_no_memory(const json_error_t *error);

#endif
