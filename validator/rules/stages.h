/* What a stage names. */
#ifndef PV_RULES_STAGES_H
#define PV_RULES_STAGES_H

#include "validator/rules/rules.h"

/* PV041: each criterion that a stage names exists and stands there once. */
pv_code pv_rules_stage(pv_arena *arena, const pv_contract *contract, const pv_stage *stage,
                       pv_findings *findings, pv_error *err);

#endif
