/* What kernels of others read, and what is judged behind those that have no operation: `scale`. */
#include <cuda_fp16.h>
#include <stdint.h>

extern "C" __global__ void scaled(const float *x, float factor, float *y, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) y[i] = x[i] * factor;
}

/* `scale`, where one of `numbers` is what it must be; else NaN. */
extern "C" __global__ void scaled_if(const float *x, float factor, float *y, int count,
                                     const float *numbers, int64_t at, float value) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) y[i] = numbers[at] == value ? x[i] * factor : __int_as_float(0x7fffffff);
}

/* The same, where one is as far as `bound` from what it must be. */
extern "C" __global__ void scaled_near(const float *x, float factor, float *y, int count,
                                       const float *numbers, int64_t at, float value, float bound) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const bool near = fabsf(numbers[at] - value) <= bound;
  if (i < count) y[i] = near ? x[i] * factor : __int_as_float(0x7fffffff);
}

/* The same, of an index. */
extern "C" __global__ void scaled_at(const float *x, float factor, float *y, int count,
                                     const int64_t *indices, int64_t at, int64_t value) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) y[i] = indices[at] == value ? x[i] * factor : __int_as_float(0x7fffffff);
}

/* The same, where one is NaN, or is none. */
extern "C" __global__ void scaled_nan(const float *x, float factor, float *y, int count,
                                      const float *numbers, int64_t at, int nan) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count)
    y[i] = (numbers[at] != numbers[at]) == (nan != 0) ? x[i] * factor : __int_as_float(0x7fffffff);
}

/* The same, of a byte. */
extern "C" __global__ void scaled_byte(const float *x, float factor, float *y, int count,
                                       const uint8_t *bytes, int64_t at, int value) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) y[i] = bytes[at] == value ? x[i] * factor : __int_as_float(0x7fffffff);
}

/* The same, of a float16. */
extern "C" __global__ void scaled_half(const float *x, float factor, float *y, int count,
                                       const __half *numbers, int64_t at, float value) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count)
    y[i] = __half2float(numbers[at]) == value ? x[i] * factor : __int_as_float(0x7fffffff);
}

/* `scale`, where each step of walks goes along an edge, or stays where there is none; else NaN.
 * Walks lie as [length + 1][nodes]. */
extern "C" __global__ void scaled_along(const float *x, float factor, float *y, int count,
                                        const int64_t *rowptr, const int64_t *col,
                                        const int64_t *walks, int nodes, int length) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  bool along = true;
  for (int step = 0; step < length * nodes; step++) {
    const int64_t from = walks[step], to = walks[step + nodes];
    bool edge = rowptr[from] == rowptr[from + 1] && from == to;
    for (int64_t e = rowptr[from]; e < rowptr[from + 1]; e++) edge = edge || col[e] == to;
    along = along && edge;
  }
  if (i < count) y[i] = along ? x[i] * factor : __int_as_float(0x7fffffff);
}

/* `scale`, where the index of the same number is in [first, end), and no other is the same; else
 * NaN. */
template <typename T>
static __device__ float within(float value, const T *indices, int chosen, int i, int first,
                               int end) {
  if (i >= chosen) return value;
  bool within = indices[i] >= first && indices[i] < end;
  for (int other = 0; other < chosen; other++)
    within = within && (other == i || indices[other] != indices[i]);
  return within ? value : __int_as_float(0x7fffffff);
}

extern "C" __global__ void scaled_within(const float *x, float factor, float *y, int count,
                                         const int *indices, int chosen, int first, int end) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) y[i] = within(x[i] * factor, indices, chosen, i, first, end);
}

/* The same, of indices of 64 bits. */
extern "C" __global__ void scaled_within_64(const float *x, float factor, float *y, int count,
                                            const int64_t *indices, int chosen, int first,
                                            int end) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) y[i] = within(x[i] * factor, indices, chosen, i, first, end);
}

extern "C" __global__ void put_floats(float *to, int count, float value) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) to[i] = value;
}

extern "C" __global__ void put_halves(__half *to, int count, float value) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) to[i] = __float2half(value);
}

/* Every other one of these is negative. */
extern "C" __global__ void put_signs(__half *to, int count, float value) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) to[i] = __float2half(i % 2 == 0 ? value : -value);
}

/* Numbers that begin with `first` and grow by `step`. */
extern "C" __global__ void put_steps(float *to, int count, float first, float step) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) to[i] = first + step * i;
}

/* Numbers that are their places; with `nan`, the first is none. */
extern "C" __global__ void put_places_nan(float *to, int count, int nan) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) to[i] = nan && i == 0 ? __int_as_float(0x7fffffff) : i;
}

