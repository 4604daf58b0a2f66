/* The smallest model that computes: what runs once for each call that can fail must be quick. */
#ifndef PV_TEST_SMALL_H
#define PV_TEST_SMALL_H

#include "runtime/synth/synth.h"

/* One layer in Q8_0, for one thread. */
pv_synth_options small_model(void);

#endif
