/* Only a sound contract is run: loaded, without a severe finding, and so are those it rests on. */
#ifndef PV_CLI_SOUND_H
#define PV_CLI_SOUND_H

#include "base/arena.h"
#include "base/error.h"
#include "validator/model/contract.h"

/* Loads the contract and lints it and every contract that it depends on, near or far. Findings are
 * printed to stderr; when one is severe the result is PV_ERR_INPUT. */
pv_code pv_sound_load(pv_arena *arena, const char *path, pv_contract **out, pv_error *err);

#endif
