/* Loads a contract: strict YAML (validator/yaml), then the schema, then a second reading by
 * libcyaml that must find the same. */
#ifndef PV_MODEL_CONTRACT_LOAD_H
#define PV_MODEL_CONTRACT_LOAD_H

#include "runtime/base/arena.h"
#include "runtime/base/error.h"
#include "validator/model/contract.h"

#define PV_CONTRACT_SCHEMA "pv/contract/v1"

/* Reads the file once. Everything, the bytes included, is owned by `arena`. Errors carry file,
 * line, column, byte and a rule id. */
pv_status pv_contract_load(pv_arena *arena, const char *path, pv_contract **out, pv_error *err);
pv_status pv_contract_load_bytes(pv_arena *arena, const char *path, const void *bytes,
                                 size_t length, pv_contract **out, pv_error *err);

/* True when the document is of this schema (or says so); other YAML is for `pv lint` to judge. */
bool pv_contract_is_ours(const pv_yaml_node *root);

#endif
