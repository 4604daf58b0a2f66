/* Several devices of one kind, as sides and contracts name them: "cuda0+1" is the first and the
 * second, over which layers are placed, "cuda0+1/experts" the same with the experts of each layer
 * over them. Where such names are listed, 0+1 stands for any numbers. */
#ifndef PV_BASE_DEVICES_H
#define PV_BASE_DEVICES_H

#include <stdbool.h>
#include <stddef.h>

enum { PV_DEVICES_MAX = 64, PV_DEVICES_TEXT = 200 /* bytes of the longest list, and its end */ };

typedef struct pv_devices {
  unsigned number[PV_DEVICES_MAX];
  size_t count;
  bool experts; /* are placed, not layers */
} pv_devices;

/* "0", "1+0", "0+1+2+3", "0+1/experts": NULL, or what is wrong with it. */
const char *pv_devices_read(const char *text, pv_devices *out);

/* Length of the stem of a name that is listed, "cuda0+1" or "cuda0+1/experts"; 0: it is neither. */
size_t pv_devices_stem(const char *listed);
/* Whether a word of `length` bytes is what is listed: the same, or the stem and numbers joined by
 * +, right ones or not, behind which there may be a slash and letters. */
bool pv_devices_fit(const char *listed, const char *word, size_t length);

#endif
