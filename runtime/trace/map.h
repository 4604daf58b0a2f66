/* Which of an engine's own nodes is which stage: a file that somebody wrote, or one of
 * engines/NAME/map.json. docs/trace-format.md has the format. */
#ifndef PV_TRACE_MAP_H
#define PV_TRACE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/sha256.h"

typedef struct pv_trace_map pv_trace_map;

/* PV_ERR_INPUT with the file and the node: no JSON, another schema, a stage that no architecture
 * has, two nodes for one stage, a "{layer}" that its stage wants and does not get, or the other way
 * round. */
pv_code pv_trace_map_open(const char *path, pv_trace_map **out, pv_error *err);
pv_code pv_trace_map_parse(const char *place, const void *bytes, size_t length, pv_trace_map **out,
                           pv_error *err);
void pv_trace_map_close(pv_trace_map *map);

/* How many rows name the node: of the first the stage, and the layer, or -1. */
size_t pv_trace_map_find(const pv_trace_map *map, const char *node, const char **stage,
                         int64_t *layer);
const char *pv_trace_map_sha256(const pv_trace_map *map); /* of its bytes */

#endif
