// Threads for what may block with files of apps: reading, writing, listing and deleting them, away from the control
// loop, and one for each user, so that a disk that does not answer (which a user can make) keeps nobody else's apps
// waiting. FileThreads is a member of the AppContext and owns each FileThread; control thread, but for the errands
// themselves.
//
//   loop: run(errand) --> thread: errand() returns what is to follow --> loop: that, unless the threads have gone
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
  // What is to be done on the loop once the errand is done; an empty one: nothing.
  using Then = std::move_only_function<void()>;
  // What is to be done on the thread. It owns all that it needs: the owner of the thread may go while it runs.
  using Errand = std::move_only_function<Then()>;

  // Starts the thread, with all signals blocked. `loop` outlives the FileThread.
  explicit FileThread(EventLoop& loop);
  // Errands that wait are still run, for a second at most; then they are dropped, and one that does not return is
  // left to the end of the process.
  ~FileThread();
  FileThread(const FileThread&) = delete;
  FileThread& operator=(const FileThread&) = delete;

  // Has this done after all those before it. Never waits.
  void run(Errand errand);

 private:
  struct Queue;
  static void work(const std::shared_ptr<Queue>& queue);

  // The thread's too, which may outlive us.
  std::shared_ptr<Queue> queue_;
};

// A thread for each user, made when it is first asked for and kept.
class FileThreads {
 public:
  explicit FileThreads(EventLoop& loop) : loop_(loop) {}
  // The thread of this user's files; "" is us. Good for as long as this object.
  FileThread& of(const std::string& user);

 private:
  EventLoop& loop_;
  std::map<std::string, FileThread> threads_;
};

// One question at a time, whose answer comes on the loop; destroying it takes the question back. A member of who asks.
template <class Outcome>
class FileQuestion {
 public:
  // `done` is called once for each question that is not taken back, never inside ask(). It must not destroy this, but
  // may ask again.
  explicit FileQuestion(std::move_only_function<void(Outcome)> done) : done_(std::move(done)) {}
  ~FileQuestion() { drop(); }
  FileQuestion(const FileQuestion&) = delete;
  FileQuestion& operator=(const FileQuestion&) = delete;

  // True while a question has no answer yet.
  bool waits() const { return asked_ != nullptr; }

  // Asks instead of the question before it, if that still waits: its answer is then dropped. `question` runs on
  // `thread` and owns all that it needs.
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

  // Takes the question back: what comes of it is dropped.
  void drop() {
    if (asked_) *asked_ = nullptr;
    asked_.reset();
  }

 private:
  std::move_only_function<void(Outcome)> done_;
  // What it points to is the loop's alone; null there: the question was taken back.
  std::shared_ptr<FileQuestion*> asked_;
};

}  // namespace gatehouse
