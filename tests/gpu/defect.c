/* gpu_defect KERNEL: launches one kernel of defects.cu, for compute-sanitizer to watch. Exit code 0
 * when the driver reports nothing, 1 when it does, 2 without a driver, a device or the kernel. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "kernels/cuda/driver_api.h"

/* defects.ptx, NUL-terminated */
__asm__(".section .rodata\n.global defects\ndefects:\n.incbin \"" DEFECTS_PTX
        "\"\n.byte 0\n.previous\n");
extern const char defects[];

enum { N = 256, BYTES = N * sizeof(float) };

static pv_cuda_driver cuda;

static int find_driver(void) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return 0;
#define FIND(symbol, member, parameters)              \
  *(void **)(&cuda.member) = dlsym(library, #symbol); \
  if (cuda.member == NULL) return 0;
  PV_CUDA_DRIVER(FIND)
#undef FIND
  return 1;
}

static int complain(const char *what, CUresult code) {
  const char *text = "?";
  if (code == CUDA_SUCCESS) return 0;
  cuda.error_string(code, &text);
  fprintf(stderr, "gpu_defect: %s: %s\n", what, text);
  return 1;
}

int main(int argc, char **argv) {
  CUdevice device = 0;
  CUcontext context = NULL;
  CUstream stream = NULL;
  CUmodule module = NULL;
  CUfunction function = NULL;
  CUdeviceptr in = 0, out = 0;
  float back[N];
  if (argc != 2) {
    fputs("usage: gpu_defect sound|out_of_bounds|race|uninitialised|divergent\n", stderr);
    return 2;
  }
  if (!find_driver()) {
    fputs("gpu_defect: no CUDA driver\n", stderr);
    return 2;
  }
  if (complain("the driver", cuda.init(0)) || complain("the device", cuda.device_get(&device, 0)) ||
      complain("the device", cuda.context_retain(&context, device)) ||
      complain("the device", cuda.context_set(context)) ||
      complain("the kernels", cuda.module_load(&module, defects)) ||
      complain(argv[1], cuda.module_function(&function, module, argv[1])))
    return 2;
  CUresult code = cuda.stream_create(&stream, CU_STREAM_NON_BLOCKING);
  if (code == CUDA_SUCCESS) code = cuda.memory_alloc(&in, BYTES);
  if (code == CUDA_SUCCESS) code = cuda.memory_alloc(&out, BYTES);
  if (code == CUDA_SUCCESS && strcmp(argv[1], "uninitialised") != 0)
    code = cuda.memory_set(in, 0, BYTES, stream);
  void *args[] = {&in, &out};
  const CUlaunchConfig config = {.grid = {1, 1, 1}, .block = {N, 1, 1}, .stream = stream};
  if (code == CUDA_SUCCESS) code = cuda.launch(&config, function, args, NULL);
  if (code == CUDA_SUCCESS) code = cuda.copy_out(back, out, BYTES, stream);
  if (code == CUDA_SUCCESS) code = cuda.stream_wait(stream);
  return complain(argv[1], code);
}
