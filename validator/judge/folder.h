/* The folder of one run: made beside its place, complete or not there at all. */
#ifndef PV_JUDGE_FOLDER_H
#define PV_JUDGE_FOLDER_H

#include <sys/types.h>

#include "reports/render/render.h"
#include "validator/store/evidence.h"

typedef struct pv_run_folder {
  char *parent;    /* "<root>/reports/runs/<contract>" */
  char *temporary; /* "<parent>/.<run id>" */
  char *final;     /* "<parent>/<run id>"; of what is published "<parent>/<device>" */
  bool finished;   /* it has its name */
  bool replaced;   /* and `temporary` is what had that name before */
  bool kept;       /* and it is not taken back any more */
  ino_t self;      /* which folder it is */
} pv_run_folder;

/* Makes the parent, and the temporary folder in it. Before the run, so that a folder that can not
 * be written is known before anything is computed. */
pv_code pv_run_folder_open(pv_arena *arena, const char *base, const char *contract,
                           const char *run_id, pv_run_folder *out, pv_error *err);

/* What is published on a device has the device's name. Before pv_run_folder_finish. */
pv_code pv_run_folder_device(pv_arena *arena, const char *device, pv_run_folder *folder,
                             pv_error *err);

/* The folder gets this name, and not that of the run that it was opened for. Before
 * pv_run_folder_finish. */
pv_code pv_run_folder_call(pv_arena *arena, const char *name, pv_run_folder *folder, pv_error *err);

/* Renders everything into the temporary folder; evidence.json, which holds the digests of the
 * others, comes last. `links` has the final folder's name as the reports say it; the digest of
 * evidence.json can not stand in files whose digests stand in evidence.json. */
pv_code pv_run_folder_fill(pv_arena *arena, const pv_run_folder *folder, pv_evidence *evidence,
                           const pv_render_links *links, pv_error *err);

/* Gives the folder its name, for good. A published run takes the place of the one that has the
 * name, in one step where the file system can: a reader finds the old one or the new one. Refused
 * when Ctrl-C was pressed meanwhile. */
pv_code pv_run_folder_finish(pv_run_folder *folder, pv_error *err);

/* Makes "latest" beside a folder that has its name a link to it, replaced in one step. NULL, or why
 * there is none: that is no error, the report is where it is. */
const char *pv_run_folder_latest(const pv_run_folder *folder);

/* At the end, well or not: removes what has no name. What is finished and not `kept` is taken back
 * first, and what it replaced is there again. */
void pv_run_folder_close(pv_run_folder *folder);

#endif
