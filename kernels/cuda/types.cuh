/* The types of kernels/quant/list.h as kernels know them. A type's header is all that they read:
 * format<type> is made of it, and with_type() turns the number that a launch brings into a
 * constant. What is written here holds for a type that is added tomorrow. */
#pragma once

#include "kernels/cuda/common.cuh"

template <int type>
struct format;

#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number)                             \
  template <>                                                        \
  struct format<PV_TYPE_##NAME> {                                    \
    using block = pv_block_##name;                                   \
    static constexpr pv_form form = PV_FORM_PLAIN;                   \
    static __device__ __forceinline__ float value(const block *at) { \
      return pv_##name##_value(at);                                  \
    }                                                                \
  };
#define PV_TYPE_ROW(NAME, name, number, elements, form_, ...)                                 \
  template <>                                                                                 \
  struct format<PV_TYPE_##NAME> {                                                             \
    using block = pv_block_##name;                                                            \
    static constexpr pv_form form = form_;                                                    \
    static constexpr unsigned segments = (elements) / PV_SEGMENT;                             \
    static __device__ __forceinline__ uint32_t four(const block *b, unsigned s, unsigned t) { \
      return pv_##name##_four(b, s, t);                                                       \
    }                                                                                         \
    static __device__ __forceinline__ pv_scales scales(const block *b, unsigned s) {          \
      return pv_##name##_scales(b, s);                                                        \
    }                                                                                         \
  };
#include "kernels/quant/list.h"

#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number)
#define PV_TYPE_ROW(NAME, ...) \
  case PV_TYPE_##NAME:         \
    return true;
__host__ __device__ constexpr bool is_quantised(int type) {
  switch (type) {
#include "kernels/quant/list.h"
  }
  return false;
}

template <int number>
struct type_constant {
  static constexpr int type = number;
};

/* Calls f(is), where is.type is the type as a constant. All lanes of a warp come with one type. */
#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number) PV_TYPE_ROW(NAME, name)
#define PV_TYPE_ROW(NAME, ...) \
  case PV_TYPE_##NAME:         \
    return f(type_constant<PV_TYPE_##NAME>{});
template <class F>
__device__ __forceinline__ void with_type(unsigned type, const F &f) {
  switch (type) {
#include "kernels/quant/list.h"
  }
}
#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(...)
#define PV_TYPE_ROW(...)

/* What every block of a type is aligned to: tensors are to 16, and rows are whole blocks. */
template <int type>
__host__ __device__ constexpr unsigned alignment() {
  constexpr unsigned bytes = sizeof(typename format<type>::block);
  return bytes % 16 == 0 ? 16 : bytes & -bytes;
}

template <int type>
__device__ __forceinline__ const typename format<type>::block *block_at(const uint8_t *row,
                                                                        unsigned i) {
  return reinterpret_cast<const typename format<type>::block *>(row) + i;
}

/* What is added for each `lo`: the minimum of D_M is added, others are taken away. */
template <int type>
__device__ __forceinline__ float added_minimum(const pv_scales &by) {
  return format<type>::form == PV_FORM_D_M ? by.m : -by.m;
}

/* Weight i of a row: (d sc) q, and in forms with a minimum + m lo. */
struct weight {
  float d, m;
  int sc, lo, q;
};

template <int type>
__device__ __forceinline__ weight weight_at(const uint8_t *row, unsigned i) {
  const unsigned s = i / PV_SEGMENT % format<type>::segments, t = i % PV_SEGMENT / 4;
  const auto *block = block_at<type>(row, i / PV_SEGMENT / format<type>::segments);
  const pv_scales by = format<type>::scales(block, s);
  const bool second = t >= 4;
  return {by.d, added_minimum<type>(by), second ? by.sc[1] : by.sc[0], second ? by.lo[1] : by.lo[0],
          static_cast<int>(format<type>::four(block, s, t) << (24 - i % 4 * 8)) >> 24};
}

template <int type>
__host__ __device__ constexpr bool has_minimum() {
  constexpr pv_form form = format<type>::form;
  return form == PV_FORM_D_M || form == PV_FORM_SUB_M || form == PV_FORM_HALVES_M;
}

template <int type>
__device__ __forceinline__ float plain_at(const uint8_t *row, size_t i) {
  return format<type>::value(reinterpret_cast<const typename format<type>::block *>(row) + i);
}
