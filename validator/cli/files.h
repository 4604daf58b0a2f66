/* Contracts that are named on a command line. */
#ifndef PV_CLI_FILES_H
#define PV_CLI_FILES_H

#include "base/arena.h"
#include "base/error.h"
#include "validator/model/contract.h"

bool pv_files_is_folder(const char *path);

/* "contracts" where that is here, else the folder of those that pv came with, else "contracts". */
pv_code pv_files_default(pv_arena *arena, const char **out, pv_error *err);

/* The YAML files of a folder as paths, by name; hidden ones are left out. */
pv_code pv_files_yaml(pv_arena *arena, const char *folder, pv_strings *out, pv_error *err);

/* The contracts of a folder and of all folders in it, sorted by path; hidden ones are left out, and
 * links to folders are not followed. Other YAML is passed over; a file that can not be parsed
 * and has the words of a contract is the error. PV_ERR_INPUT too where there is none, and
 * PV_ERR_LIMIT for more than `most`. */
pv_code pv_files_contracts(pv_arena *arena, const char *folder, size_t most, pv_strings *out,
                           pv_error *err);

#endif
