#include "validator/cli/colour.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool terminal(void) {
  const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && (no_color == NULL || no_color[0] == '\0') &&
         (term == NULL || strcmp(term, "dumb") != 0);
}

pv_code pv_colour_wanted(const char *word, bool *out, pv_error *err) {
  if (word == NULL || strcmp(word, "auto") == 0)
    *out = terminal();
  else if (strcmp(word, "always") == 0 || strcmp(word, "never") == 0)
    *out = word[0] == 'a';
  else
    return pv_error_refuse(err, "the words are auto, always and never", "--color has no '%s'",
                           word);
  return PV_OK;
}
