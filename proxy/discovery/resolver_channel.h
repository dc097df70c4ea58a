// c-ares on an event loop: its sockets and its time-outs, and the questions that are on their way. Shared by the
// resolver and its watches, on their loop's thread; the last of them ends it. Never blocks: hosts files are read, but
// names are only ever asked for over sockets of the loop.
//
//   DnsInquiry --ask--> c-ares --watch_socket, set_timer--> the loop
//        ^                ^                                   | IoWatcher wakes ready_, timer_
//        |                +----------- process() <------------+
//        +--settle-- Pending (outlives an inquiry that is given up)
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

// What an SRV record says (RFC 2782).
struct DnsService {
  std::string target;
  std::uint16_t port = 0;
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
};

// What one question gave.
struct DnsRecords {
  // Why there are no records, as c-ares says it; empty: there are some.
  std::string error;
  // There is no such name, or nothing of the kind at it: an answer, not a breakdown.
  bool absent = false;
  // The least of all records, aliases on the way included.
  std::chrono::seconds ttl{0};
  // For kAddresses, in no order, with the question's port.
  std::vector<Address> addresses;
  // For kServices, in no order.
  std::vector<DnsService> services;
};

class DnsChannel {
 public:
  // Where c-ares cannot be set up, that is logged, and every question fails for that reason.
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
  // What c-ares waits for on one of its sockets; nothing: it is about to close it.
  struct Wish {
    bool read = false;
    bool write = false;
  };
  struct Socket {
    Wish wish;
    std::unique_ptr<IoWatcher> watcher;
  };
  // What c-ares calls back with; it cannot forget a single question, so that this outlives who asked.
  struct Pending {
    DnsChannel& channel;
    // Null: it gave the question up.
    DnsInquiry* asker;
  };

  void open();
  std::string set_up();
  void open_anew_if_reconfigured();
  void ask_addresses(const DnsQuestion& question, DnsInquiry& asker);
  void ask_services(const DnsQuestion& question, DnsInquiry& asker);
  Pending& note(DnsInquiry& asker);
  void forget(const DnsInquiry& asker);
  void watch_socket(int fd, Wish wish);
  void process();
  void set_timer();
  static void settle(void* pending, DnsRecords records);

  EventLoop& loop_;
  Resolver::Options options_;
  // Why c-ares could not be set up; empty: it was.
  std::string trouble_;
  std::filesystem::file_time_type configured_at_{};
  std::map<int, Socket> sockets_;
  // A socket may be ready: c-ares is never entered from a watcher that it might destroy.
  Waker ready_;
  Timer timer_;
  std::unordered_map<const Pending*, std::unique_ptr<Pending>> pending_;
  // The last member: its end still answers what is pending.
  std::unique_ptr<ares_channeldata, ChannelDeleter> ares_;
};

// One question. Owned by who asks; destroying it gives up.
class DnsInquiry {
 public:
  // kAddresses: A and AAAA together, or the hosts file. kServices: SRV.
  enum class Kind : std::uint8_t { kAddresses, kServices };

  // Asks at once. `done` is called once, from the loop, never from the constructor; it may destroy the inquiry.
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
