/* The same bytes read a second time, by libcyaml under a strict schema: what decides a verdict
 * must be found alike by two readers. */
#ifndef PV_MODEL_SECOND_READER_H
#define PV_MODEL_SECOND_READER_H

#include "base/error.h"
#include "validator/model/contract.h"

/* PV_ERR_INPUT when libcyaml refuses the contract's bytes or reads another name, version, status,
 * criterion, falsifier or stage from them. */
pv_code pv_second_reader_check(const pv_contract *contract, pv_error *err);

#endif
