// QPACK as the client uses it (RFC 9204): its encoder stream fills a table, sections of fields refer to that, and our
// decoder stream tells it what has been understood. The decoder of nghttp3, run by ourselves and not by its connection,
// which would leave fields that no message may have out of a section and tell nobody, and end the connection for a
// message that is malformed. Owned by its H3Session; one loop's thread.
//
//   encoder stream --read_instructions()--> table
//   HEADERS --next()--> kField .., kEnd        or kBlocked, until ready()
//   has_output() --> stream()
//
// An error is the connection's, and the last call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string_view>

#include <nghttp3/nghttp3.h>

#include "proxy/frontend/h3/h3_decoder_stream.h"
#include "proxy/frontend/h3/h3_frames.h"

namespace gatehouse {

class H3FieldDecoder {
 public:
  // An error code of HTTP/3 or QPACK.
  using Code = std::uint64_t;
  struct Limits {
    // Bytes of the table, as our SETTINGS say.
    std::size_t capacity = 0;
    // Sections that may wait at once for what they refer to, as our SETTINGS say.
    std::size_t blocked = 0;
    // How many request streams there may be at once.
    std::size_t streams = 0;
  };
  enum class Step : std::uint8_t {
    kField,      // field() is the next of the section
    kNeedsMore,  // all bytes have been read
    kBlocked,    // the section refers to what is not in the table yet; what was not read is to be given again
    kEnd,        // the section is complete
  };
  struct Field {
    std::string_view name;
    std::string_view value;
    // NGHTTP3_QPACK_TOKEN_..., or -1.
    std::int32_t token = -1;
  };
  struct ContextDeleter {
    void operator()(nghttp3_qpack_stream_context* context) const { nghttp3_qpack_stream_context_del(context); }
  };
  using Context = std::unique_ptr<nghttp3_qpack_stream_context, ContextDeleter>;
  // How far one request stream has come with its section. A value of that stream's.
  struct Section {
    // Null between sections.
    nghttp3_qpack_stream_context* context = nullptr;
    // Of the stream's own, where the decoder's does not do.
    Context own;
    bool blocked = false;
  };

  explicit H3FieldDecoder(Limits limits) : limits_(limits) {}
  ~H3FieldDecoder() { release(); }
  H3FieldDecoder(const H3FieldDecoder&) = delete;
  H3FieldDecoder& operator=(const H3FieldDecoder&) = delete;

  // Once, before all else. Returns false if memory is short.
  [[nodiscard]] bool start();
  // The next bytes of the client's encoder stream.
  std::expected<void, Code> read_instructions(H3Bytes bytes);
  // Reads on in the section of `stream`, taking what it has read off the front of `bytes`; `last`: the section ends with
  // them.
  struct Input {
    std::int64_t stream;
    H3Bytes& bytes;
    bool last;
  };
  std::expected<Step, Code> next(Section& section, Input input);
  // Good until the next call of next().
  const Field& field() const { return field_; }
  // Nobody reads the rest of the stream's sections: the client is told (RFC 9204 section 2.2.2.2).
  void abandon(Section& section, std::int64_t stream);

  // Sections that wait.
  std::size_t blocked() const { return blocked_; }
  // The section waited, and need not any more. The caller reads on.
  [[nodiscard]] bool ready(Section& section);

  // Our decoder stream.
  H3DecoderStream& stream() { return stream_; }
  // Writes what there is to say to the stream. Returns whether something is to be sent on it now.
  bool has_output();

 private:
  struct DecoderDeleter {
    void operator()(nghttp3_qpack_decoder* decoder) const { nghttp3_qpack_decoder_del(decoder); }
  };

  // Lets go of the field.
  void release();
  [[nodiscard]] bool begin(Section& section, const Input& input);
  void end(Section& section);

  Limits limits_;
  std::unique_ptr<nghttp3_qpack_decoder, DecoderDeleter> decoder_;
  // For sections that come whole and refer to no table: nothing of them is left between two calls.
  Context shared_;
  std::size_t blocked_ = 0;
  nghttp3_qpack_nv held_{};
  Field field_;
  H3DecoderStream stream_;
};

}  // namespace gatehouse
