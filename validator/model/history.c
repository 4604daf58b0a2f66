#include "validator/model/history.h"

const char *pv_run_origin_name(pv_run_origin origin) {
  static const char *const names[] = {"committed", "published", "local", "present"};
  return names[origin];
}
