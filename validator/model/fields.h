/* Reading mappings of known keys from the YAML tree. */
#ifndef PV_MODEL_FIELDS_H
#define PV_MODEL_FIELDS_H

#include "runtime/base/arena.h"
#include "validator/model/contract.h"

typedef enum pv_field_kind {
  PV_FIELD_TEXT,    /* char ** */
  PV_FIELD_STRINGS, /* pv_strings * */
  PV_FIELD_NODE     /* const pv_yaml_node ** of any kind */
} pv_field_kind;

typedef struct pv_field {
  const char *key;
  pv_field_kind kind;
  bool required;
  void *target;
  pv_place *place; /* of the value; may be NULL */
} pv_field;

typedef struct pv_reading {
  pv_arena *arena;
  const char *file;
  pv_error *err;
} pv_reading;

/* An error at a node. */
pv_status pv_fields_refuse(const pv_reading *r, const pv_yaml_node *at, const char *rule,
                           const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Reads `node`, which is called `what` in errors, into the fields: unknown keys (with the nearest
 * known one), missing keys, empty texts and wrong kinds are errors. */
pv_status pv_fields_read(const pv_reading *r, const pv_yaml_node *node, const char *what,
                         const pv_field *fields, size_t count);
pv_status pv_fields_strings(const pv_reading *r, const pv_yaml_node *node, const char *what,
                            pv_strings *out);

#endif
