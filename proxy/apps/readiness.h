// Finds out when an instance can take requests: it accepts connections (asked after 5 ms, then at growing distances up
// to 100 ms), the listener is the instance's own or its user's, the ready path answers 2xx or 3xx, and the warm-up
// paths have been asked for. Member of the Instance; control thread. Has no time limit of its own.
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
  struct Questions {
    Address address;
    std::string ready_path;           // "": that it accepts is enough
    std::vector<std::string> warmup;  // asked in order; what is answered does not matter
    std::vector<std::pair<std::string, std::string>> fields;
    std::chrono::milliseconds warmup_timeout{0};  // of one path
    std::optional<uid_t> listening_user{};        // as of an InstanceView
  };
  enum class Verdict : std::uint8_t { kReady, kWrongPort, kForeignListener };
  struct Dependencies {
    std::move_only_function<std::shared_ptr<void>(AppProbe, AppDependencies::ProbeDone)>& probe;
    std::move_only_function<bool()> owns_listener;
    std::move_only_function<void(Verdict)> decided;  // once; may destroy this
  };

  Readiness(EventLoop& loop, Questions questions, Dependencies dependencies);

  bool accepted() const { return accepted_; }  // it listens, so what is missing is a good answer
  std::string last_outcome() const;            // "answered 503", for people

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
  std::size_t warmed_ = 0;
  std::optional<int> status_;
  Duration delay_ = kFirst;
  Fd socket_;
  std::unique_ptr<IoWatcher> watcher_;
  std::shared_ptr<void> asking_;
  Timer timer_;
};

}  // namespace gatehouse