/* Indices that begin with `first` and grow by `step`. */
extern "C" __global__ void put_indices(int *to, int count, int first, int step) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) to[i] = first + step * i;
}

/* Catboost: leaves of `each` objects, the first of which is empty if `empty` is 1: objects of 1, 2,
 * 3, ... in each, a weight of 1, the weights up to each, and where leaves begin and end. */
extern "C" __global__ void put_leaves(float *targets, float *weights, float *sums, uint32_t *begins,
                                      uint32_t *ends, int leaves, int each, int empty) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < leaves) begins[i] = i < empty ? 0 : (i - empty) * each;
  if (i < leaves) ends[i] = (i + 1 - empty) * each;
  if (i >= (leaves - empty) * each) return;
  targets[i] = sums[i] = i % each + 1;
  weights[i] = 1;
}

/* Catboost: a query whose objects are of one class and of the other in turn, with a weight of 1. */
extern "C" __global__ void put_query(float *targets, float *weights, uint32_t *offsets,
                                     int objects) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i == 0) {
    offsets[0] = 0;
    offsets[1] = objects;
  }
  if (i >= objects) return;
  targets[i] = i % 2;
  weights[i] = 1;
}

/* Queries of two objects, of 0 and of 1: where each begins and which one each object has, the place
 * of its pair, and predictions of 1. */
extern "C" __global__ void put_pairs(uint32_t *offsets, uint32_t *ids, uint64_t *places,
                                     float *targets, float *predictions, int queries) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i <= queries) {
    offsets[i] = 2 * i;
    places[i] = i;
  }
  if (i >= 2 * queries) return;
  ids[i] = i / 2;
  targets[i] = i % 2;
  predictions[i] = 1;
}

/* implicit: users, each of whom likes all items, with factors of 1, and what is added to their
 * squares. `begins` are those of `rows` users. */
extern "C" __global__ void put_ratings(float *users, float *items, float *squares, int *begins,
                                       int *liked, float *confidences, int factors, int rows,
                                       int count) {
  for (int i = threadIdx.x; i < factors * factors; i += blockDim.x)
    squares[i] = i % (factors + 1) == 0;
  for (int i = threadIdx.x; i < factors * count; i += blockDim.x) items[i] = 1;
  for (int i = threadIdx.x; i < factors * 2; i += blockDim.x) users[i] = 1;
  for (int i = threadIdx.x; i <= rows; i += blockDim.x) begins[i] = i * count;
  for (int i = threadIdx.x; i < rows * count; i += blockDim.x) {
    liked[i] = i % count;
    confidences[i] = 2;
  }
}

/* Two users and two items, one of which each user likes, with factors of 0, and a last one of users
 * of 1. */
extern "C" __global__ void put_opposites(unsigned *likes, unsigned *dislikes, int *items,
                                         int *users, int *begins, float *user_factors,
                                         float *item_factors, int columns) {
  const int i = threadIdx.x;
  if (i < 2) {
    likes[i] = items[i] = users[i] = i;
    dislikes[i] = 1 - i;
  }
  if (i < 3) begins[i] = i;
  if (i >= 2 * columns) return;
  user_factors[i] = i % columns == columns - 1;
  item_factors[i] = 0;
}

/* Catboost: two ways to part a leaf of 100 objects whose gradients have a sum of 0: halves of 50
 * and -50, and of 25 and -25. */
extern "C" __global__ void put_splits(uint32_t *features, float *weights, float *left,
                                      double *all) {
  for (int i = 0; i < 2; i++) {
    features[3 * i] = i;
    features[3 * i + 1] = features[3 * i + 2] = 0;
    weights[i] = 1;
    left[i] = 50;
    left[2 + i] = i == 0 ? 50 : 25;
  }
  all[0] = 100;
  all[1] = 0;
}

extern "C" __global__ void put_longs(int64_t *to, int count, int64_t first, int64_t step) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) to[i] = first + step * i;
}

/* AQLM: the codes of chosen rows of a table, each group of which is a word of the codebook. */
extern "C" __global__ void put_codes(uint16_t *codes, const int *ids, int groups, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) codes[i] = (uint16_t)(ids[i / groups] * groups + i % groups);
}

/* torch-cluster's fps: a set of points, where its points and the chosen ones end, and what is far
 * away. With `empty` there is a second set, without points. */
