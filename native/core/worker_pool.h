// Owned threads and a bounded queue of jobs: work never runs on libuv's pool, which fs and dns
// share.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace grocerd {

// None of the three may throw.
struct Job {
  std::function<void(size_t worker)> run;
  std::function<void()> deliver;  // after run, when the job no longer counts against the bound:
                                  // who is told of the end can submit the next at once
  std::function<void()> drop;     // instead of both, when the pool stops first
};

enum class Accepted { kYes, kFull, kStopped };

class WorkerPool {
 public:
  // `max_waiting`: jobs held beyond those that run, before submit says kFull.
  WorkerPool(size_t workers, size_t max_waiting) : workers_(workers), max_waiting_(max_waiting) {}
  ~WorkerPool() { stop(); }

  void start();
  Accepted submit(Job job);
  void refuse();  // from now on kStopped; waiting jobs are dropped, running ones go on
  void stop();    // refuse, then join; not from a worker

 private:
  void work(size_t worker);

  const size_t workers_, max_waiting_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> waiting_;
  size_t running_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace grocerd
