/* Files that a call writes beside its reports, for a CI: --junit, --sarif, --summary. */
#ifndef PV_CLI_OUTPUTS_H
#define PV_CLI_OUTPUTS_H

#include "reports/render/call.h"

typedef struct pv_outputs { /* paths; NULL: not asked for */
  const char *junit, *sarif, *summary;
} pv_outputs;

/* Before anything is run: PV_ERR_INPUT where two are one file or one is a file that is read
 * (`inputs`, NULLs are passed over), PV_ERR_IO where one can not be written. Each is then there and
 * says that the call has not ended: a file of an earlier call is not taken for this one's. */
pv_code pv_outputs_begin(const pv_outputs *outputs, const char *const *inputs, size_t count,
                         pv_error *err);

/* At the end, well or not: what came of the call. Each is replaced atomically; one that can not be
 * does not keep the others. */
pv_code pv_outputs_write(const pv_outputs *outputs, const pv_call *call, pv_error *err);

#endif