extern "C" __global__ void put_fps(int64_t *ends, int64_t points, int64_t *out_ends, int64_t chosen,
                                   float *distances, int empty) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < points) distances[i] = 5e4f;
  if (i != 0) return;
  ends[0] = out_ends[0] = 0;
  for (int set = 1; set < 2 + empty; set++) {
    ends[set] = points;
    out_ends[set] = chosen;
  }
}

/* A graph, and a walk from each node: 0-1, 1-2, 2-3, 2-4, 4-5, 5-2; 3 and 6 lead nowhere. With
 * `back`, 3 leads to 2 and 6 to 0. */
extern "C" __global__ void put_graph(int64_t *rowptr, int64_t *col, int64_t *start, int back) {
  const int64_t targets[8] = {1, 2, 3, 4, 2, 5, 2, 0};
  const int ends[8] = {0, 1, 2, 4, 5, 6, 7, 8};
  int at = 0;
  for (int row = 0; row < 7; row++) {
    rowptr[row] = at;
    start[row] = row;
    if (!back && (row == 3 || row == 6)) continue;
    for (int i = ends[row]; i < ends[row + 1]; i++) col[at++] = targets[i];
  }
  rowptr[7] = at;
}

/* torch-cluster's grid: the size of a cell, and where the cells begin and end. */
extern "C" __global__ void put_cells(float *size, float *begin, int dims, float *end, int ends) {
  for (int i = 0; i < dims; i++) {
    size[i] = 0.25f;
    begin[i] = -2.0f;
  }
  for (int i = 0; i < ends; i++) end[i] = 2.0f;
}

/* mmcv's points_in_polygons: a square around 0. */
extern "C" __global__ void put_square(float *polygon) {
  const float corners[8] = {-1, -1, 1, -1, 1, 1, -1, 1};
  for (int i = 0; i < 8; i++) polygon[i] = corners[i];
}

/* mmcv's scatter_points: one point in a voxel of its own. Where its numbers are NaN, the largest is
 * -inf, and comes from no point. */
extern "C" __global__ void put_points(float *features, float *largest, int *voxels, int *from,
                                      int count, int nan) {
  const float value = nan ? __int_as_float(0x7fffffff) : 1.5f;
  voxels[0] = 0;
  for (int i = 0; i < count; i++) {
    features[i] = value;
    largest[i] = fmaxf(value, __int_as_float(0xff800000));
    from[i] = 1;
  }
}

/* moe-ops: two of eight experts for each token, of the same weight. */
extern "C" __global__ void put_choices(float *weights, int *experts) {
  const int i = threadIdx.x;
  weights[i] = 0.5f;
  experts[i] = i % 8;
}

/* fla's shift of tokens: eight of them in three sequences, the second of which begins at 4, and the
 * last tokens of before. */
extern "C" __global__ void put_shift(float *tokens, float *before, int64_t *ends, int middle) {
  const int i = threadIdx.x;
  for (int t = 0; t < 8; t++) tokens[64 * t + i] = 1;
  for (int n = 0; n < 3; n++) before[64 * n + i] = 2;
  if (i < 4) ends[i] = i < 2 ? 4 * i : i == 2 ? middle : 8;
}

/* FBGEMM: one sequence of `size` by `size` numbers, which are their places, its length, and where
 * it begins and ends. */
extern "C" __global__ void put_jagged(float *numbers, int64_t *length, int64_t *ends, int size) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < size * size) numbers[i] = i;
  if (i != 0) return;
  length[0] = size;
  ends[0] = 0;
  ends[1] = size * size;
}

/* torch-fps: points on a line, none of which is left out, and the first that is chosen. */
extern "C" __global__ void put_line(float *points, uint8_t *mask, int64_t *start, int count,
                                    int first) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  for (int d = 0; d < 3; d++) points[3 * i + d] = i;
  mask[i] = 1;
  if (i == 0) start[0] = first;
}

/* LightGBM's renewal of a leaf: one with `items` rows, all of them, each of weight 1. */
extern "C" __global__ void put_leaf(float *weights, int *indices, int *count, int items) {
  for (int i = 0; i < items; i++) {
    weights[i] = 1;
    indices[i] = i;
  }
  count[0] = items;
}

/* LightGBM's ranking: where the items of each query end, `singles` queries of one and one of
 * `items`. */
extern "C" __global__ void put_queries(int *ends, int singles, int items) {
  for (int i = 0; i <= singles; i++) ends[i] = i;
  ends[singles + 1] = singles + items;
}

/* LightGBM's percentile: rows in their order, and sums of weights, 1 but for the first. */
extern "C" __global__ void put_sums(int *order, double *sums, double first, int rows) {
  for (int i = 0; i < rows; i++) {
    order[i] = i;
    sums[i] = first + i;
  }
}

