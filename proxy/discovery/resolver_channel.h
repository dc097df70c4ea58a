// c-ares on an event loop: its sockets and its time-outs, and the questions that are on their way. Shared by the
// resolver and its watches, on the control thread; the last of them ends it. Never blocks: hosts files are read, but
// names are only ever asked for over sockets of the loop.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/address.h"
#include "common/io_watcher.h"
#include "common/timer.h"
#include "common/waker.h"
#include "proxy/discovery/resolver.h"

struct ares_channeldata;

namespace gatehouse {

class DnsInquiry;

struct DnsService {  // of an SRV record (RFC 2782)
  std::string target;
  std::uint16_t port = 0;
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
};

struct DnsRecords {                // what one question gave
  std::string error;               // empty: it was answered
  bool absent = false;             // there is no such name, or nothing of the kind at it: an answer, not a breakdown
  std::chrono::seconds ttl{0};     // the least of all records
  std::vector<Address> addresses;  // in no order
  std::vector<DnsService> services;
};

class DnsChannel {
 public:
  DnsChannel(EventLoop& loop, Resolver::Options options);
  ~DnsChannel();
  DnsChannel(const DnsChannel&) = delete;
  DnsChannel& operator=(const DnsChannel&) = delete;

  EventLoop& loop() { return loop_; }

 private:
  friend class DnsInquiry;
  struct ChannelDeleter {
    void operator()(ares_channeldata* channel) const;
  };
  struct Socket {
    bool reads = false;
    bool writes = false;
    std::unique_ptr<IoWatcher> watcher;
  };
  // What c-ares calls back with; it cannot forget a single question, so that this outlives who asked.
  struct Pending {
    DnsChannel& channel;
    DnsInquiry* asker;  // null: gave it up
  };

  void open();
  std::string set_up();
  void open_anew_if_reconfigured();
  void ask_addresses(const DnsQuestion& question, DnsInquiry& asker);
  void ask_services(const DnsQuestion& question, DnsInquiry& asker);
  Pending& note(DnsInquiry& asker);
  void forget(const DnsInquiry& asker);
  void watch_socket(int fd, bool reads, bool writes);
  void process();
  void set_timer();
  static void settle(void* pending, DnsRecords records);

  EventLoop& loop_;
  Resolver::Options options_;
  std::string trouble_;  // why c-ares could not be set up
  std::filesystem::file_time_type configured_at_{};
  std::map<int, Socket> sockets_;
  Waker ready_;  // a socket may be: c-ares is never entered from a watcher that it might destroy
  Timer timer_;
  std::unordered_map<const Pending*, std::unique_ptr<Pending>> pending_;
  std::unique_ptr<ares_channeldata, ChannelDeleter> ares_;  // last: its end still answers what is pending
};

// One question. `done` is called once, from the loop, never from the constructor; it may destroy the inquiry. Owned by
// who asks; destroying it gives up.
class DnsInquiry {
 public:
  enum class Kind : std::uint8_t { kAddresses, kServices };

  DnsInquiry(std::shared_ptr<DnsChannel> channel, Kind kind, const DnsQuestion& question,
             std::move_only_function<void(DnsRecords)> done);
  ~DnsInquiry();
  DnsInquiry(const DnsInquiry&) = delete;
  DnsInquiry& operator=(const DnsInquiry&) = delete;

 private:
  friend class DnsChannel;
  void settle(DnsRecords records);

  std::shared_ptr<DnsChannel> channel_;
  std::move_only_function<void(DnsRecords)> done_;
  DnsRecords records_;
  Waker settled_;
};

}  // namespace gatehouse
