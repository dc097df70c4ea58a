// Threads for what may block with files of apps: reading, writing, listing and deleting them, away from the control
// loop, and one for each user, so that a disk that does not answer (which a user can make) keeps nobody else's apps
// waiting. Owned by the AppContext; control thread, but for the errands themselves.
//
//  loop: run(errand) --> thread: errand() returns what is to follow --> loop: that, unless the threads have gone
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace gatehouse {

class EventLoop;

class FileThread {
 public:
  using Then = std::move_only_function<void()>;
  using Errand = std::move_only_function<Then()>;  // an empty Then: nothing follows

  explicit FileThread(EventLoop& loop);
  // Errands that wait are still run, for a second at most; then what does not return is left to the end of the process.
  ~FileThread();
  FileThread(const FileThread&) = delete;
  FileThread& operator=(const FileThread&) = delete;

  void run(Errand errand);  // after those before it

 private:
  struct Queue;
  static void work(const std::shared_ptr<Queue>& queue);

  std::shared_ptr<Queue> queue_;  // the thread's too, which may outlive us
};

class FileThreads {
 public:
  explicit FileThreads(EventLoop& loop) : loop_(loop) {}
  FileThread& of(const std::string& user);  // "": ours

 private:
  EventLoop& loop_;
  std::map<std::string, FileThread> threads_;
};

// One question at a time, whose answer comes on the loop; destroying it takes the question back. A member of who asks.
template <class Outcome>
class FileQuestion {
 public:
  // `done` must not destroy this.
  explicit FileQuestion(std::move_only_function<void(Outcome)> done) : done_(std::move(done)) {}
  ~FileQuestion() { drop(); }
  FileQuestion(const FileQuestion&) = delete;
  FileQuestion& operator=(const FileQuestion&) = delete;

  bool waits() const { return asked_ != nullptr; }

  // Instead of the question before it, if that still waits.
  void ask(FileThread& thread, std::move_only_function<Outcome()> question) {
    drop();
    asked_ = std::make_shared<FileQuestion*>(this);
    thread.run([asked = asked_, question = std::move(question)]() mutable -> FileThread::Then {
      return [asked = std::move(asked), outcome = question()]() mutable {
        if (*asked == nullptr) return;
        FileQuestion& self = **asked;
        self.asked_.reset();
        self.done_(std::move(outcome));
      };
    });
  }

 private:
  void drop() {
    if (asked_) *asked_ = nullptr;
    asked_.reset();
  }

  std::move_only_function<void(Outcome)> done_;
  std::shared_ptr<FileQuestion*> asked_;  // what it points to is the loop's alone
};

}  // namespace gatehouse