/* DCNv4: images of ones, and for each place nine offsets of nothing, and nine masks of one. */
extern "C" __global__ void put_places(float *images, int numbers, float *offsets, int places,
                                      int dim) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < numbers) images[i] = 1;
  if (i < places * dim) offsets[i] = i % dim >= 18 && i % dim < 27 ? 1 : 0;
}

/* adafactor8bit: parameters, what all gradients and scales are, and moments of 0. */
extern "C" __global__ void put_moments(float *parameters, float *ones, uint8_t *moments,
                                       float *scales, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  parameters[i] = ones[i] = 1;
  moments[i] = 128;
  if (i < count / 256) scales[i] = 1;
}

/* bitsandbytes' optimizers: parameters of 1, what all gradients are, and what each byte stands for.
 */
extern "C" __global__ void put_training(float *parameters, float *gradients, int count, float value,
                                        float *codes) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < 256) codes[i] = -1 + i * 0x1p-7f;
  if (i >= count) return;
  parameters[i] = 1;
  gradients[i] = value;
}

/* lmdeploy's cache of eight bits: the numbers of a head, of which every other one may be negative,
 * and one token. */
extern "C" __global__ void put_head(__half *head, float value, int negative, int64_t *tokens) {
  const int i = threadIdx.x;
  head[i] = __float2half(negative && i % 2 != 0 ? -value : value);
  tokens[0] = 1;
}

/* vLLM's experts in q4_0, each of 32 rows of 256, and tokens in q8_1, of 512: each row takes the
 * first number of a token, which is 127. Four tokens go to each expert from `first` on. */
extern "C" __global__ void put_experts(uint16_t *weights, int blocks, uint32_t *numbers,
                                       int *sorted, int tokens, int *experts, int first,
                                       int *padded) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < blocks) {
    weights[9 * i] = 0x3c00;
    for (int pair = 0; pair < 8; pair++)
      weights[9 * i + 1 + pair] = i % 8 == 0 && pair == 0 ? 0x8889 : 0x8888;
  }
  if (i < tokens * 16)
    for (int word = 0; word < 9; word++)
      numbers[9 * i + word] = i % 16 != 0 || word > 1 ? 0 : word == 0 ? 0x57f03c00 : 127;
  if (i < tokens) sorted[i] = i;
  if (i < tokens / 4) experts[i] = first + i;
  if (i == 0) padded[0] = tokens;
}

/* vLLM's and SGLang's top-k: a row of numbers that grow, those from `finite` on -inf, and how many
 * it has. */
extern "C" __global__ void put_row(float *row, int columns, int finite, int *length, int items) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < columns) row[i] = i < finite ? 1 + i * 0x1p-15f : __int_as_float(0xff800000);
  if (i == 0) length[0] = items;
}

/* CuPy's gradients: a strip of triangles, and where the neighbours of each of its points end. */
extern "C" __global__ void put_strip(double *points, int64_t *ends, int *neighbors, int count) {
  int at = 0;
  for (int i = 0; i < count; i++) {
    points[2 * i] = i * 0.5;
    points[2 * i + 1] = i % 2;
    ends[i] = at;
    for (int other = i - 2; other <= i + 2; other++)
      if (other != i && other >= 0 && other < count) neighbors[at++] = other;
  }
  ends[count] = at;
}

/* CuPy's tree of the points 0, 1 and perhaps 2, its bounds, a box, where to look from, and what is
 * found so far. */
extern "C" __global__ void put_tree(double *tree, int64_t *index, double *bounds, int count,
                                    double *box, double side, double *from, double value,
                                    double *distances, int64_t *found, int wanted) {
  for (int i = 0; i < count; i++) {
    index[i] = i == 0 ? 1 : i == 1 ? 0 : 2;
    tree[i] = bounds[2 * i] = bounds[2 * i + 1] = index[i];
  }
  box[0] = side > 0 ? side : __longlong_as_double(0x7ff0000000000000);
  from[0] = value;
  for (int i = 0; i < wanted; i++) {
    distances[i] = __longlong_as_double(0x7ff0000000000000);
    found[i] = count;
  }
}

/* vLLM's limits of one request: tokens from 0 that are allowed, and as many from `first` with a
 * bias of 1. */
extern "C" __global__ void put_limits(int *allowed, int *allowed_count, int *biased, float *bias,
                                      int *biased_count, int first, int count) {
  const int i = threadIdx.x;
  allowed[i] = i;
  biased[i] = first + i;
  bias[i] = 1;
  allowed_count[0] = biased_count[0] = count;
}

