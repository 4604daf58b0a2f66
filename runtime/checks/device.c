/* On which device a check computes, where it is Vulkan's: whether it is the kind that a contract
 * asks for, and that evidence names it. */
#include <string.h>

#include "kernels/vulkan/prove.h"
#include "runtime/checks/check.h"

const char *const pv_check_devices[] = {"any", "gpu", NULL};

void pv_check_note_vulkan(pv_check *check) {
  for (size_t i = 0; i < PV_VULKAN_DEVICES_MAX; i++)
    if (pv_vulkan_proved(i) != NULL) pv_check_backend(check, pv_vulkan_proved(i));
}

/* The device of a side, as it is described; PV_ERR_UNSUPPORTED with the reason. */
static pv_code describe(const char *kind, pv_vulkan_about *out, pv_error *err) {
  const char *number = kind + strlen("vulkan");
  pv_vulkan *vulkan = NULL;
  size_t index = 0;
  pv_code code = pv_vulkan_open(&vulkan, err);
  if (code != PV_OK) return code;
  code = pv_vulkan_choose(vulkan, *number == '\0' ? PV_VULKAN_ANY : *number - '0', &index, err);
  if (code == PV_OK) pv_vulkan_describe(vulkan, index, out);
  pv_vulkan_close(vulkan);
  return code;
}

bool pv_check_on_device(pv_check *check, const char *side) {
  char kind[16] = "";
  pv_vulkan_about about;
  pv_error why = PV_ERROR_INIT;
  const size_t n = strcspn(side, "@");
  if (check->planted.fault != NULL) return true; /* something else computes in its place */
  if (strncmp(side, "vulkan", strlen("vulkan")) != 0 || n >= sizeof kind ||
      strcmp(pv_check_word(check, "device"), "gpu") != 0)
    return true;
  memcpy(kind, side, n);
  const pv_code code = describe(kind, &about, &why);
  if (code == PV_OK && !about.software) return true;
  if (code != PV_OK)
    (void)pv_check_verdict(check, "NOT_RUN", "%s", why.message);
  else
    (void)pv_check_verdict(check, "NOT_RUN", "%s is a device of software: a GPU is asked for",
                           about.name);
  return false;
}
