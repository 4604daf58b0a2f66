/* Contracts that are named on a command line. */
#ifndef PV_CLI_FILES_H
#define PV_CLI_FILES_H

#include "base/arena.h"
#include "base/error.h"
#include "validator/model/contract.h"

bool pv_files_is_folder(const char *path);

/* The YAML files of a folder as paths, by name; hidden ones are left out. */
pv_code pv_files_yaml(pv_arena *arena, const char *folder, pv_strings *out, pv_error *err);

#endif
