// The bytes of the tensor types that shaders read (kernels/quant/types), by the numbers of pv_type.
const uint F32 = 0u, F16 = 1u, Q8_0 = 8u, Q4_K = 12u, Q6_K = 14u, BF16 = 30u;

bool is_plain(uint type) { return type == F32 || type == F16 || type == BF16; }

// Of a type that is plain.
float plain_at(uint type, uint64_t row, uint i) {
  if (type == F32) return floats(row).at[i];
  if (type == F16) return half_at(row + 2ul * i);
  uint64_t at = row + 2ul * i;
  return uintBitsToFloat((byte_at(at) | byte_at(at + 1ul) << 8) << 16);
}

// Of Q4_K, segment s: six bits each, of which the upper two of the last four lie with those of the first.
void q4_k_scales(uint64_t block, uint s, out uint sc, out uint m) {
  uint64_t scales = block + 4ul;
  uint j = s % 8u, both = byte_at(scales + j + 4u);
  sc = j < 4u ? byte_at(scales + j) & 63u : (both & 15u) | byte_at(scales + j - 4u) >> 6 << 4;
  m = j < 4u ? both & 63u : both >> 4 | byte_at(scales + j) >> 6 << 4;
}

// The whole numbers of a block, element i of segment s.
int q4_k_at(uint64_t block, uint s, uint i) {
  return int(byte_at(block + 16ul + s % 8u / 2u * 32u + i) >> (s % 2u * 4u) & 15u);
}
int q6_k_at(uint64_t block, uint s, uint i) {
  uint half_of = s % 8u / 4u, quarter = s % 4u;
  uint low = byte_at(block + half_of * 64u + quarter % 2u * 32u + i) >> (quarter / 2u * 4u) & 15u;
  uint high = byte_at(block + 128ul + half_of * 32u + i) >> (2u * quarter) & 3u;
  return int(high << 4 | low) - 32;
}
