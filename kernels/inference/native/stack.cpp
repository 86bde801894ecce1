// A stack of Llama blocks that reads tokens of several sequences at once, behind what a cache in pages holds of each.
#include "attention.h"
#include "linear.h"
#include "threads.h"

extern "C" {

struct Layer {
  const float* attention_norm;
  Linear qkv, out;
  const float* feed_forward_norm;
  Linear gate_up, down;
  uint16_t *keys, *values;
};

struct Stack {
  int32_t width, num_layers, num_heads, num_kv_heads, head_width, inner_width, bias_length;
  float eps;
  const float *cos, *sin;     // [positions][head_width / 2], or null
  const float* bias;          // [num_heads][bias_length], by distance, or null
  const float* norm;
  Linear head;
  const Layer* layers;
};

struct Batch {
  int32_t num_tokens, num_sequences, table_width, num_asked;
  float* hidden;                // [tokens][width]: what the first block reads; behind the call what the last one gives
  const int32_t* first_tokens;  // [sequences + 1]: a sequence's tokens stand one behind the other
  const int32_t* positions;     // [sequences]: of the first of them
  const int32_t* tables;        // [sequences][table_width]
  const int32_t* asked;         // [asked]: tokens that logits are asked of
  float* logits;                // [asked][outputs of head]
};

void* team_of(int threads) { return new Team(threads); }
void end_team(void* team) { delete static_cast<Team*>(team); }
}

namespace {

void norm_row(const float* row, const float* weight, int width, float eps, float* out) {
  __m512 squares = _mm512_setzero_ps();
  for (int dim = 0; dim < width; dim += LANES) {
    const __m512 x = _mm512_maskz_loadu_ps(lanes_of(width - dim), row + dim);
    squares = _mm512_fmadd_ps(x, x, squares);
  }
  const float inverse = 1.0f / std::sqrt(_mm512_reduce_add_ps(squares) / width + eps);
  for (int dim = 0; dim < width; ++dim) out[dim] = row[dim] * inverse * weight[dim];
}

int padded(int width) { return (width + GROUP - 1) / GROUP * GROUP; }

// What a call works in: kept between calls of a thread.
struct Room {
  std::vector<float> qkv, seen, inner;
  std::vector<uint16_t> queries;
  std::vector<int8_t> values;
  std::vector<float> scales;
  std::vector<int32_t> sums;
  void make_for(const Stack& stack, const Batch& batch) {
    const size_t tokens = batch.num_tokens, inside = stack.num_heads * stack.head_width;
    qkv.resize(tokens * (inside + 2 * stack.num_kv_heads * stack.head_width));
    queries.resize(tokens * inside);
    seen.resize(tokens * inside);
    inner.resize(tokens * 2 * stack.inner_width);
    const size_t most = std::max<size_t>(tokens, batch.num_asked) * padded(std::max({stack.width, int(inside), stack.inner_width}));
    values.resize(most);
    scales.resize(most / GROUP);
    sums.resize(most / GROUP);
  }
  // Rows of a width, in place of those that were there.
  Rounded rounded(int width) { return {values.data(), scales.data(), sums.data(), padded(width)}; }
};

struct Tile {
  int sequence, kv_head, first, last;  // positions of its queries in the batch
};

class Pass {
 public:
  Pass(const Stack& stack, const Batch& batch, Team& team, Room& room) : stack_(stack), batch_(batch), team_(team), room_(room) {
    room.make_for(stack, batch);
    const int repeats = stack.num_heads / stack.num_kv_heads, together = std::max(1, MOST_ROWS / repeats);
    sequence_of_.resize(batch.num_tokens);
    for (int sequence = 0; sequence < batch.num_sequences; ++sequence) {
      for (int token = batch.first_tokens[sequence]; token < batch.first_tokens[sequence + 1]; ++token) sequence_of_[token] = sequence;
      for (int head = 0; head < stack.num_kv_heads; ++head)
        for (int token = batch.first_tokens[sequence]; token < batch.first_tokens[sequence + 1]; token += together)
          tiles_.push_back({sequence, head, token, std::min(token + together, batch.first_tokens[sequence + 1])});
    }
  }

  void operator()(int thread) {
    const int threads = team_.size(), tokens = batch_.num_tokens, width = stack_.width;
    const int inside = stack_.num_heads * stack_.head_width, qkv_width = inside + 2 * stack_.num_kv_heads * stack_.head_width;
    const Part mine(tokens, thread, threads);
    for (int index = 0; index < stack_.num_layers; ++index) {
      const Layer& layer = stack_.layers[index];
      Rounded x = room_.rounded(width);
      round_normed(batch_.hidden, layer.attention_norm, x, mine);
      team_.meet();
      multiply(x, tokens, layer.qkv, room_.qkv.data(), qkv_width, false, thread, threads);
      team_.meet();
      for (int token = mine.first; token < mine.last; ++token) place(layer, token, room_.qkv.data() + size_t(token) * qkv_width);
      team_.meet();
      for (size_t tile = thread; tile < tiles_.size(); tile += threads) attend_tile(layer, tiles_[tile]);
      team_.meet();
      x = room_.rounded(inside);
      for (int token = mine.first; token < mine.last; ++token) round(room_.seen.data() + size_t(token) * inside, inside, x, token);
      team_.meet();
      multiply(x, tokens, layer.out, batch_.hidden, width, true, thread, threads);
      team_.meet();
      x = room_.rounded(width);
      round_normed(batch_.hidden, layer.feed_forward_norm, x, mine);
      team_.meet();
      multiply(x, tokens, layer.gate_up, room_.inner.data(), 2 * stack_.inner_width, false, thread, threads);
      team_.meet();
      x = room_.rounded(stack_.inner_width);
      for (int token = mine.first; token < mine.last; ++token) {
        float* gate = room_.inner.data() + size_t(token) * 2 * stack_.inner_width;
        activate(gate, gate + stack_.inner_width, stack_.inner_width);
        round(gate, stack_.inner_width, x, token);
      }
      team_.meet();
      multiply(x, tokens, layer.down, batch_.hidden, width, true, thread, threads);
      team_.meet();
    }
    const Part asked(batch_.num_asked, thread, threads);
    const Rounded x = room_.rounded(width);
    for (int index = asked.first; index < asked.last; ++index) {
      thread_local std::vector<float> normed;
      normed.resize(width);
      norm_row(batch_.hidden + size_t(batch_.asked[index]) * width, stack_.norm, width, stack_.eps, normed.data());
      round(normed.data(), width, x, index);
    }
    team_.meet();
    multiply(x, batch_.num_asked, stack_.head, batch_.logits, stack_.head.num_out, false, thread, threads);
  }

