// Products of rows with weights of 8 or 4 bits, by AVX-512 VNNI.
//
// Weights lie in groups of 32 along what they read, with a scale each (half precision). 16 outputs stand side by side in a register, 4 inputs of
// each; they are multiplied without sign, shifted up by 128, as the instruction wants one factor: so are 8 bits stored, and 4 bits are looked up. Rows
// are rounded to 8 bits by group as they come. What the shift adds to a group's sum is known from the sum of the row's numbers, and sums begin with it
// taken away.
#pragma once
#include "threads.h"
#include "vectors.h"

constexpr int GROUP = 32, SHIFT = 128;

// What 4 bits stand for, shifted (packing.py has the same).
alignas(16) constexpr uint8_t LEVELS_4[16] = {1, 27, 49, 66, 81, 94, 107, 119, 130, 141, 152, 164, 177, 193, 211, 235};

// One layer's weights. The struct is told by Python (stack.py).
struct Linear {
  const uint8_t* weights;  // [blocks of 16 outputs][groups][32 x 16 x bits / 8 bytes]
  const uint16_t* scales;  // [blocks][groups][16] half precision
  int32_t num_out, num_in, bits, unused;
};

// Rows of 8 bits.
struct Rounded {
  int8_t* values;  // [rows][inputs]
  float* scales;   // [rows][groups]
  int32_t* sums;   // [rows][groups]
  int num_in;
  int groups() const { return num_in / GROUP; }
};

inline void round_row(const float* row, const Rounded& out, int index) {
  const int groups = out.groups();
  const __m512 no_sign = _mm512_castsi512_ps(_mm512_set1_epi32(0x7fffffff));
  for (int group = 0; group < groups; ++group) {
    const __m512 low = _mm512_loadu_ps(row + group * GROUP), high = _mm512_loadu_ps(row + group * GROUP + LANES);
    const float largest = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_and_ps(low, no_sign), _mm512_and_ps(high, no_sign)));
    const __m512 inverse = _mm512_set1_ps(largest > 0 ? 127.0f / largest : 0.0f);
    const __m512i first = _mm512_cvtps_epi32(_mm512_mul_ps(low, inverse)), second = _mm512_cvtps_epi32(_mm512_mul_ps(high, inverse));
    int8_t* values = out.values + size_t(index) * out.num_in + group * GROUP;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(values), _mm512_cvtepi32_epi8(first));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(values + LANES), _mm512_cvtepi32_epi8(second));
    out.scales[index * groups + group] = largest / 127.0f;
    out.sums[index * groups + group] = _mm512_reduce_add_epi32(_mm512_add_epi32(first, second));
  }
}

