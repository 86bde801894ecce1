// Attention of queries at a cache in pages, in bfloat16 with sums in float32, by AVX-512 BF16.
//
// A page holds 16 tokens of one key head. Keys lie by dimension, two at a time, so that a register holds two dimensions of all 16 tokens and scores
// come out side by side; values lie by token, two at a time, so that a register holds 16 dimensions of two tokens.
#pragma once
#include <algorithm>
#include <vector>

#include "vectors.h"

constexpr int PAGE = 16;
constexpr int MOST_ROWS = 6;  // of queries at a time: they share what is read of the cache

// What queries of one key head of one sequence attend to.
struct Seen {
  const uint16_t* keys;    // pages of this layer: [page][head][width / 2][16][2]
  const uint16_t* values;  // [page][head][8][width][2]
  const int32_t* table;    // of the sequence: which page holds its next 16 tokens
  int head, num_heads, width;
  const float* bias;  // by distance, a row of bias_length a query head; or null
  int bias_length;
  size_t page_size() const { return size_t(PAGE) * width; }
  const uint16_t* page(const uint16_t* pages, int index) const { return pages + (size_t(table[index]) * num_heads + head) * page_size(); }
};

// One row of queries.
struct Query {
  const uint32_t* pairs;  // [width / 2] of bfloat16, scaled
  float* out;             // [width]
  int position, query_head;
};

template <int ROWS>
inline void attend_rows(const Query* queries, const Seen& seen, std::vector<float>& room) {
  const int last = queries[ROWS - 1].position, half = seen.width / 2;
  const int num_pages = last / PAGE + 1, length = num_pages * PAGE;
  room.resize(size_t(MOST_ROWS) * length * 2);
  float* scores = room.data();
  uint32_t* weights = reinterpret_cast<uint32_t*>(room.data() + size_t(MOST_ROWS) * length);
  float largest[ROWS], totals[ROWS];
  for (int r = 0; r < ROWS; ++r) largest[r] = -INFINITY;
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (int page = 0; page < num_pages; ++page) {
    const uint16_t* keys = seen.page(seen.keys, page);
    __m512 sums[ROWS], more[ROWS];
    for (int r = 0; r < ROWS; ++r) sums[r] = more[r] = _mm512_setzero_ps();
    for (int pair = 0; pair < half; pair += 2) {
      const __m512bh one = (__m512bh)_mm512_loadu_si512(keys + pair * 2 * PAGE), two = (__m512bh)_mm512_loadu_si512(keys + (pair + 1) * 2 * PAGE);
      for (int r = 0; r < ROWS; ++r) {
        sums[r] = _mm512_dpbf16_ps(sums[r], one, (__m512bh)_mm512_set1_epi32(queries[r].pairs[pair]));
        more[r] = _mm512_dpbf16_ps(more[r], two, (__m512bh)_mm512_set1_epi32(queries[r].pairs[pair + 1]));
      }
    }
    const int begin = page * PAGE;
    for (int r = 0; r < ROWS; ++r) {
      const int position = queries[r].position;
      __m512 found = _mm512_add_ps(sums[r], more[r]);
      const __m512i places = _mm512_add_epi32(lanes, _mm512_set1_epi32(begin));
      const __mmask16 sees = _mm512_cmple_epi32_mask(places, _mm512_set1_epi32(position));
      if (seen.bias) {
        const __m512i distances = _mm512_sub_epi32(_mm512_set1_epi32(position), places);
        const float* row = seen.bias + size_t(queries[r].query_head) * seen.bias_length;
        found = _mm512_add_ps(found, _mm512_mask_i32gather_ps(_mm512_setzero_ps(), sees, distances, row, 4));
      }
      found = _mm512_mask_blend_ps(sees, _mm512_set1_ps(-INFINITY), found);
      largest[r] = std::max(largest[r], _mm512_reduce_max_ps(found));
      _mm512_storeu_ps(scores + size_t(r) * length + page * PAGE, found);
    }
  }
  for (int r = 0; r < ROWS; ++r) {
    const __m512 top = _mm512_set1_ps(largest[r]);
    __m512 total = _mm512_setzero_ps();
    for (int place = 0; place < length; place += 16) {
      const __m512 score = _mm512_loadu_ps(scores + size_t(r) * length + place);
      const __mmask16 sees = _mm512_cmp_ps_mask(score, _mm512_set1_ps(-INFINITY), _CMP_NEQ_OQ);
      const __m512 weight = _mm512_maskz_mov_ps(sees, exponential(_mm512_sub_ps(score, top)));
      const __m256i rounded = (__m256i)_mm512_cvtneps_pbh(weight);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(weights + (size_t(r) * length + place) / 2), rounded);
      total = _mm512_add_ps(total, _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(rounded), 16)));  // what is divided by is of what is multiplied
    }
    totals[r] = _mm512_reduce_add_ps(total);
  }
  for (int dim = 0; dim < seen.width; dim += 4 * LANES) {
    const int registers = std::min(4, (seen.width - dim) / LANES);
    __m512 sums[ROWS][4];
    for (int r = 0; r < ROWS; ++r)
      for (int each = 0; each < 4; ++each) sums[r][each] = _mm512_setzero_ps();
    for (int page = 0; page < num_pages; ++page) {
      const uint16_t* values = seen.page(seen.values, page) + dim * 2;
      for (int pair = 0; pair < PAGE / 2; ++pair) {
        __m512bh two[4];
        for (int each = 0; each < 4; ++each)
          two[each] = (__m512bh)_mm512_loadu_si512(values + size_t(pair) * seen.width * 2 + (each < registers ? each : 0) * 2 * LANES);
        for (int r = 0; r < ROWS; ++r) {
          const __m512bh weight = (__m512bh)_mm512_set1_epi32(weights[(size_t(r) * length + page * PAGE) / 2 + pair]);
          for (int each = 0; each < 4; ++each) sums[r][each] = _mm512_dpbf16_ps(sums[r][each], two[each], weight);
        }
      }
    }
    for (int r = 0; r < ROWS; ++r)
      for (int each = 0; each < registers; ++each)
        _mm512_storeu_ps(queries[r].out + dim + each * LANES, _mm512_mul_ps(sums[r][each], _mm512_set1_ps(1.0f / totals[r])));
  }
}

// Queries in the order of their positions.
inline void attend(const Query* queries, int count, const Seen& seen, std::vector<float>& room) {
  switch (count) {
    case 1: return attend_rows<1>(queries, seen, room);
    case 2: return attend_rows<2>(queries, seen, room);
    case 3: return attend_rows<3>(queries, seen, room);
    case 4: return attend_rows<4>(queries, seen, room);
    case 5: return attend_rows<5>(queries, seen, room);
    default: return attend_rows<6>(queries, seen, room);
  }
}

// Put a token's key and value of one head into its page.
inline void keep(uint16_t* keys, uint16_t* values, int slot, int width, const float* key, const float* value) {
  for (int dim = 0; dim < width; ++dim) {
    keys[(dim / 2) * 2 * PAGE + slot * 2 + dim % 2] = to_bfloat16(key[dim]);
    values[(size_t(slot / 2) * width + dim) * 2 + slot % 2] = to_bfloat16(value[dim]);
  }
}
