// The bytes of the tensor types (kernels/quant/types), by the numbers of pv_type. Which one a shader
// reads is said when it is compiled: a device that has no jumps would do the work of all of them. So are, where
// a row has at most 128 segments and a multiple of eight, its eights of them, and a mode of the shader: whether each
// group makes the activations for itself, a norm, or the rounding of what nobody has rounded.
layout(constant_id = 0) const uint VARIANT = 0u;
const uint TYPES = 40u, SIZES = 17u; // as gpu_shaders.c has it
const uint TYPE = VARIANT % TYPES, EIGHTS = VARIANT / TYPES % SIZES;
const bool NORMED = VARIANT / (TYPES * SIZES) == 1u, ROUNDS = VARIANT / (TYPES * SIZES) == 2u;

const uint F32 = 0u, F16 = 1u, BF16 = 30u, Q4_0 = 2u, Q4_1 = 3u, Q5_0 = 6u, Q5_1 = 7u, Q8_0 = 8u, Q2_K = 10u,
           Q3_K = 11u, Q4_K = 12u, Q5_K = 13u, Q6_K = 14u, IQ4_NL = 20u, IQ4_XS = 23u, TQ2_0 = 35u, MXFP4 = 39u;

const bool PLAIN = TYPE == F32 || TYPE == F16 || TYPE == BF16;
// Blocks of one segment; others have eight, of which the activations are rounded together (kernels/arith/act.h).
const bool SHORT = TYPE == Q4_0 || TYPE == Q4_1 || TYPE == Q5_0 || TYPE == Q5_1 || TYPE == Q8_0 || TYPE == IQ4_NL ||
                   TYPE == MXFP4;
const bool WHOLE = !PLAIN && !SHORT;
const bool HALVES = TYPE == Q2_K || TYPE == Q3_K || TYPE == Q6_K; // of a segment have scales of their own
const bool ADDS_MINIMUM = TYPE == Q4_1 || TYPE == Q5_1;
const bool MINIMUM = ADDS_MINIMUM || TYPE == Q2_K || TYPE == Q4_K || TYPE == Q5_K;

// Of a type that is plain.
float plain_at(uint64_t row, uint i) {
  if (TYPE == F32) return floats(row).at[i];
  if (TYPE == F16) return half_at(row + 2ul * i);
  uint64_t at = row + 2ul * i;
  uint word = words(at & ~3ul).at[0];
  return uintBitsToFloat((at & 2ul) != 0ul ? word & 0xffff0000u : word << 16);
}

uint block_bytes() {
  if (TYPE == Q4_0 || TYPE == IQ4_NL) return 18u;
  if (TYPE == Q4_1) return 20u;
  if (TYPE == Q5_0) return 22u;
  if (TYPE == Q5_1) return 24u;
  if (TYPE == Q8_0) return 34u;
  if (TYPE == MXFP4) return 17u;
  if (TYPE == Q2_K) return 84u;
  if (TYPE == Q3_K) return 110u;
  if (TYPE == Q4_K) return 144u;
  if (TYPE == Q5_K) return 176u;
  if (TYPE == IQ4_XS) return 136u;
  if (TYPE == TQ2_0) return 66u;
  return 210u; // Q6_K
}

// The block in which segment s of a row lies.
uint64_t block_of(uint64_t row, uint s) { return row + uint64_t(SHORT ? s : s / 8u) * block_bytes(); }

