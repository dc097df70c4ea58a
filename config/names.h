// The words that choose among enumerators in the file, for reading and for writing: each list is the order in which
// a diagnostic offers them. Constant.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "config/config.h"

namespace gatehouse::config {

template <class E, std::size_t N>
struct Names {
  std::array<E, N> values;
  std::array<std::string_view, N> texts;

  constexpr std::string_view text(E value) const {
    return texts[static_cast<std::size_t>(std::ranges::find(values, value) - values.begin())];
  }
};

inline constexpr Names<log::Level, 4> kLevelNames{
    {log::Level::kError, log::Level::kWarn, log::Level::kInfo, log::Level::kDebug}, {"error", "warn", "info", "debug"}};
inline constexpr Names<AccessLogFormat, 3> kFormatNames{
    {AccessLogFormat::kJson, AccessLogFormat::kCombined, AccessLogFormat::kW3c}, {"json", "combined", "w3c"}};
inline constexpr Names<bool Protocols::*, 4> kProtocolNames{
    {&Protocols::h1, &Protocols::h2, &Protocols::h3, &Protocols::h2c}, {"h1", "h2", "h3", "h2c"}};
inline constexpr Names<CongestionControl, 2> kCongestionControlNames{
    {CongestionControl::kCubic, CongestionControl::kBbr}, {"cubic", "bbr"}};
inline constexpr Names<UnknownSni, 2> kUnknownSniNames{{UnknownSni::kDefault, UnknownSni::kReject},
                                                       {"default", "reject"}};
inline constexpr Names<TlsVersion, 2> kTlsVersionNames{{TlsVersion::kTls12, TlsVersion::kTls13}, {"1.2", "1.3"}};
inline constexpr Names<ForwardedStyle, 2> kForwardedNames{{ForwardedStyle::kNone, ForwardedStyle::kRfc7239},
                                                          {"none", "rfc7239"}};
inline constexpr Names<Balance, 2> kBalanceNames{{Balance::kRoundRobin, Balance::kLeastRequests},
                                                 {"round_robin", "least_requests"}};

}  // namespace gatehouse::config
