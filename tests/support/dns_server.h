// A DNS server on a loopback port, UDP and TCP, that says exactly what a test told it to, byte by byte (RFC 1035
// section 4). Belongs to the test's thread; answers only within serve().
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/address.h"
#include "common/fd.h"

namespace gatehouse::testing_support {

inline constexpr std::uint16_t kTypeA = 1;
inline constexpr std::uint16_t kTypeCname = 5;
inline constexpr std::uint16_t kTypeAaaa = 28;
inline constexpr std::uint16_t kTypeSrv = 33;

struct DnsRow {
  std::string name;
  std::uint16_t type = kTypeA;
  std::uint32_t ttl = 60;
  std::string data;  // as on the wire
};

DnsRow row_a(std::string name, std::string_view address, std::uint32_t ttl = 60);  // A or AAAA
DnsRow row_cname(std::string name, std::string_view target, std::uint32_t ttl = 60);
struct SrvTarget {
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
  std::string host;
};
DnsRow row_srv(std::string name, const SrvTarget& target, std::uint32_t ttl = 60);

class DnsServer {
 public:
  enum class Code : std::uint8_t { kGood = 0, kBroken = 2, kNoSuchName = 3 };
  struct Reply {
    std::vector<DnsRow> rows;
    Code code = Code::kGood;
    bool silent = false;     // never answers
    bool truncated = false;  // over UDP: come back over TCP
    bool forged = false;     // one with another id goes ahead, which leads to 127.6.6.6
  };

  DnsServer();
  std::string address() const;  // "127.0.0.1:PORT"

  // What a question gets from now on; what is not here does not exist.
  void set(const std::string& name, std::uint16_t type, Reply reply);
  // A and AAAA at once, with one row each as given.
  void set_hosts(const std::string& name, const std::vector<std::string>& addresses, std::uint32_t ttl = 60);
  // A question that exists only if every name has this code.
  void break_everything(Code code) { broken_ = code; }
  void mend() { broken_ = Code::kGood; }

  void serve();  // what has come so far
  std::size_t asked(const std::string& name, std::uint16_t type) const;
  std::size_t asked_over_tcp() const { return tcp_questions_; }

 private:
  struct Visitor {
    Fd socket;
    std::string received;
  };
  struct Question {
    std::string name;  // in lower case
    std::uint16_t type = 0;
    std::size_t end = 0;  // in the message
  };
  static Question question_of(std::string_view message);
  Reply reply_to(const Question& question);
  void serve_udp();
  void serve_tcp();

  Address address_;
  Fd udp_;
  Fd tcp_;
  std::list<Visitor> visitors_;
  std::map<std::pair<std::string, std::uint16_t>, Reply> replies_;
  std::map<std::pair<std::string, std::uint16_t>, std::size_t> asked_;
  std::size_t tcp_questions_ = 0;
  Code broken_ = Code::kGood;
};

}  // namespace gatehouse::testing_support
