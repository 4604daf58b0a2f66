/* The qwen2 split of text into pieces, as a PCRE2 pattern.
 *
 * White space is spelled out as Unicode's White_Space property: \s of PCRE2 in UCP mode would add
 * U+180E, which the tokenizers this one must agree with do not count. */
#include "runtime/tokenizer/internal.h"

#define W                                                                                     \
  "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}" \
  "\\x{205f}\\x{3000}"

static const char pattern[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
    "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
    "|\\p{N}"
    "|\\x{20}?[^" W
    "\\p{L}\\p{N}]+[\\r\\n]*"
    "|[" W
    "]*[\\r\\n]+"
    "|[" W "]+(?![^" W
    "])"
    "|[" W "]+";

pv_code pv_split_compile(pcre2_code **out, pv_error *err) {
  int code = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code *compiled =
      pcre2_compile((PCRE2_SPTR)pattern, sizeof pattern - 1,
                    PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &code, &offset, NULL);
  if (compiled == NULL) {
    char why[128] = "";
    (void)pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
    return pv_error_set(err, PV_ERR_INTERNAL, "PCRE2 refuses the split pattern at offset %zu: %s",
                        (size_t)offset, why);
  }
  *out = compiled;
  return PV_OK;
}
