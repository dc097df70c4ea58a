// A few threads for what may block with files that are sent to clients: opening them, and reading what is not in the
// kernel's cache. All workers share them. Each folder that is served from has a lane, of which few errands run at a time,
// so that a disk that does not answer keeps the files of others from nobody. Shared by the routes of snapshots; any
// thread, but for the errands themselves.
//
//   loop: run(errand) --> lane [ errand, errand ] --kMostOfLane at a time--> threads
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace gatehouse {

class FilePool {
 public:
  static constexpr std::size_t kMostThreads = 16;
  static constexpr std::size_t kMostOfLane = 4;

  // What is to be done on a thread of the pool. It owns all that it needs.
  using Errand = std::move_only_function<void()>;
  class Lane;

  // Starts no thread before there is something to do.
  FilePool();
  // Errands that wait are dropped; one that does not return is left to the end of the process.
  ~FilePool();
  FilePool(const FilePool&) = delete;
  FilePool& operator=(const FilePool&) = delete;

  std::shared_ptr<Lane> make_lane() const;
  // Has this done after those before it in the lane have begun. Never waits.
  void run(const std::shared_ptr<Lane>& lane, Errand errand);

 private:
  struct Queue;
  static void* work(void* queue);

  // The threads' too, which may outlive us.
  std::shared_ptr<Queue> queue_;
};

// Where errands are taken to: the pool, and the lane of a folder.
struct FileLane {
  std::shared_ptr<FilePool> pool;
  std::shared_ptr<FilePool::Lane> lane;

  static FileLane of(std::shared_ptr<FilePool> pool) {
    auto lane = pool->make_lane();
    return {.pool = std::move(pool), .lane = std::move(lane)};
  }
  void run(FilePool::Errand errand) const { pool->run(lane, std::move(errand)); }
};

}  // namespace gatehouse
