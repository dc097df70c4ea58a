// Header or trailer fields in their order, as received. Names keep their case and compare without it; often-used
// names carry an id so that rules compare an integer. All bytes and entries live in one block that is kept for reuse
// by clear(). Views from a list are good until it changes. A value; belongs to one thread at a time.
//
//   +---------+---------+---------+----------------+---------------+---------------+---------------+
//   | entry 0 | entry 1 | entry 2 |   -> free <-   | name 2, value | name 1, value | name 0, value |
//   +---------+---------+---------+----------------+---------------+---------------+---------------+
//   ^ block_, entries()                                            |<---- distance of entry 1 ---->|
//                                                  |<----------------- use_.bytes ---------------->|
//   |<-------------------------------------- use_.capacity --------------------------------------->|
//
// A new field takes from both ends of the free part. If there is too little of it the block is copied to one of at
// least twice the size, each half to its end; distances stay true, as they count from the back. What a removed field
// or an outgrown value took at the back stays taken until clear().
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace gatehouse {

// Names with a meaning to Gatehouse, in alphabetical order; each has a row in kNames (field_list.cc). kOther is any
// other name.
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
  kGrpcStatus,
  kGrpcTimeout,
  kHost,
  kHttp2Settings,
  kKeepAlive,
  kLink,
  kLocation,
  kMaxForwards,
  kOrigin,
  kPersistentAuth,
  kPriority,
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
  kWwwAuthenticate,
  kXAccelRedirect,
  kXDelegateHeaders,
  kXDelegateTo,
  kXForwardedFor,
  kXForwardedHost,
  kXForwardedPort,
  kXForwardedPrefix,
  kXForwardedProto,
  kXRealIp,
  kXRequestId,
  kXResetCode,
  kXSendfile,
};

// Finds the id without regard to case, by one look into a perfect hash table; kOther if the name has none.
FieldName field_name(std::string_view name);
// Returns the name as h1 writes it: "X-Forwarded-For". REQUIRES: not kOther.
std::string_view canonical_text(FieldName name);
// Returns the name as h2 and h3 write it: "x-forwarded-for". REQUIRES: not kOther.
std::string_view lower_text(FieldName name);

// One field of a list: two views into its block.
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
  // Copies the list. There is no copy constructor, so that no copy happens unseen.
  FieldList clone() const;

  // Appends a field. Neither name nor value is judged: field_rules does that. Both may be views from this very list.
  // REQUIRES: everything together stays below 4 GiB, which the limits see to.
  void add(std::string_view name, std::string_view value);
  // The same for a name whose id the caller knows. REQUIRES: it is field_name(name).
  void add(FieldName id, std::string_view name, std::string_view value) { append(id, name, value); }
  // The same with the canonical text of the name. REQUIRES: not kOther.
  void add(FieldName name, std::string_view value);
  // Replaces the value of the first field of this name and removes the others; adds one if there is none. `value` may
  // be a view from this list, a name may not.
  void set(FieldName name, std::string_view value);
  void set(std::string_view name, std::string_view value);
  // Removes every field of this name, and returns how many there were.
  std::size_t remove(FieldName name);
  std::size_t remove(std::string_view name);
  // Removes every field of one of these names.
  template <class... Names>
  void remove_any(Names... names);
  // Removes every field for which unwanted(const Field&) is true, keeping the order of the rest.
  template <class Predicate>
  void remove_if(Predicate&& unwanted);

  // Returns the value of the first field of this name; nothing if there is none.
  std::optional<std::string_view> find(FieldName name) const;
  std::optional<std::string_view> find(std::string_view name) const;
  // Counts the fields of this name: whether a field that must be alone is.
  std::size_t count(FieldName name) const;
  // Whether there may be a field of one of these names. False is certain, and is known without a look at the fields:
  // what most messages do not have is not searched for in each of them.
  template <class... Names>
  bool may_have(Names... names) const {
    return (use_.names & (bit(names) | ...)) != 0;
  }
  std::size_t size() const { return use_.count; }
  bool empty() const { return use_.count == 0; }
  // REQUIRES: index < size().
  Field at(std::size_t index) const;
  // Adds up names, values and 32 bytes for each field (RFC 9113 section 6.5.2): what counts against the limits.
  std::size_t section_size() const { return use_.section_size; }
  // Forgets the fields and keeps the block.
  void clear();

  // Yields a Field by value. The list must not change while it is walked.
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
  // `distance` is from the end of the block to the field's name, which its value follows.
  struct Entry {
    std::uint32_t distance;
    std::uint32_t name_size;
    std::uint32_t value_size;
    FieldName id;
  };
  static constexpr std::uint64_t bit(FieldName name) { return std::uint64_t{1} << static_cast<unsigned>(name); }
  static std::size_t section_size_of(const Entry& entry) { return entry.name_size + entry.value_size + 32UL; }
  Entry* entries() const { return reinterpret_cast<Entry*>(block_.get()); }
  char* bytes_of(const Entry& entry) const {
    return reinterpret_cast<char*>(block_.get()) + (use_.capacity - entry.distance);
  }
  // Unlike add(), does not look for the id.
  void append(FieldName id, std::string_view name, std::string_view value);
  void replace_value(std::size_t index, std::string_view value);
  // Whether the free part has room for so much.
  bool has_room(std::size_t bytes, std::size_t new_entries) const {
    return (use_.count + new_entries) * sizeof(Entry) + use_.bytes + bytes <= use_.capacity;
  }
  // Makes such room in a larger block, and returns the one that had to give way: views from it last as long as that.
  std::unique_ptr<std::byte[]> make_room(std::size_t bytes, std::size_t new_entries);
  // Returns where `bytes` may be written at the back. REQUIRES: there is room.
  char* take_room(std::size_t bytes) {
    use_.bytes += static_cast<std::uint32_t>(bytes);
    return reinterpret_cast<char*>(block_.get()) + (use_.capacity - use_.bytes);
  }

  struct Use {
    // Size of the block.
    std::uint32_t capacity = 0;
    std::uint32_t bytes = 0;
    std::uint32_t count = 0;
    std::size_t section_size = 0;
    // A bit for each name that was ever added since clear().
    std::uint64_t names = 0;
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

// In line, as it runs for each field of each head.
inline void FieldList::append(FieldName id, std::string_view name, std::string_view value) {
  const std::size_t size = name.size() + value.size();
  if (!has_room(size, 1)) [[unlikely]] {
    const auto old = make_room(size, 1);
    return append(id, name, value);
  }
  char* const room = take_room(size);
  if (!name.empty()) std::memcpy(room, name.data(), name.size());
  if (!value.empty()) std::memcpy(room + name.size(), value.data(), value.size());
  const Entry entry{.distance = use_.bytes,
                    .name_size = static_cast<std::uint32_t>(name.size()),
                    .value_size = static_cast<std::uint32_t>(value.size()),
                    .id = id};
  entries()[use_.count++] = entry;
  use_.names |= bit(id);
  use_.section_size += section_size_of(entry);
}

template <class... Names>
void FieldList::remove_any(Names... names) {
  if (!may_have(names...)) return;
  const std::uint64_t unwanted = (bit(names) | ...);
  remove_if([unwanted](const Field& field) { return (bit(field.id) & unwanted) != 0; });
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
