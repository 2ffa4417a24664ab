// The queue and its threads.
#include "worker_pool.h"

namespace grocerd {

void WorkerPool::start() {
  for (size_t i = 0; i < workers_; ++i) threads_.emplace_back([this, i] { work(i); });
}

Accepted WorkerPool::submit(Job job) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) return Accepted::kStopped;
    // Counted together with the running ones: a job that no thread has picked up yet is not
    // "waiting".
    if (running_ + waiting_.size() >= workers_ + max_waiting_) return Accepted::kFull;
    waiting_.push_back(std::move(job));
  }
  wake_.notify_one();
  return Accepted::kYes;
}

void WorkerPool::refuse() {
  std::deque<Job> dropped;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    dropped.swap(waiting_);
  }
  wake_.notify_all();
  for (const Job& job : dropped) job.drop();
}

void WorkerPool::stop() {
  refuse();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

void WorkerPool::work(size_t worker) {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    {
      Job job = std::move(waiting_.front());
      waiting_.pop_front();
      ++running_;
      lock.unlock();
      job.run(worker);
      lock.lock();
      --running_;
      lock.unlock();
      job.deliver();
    }  // what the job captured is freed outside the lock
    lock.lock();
  }
}

}  // namespace grocerd
