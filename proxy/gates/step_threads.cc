#include "proxy/gates/step_threads.h"

#include <netinet/in.h>

#include <csignal>
#include <cstring>
#include <string_view>

#include "common/text.h"

namespace gatehouse {

StepThreads::~StepThreads() {
  {
    const std::scoped_lock lock(mutex_);
    ends_ = true;
    waiting_.clear();
    turns_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

StepThreads::Client StepThreads::client_of(const Address& address) {
  const auto hash = [](const void* bytes, std::size_t size) {
    return text::fnv1a(std::string_view(static_cast<const char*>(bytes), size));
  };
  if (address.family() == AF_INET) {
    return hash(&reinterpret_cast<const sockaddr_in*>(address.data())->sin_addr, 4);
  }
  if (address.family() != AF_INET6) return 0;
  const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_addr;
  return IN6_IS_ADDR_V4MAPPED(&v6) ? hash(v6.s6_addr + 12, 4) : hash(v6.s6_addr, 8);
}

bool StepThreads::run(Client client, Step step) {
  {
    const std::scoped_lock lock(mutex_);
    if (count_ >= limits_.waiting) return false;
    std::deque<Step>& own = waiting_[client];
    if (own.size() >= limits_.of_client) return false;
    if (own.empty()) turns_.push_back(client);
    own.push_back(std::move(step));
    ++count_;
    if (threads_.empty()) start_threads();
  }
  changed_.notify_one();
  return true;
}

// Signals are the other threads' business.
void StepThreads::start_threads() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  for (unsigned i = 0; i < limits_.threads; ++i) threads_.emplace_back([this] { work(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void StepThreads::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ends_ || !turns_.empty(); });
    if (ends_) return;
    const Client client = turns_.front();
    turns_.pop_front();
    const auto own = waiting_.find(client);
    Step step = std::move(own->second.front());
    own->second.pop_front();
    --count_;
    if (own->second.empty()) {
      waiting_.erase(own);
    } else {
      turns_.push_back(client);
    }
    lock.unlock();
    step();
    step = nullptr;
    lock.lock();
  }
}

}  // namespace gatehouse
