/* What `pv noise` prints. */
#ifndef PV_PROBE_NOISE_REPORT_H
#define PV_PROBE_NOISE_REPORT_H

#include "runtime/noise/noise.h"

/* The name of a source: "last bit", "every stage", or its side. */
const char *pv_noise_name(const pv_noise_source *source);

void pv_noise_text(const pv_noise_spec *spec, const pv_noise_result *result);
/* One JSON object with everything that was measured. */
pv_code pv_noise_json(const pv_noise_spec *spec, const pv_noise_result *result, pv_error *err);

#endif
