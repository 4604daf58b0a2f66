/* In the place of mmcv's, which includes torch: what its kernels take of it. */
#pragma once
#include <cuda_fp16.h>
#include <float.h>
#include <stdint.h>

#include "common_cuda_helper.hpp"

struct phalf {
  __half h;
  __device__ phalf(__half value) : h(value) {}
  __device__ operator __half() const { return h; }
  __device__ phalf &operator+=(phalf other) {
    h = __hadd(h, other.h);
    return *this;
  }
};
#define __PHALF(x) (x)
