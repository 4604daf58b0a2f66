#include "runtime/probe/environment.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "kernels/cpu/cpu.h"
#include "kernels/cuda/gpu.h"
#include "kernels_digest.h"
#include "runtime/base/sha256.h"
#include "runtime/forward/backend.h"

static void cpu_name(char *out, size_t room) {
  char line[256];
  FILE *f = fopen("/proc/cpuinfo", "r");
  snprintf(out, room, "unknown");
  while (f != NULL && fgets(line, sizeof line, f) != NULL) {
    const char *colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) != 0 || colon == NULL) continue;
    snprintf(out, room, "%s", colon + 2);
    out[strcspn(out, "\n")] = '\0';
    break;
  }
  if (f != NULL) fclose(f);
}

/* The device is opened, described and closed: the driver's context goes with it. */
static void describe_device(json_t *out) {
  pv_gpu *gpu = NULL;
  pv_gpu_info info;
  pv_error err = PV_ERROR_INIT;
  pv_status status = pv_gpu_cuda.open(&gpu, &err);
  if (status == PV_OK) status = pv_gpu_cuda.info(gpu, &info, &err);
  json_object_set_new(out, "device", json_string(status == PV_OK ? info.name : "none"));
  json_object_set_new(out, "cuda", json_string(status == PV_OK ? info.driver : err.message));
  if (status == PV_OK) json_object_set_new(out, "cuda_code", json_string(info.code));
  if (gpu != NULL) pv_gpu_cuda.close(gpu);
}

json_t *pv_environment(unsigned threads) {
  char text[512], digest[PV_SHA256_HEX];
  struct utsname name;
  json_t *out = json_object();
  cpu_name(text, sizeof text);
  json_object_set_new(out, "cpu", json_string(text));
  if (uname(&name) == 0) {
    snprintf(text, sizeof text, "%s %s %s", name.sysname, name.release, name.machine);
    json_object_set_new(out, "os", json_string(text));
  }
  snprintf(text, sizeof text, "%u", threads);
  json_object_set_new(out, "threads", json_string(text));
  json_object_set_new(out, "cpu_path", json_string(pv_cpu_path_get(NULL)->name));
#ifdef __clang__
  json_object_set_new(out, "compiler", json_string("clang " __clang_version__));
#else
  json_object_set_new(out, "compiler", json_string("gcc " __VERSION__));
#endif
  describe_device(out);
  json_object_set_new(out, "kernels_sha256", json_string(PV_KERNELS_SHA256));
  if (pv_sha256_file("/proc/self/exe", digest, NULL) == PV_OK)
    json_object_set_new(out, "probe_sha256", json_string(digest));
  json_object_set_new(out, "probe_version", json_string(PV_VERSION));
  return out;
}

json_t *pv_environment_numerics(void) {
  json_t *out = json_object();
  for (int i = 0; i < PV_NUMERICS_COUNT; i++)
    json_object_set_new(out, pv_numerics_name((pv_numerics)i),
                        json_string(pv_numerics_identity((pv_numerics)i)));
  return out;
}
