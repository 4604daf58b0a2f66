#include "base/devices.h"

#include <string.h>

static const char any[] = "0+1", experts[] = "/experts";

const char *pv_devices_read(const char *text, pv_devices *out) {
  pv_devices found = {.count = 0};
  for (const char *at = text;; at++) {
    const size_t digits = strspn(at, "0123456789");
    unsigned number = 0;
    if (digits == 0 || strchr("+/", at[digits]) == NULL)
      return "devices are numbers joined by +, such as 0+1";
    if (digits > 2 || (digits == 2 && at[0] == '0')) return "a device has a number from 0 to 99";
    for (size_t i = 0; i < digits; i++) number = 10 * number + (unsigned)(at[i] - '0');
    for (size_t i = 0; i < found.count; i++)
      if (found.number[i] == number) return "a device is named twice";
    if (found.count == PV_DEVICES_MAX) return "more than 64 devices";
    found.number[found.count++] = number;
    at += digits;
    if (*at == '+') continue;
    found.experts = strcmp(at, experts) == 0;
    if (*at != '\0' && !found.experts) return "behind devices stands /experts or nothing";
    break;
  }
  *out = found;
  return NULL;
}

size_t pv_devices_stem(const char *listed) {
  const char *at = strstr(listed, any);
  const char *behind = at != NULL ? at + strlen(any) : "";
  const bool devices = at != NULL && (behind[0] == '\0' || strcmp(behind, experts) == 0);
  return devices ? (size_t)(at - listed) : 0;
}

bool pv_devices_fit(const char *listed, const char *word, size_t length) {
  const size_t stem = pv_devices_stem(listed);
  const bool begins = stem > 0 && length > stem && strncmp(listed, word, stem) == 0;
  size_t at = stem;
  while (begins && at < length && strchr("0123456789+", word[at]) != NULL && word[at] != '\0') at++;
  if (begins && at > stem && at < length && word[at] == '/')
    for (at++; at < length && word[at] >= 'a' && word[at] <= 'z';) at++;
  return (begins && at == length) ||
         (strlen(listed) == length && strncmp(listed, word, length) == 0);
}
