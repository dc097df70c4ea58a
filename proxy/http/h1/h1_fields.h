// Reads the lines of fields of a head, or trailers, as their bytes come in pieces of any size, up to the empty line
// behind them:
//
//   name ":" OWS value OWS CR LF        (RFC 9112 section 5)
//   ^        ^
//   0        value_at_
//
// Lines end with CR LF and nothing else, none is folded (section 5.2), there is no blank before a colon, and values
// hold no control byte but tabs. Each byte is looked at once: a line is read where it lies, and only one that has not
// come whole is put together in held_, where reading goes on at the byte where it stopped. Limits hold while bytes
// come, not only once they are all there. So does all that is said here: the same bytes have the same outcome at the
// same byte, however they were cut. A member of the parser or of its H1Head; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/http/field_section.h"
#include "proxy/http/h1/h1_framing.h"
#include "proxy/http/h1/h1_outcome.h"

namespace gatehouse {

class H1Fields {
 public:
  // The first is for trailers, which cannot frame a message: a length is a field like any other there. `limit` is for
  // the section; its bytes also bound what may come of lines before they are fields.
  explicit H1Fields(const FieldSection::Limit& limit) : limit_(limit) { begin(); }
  H1Fields(const FieldSection::Limit& limit, H1Framing::Of head) : limit_(limit), framing_(head) { begin(); }

  // Before a section; forgets the last one.
  void begin();
  // Reads on. kComplete: the empty line was the last that was consumed. A field is complete with the first byte of the
  // line behind it, which might go on with it.
  H1Read read(std::string_view bytes);

  // The fields that are complete, in the order in which they came.
  const FieldList& fields() const { return section_.fields(); }
  FieldList take() { return section_.take(); }
  // See H1Framing. REQUIRES: these are fields of a head.
  bool chunked() const { return framing_->chunked(); }

 private:
  // What stands at at_.
  enum class Place : std::uint8_t { kName, kBlanks, kValue, kLf, kLastLf, kNextLine };

  // Goes on with the line in held_, and takes what belongs to it off the front of `at`..`end`.
  H1Outcome read_held(const char*& at, const char* end);
  // Reads on in the line that begins at `line`, from at_ on. kMore with kNextLine: it is complete. kComplete: it is the
  // empty one.
  H1Outcome read_line(const char* line, const char* end);
  H1Outcome end_section(const char* line, const char* end);
  bool end_name(const char* line, const char* colon);
  // Takes the field of the line at `line`, which is complete; `next` is the byte behind it.
  H1Outcome end_line(const char* line, char next);

  const FieldSection::Limit limit_;
  FieldSection section_;
  std::optional<H1Framing> framing_;
  // What has come of a line that is not complete.
  std::string held_;
  // How many bytes of lines may come from the beginning of this line on.
  std::size_t room_ = 0;
  // All within the line.
  std::size_t at_ = 0;
  std::size_t name_size_ = 0;
  std::size_t value_at_ = 0;
  FieldName name_ = FieldName::kOther;
  Place place_ = Place::kName;
  // framing_ watches this field.
  bool frames_ = false;
};

}  // namespace gatehouse
