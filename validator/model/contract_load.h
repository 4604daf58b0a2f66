/* Loads a contract: strict YAML (validator/yaml), then the schema, then a second reading by
 * libcyaml that must find the same. */
#ifndef PV_MODEL_CONTRACT_LOAD_H
#define PV_MODEL_CONTRACT_LOAD_H

#include "base/arena.h"
#include "base/error.h"
#include "validator/model/contract.h"

#define PV_CONTRACT_SCHEMA "pv/contract/v1"

/* Reads the file once. Everything, the bytes included, is owned by `arena`. Errors carry file,
 * line, column, byte and a rule id. */
pv_code pv_contract_load(pv_arena *arena, const char *path, pv_contract **out, pv_error *err);
pv_code pv_contract_load_bytes(pv_arena *arena, const char *path, const void *bytes, size_t length,
                               pv_contract **out, pv_error *err);

/* What is wrong with one file, up to a bound, so that nobody mends it one line a run. */
#define PV_FLAWS_MAX 64
typedef struct pv_flaws {
  pv_error *items; /* each with a rule id; those of the schema with a place */
  size_t count;
} pv_flaws;

/* As above; on PV_ERR_INPUT and PV_ERR_LIMIT `flaws` has everything that one reading can tell,
 * `err` the first. A contract of the older dialect is PV057 and no more. */
pv_code pv_contract_read(pv_arena *arena, const char *path, pv_contract **out, pv_flaws *flaws,
                         pv_error *err);
pv_code pv_contract_read_bytes(pv_arena *arena, const char *path, const void *bytes, size_t length,
                               pv_contract **out, pv_flaws *flaws, pv_error *err);

typedef enum pv_contract_kind {
  PV_CONTRACT_NONE, /* YAML that makes no claim */
  PV_CONTRACT_OURS, /* of this schema, or meant to be: it has `schema` or `acceptance_criteria` */
  PV_CONTRACT_OLDER /* of the older dialect of another project: for `pv lint` to judge */
} pv_contract_kind;
pv_contract_kind pv_contract_kind_of(const pv_yaml_node *root);

#endif
