// Threads that do the same work in step: each takes its part of a phase, and all meet at its end.
#pragma once
#include <immintrin.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

// Where threads meet. They watch for a while, since a phase takes microseconds, and give their core to others where it takes longer.
class Barrier {
 public:
  explicit Barrier(int count) : count_(count) {}
  void wait() {
    if (count_ == 1) return;
    const uint32_t turn = turn_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) == count_ - 1) {
      arrived_.store(0, std::memory_order_relaxed);
      turn_.store(turn + 1, std::memory_order_release);
      return;
    }
    for (int looks = 0; turn_.load(std::memory_order_acquire) == turn; ++looks) {
      if (looks < 4000) _mm_pause();
      else std::this_thread::yield();
    }
  }

 private:
  const int count_;
  std::atomic<int> arrived_{0};
  std::atomic<uint32_t> turn_{0};
};

// A part of some things: from first to last, without last.
struct Part {
  int first, last;
  Part(int things, int thread, int threads) : first(int64_t(things) * thread / threads), last(int64_t(things) * (thread + 1) / threads) {}
};

// Threads that wait for work between calls.
class Team {
 public:
  explicit Team(int size) : size_(size), barrier_(size) {
    for (int thread = 1; thread < size; ++thread) workers_.emplace_back([this, thread] { follow(thread); });
  }
  ~Team() {
    ends_ = true;
    call_.fetch_add(1, std::memory_order_release);
    call_.notify_all();
    for (auto& worker : workers_) worker.join();
  }
  int size() const { return size_; }
  void meet() { barrier_.wait(); }
  // Have all threads call work(number of the thread), and return when they have.
  template <class Work>
  void run(Work& work) {
    if (size_ > 1) {
      argument_ = &work;
      work_ = [](void* argument, int thread) { (*static_cast<Work*>(argument))(thread); };
      call_.fetch_add(1, std::memory_order_release);
      call_.notify_all();
    }
    work(0);
    meet();
  }

 private:
  void follow(int thread) {
    for (uint32_t seen = 0;; ++seen) {
      for (int looks = 0; call_.load(std::memory_order_acquire) == seen; ++looks) {
        if (looks < 4000) _mm_pause();
        else call_.wait(seen, std::memory_order_acquire);
      }
      if (ends_) return;
      work_(argument_, thread);
      meet();
    }
  }

  const int size_;
  Barrier barrier_;
  std::atomic<uint32_t> call_{0};
  std::atomic<bool> ends_{false};
  void* argument_ = nullptr;
  void (*work_)(void*, int) = nullptr;
  std::vector<std::thread> workers_;
};
