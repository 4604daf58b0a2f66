/* What the reports in JSON share. */
#ifndef PV_RENDER_JSON_PARTS_H
#define PV_RENDER_JSON_PARTS_H

#include <jansson.h>

#include "base/json.h"
#include "reports/render/view.h"

/* The stages: [{id, status, criteria}]; NULL only when memory is out. */
json_t *pv_stages_json(const pv_result *result);
/* Subjects of a statement. One with a name; nothing where the digest is none. */
void pv_statement_resource(json_t **list, const char *name, const char *digest);
/* Facts named "sha256" or "... sha256" / "..._sha256" name what they are the digest of: `whole` in
 * the first case. `only` these names; NULL: all. */
void pv_statement_facts(json_t **list, const pv_fact *facts, size_t count, const char *whole,
                        const char *const *only);
/* Writes `object` (NULL: out of memory) with a final newline, and releases it. */
pv_code pv_json_put(pv_text *out, json_t *object, pv_error *err);

#endif