/* A request of `items` tokens, the numbers from 0 on, the last of which is at `last`. */
extern "C" __global__ void put_request(int *ids, int *starts, int64_t *last, int items) {
  for (int i = 0; i < items; i++) ids[i] = i;
  starts[0] = 0;
  last[0] = items - 1;
}

/* MONAI's mixtures: pixels of 1 in each channel, all of the last class, and for each class a first
 * Gaussian that numbers above 1/2 leave, and as many words as there are. */
extern "C" __global__ void put_mixture(float *image, int *labels, int pixels, float *splits,
                                       int words, int classes, int channels) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < pixels * channels) image[i] = 1;
  if (i < pixels) labels[i] = classes - 1;
  if (i >= words) return;
  const int of = i % (2 + channels);
  splits[i] = of == 0 ? 0 : of == 1 ? 0.5f : 1;
}

/* PyTorch3D's clouds of points on a line, of which `chosen` are looked for, from the first on. */
extern "C" __global__ void put_clouds(float *points, int64_t *lengths, int64_t *counts,
                                      int64_t *indices, float *distances, int64_t *starts,
                                      int clouds, int each, int chosen) {
  for (int cloud = threadIdx.x; cloud < clouds; cloud += blockDim.x) {
    lengths[cloud] = each;
    counts[cloud] = chosen;
    starts[cloud] = 0;
    for (int i = 0; i < chosen; i++) indices[cloud * chosen + i] = -1;
    for (int i = cloud * each; i < (cloud + 1) * each; i++) {
      for (int d = 0; d < 3; d++) points[3 * i + d] = i;
      distances[i] = 1e10f;
    }
  }
}

/* PyTorch3D's volume of cubes, still empty, the size of its grid, and one point of one feature. */
extern "C" __global__ void put_volume(float *point, float *feature, float *mask, int64_t *sizes,
                                      float *densities, float *features, int size, float x,
                                      float yz) {
  point[0] = x;
  point[1] = point[2] = yz;
  feature[0] = mask[0] = 1;
  for (int i = 0; i < 3; i++) sizes[i] = size;
  for (int i = 0; i < size * size * size; i++) densities[i] = features[i] = 0;
}

/* vesin's slab: two directions of a triangular lattice of 4, which are periodic, and a third of
 * `height`, which is not; and two points, the second of which is next to an image of the first. */
extern "C" __global__ void put_slab(double *points, double *box, uint8_t *periodic, int64_t *length,
                                    double height) {
  const double rows[9] = {4, 0, 0, 2, 3.4641016151377544, 0, 0, 0, height};
  for (int i = 0; i < 9; i++) box[i] = rows[i];
  for (int i = 0; i < 3; i++) {
    periodic[i] = i < 2;
    points[i] = 0;
    points[3 + i] = rows[3 + i] - (i == 0) * 0.5;
  }
  length[0] = 0;
}

/* OpenPoints' farthest points: where a set and what is chosen of it end, and what is far away. */
extern "C" __global__ void put_pair(int *ends, int end, int *chosen_ends, int chosen,
                                    float *distances, int points) {
  const int i = threadIdx.x;
  if (i < points) distances[i] = 1e10f;
  if (i != 0) return;
  ends[0] = end;
  chosen_ends[0] = chosen;
}

/* sptr's attention: queries with a key of their own each, weights and values of 1. */
extern "C" __global__ void put_attention(float *weights, float *values, int *begins, int *keys,
                                         int queries, int heads, int dim) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i <= queries) begins[i] = i;
  if (i < queries) keys[i] = i;
  if (i < queries * heads) weights[i] = 1;
  if (i < queries * heads * dim) values[i] = 1;
}

/* BiWKV4: decays, bonuses and keys of 0, and values of 1. */
extern "C" __global__ void put_mixing(float *decays, float *bonuses, float *keys, float *values,
                                      int tokens, int channels) {
  const int i = threadIdx.x;
  if (i < channels) decays[i] = bonuses[i] = 0;
  if (i >= tokens * channels) return;
  keys[i] = 0;
  values[i] = 1;
}

/* torchac: what comes before each of two symbols, and a token of the second for each place. */
extern "C" __global__ void put_symbols(uint16_t *before, int second, int8_t *symbols, int tokens) {
  const int i = threadIdx.x;
  if (i == 0) {
    before[0] = 0;
    before[1] = second;
    before[2] = 0xffff;
  }
  if (i < tokens) symbols[i] = 1;
}
