/* What more kernels of others read. */
#include <stdint.h>

/* CETRA: fluxes of 0 with eight points a day and a transit of 1/64 around the first, weights and a
 * model of 1, sums of `window` points and of fourth powers, and those of odd powers and fluxes, 0.
 */
extern "C" __global__ void put_curve(double *days, double *fluxes, double *ones, int size,
                                     float *durations, float duration, double *zeros, double *even,
                                     int *points, int times, int window) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i == 0) durations[0] = duration;
  if (i < size) {
    days[i] = i / 8.0;
    fluxes[i] = i / 8.0 <= duration / 2 ? 1.0 / 64 : 0;
    ones[i] = 1;
  }
  if (i >= times) return;
  zeros[i] = 0;
  even[i] = points[i] = window;
}

/* KMCUDA's members: with `angular` at 0, 60, 125 and three times 63 degrees, two of the first
 * cluster, then one; else numbers and flags, none of the first cluster with a flag. Before, of no
 * cluster. */
extern "C" __global__ void put_members(float *samples, uint32_t *none, uint32_t *first,
                                       uint32_t *second, float *centroids, uint32_t *counts,
                                       int angular) {
  const float cosines[4] = {1, 0.5f, -0.57357644f, 0.45399050f};
  const float sines[4] = {0, 0.86602540f, 0.81915204f, 0.89100652f};
  for (int i = 0; i < 6; i++) {
    samples[i] = angular ? cosines[i < 4 ? i : 3] : i < 2 ? 20000000 + 2 * i : 0;
    samples[6 + i] = angular ? sines[i < 4 ? i : 3] : i >= 2;
    none[i] = UINT32_MAX;
    first[i] = i >= 2;
    second[i] = i >= 1;
  }
  for (int i = 0; i < 2; i++) {
    centroids[2 * i] = samples[2 * i];
    centroids[2 * i + 1] = samples[6 + 2 * i];
    counts[i] = 0;
  }
}

/* KMCUDA's groups, which take turns, and drifts that are the numbers of the clusters. */
extern "C" __global__ void put_groups(uint32_t *of, float *drifts, int clusters, int groups,
                                      int features) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= clusters) return;
  of[i] = i % groups;
  for (int j = 0; j < features; j++) drifts[i * features + j] = 0;
  drifts[clusters * features + i] = i;
}

/* Awkward Array's jagged slice: of one list of three, the place `at`, and no error yet. */
extern "C" __global__ void put_slice(int64_t *starts, int64_t *slice_stops, int64_t *places,
                                     int64_t *stops, int64_t *ends, uint64_t *error, int at) {
  starts[0] = 0;
  slice_stops[0] = 1;
  places[0] = at;
  stops[0] = 3;
  ends[0] = 0;
  ends[1] = 1;
  error[0] = UINT64_MAX;
}

/* Awkward Array's pairs of one list: where both of a pair go, how many there are, that all are of
 * the first list, their numbers, and no error yet. */
extern "C" __global__ void put_combinations(int64_t **to, int64_t *first, int64_t *second,
                                            int64_t *ends, int64_t all, int64_t *lists,
                                            int64_t *numbers, int count, uint64_t *error) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) {
    lists[i] = 0;
    numbers[i] = i;
  }
  if (i != 0) return;
  to[0] = first;
  to[1] = second;
  ends[0] = 0;
  ends[1] = all;
  error[0] = UINT64_MAX;
}

/* cupy-knn's boxes of points on a line, and their codes. */
extern "C" __global__ void put_boxes(float *boxes, uint64_t *codes, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  for (int j = 0; j < 6; j++) boxes[6 * i + j] = j % 3 == 0 ? i : 0;
  codes[i] = i;
}

/* cupy-knn's tree of points on a line, of one leaf, or of two and a node above them, as its build
 * makes it of up to 32 in a leaf, and a query near the first. */
extern "C" __global__ void put_leaves_of(uint32_t *nodes, float *points, uint32_t *order, int count,
                                         int leaves, float *query, uint32_t *queries) {
  for (int i = 0; i < count; i++) {
    for (int j = 0; j < 3; j++) points[3 * i + j] = j == 0 ? i : 0;
    order[i] = i;
  }
  for (int i = 0; i < 2 * leaves - 1; i++) {
    const bool leaf = i < leaves;
    const int first = leaf ? i * (count / leaves) : 0,
              last = leaf ? first + count / leaves - 1 : count - 1;
    uint32_t *node = nodes + 12 * i;
    for (int j = 0; j < 6; j++) node[j] = __float_as_uint(j == 0 ? first : j == 3 ? last : 0);
    node[6] = leaf && leaves > 1 ? leaves : UINT32_MAX;
    node[7] = leaf ? UINT32_MAX : 0;
    node[8] = leaf ? UINT32_MAX : 1;
    node[9] = 1;
    node[10] = first;
    node[11] = last;
  }
  for (int j = 0; j < 3; j++) query[j] = j == 0 ? 0.25f : 0;
  queries[0] = 0;
}
