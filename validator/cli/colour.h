/* Whether what is printed has colours. */
#ifndef PV_CLI_COLOUR_H
#define PV_CLI_COLOUR_H

#include <stdbool.h>

#include "base/error.h"

#define PV_COLOUR_OPTION(text) \
  { "--color", "auto|always|never", "colours (default: auto, which heeds NO_COLOR)", (text), NULL }

/* By the word of --color, NULL for auto: standard output is a terminal that is not dumb, and
 * NO_COLOR is empty or not set. PV_ERR_INPUT for any other word. */
pv_code pv_colour_wanted(const char *word, bool *out, pv_error *err);

#endif
