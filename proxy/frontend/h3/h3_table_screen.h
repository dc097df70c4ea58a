// Looks at each entry that a client puts into its QPACK table, once, as it comes. nghttp3 takes fields that no message
// may have out of a section without a word, so that FieldSection sees nothing of them, and looks at all of such a field
// first: references of a byte each to an invalid entry of 4 KiB would cost thousands of times what they are. Such
// entries, unless they are small, therefore do not get into the table: the connection ends. What stands in a
// section itself is no more work than it has bytes. Owned by its H3Session; one loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <span>

#include <nghttp3/nghttp3.h>

namespace gatehouse {

class H3TableScreen {
 public:
  // Bytes of entries that are looked at for nothing, and for each byte that has come: an instruction of two bytes can
  // insert a large entry once more.
  static constexpr std::size_t kFree = 64 * 1024UL;
  static constexpr std::size_t kPerByte = 16;

  // An error code of HTTP/3 (RFC 9114 section 8.1).
  using Code = std::uint64_t;

  // `capacity` is what our SETTINGS let the client have.
  explicit H3TableScreen(std::size_t capacity) : capacity_(capacity) {}

  // Takes the next bytes of a unidirectional stream of the client's, of whatever type. Fails with H3_EXCESSIVE_LOAD
  // for an entry that no message may have, or for more of them than can be looked at; with other codes if the
  // instructions are wrong or memory is short. Not called again after a failure.
  std::expected<void, Code> check(std::int64_t stream, std::span<const std::uint8_t> bytes);
  // The stream has ended: its type is forgotten.
  void closed(std::int64_t stream) { types_.erase(stream); }

 private:
  struct DecoderDeleter {
    void operator()(nghttp3_qpack_decoder* decoder) const { nghttp3_qpack_decoder_del(decoder); }
  };
  // A stream's type while it comes: an integer of RFC 9000 section 16.
  struct Type {
    std::uint64_t value = 0;
    // Bytes of it that are still to come; 0 before the first.
    unsigned left = 0;
  };

  // Takes the type off the front of `bytes`, as far as it has come.
  void identify(std::int64_t stream, std::span<const std::uint8_t>& bytes);
  // Runs the instructions through a decoder of our own, and looks at each entry that they insert.
  std::expected<void, Code> read(std::span<const std::uint8_t> bytes);
  // Returns false for an entry that no message may have and that is not small.
  bool newest_is_fine();
  bool end_section();

  std::size_t capacity_;
  // The stream, once it is known.
  std::int64_t encoder_ = -1;
  std::map<std::int64_t, Type> types_;
  std::unique_ptr<nghttp3_qpack_decoder, DecoderDeleter> decoder_;
  // Bytes of the encoder stream.
  std::size_t received_ = 0;
  // Bytes of entries.
  std::size_t looked_at_ = 0;
};

}  // namespace gatehouse
