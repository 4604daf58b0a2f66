/* What the probe beside the test can be asked for. */
#ifndef PV_TEST_KNOWN_H
#define PV_TEST_KNOWN_H

#include "validator/model/known.h"

/* Asks once and keeps the answer; ends the test when there is none. */
const pv_known *testing_known(void);

/* A small description that is sound. */
extern const char known_sound[];

#endif
