/* Parts of a result as JSON, as evidence and `pv validate --json` tell them alike. NULL only when
 * memory is out. */
#ifndef PV_MODEL_TOLD_H
#define PV_MODEL_TOLD_H

#include "base/json.h"
#include "validator/model/result.h"

json_t *pv_told_strings(const pv_strings *list);
json_t *pv_told_facts(const pv_fact *facts, size_t count);
json_t *pv_told_summary(const pv_summary *summary);
/* id, verdict, source, needed_for, falsifiers (ids) */
json_t *pv_told_criterion(const pv_result *result, size_t criterion);
/* Everything but series, output and subject. */
json_t *pv_told_falsifier(const pv_falsifier_result *falsifier);

#endif
