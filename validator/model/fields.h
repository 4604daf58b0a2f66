/* Reading mappings of known keys from the YAML tree. */
#ifndef PV_MODEL_FIELDS_H
#define PV_MODEL_FIELDS_H

#include "base/arena.h"
#include "validator/model/contract.h"
#include "validator/model/contract_load.h"

typedef enum pv_field_kind {
  PV_FIELD_TEXT,    /* char ** */
  PV_FIELD_STRINGS, /* pv_strings * */
  PV_FIELD_NODE,    /* const pv_yaml_node ** of any kind */
  PV_FIELD_GONE     /* const char *: a key of earlier versions; what to write in its place */
} pv_field_kind;

typedef struct pv_field {
  const char *key;
  pv_field_kind kind;
  bool required;
  void *target;    /* untouched where the value is missing or wrong */
  pv_place *place; /* of the value; may be NULL */
} pv_field;

typedef struct pv_reading {
  pv_arena *arena;
  const char *file;
  pv_flaws *flaws;
  pv_error *err;
} pv_reading;

/* Adds a flaw at a node. PV_OK, for one who reads on finds the others too; PV_ERR_INPUT when the
 * list is full. */
pv_code pv_fields_flaw(const pv_reading *r, const pv_yaml_node *at, const char *rule,
                       const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Reads `node`, which is called `what` in messages, into the fields. Flaws: unknown keys (with the
 * nearest known one), missing keys (all of them in one), empty texts, wrong kinds. */
pv_code pv_fields_read(const pv_reading *r, const pv_yaml_node *node, const char *what,
                       const pv_field *fields, size_t count);
pv_code pv_fields_strings(const pv_reading *r, const pv_yaml_node *node, const char *what,
                          pv_strings *out);

#endif
