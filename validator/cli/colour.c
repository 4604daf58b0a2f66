#include "validator/cli/colour.h"

#include <string.h>
#include <unistd.h>

#include "screen/screen.h"

pv_code pv_colour_wanted(const char *word, bool *out, pv_error *err) {
  if (word == NULL || strcmp(word, "auto") == 0)
    *out = pv_screen_color(STDOUT_FILENO);
  else if (strcmp(word, "always") == 0 || strcmp(word, "never") == 0)
    *out = word[0] == 'a';
  else
    return pv_error_refuse(err, "the words are auto, always and never", "--color has no '%s'",
                           word);
  return PV_OK;
}
