/* What the fields of the older dialect can hold. */
#ifndef PV_RULES_DIALECT_VALUES_H
#define PV_RULES_DIALECT_VALUES_H

#include "validator/rules/rules.h"

/* PV058: every part is there and of its kind, every value one that its field can have. */
pv_code pv_rules_dialect_values(pv_arena *arena, const char *file, const pv_yaml_node *root,
                                pv_findings *findings, pv_error *err);

#endif
