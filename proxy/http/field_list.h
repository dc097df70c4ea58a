// Header or trailer fields in their order, as received. Names keep their case and compare without it; often-used names
// carry an id so that rules compare an integer. All bytes and entries live in one block that is kept for reuse by
// clear(). Views from a list are good until it changes. A value; belongs to one thread at a time.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace gatehouse {

// Names with a meaning to Gatehouse. kOther: any other name.
enum class FieldName : std::uint8_t {
  kOther,
  kAccept,
  kAcceptEncoding,
  kAltSvc,
  kAuthorization,
  kCacheControl,
  kClientCert,
  kClientCertChain,
  kConnection,
  kContentLength,
  kContentType,
  kCookie,
  kDate,
  kEarlyData,
  kExpect,
  kForwarded,
  kHost,
  kHttp2Settings,
  kKeepAlive,
  kLocation,
  kMaxForwards,
  kOrigin,
  kProxyAuthenticate,
  kProxyAuthorization,
  kProxyConnection,
  kProxyStatus,
  kReferer,
  kRetryAfter,
  kSecWebSocketAccept,
  kSecWebSocketKey,
  kSecWebSocketVersion,
  kServer,
  kSetCookie,
  kTe,
  kTraceparent,
  kTrailer,
  kTransferEncoding,
  kTrueClientIp,
  kUpgrade,
  kUserAgent,
  kVia,
  kXForwardedFor,
  kXForwardedHost,
  kXForwardedPort,
  kXForwardedPrefix,
  kXForwardedProto,
  kXRealIp,
  kXRequestId,
};

FieldName field_name(std::string_view name);      // without regard to case
std::string_view canonical_text(FieldName name);  // "X-Forwarded-For"; REQUIRES: not kOther
std::string_view lower_text(FieldName name);      // "x-forwarded-for"; REQUIRES: not kOther

struct Field {
  FieldName id;
  std::string_view name;
  std::string_view value;
};

class FieldList {
 public:
  FieldList() = default;
  FieldList(FieldList&& other) noexcept : block_(std::move(other.block_)), use_(std::exchange(other.use_, {})) {}
  FieldList& operator=(FieldList&& other) noexcept {
    block_ = std::move(other.block_);
    use_ = std::exchange(other.use_, {});
    return *this;
  }
  FieldList clone() const;

  // Values may be views from this very list. REQUIRES: everything together stays below 4 GiB, which the limits see to.
  void add(std::string_view name, std::string_view value);
  void add(FieldName name, std::string_view value);  // with its canonical text
  void set(FieldName name, std::string_view value);  // replaces the first, removes the others, or adds
  void set(std::string_view name, std::string_view value);
  std::size_t remove(FieldName name);  // how many there were
  std::size_t remove(std::string_view name);
  // Removes every field for which unwanted(const Field&) is true, keeping the order of the rest.
  template <class Predicate>
  void remove_if(Predicate&& unwanted);

  std::optional<std::string_view> find(FieldName name) const;  // the first
  std::optional<std::string_view> find(std::string_view name) const;
  std::size_t count(FieldName name) const;

  std::size_t size() const { return use_.count; }
  bool empty() const { return use_.count == 0; }
  Field at(std::size_t index) const;  // REQUIRES: index < size()
  // Names, values and 32 bytes for each field (RFC 9113 section 6.5.2).
  std::size_t section_size() const { return use_.section_size; }
  void clear();  // keeps the block

  class Iterator {
   public:
    Iterator(const FieldList* list, std::size_t index) : list_(list), index_(index) {}
    Field operator*() const { return list_->at(index_); }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    const FieldList* list_;
    std::size_t index_;
  };
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, use_.count}; }

 private:
  // Entries grow from the block's front, bytes from its back: a field's name, then its value, `distance` from the end.
  struct Entry {
    std::uint32_t distance;
    std::uint32_t name_size;
    std::uint32_t value_size;
    FieldName id;
  };
  static std::size_t section_size_of(const Entry& entry) { return entry.name_size + entry.value_size + 32UL; }
  Entry* entries() const { return reinterpret_cast<Entry*>(block_.get()); }
  char* bytes_of(const Entry& entry) const {
    return reinterpret_cast<char*>(block_.get()) + (use_.capacity - entry.distance);
  }
  void append(FieldName id, std::string_view name, std::string_view value);
  void replace_value(std::size_t index, std::string_view value);
  char* take_room(std::size_t bytes, std::size_t new_entries, std::unique_ptr<std::byte[]>& old);

  struct Use {
    std::uint32_t capacity = 0;  // of the block
    std::uint32_t bytes = 0;
    std::uint32_t count = 0;
    std::size_t section_size = 0;
  };
  std::unique_ptr<std::byte[]> block_;
  Use use_;
};

inline Field FieldList::at(std::size_t index) const {
  assert(index < use_.count);
  const Entry& entry = entries()[index];
  const char* const bytes = bytes_of(entry);
  return {.id = entry.id, .name = {bytes, entry.name_size}, .value = {bytes + entry.name_size, entry.value_size}};
}

template <class Predicate>
void FieldList::remove_if(Predicate&& unwanted) {
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < use_.count; ++i) {
    const Entry entry = entries()[i];
    if (unwanted(at(i))) {
      use_.section_size -= section_size_of(entry);
    } else {
      entries()[kept++] = entry;
    }
  }
  use_.count = kept;
}

}  // namespace gatehouse
