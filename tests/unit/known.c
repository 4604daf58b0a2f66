#include "tests/unit/known.h"

#include <stdio.h>
#include <stdlib.h>

#include "validator/run/run.h"

/* One of everything. */
#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
const char known_sound[] =
    "{\"schema\":\"pv/describe/"
    "v1\",\"version\":\"0\",\"checks\":[{\"name\":\"a.b\",\"about\":\"A.\","
    "\"subject\":\"forward\",\"needs\":[\"model\",\"prompts\"],\"timeout_s\":60,\"digest\":"
    "\"" DIGEST
    "\",\"params\":["
    "{\"name\":\"n\",\"about\":\"N\",\"type\":\"integer\",\"min\":1,\"max\":9,\"default\":\"3\"},"
    "{\"name\":\"r\",\"about\":\"R\",\"type\":\"number\",\"min\":0.5,\"max\":1,\"unit\":\"ulp\","
    "\"loosens\":\"down\"},"
    "{\"name\":\"w\",\"about\":\"W\",\"type\":\"word\",\"words\":[\"x\",\"y\"],\"default\":\"x\"}]}"
    "],"
    "\"sources\":{\"cpu\":\"here\"},\"computes\":{\"cpu\":\"i16\"},"
    "\"identities\":{\"i16\":\"whole numbers\"},"
    "\"words\":[{\"name\":\"w\",\"kind\":\"thing\",\"about\":\"W.\"}],"
    "\"faults\":[{\"name\":\"f\",\"area\":\"a\",\"summary\":\"s\",\"planted_in\":\"p\","
    "\"numerics\":[\"i16\"],\"caught_by\":[\"a.b\"],\"takes_layer\":true}]}";

const pv_known *testing_known(void) {
  static pv_arena arena;
  static const pv_known *known;
  pv_error err = PV_ERROR_INIT;
  if (known == NULL && pv_run_describe(&arena, NULL, 0, &known, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    exit(1);
  }
  return known;
}
