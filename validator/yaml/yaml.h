/* The strict YAML reader: libyaml's events as a tree in which every node knows its bytes.
 *
 * Refused, each with line and column: more than 1 MiB, a byte order mark, NUL, invalid UTF-8,
 * control and bidirectional characters, a bare carriage return, anchors, aliases, tags, merge
 * keys, directives, a second document, keys that are not plain text, duplicate keys, more than
 * 4096 keys in a mapping, 4096 blanks in a row or 16384 keys and values in all, lists and mappings
 * nested deeper than 32: at the 33rd, for libyaml would take time quadratic in the depth. libyaml
 * 0.2.5 counts its marks in characters; places here are in bytes. */
#ifndef PV_YAML_YAML_H
#define PV_YAML_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

#define PV_YAML_BYTES_MAX ((size_t)1 << 20)
#define PV_YAML_DEPTH_MAX 32
#define PV_YAML_KEYS_MAX  4096 /* of one mapping */
/* Keys and values together: what compares each with each stays below a second. */
#define PV_YAML_NODES_MAX 16384
/* In a row. libyaml keeps a run in a buffer that it then clears whole after each word. */
#define PV_YAML_BLANKS_MAX 4096

typedef struct pv_place {
  int64_t line, column; /* 1-based; columns in bytes */
  int64_t begin, end;   /* bytes of the scalar's content, quotes excluded; else of the node */
} pv_place;

typedef enum pv_yaml_kind { PV_YAML_SCALAR, PV_YAML_SEQUENCE, PV_YAML_MAPPING } pv_yaml_kind;
typedef enum pv_yaml_style { PV_YAML_PLAIN, PV_YAML_QUOTED, PV_YAML_BLOCK } pv_yaml_style;

typedef struct pv_yaml_node pv_yaml_node;
struct pv_yaml_node {
  pv_yaml_kind kind;
  pv_yaml_style style; /* scalars */
  char *text;          /* scalars: NUL-terminated, no NUL inside */
  size_t length;
  pv_place place;
  pv_yaml_node **items; /* elements, or the values of a mapping */
  pv_yaml_node **keys;  /* of a mapping */
  size_t count;         /* 0 of a scalar */
};

/* Parses one document. `file` names it in errors. Everything is owned by `arena`. An empty
 * document is an error. */
pv_code pv_yaml_parse(pv_arena *arena, const char *file, const void *bytes, size_t length,
                      pv_yaml_node **out, pv_error *err);

/* The value of a key, or NULL. */
const pv_yaml_node *pv_yaml_get(const pv_yaml_node *mapping, const char *key);

#endif
