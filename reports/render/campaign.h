/* A campaign as text, Markdown, HTML and JSON. As render.h: pure, and on failure `out` holds what
 * it held before. Of long lists the pages show the first and say how many they left out; JSON has
 * all. */
#ifndef PV_RENDER_CAMPAIGN_H
#define PV_RENDER_CAMPAIGN_H

#include "base/error.h"
#include "base/text.h"
#include "validator/model/campaign.h"

#define PV_RENDER_CAMPAIGN "pv/campaign-report/v1"

pv_code pv_render_campaign_text(const pv_campaign *campaign, pv_text *out, pv_error *err);
pv_code pv_render_campaign_markdown(const pv_campaign *campaign, pv_text *out, pv_error *err);
pv_code pv_render_campaign_html(const pv_campaign *campaign, pv_text *out, pv_error *err);
pv_code pv_render_campaign_json(const pv_campaign *campaign, pv_text *out, pv_error *err);

#endif