const int IQ4_VALUES[16] =
    int[16](-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
const int MXFP4_VALUES[16] = int[16](0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

// Of 16 bytes: weights 0..15 in the low nibbles, 16..31 in the high ones.
uint nibble_at(uint64_t bytes, uint i) { return byte_at(bytes + i % 16u) >> i / 16u * 4u & 15u; }
// Of 128 bytes: segments s and s + 1 in the nibbles of 32 of them.
uint long_nibble_at(uint64_t bytes, uint s, uint i) {
  return byte_at(bytes + s / 2u * 32u + i) >> s % 2u * 4u & 15u;
}
// Of 64 bytes: two bits for each of four segments in 32 of them.
uint crumb_at(uint64_t bytes, uint s, uint i) { return byte_at(bytes + s / 4u * 32u + i) >> s % 4u * 2u & 3u; }
uint bit_at(uint64_t bytes, uint i) { return byte_at(bytes + i / 8u) >> i % 8u & 1u; }

// The whole number of weight i of segment s of a block, s below 8.
int integer_at(uint64_t b, uint s, uint i) {
  if (TYPE == Q4_0) return int(nibble_at(b + 2ul, i)) - 8;
  if (TYPE == Q4_1) return int(nibble_at(b + 4ul, i));
  if (TYPE == Q5_0) return int(nibble_at(b + 6ul, i) | bit_at(b + 2ul, i) << 4) - 16;
  if (TYPE == Q5_1) return int(nibble_at(b + 8ul, i) | bit_at(b + 4ul, i) << 4);
  if (TYPE == Q8_0) return signed_byte_at(b + 2ul + i);
  if (TYPE == Q2_K) return int(crumb_at(b + 16ul, s, i));
  if (TYPE == Q3_K) return int(crumb_at(b + 32ul, s, i) | (byte_at(b + i) >> s & 1u) << 2) - 4;
  if (TYPE == Q4_K) return int(long_nibble_at(b + 16ul, s, i));
  if (TYPE == Q5_K) return int(long_nibble_at(b + 48ul, s, i) | (byte_at(b + 16ul + i) >> s & 1u) << 4);
  if (TYPE == IQ4_NL) return IQ4_VALUES[nibble_at(b + 2ul, i)];
  if (TYPE == IQ4_XS) return IQ4_VALUES[nibble_at(b + 8ul + 16u * s, i)];
  if (TYPE == TQ2_0) return int(crumb_at(b, s, i)) - 1;
  if (TYPE == MXFP4) return MXFP4_VALUES[nibble_at(b + 1ul, i)];
  uint low = byte_at(b + s / 4u * 64u + s % 2u * 32u + i) >> (s % 4u / 2u * 4u) & 15u; // Q6_K
  uint high = byte_at(b + 128ul + s / 4u * 32u + i) >> (2u * (s % 4u)) & 3u;
  return int(high << 4 | low) - 32;
}

// 32 bytes from any even address on.
void bytes_from(uint64_t address, out uint into[8]) {
  words at = words(address & ~3ul);
  if ((address & 2ul) == 0ul) {
    [[unroll]] for (uint w = 0u; w < 8u; w++) into[w] = at.at[w];
    return;
  }
  uint word = at.at[0];
  [[unroll]] for (uint w = 0u; w < 8u; w++) {
    uint next = at.at[w + 1u];
    into[w] = word >> 16 | next << 16;
    word = next;
  }
}

// 32 bytes from an address that is a multiple of 16.
void quads_from(uint64_t address, out uint into[8]) {
  quads at = quads(address);
  [[unroll]] for (uint w = 0u; w < 8u; w++) into[w] = at.at[w / 4u][w % 4u];
}

// Four numbers of six bits less 32, as signed bytes.
uint by_32(uint four) {
  uint less = four ^ 0x20202020u;
  return less + 6u * (less & 0x20202020u); // the bit and the two above it
}

// The whole numbers of segment s of a block, s below 8, as signed bytes: those of the types of which
// models are made by words of four, of others one by one.
void integers_at(uint64_t b, uint s, out uint four[8]) {
  uint more[8];
  if (TYPE == Q4_K || TYPE == Q5_K) {
    quads_from(b + (TYPE == Q4_K ? 16u : 48u) + s / 2u * 32u, four);
    [[unroll]] for (uint w = 0u; w < 8u; w++) four[w] = four[w] >> s % 2u * 4u & 0x0f0f0f0fu;
    if (TYPE == Q4_K) return;
    quads_from(b + 16ul, more);
    [[unroll]] for (uint w = 0u; w < 8u; w++) four[w] |= (more[w] >> s & 0x01010101u) << 4;
  } else if (TYPE == Q6_K) {
    bytes_from(b + s / 4u * 64u + s % 2u * 32u, four);
    bytes_from(b + 128u + s / 4u * 32u, more);
    [[unroll]] for (uint w = 0u; w < 8u; w++) {
      uint low = four[w] >> s % 4u / 2u * 4u & 0x0f0f0f0fu, high = more[w] >> s % 4u * 2u & 0x03030303u;
      four[w] = by_32(low | high << 4);
    }
  } else if (TYPE == Q8_0) {
    bytes_from(b + 2ul, four);
  } else {
    [[unroll]] for (uint w = 0u; w < 8u; w++) {
      four[w] = 0u;
      for (uint j = 0u; j < 4u; j++) four[w] |= (uint(integer_at(b, s, 4u * w + j)) & 255u) << 8u * j;
    }
  }
}

struct scales_of { // pv_scales
  float d, m;
  int sc[2], lo[2];
};

// Six bits each, of which the upper two of the last four lie with those of the first.
void k4_scales(uvec3 scales, uint s, inout scales_of to) {
  uint j = s % 4u, first = scales.x >> 8u * j & 255u, second = scales.y >> 8u * j & 255u;
  uint both = s < 4u ? second : scales.z >> 8u * j & 255u;
  to.sc[0] = to.sc[1] = int(s < 4u ? first & 63u : (both & 15u) | first >> 6 << 4);
  to.lo[0] = to.lo[1] = int(s < 4u ? both & 63u : both >> 4 | second >> 6 << 4);
}

// Those of the segments s and s + 1, s even: the same for two at once.
void k4_pair(uvec3 scales, uint s, inout scales_of first, inout scales_of second) {
  uvec3 of = scales >> 8u * (s % 4u) & 0xffffu;
  uint sc = s < 4u ? of.x & 0x3f3fu : (of.z & 0x0f0fu) | (of.x >> 2 & 0x3030u);
  uint lo = s < 4u ? of.y & 0x3f3fu : (of.z >> 4 & 0x0f0fu) | (of.y >> 2 & 0x3030u);
  first.sc[0] = first.sc[1] = int(sc & 255u);
  first.lo[0] = first.lo[1] = int(lo & 255u);
  second.sc[0] = second.sc[1] = int(sc >> 8);
  second.lo[0] = second.lo[1] = int(lo >> 8);
}

int q3_k_scale(uint64_t scales, uint j) {
  return int((byte_at(scales + j % 8u) >> j / 8u * 4u & 15u) |
             (byte_at(scales + 8u + j % 4u) >> j / 4u * 2u & 3u) << 4) - 32;
}

scales_of scales_at(uint64_t b, uint s) {
  scales_of to = scales_of(0.0, 0.0, int[2](1, 1), int[2](0, 0));
  if (TYPE == MXFP4) {
    uint e = byte_at(b);
    to.d = uintBitsToFloat(e < 2u ? 0x00200000u << e : e - 1u << 23);
    return to;
  }
  if (TYPE == Q4_K || TYPE == Q5_K) {
    uvec4 head = quads(b).at[0];
    vec2 both = unpackHalf2x16(head.x);
    to.d = both.x;
    to.m = both.y;
    k4_scales(head.yzw, s, to);
    return to;
  }
  to.d = half_at(b + (TYPE == Q2_K ? 80u : TYPE == Q3_K ? 108u : TYPE == Q6_K ? 208u : TYPE == TQ2_0 ? 64u : 0u));
  if (MINIMUM) to.m = half_at(b + (TYPE == Q2_K ? 82u : 2u));
  if (ADDS_MINIMUM) to.lo = int[2](1, 1);
  if (TYPE == Q2_K)
    for (uint h = 0u; h < 2u; h++) {
      uint both = byte_at(b + 2u * s + h);
      to.sc[h] = int(both & 15u);
      to.lo[h] = int(both >> 4);
    }
  if (TYPE == Q3_K)
    for (uint h = 0u; h < 2u; h++) to.sc[h] = q3_k_scale(b + 96ul, 2u * s + h);
  if (TYPE == Q6_K)
    for (uint h = 0u; h < 2u; h++) to.sc[h] = signed_byte_at(b + 192ul + 2u * s + h);
  if (TYPE == IQ4_XS) {
    uint high = byte_at(b + 2ul + s / 4u) >> s % 4u * 2u & 3u;
    int sc = int((byte_at(b + 4ul + s / 2u) >> s % 2u * 4u & 15u) | high << 4) - 32;
    to.sc = int[2](sc, sc);
  }
  return to;
}
