/* Several devices of one kind, as sides and contracts name them: "cuda0+1" is the first and the
 * second. Where such names are listed, 0+1 stands for any numbers. */
#ifndef PV_BASE_DEVICES_H
#define PV_BASE_DEVICES_H

#include <stdbool.h>
#include <stddef.h>

enum { PV_DEVICES_MAX = 64, PV_DEVICES_TEXT = 192 /* bytes of the longest list, and its end */ };

typedef struct pv_devices {
  unsigned number[PV_DEVICES_MAX];
  size_t count;
} pv_devices;

/* "0", "1+0", "0+1+2+3": NULL, or what is wrong with it. */
const char *pv_devices_read(const char *text, pv_devices *out);

/* Length of the stem of a name that is listed, "cuda0+1"; 0: it is no such name. */
size_t pv_devices_stem(const char *listed);
/* Whether a word of `length` bytes is what is listed: the same, or the stem and numbers joined by
 * +, right ones or not. */
bool pv_devices_fit(const char *listed, const char *word, size_t length);

#endif
