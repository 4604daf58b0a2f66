#include "base/devices.h"

#include <string.h>

static const char any[] = "0+1";

const char *pv_devices_read(const char *text, pv_devices *out) {
  pv_devices found = {.count = 0};
  for (const char *at = text;; at++) {
    const size_t digits = strspn(at, "0123456789");
    unsigned number = 0;
    if (digits == 0 || (at[digits] != '\0' && at[digits] != '+'))
      return "devices are numbers joined by +, such as 0+1";
    if (digits > 2 || (digits == 2 && at[0] == '0')) return "a device has a number from 0 to 99";
    for (size_t i = 0; i < digits; i++) number = 10 * number + (unsigned)(at[i] - '0');
    for (size_t i = 0; i < found.count; i++)
      if (found.number[i] == number) return "a device is named twice";
    if (found.count == PV_DEVICES_MAX) return "more than 64 devices";
    found.number[found.count++] = number;
    at += digits;
    if (*at == '\0') break;
  }
  *out = found;
  return NULL;
}

size_t pv_devices_stem(const char *listed) {
  const size_t n = strlen(listed), tail = sizeof any - 1;
  return n > tail && strcmp(listed + n - tail, any) == 0 ? n - tail : 0;
}

bool pv_devices_fit(const char *listed, const char *word, size_t length) {
  const size_t stem = pv_devices_stem(listed);
  bool numbers = stem > 0 && length > stem && strncmp(listed, word, stem) == 0;
  for (size_t i = stem; i < length && numbers; i++)
    numbers = strchr("0123456789+", word[i]) != NULL && word[i] != '\0';
  return numbers || (strlen(listed) == length && strncmp(listed, word, length) == 0);
}