 private:
  void round_normed(const float* rows, const float* weight, const Rounded& x, const Part& mine) const {
    thread_local std::vector<float> normed;
    normed.resize(stack_.width);
    for (int row = mine.first; row < mine.last; ++row) {
      norm_row(rows + size_t(row) * stack_.width, weight, stack_.width, stack_.eps, normed.data());
      round(normed.data(), stack_.width, x, row);
    }
  }

  // Round a row, with nothing behind it where its width is no whole number of groups.
  static void round(const float* row, int width, const Rounded& x, int index) {
    if (width == x.num_in) return round_row(row, x, index);
    thread_local std::vector<float> wide;
    wide.assign(x.num_in, 0.0f);
    std::copy(row, row + width, wide.begin());
    round_row(wide.data(), x, index);
  }

  // Turn a token's queries and keys to its position, scale queries, and keep key and value.
  void place(const Layer& layer, int token, float* qkv) {
    const int width = stack_.head_width, half = width / 2, sequence = sequence_of_[token];
    const int position = batch_.positions[sequence] + token - batch_.first_tokens[sequence];
    const int queries = stack_.num_heads, keys = stack_.num_kv_heads;
    if (stack_.cos) {
      const float *cos = stack_.cos + size_t(position) * half, *sin = stack_.sin + size_t(position) * half;
      for (int head = 0; head < queries + keys; ++head) {
        float *first = qkv + head * width, *second = first + half;
        for (int dim = 0; dim < half; ++dim) {
          const float one = first[dim], two = second[dim];
          first[dim] = one * cos[dim] - two * sin[dim];
          second[dim] = two * cos[dim] + one * sin[dim];
        }
      }
    }
    const float scale = 1.0f / std::sqrt(float(width));
    uint16_t* to = room_.queries.data() + size_t(token) * queries * width;
    for (int dim = 0; dim < queries * width; ++dim) to[dim] = to_bfloat16(qkv[dim] * scale);
    const int page = batch_.tables[size_t(sequence) * batch_.table_width + position / PAGE];
    for (int head = 0; head < keys; ++head) {
      const size_t begin = (size_t(page) * keys + head) * PAGE * width;
      keep(layer.keys + begin, layer.values + begin, position % PAGE, width, qkv + (queries + head) * width, qkv + (queries + keys + head) * width);
    }
  }

  void attend_tile(const Layer& layer, const Tile& tile) {
    const int width = stack_.head_width, repeats = stack_.num_heads / stack_.num_kv_heads, inside = stack_.num_heads * width;
    const Seen seen{layer.keys, layer.values, batch_.tables + size_t(tile.sequence) * batch_.table_width, tile.kv_head, stack_.num_kv_heads, width,
                    stack_.bias, stack_.bias_length};
    Query queries[MOST_ROWS];
    int count = 0;
    thread_local std::vector<float> room;
    for (int token = tile.first; token < tile.last; ++token) {
      const int position = batch_.positions[tile.sequence] + token - batch_.first_tokens[tile.sequence];
      for (int repeat = 0; repeat < repeats; ++repeat) {
        const int head = tile.kv_head * repeats + repeat;
        const size_t begin = size_t(token) * inside + size_t(head) * width;
        queries[count++] = {reinterpret_cast<const uint32_t*>(room_.queries.data() + begin), room_.seen.data() + begin, position, head};
        if (count == MOST_ROWS) attend(queries, count, seen, room), count = 0;
      }
    }
    if (count) attend(queries, count, seen, room);
  }

  static void activate(float* gate, const float* up, int width) {
    const __m512 one = _mm512_set1_ps(1.0f);
    for (int dim = 0; dim < width; dim += LANES) {
      const __mmask16 mask = lanes_of(width - dim);
      const __m512 x = _mm512_maskz_loadu_ps(mask, gate + dim), size = _mm512_abs_ps(x);
      const __m512 small = exponential(_mm512_sub_ps(_mm512_setzero_ps(), size));  // e^-|x|: of either sign the sigmoid is a quotient of it
      const __mmask16 is_negative = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ);
      const __m512 sigmoid = _mm512_div_ps(_mm512_mask_blend_ps(is_negative, one, small), _mm512_add_ps(one, small));
      _mm512_mask_storeu_ps(gate + dim, mask, _mm512_mul_ps(_mm512_mul_ps(x, sigmoid), _mm512_maskz_loadu_ps(mask, up + dim)));
    }
  }

  const Stack& stack_;
  const Batch& batch_;
  Team& team_;
  Room& room_;
  std::vector<int32_t> sequence_of_;
  std::vector<Tile> tiles_;
};

}  // namespace

extern "C" void pass_through(const Stack* stack, const Batch* batch, void* team) {
  thread_local Room room;
  Pass work(*stack, *batch, *static_cast<Team*>(team), room);
  static_cast<Team*>(team)->run(work);
}
