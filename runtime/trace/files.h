/* The files behind a trace. */
#ifndef PV_TRACE_FILES_H
#define PV_TRACE_FILES_H

#include "runtime/trace/recorded.h"

/* Each part's file is regular and as long as it must be. What has a digest may lack its file where
 * there is no model; with one, every digest is compared with the bytes. */
pv_code pv_recorded_check_files(pv_recorded *recorded, bool model, pv_error *err);
/* pv_source.read. */
pv_code pv_recorded_read(const pv_source *source, pv_stage_id stage, uint32_t layer,
                         size_t position, size_t rows, void *out, pv_error *err);

#endif
