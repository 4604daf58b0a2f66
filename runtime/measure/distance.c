#include "runtime/measure/distance.h"

#include <math.h>
#include <string.h>

size_t pv_element_bytes(pv_element type) {
  return type == PV_ELEMENT_F64 ? sizeof(double) : sizeof(float);
}

static inline double at(const pv_vector *v, size_t index) {
  float single;
  double value;
  int32_t whole;
  if (v->data == NULL) return NAN;
  switch (v->type) {
    case PV_ELEMENT_F64:
      memcpy(&value, (const char *)v->data + index * sizeof value, sizeof value);
      return value;
    case PV_ELEMENT_I32:
      memcpy(&whole, (const char *)v->data + index * sizeof whole, sizeof whole);
      return whole;
    case PV_ELEMENT_F32:
      break;
  }
  memcpy(&single, (const char *)v->data + index * sizeof single, sizeof single);
  return (double)single;
}

double pv_vector_at(const pv_vector *v, size_t index) {
  return at(v, index);
}

static inline bool same(const pv_vector *a, const pv_vector *b, size_t index) {
  const size_t bytes = pv_element_bytes(a->type);
  if (a->type != b->type || a->data == NULL || b->data == NULL) return at(a, index) == at(b, index);
  return memcmp((const char *)a->data + index * bytes, (const char *)b->data + index * bytes,
                bytes) == 0;
}

bool pv_vector_same(const pv_vector *a, const pv_vector *b, size_t index) {
  return same(a, b, index);
}

static inline void add(pv_distance *d, double x, double y) {
  const double difference = fabs(x - y), magnitude = fabs(x);
  const pv_oddness odd = isfinite(x) != isfinite(y) ? PV_ODD_ONE
                         : isfinite(x)              ? PV_ODD_NOT
                                                    : PV_ODD_NEITHER;
  d->dot += x * y;
  d->left_square += x * x;
  d->right_square += y * y;
  if (magnitude > d->scale) d->scale = magnitude;
  if (odd > d->odd || (odd == PV_ODD_NOT && d->odd == odd && difference > d->max_abs)) {
    d->odd = odd;
    d->max_abs = difference;
    d->worst = d->elements;
    d->left = x;
    d->right = y;
  }
  d->elements++;
}

void pv_distance_add(pv_distance *d, pv_vector left, pv_vector right) {
  const size_t n = left.count < right.count ? left.count : right.count;
  for (size_t i = 0; i < n; i++) {
    d->different += !same(&left, &right, i);
    add(d, at(&left, i), at(&right, i));
  }
  for (size_t i = n; i < left.count || i < right.count; i++) {
    d->different++;
    add(d, i < left.count ? at(&left, i) : NAN, i < right.count ? at(&right, i) : NAN);
  }
}

pv_distance pv_distance_of(pv_vector left, pv_vector right) {
  pv_distance d = {0};
  pv_distance_add(&d, left, right);
  return d;
}

double pv_distance_cosine(const pv_distance *d) {
  if (d->elements == 0) return NAN;
  if (d->max_abs == 0.0) return 1.0; /* what the sums would say but for their own rounding */
  return d->dot / (sqrt(d->left_square) * sqrt(d->right_square)); /* what is no number is in it */
}

/* Half the squared distance of the two unit vectors. */
double pv_distance_angle(const pv_distance *d, pv_vector left, pv_vector right) {
  double apart = 0.0;
  if (d->elements == 0 || !isfinite(d->left_square) || !isfinite(d->right_square)) return INFINITY;
  if (d->max_abs == 0.0) return 0.0;
  for (size_t i = 0; i < left.count; i++) {
    const double unit = at(&left, i) / sqrt(d->left_square);
    const double difference = unit - at(&right, i) / sqrt(d->right_square);
    apart += difference * difference;
  }
  return isnan(apart) ? INFINITY : apart / 2.0;
}

double pv_distance_error(const pv_distance *d) {
  if (d->odd == PV_ODD_ONE) return INFINITY;
  if (d->elements == 0 || d->odd == PV_ODD_NEITHER) return NAN;
  if (d->max_abs == 0.0) return 0.0;
  return d->scale > 0.0 ? d->max_abs / d->scale : INFINITY;
}

double pv_distance_largest(const pv_distance *d) {
  return d->elements == 0 ? NAN : d->odd != PV_ODD_NOT ? INFINITY : d->max_abs;
}

bool pv_distance_exceeds(double error, double largest) {
  if (isinf(largest)) return false;
  if (isnan(largest)) return isinf(error);
  return isnan(error) || error > largest;
}

bool pv_keep_largest(double *largest, double value) {
  if (isnan(value)) value = INFINITY;
  if (!(value > *largest)) return false;
  *largest = value;
  return true;
}

bool pv_keep_smallest(double *smallest, double value) {
  if (isnan(*smallest) || value >= *smallest) return false;
  *smallest = value;
  return true;
}

static size_t count_of(const pv_vector *v, size_t end, double element) {
  size_t count = 0;
  for (size_t i = 0; i < end; i++) count += at(v, i) == element;
  return count;
}

size_t pv_set_missing(pv_vector a, pv_vector b) {
  size_t missing = 0;
  for (size_t i = 0; i < a.count; i++) {
    const double element = at(&a, i);
    missing += count_of(&a, i, element) + 1 > count_of(&b, b.count, element);
  }
  return missing;
}

bool pv_set_same(pv_vector a, pv_vector b) {
  return a.count > 0 && a.count == b.count && pv_set_missing(a, b) == 0;
}

bool pv_set_holds(pv_vector set, double element) {
  return count_of(&set, set.count, element) > 0;
}

double pv_set_margin(pv_vector values, pv_vector chosen) {
  double kept = INFINITY, left = -INFINITY;
  if (values.count == 0 || chosen.count == 0) return NAN;
  for (size_t i = 0; i < values.count; i++) {
    const double x = at(&values, i);
    if (pv_set_holds(chosen, (double)i)) {
      if (x < kept) kept = x;
    } else if (x > left) {
      left = x;
    }
  }
  return kept - left;
}