// Some rows by some blocks of 16 outputs.
template <int ROWS, int BLOCKS, int BITS>
inline void tile(const Rounded& x, int row, const Linear& linear, int block, float* out, int stride, bool adds) {
  const int groups = x.groups();
  constexpr int GROUP_BYTES = GROUP * LANES * BITS / 8;
  const __m512i levels = _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(LEVELS_4))), low_bits = _mm512_set1_epi8(15);
  __m512 sums[ROWS][BLOCKS];
  for (int r = 0; r < ROWS; ++r)
    for (int b = 0; b < BLOCKS; ++b) sums[r][b] = _mm512_setzero_ps();
  const uint8_t* weights[BLOCKS];
  const uint16_t* scales[BLOCKS];
  for (int b = 0; b < BLOCKS; ++b) {
    weights[b] = linear.weights + size_t(block + b) * groups * GROUP_BYTES;
    scales[b] = linear.scales + size_t(block + b) * groups * LANES;
  }
  const int8_t* values[ROWS];
  for (int r = 0; r < ROWS; ++r) values[r] = x.values + size_t(row + r) * x.num_in;
  for (int group = 0; group < groups; ++group) {
    __m512i counts[ROWS][BLOCKS];
    for (int r = 0; r < ROWS; ++r) {
      const __m512i begin = _mm512_set1_epi32(-SHIFT * x.sums[(row + r) * groups + group]);
      for (int b = 0; b < BLOCKS; ++b) counts[r][b] = begin;
    }
    auto multiply = [&](int step, const __m512i* four) {
      for (int r = 0; r < ROWS; ++r) {
        int32_t inputs;
        std::memcpy(&inputs, values[r] + group * GROUP + step * 4, 4);
        const __m512i all = _mm512_set1_epi32(inputs);
        for (int b = 0; b < BLOCKS; ++b) counts[r][b] = _mm512_dpbusd_epi32(counts[r][b], four[b], all);
      }
    };
#pragma GCC unroll 8
    for (int load = 0; load < GROUP_BYTES / 64; ++load) {
      __m512i four[BLOCKS], next[BLOCKS];
      for (int b = 0; b < BLOCKS; ++b) {
        const __m512i found = _mm512_loadu_si512(weights[b] + group * GROUP_BYTES + load * 64);
        if constexpr (BITS == 8) {
          four[b] = found;
        } else {
          four[b] = _mm512_shuffle_epi8(levels, _mm512_and_si512(found, low_bits));
          next[b] = _mm512_shuffle_epi8(levels, _mm512_and_si512(_mm512_srli_epi16(found, 4), low_bits));
        }
      }
      if constexpr (BITS == 8) {
        multiply(load, four);
      } else {
        multiply(2 * load, four);
        multiply(2 * load + 1, next);
      }
    }
    for (int b = 0; b < BLOCKS; ++b) {
      const __m512 scale = _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(scales[b] + group * LANES)));
      for (int r = 0; r < ROWS; ++r) {
        const __m512 both = _mm512_mul_ps(scale, _mm512_set1_ps(x.scales[(row + r) * groups + group]));
        sums[r][b] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(counts[r][b]), both, sums[r][b]);
      }
    }
  }
  for (int b = 0; b < BLOCKS; ++b) {
    const int first = (block + b) * LANES;
    const __mmask16 mask = lanes_of(linear.num_out - first);
    for (int r = 0; r < ROWS; ++r) {
      float* to = out + size_t(row + r) * stride + first;
      _mm512_mask_storeu_ps(to, mask, adds ? _mm512_add_ps(sums[r][b], _mm512_maskz_loadu_ps(mask, to)) : sums[r][b]);
    }
  }
}

template <int BLOCKS, int BITS>
inline void rows_by_blocks(const Rounded& x, int num_rows, const Linear& linear, int block, float* out, int stride, bool adds) {
  int row = 0;
  if constexpr (BLOCKS <= 2)
    for (; row + 6 <= num_rows; row += 6) tile<6, BLOCKS, BITS>(x, row, linear, block, out, stride, adds);
  for (; row + 4 <= num_rows; row += 4) tile<4, BLOCKS, BITS>(x, row, linear, block, out, stride, adds);
  for (; row + 2 <= num_rows; row += 2) tile<2, BLOCKS, BITS>(x, row, linear, block, out, stride, adds);
  if (row < num_rows) tile<1, BLOCKS, BITS>(x, row, linear, block, out, stride, adds);
}

// A thread's outputs of rows by weights: out[row][output], set or added to.
template <int BITS>
inline void multiply_by(const Rounded& x, int num_rows, const Linear& linear, float* out, int stride, bool adds, int thread, int threads) {
  const Part blocks((linear.num_out + LANES - 1) / LANES, thread, threads);
  int block = blocks.first;
  if (num_rows <= 2)
    for (; block + 4 <= blocks.last; block += 4) rows_by_blocks<4, BITS>(x, num_rows, linear, block, out, stride, adds);
  for (; block + 2 <= blocks.last; block += 2) rows_by_blocks<2, BITS>(x, num_rows, linear, block, out, stride, adds);
  if (block < blocks.last) rows_by_blocks<1, BITS>(x, num_rows, linear, block, out, stride, adds);
}

inline void multiply(const Rounded& x, int num_rows, const Linear& linear, float* out, int stride, bool adds, int thread, int threads) {
  if (linear.bits == 8) multiply_by<8>(x, num_rows, linear, out, stride, adds, thread, threads);
  else multiply_by<4>(x, num_rows, linear, out, stride, adds, thread, threads);
}
