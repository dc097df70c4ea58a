// Finds out when an instance can take requests: it accepts connections (asked after 5 ms, then at growing distances
// up to 100 ms), the listener is the instance's own or its user's, the ready path answers 2xx or 3xx, and the warm-up
// paths have been asked for. Member of the Instance; control thread. Has no time limit of its own.
//
//   connect --accepted--> whose listener? --ours--> ready path --2xx, 3xx--> warm-up paths, one by one --> kReady
//     ^  | refused              | not                 ^   | else
//     +--+                      +--> kWrongPort,      +---+
//                                    kForeignListener
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/fd.h"
#include "common/io_watcher.h"
#include "common/timer.h"
#include "proxy/apps/app_dependencies.h"

namespace gatehouse {

class Readiness {
 public:
  // What is asked, and where.
  struct Questions {
    Address address;
    // Empty: that it accepts is enough.
    std::string ready_path;
    // Asked in order, each once; what is answered does not matter.
    std::vector<std::string> warmup;
    // What Host says; empty: the address. And fields that are sent with each question.
    std::string host{};
    std::vector<std::pair<std::string, std::string>> fields;
    // For one path of the warm-up.
    std::chrono::milliseconds warmup_timeout{0};
    // As in an InstanceView.
    std::optional<uid_t> listening_user{};
  };
  // It can take requests; another process listens on its port; another user listens on its socket.
  enum class Verdict : std::uint8_t { kReady, kWrongPort, kForeignListener };
  struct Dependencies {
    std::move_only_function<std::shared_ptr<void>(AppProbe, AppDependencies::ProbeDone)>& probe;
    // Whether those that listen are processes of the instance. Asked once, when the first connection was accepted.
    std::move_only_function<bool()> owns_listener;
    // Called at most once, from the loop, as the last thing that happens here; may destroy this.
    std::move_only_function<void(Verdict)> decided;
  };

  // Begins by itself. `dependencies.probe` outlives it; destroying it cancels what is being asked.
  Readiness(EventLoop& loop, Questions questions, Dependencies dependencies);

  // True once it listens, so that what is missing is a good answer.
  bool accepted() const { return accepted_; }
  // For people, what it waits for: "it does not listen", "/ready answered 503", "/warm-up gave no answer".
  std::string waits_for() const;
  // The first path of the warm-up that was answered by a redirect, as "/ (301)": what it leads to is not warm. Empty:
  // there was none.
  const std::string& redirected() const { return warmup_.redirected; }

 private:
  static constexpr Duration kFirst = std::chrono::milliseconds(5);
  static constexpr Duration kLongest = std::chrono::milliseconds(100);

  void next();
  void try_to_connect();
  void on_connected(int code);
  void ask(const std::string& path, bool warming);
  void on_status(std::optional<int> status, bool warming);
  void again();

  EventLoop& loop_;
  Questions questions_;
  Dependencies dependencies_;
  bool accepted_ = false;
  bool path_ready_ = false;
  struct Warmup {
    // How many of its paths have been asked for.
    std::size_t asked = 0;
    std::string redirected;
  };
  Warmup warmup_;
  std::optional<int> status_;
  Duration delay_ = kFirst;
  Fd socket_;
  std::unique_ptr<IoWatcher> watcher_;
  std::shared_ptr<void> asking_;
  Timer timer_;
};

}  // namespace gatehouse
