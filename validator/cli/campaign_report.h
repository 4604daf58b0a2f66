/* pv campaign report. */
#ifndef PV_CLI_CAMPAIGN_REPORT_H
#define PV_CLI_CAMPAIGN_REPORT_H

#include "base/arena.h"
#include "base/error.h"

/* Writes campaign.html, campaign.md and the index into `out` (NULL: `folder`), and prints what they
 * say, short or as JSON. */
pv_code pv_campaign_report(pv_arena *arena, const char *folder, const char *out, const char *probe,
                           bool json, pv_error *err);

#endif
