#include "proxy/doctor/certificates.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <format>
#include <span>
#include <utility>

#include "common/crypto/certificate_store.h"
#include "common/text.h"
#include "config/certificate_cover.h"

namespace gatehouse::doctor {
namespace {

std::string day(WallTime time) {
  return std::format("{:%Y-%m-%d}", std::chrono::floor<std::chrono::days>(time));
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 3;
  if (names.empty()) return "no name";
  const std::string first = text::joined(std::span(names).first(std::min(kMost, names.size())), ", ");
  return names.size() > kMost ? std::format("{} and {} more", first, names.size() - kMost) : first;
}

Finding of_certificate(Grade grade, std::string message) {
  return {.grade = grade, .check = "certificate", .message = std::move(message)};
}

}  // namespace

CertificateFacts look_at_certificate(const config::CertificateFiles& files, CertificateStore& store) {
  CertificateFacts facts{.certificate = files.certificate,
                         .private_key = files.private_key.empty() ? files.certificate : files.private_key};
  struct stat status{};
  facts.key_is_open = ::stat(facts.private_key.c_str(), &status) == 0 && (status.st_mode & (S_IROTH | S_IWOTH)) != 0;
  const auto certificate = store.certificate(config::files_of(files));
  if (!certificate) {
    facts.error = certificate.error().message;
    return facts;
  }
  facts.names = (*certificate)->names();
  facts.not_before = (*certificate)->not_before();
  facts.not_after = (*certificate)->not_after();
  facts.renewal_due = (*certificate)->renewal_due();
  facts.chain_complete = (*certificate)->chain_complete();
  return facts;
}

// The worst of what can be said.
Finding judge_certificate(const CertificateFacts& facts, WallTime now) {
  if (!facts.error.empty()) {
    return of_certificate(
        Grade::kProblem,
        std::format("{}; both files must be readable for the user that gatehouse is started as, and belong "
                    "together",
                    facts.error));
  }
  if (facts.not_after < now) {
    return of_certificate(Grade::kProblem, std::format("{} expired on {}; renew it, then `gatehouse reload`",
                                                       facts.certificate, day(facts.not_after)));
  }
  if (facts.not_before > now) {
    return of_certificate(Grade::kProblem, std::format("{} is valid from {} only; check the clock (`timedatectl`)",
                                                       facts.certificate, day(facts.not_before)));
  }
  if (facts.key_is_open) {
    return of_certificate(Grade::kProblem,
                          std::format("every user of this machine can read or write the private key {}; "
                                      "`chmod 600 {}`",
                                      facts.private_key, facts.private_key));
  }
  if (facts.renewal_due < now) {
    return of_certificate(Grade::kWarning, std::format("{} expires on {}; renew it, then `gatehouse reload`",
                                                       facts.certificate, day(facts.not_after)));
  }
  if (!facts.chain_complete) {
    return of_certificate(
        Grade::kWarning,
        std::format("{} lacks the certificate of its issuer, or has it in the wrong order; unless clients "
                    "know the issuer themselves (a CA of your own), use the file with the full chain "
                    "(fullchain.pem)",
                    facts.certificate));
  }
  return of_certificate(
      Grade::kOk, std::format("{} is for {}, until {}", facts.certificate, listed(facts.names), day(facts.not_after)));
}

Findings check_certificates(const config::Config& config, WallTime now) {
  Findings findings;
  CertificateStore store;
  for (const config::Listener& listener : config.listeners) {
    if (!listener.tls) continue;
    for (const config::CertificateFiles& files : listener.tls->certificates) {
      findings.push_back(judge_certificate(look_at_certificate(files, store), now));
    }
  }
  for (const config::Diagnostic& uncovered : config::hosts_without_certificate(config, store)) {
    findings.push_back(of_certificate(Grade::kWarning, uncovered.to_string()));
  }
  return findings;
}

}  // namespace gatehouse::doctor
