// The certificates, keys and trust anchors of files, as they were last read: each file is read once in a load, and
// again only if it has changed since (FileVersion). What has not changed is the same object in every load, so that
// whoever compares pointers knows it. Shared by all who look at certificates in one load: validation, the snapshot, the
// doctor. One thread at a time, and never a loop's.
//
//   begin ---> certificate, anchors, ...     each file once, if it is not known as it is
//     ^               |
//     '-- forget_unused, once what was loaded is in force
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <tuple>
#include <utility>

#include "common/crypto/certificate.h"
#include "common/crypto/certificate_chain.h"
#include "common/crypto/key_file.h"
#include "common/crypto/trust_anchors.h"
#include "common/file_version.h"
#include "common/result.h"

namespace gatehouse {

class CertificateStore {
 public:
  struct Files {
    std::string certificate;
    // Empty: it is in the file of the certificate, which is PKCS#12.
    std::string private_key;
    // Empty: there is none.
    std::string passphrase_file = {};
    friend auto operator<=>(const Files&, const Files&) = default;
  };
  // In the load that has begun last.
  struct Counts {
    std::uint64_t files_read = 0;
    // Files that are as they were when they were read.
    std::uint64_t files_known = 0;
  };

  CertificateStore() = default;
  CertificateStore(const CertificateStore&) = delete;
  CertificateStore& operator=(const CertificateStore&) = delete;

  // A load begins: files are looked at again. Once `cancelled` says so, everything fails at once.
  void begin(std::stop_token cancelled = {});
  // Both fail as the file is at this moment, and again without another look until the next load. Errors name the file.
  Result<std::shared_ptr<const Certificate>> certificate(const Files& files);
  Result<std::shared_ptr<const TrustAnchors>> anchors(const std::string& file);
  // What the last load has not asked for is dropped, and so are passphrases.
  void forget_unused();

  const Counts& counts() const { return counts_; }

 private:
  template <class Made>
  struct Entry {
    // Of the file as it was read; nothing where it could have changed since without a trace.
    std::optional<FileVersion> version;
    // In which load it was last looked at; 0: in none.
    std::uint64_t seen = 0;
    // Moves with each reading.
    std::uint64_t reading = 0;
    Result<Made> made = failure("not looked at");
  };
  using Key = std::shared_ptr<EVP_PKEY>;
  using Passphrase = std::shared_ptr<const key_file::Key>;
  // With the reading of its key.
  struct Pair {
    std::shared_ptr<const Certificate> certificate;
    std::uint64_t key_reading = 0;
  };

  // Whether the entry holds what is in `file`, so that there is nothing to read; it counts as seen.
  template <class Made>
  bool holds(Entry<Made>& entry, const std::string& file);
  // The contents of the file, which counts as read into the entry.
  template <class Made>
  Result<std::string> read(Entry<Made>& entry, const std::string& file);
  Result<Pair> load(Entry<Pair>& entry, const Files& files);
  Result<Pair> from_pkcs12(std::string_view text, const Files& files);
  Entry<Key>& key(const Files& files);
  // Null where `file` is empty.
  Result<Passphrase> passphrase(const std::string& file);

  std::stop_token cancelled_;
  // The number of the load, from 1 on.
  std::uint64_t load_ = 1;
  std::uint64_t readings_ = 0;
  Counts counts_;
  IssuerPool issuers_;
  std::map<Files, Entry<Pair>> certificates_;
  // By file and that of the passphrase.
  std::map<std::pair<std::string, std::string>, Entry<Key>> keys_;
  // Of this load alone.
  std::map<std::string, Result<Passphrase>> passphrases_;
  std::map<std::string, Entry<std::shared_ptr<const TrustAnchors>>> anchors_;
};

}  // namespace gatehouse
