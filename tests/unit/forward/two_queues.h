/* The interpreter as a device whose queues run as far apart as the marks allow. */
#ifndef PV_TESTS_FORWARD_TWO_QUEUES_H
#define PV_TESTS_FORWARD_TWO_QUEUES_H

#include "runtime/forward/gpu_devices.h"

typedef enum two_order { TWO_SENDS_FIRST, TWO_COMPUTES_FIRST } two_order;

/* What the device does, and what was done with it since it was opened; one device at a time. */
typedef struct two_state {
  two_order order; /* which queue goes on where both can */
  bool deaf;       /* nothing waits for a mark */
  uint64_t free_;  /* bytes of its memory */
  uint64_t held, sent, recorded;
  bool broken; /* something has failed */
} two_state;
extern two_state two;
extern const pv_gpu_ops two_queues;
/* The interpreter as it is: closed it waits for the next that is opened, for it takes long to make.
 */
extern pv_gpu_ops two_plain;
void two_begin(void);
void two_end(void); /* closes all that wait */

#endif
