// The words that choose among enumerators in the file, for reading and for writing: each list is the order in which
// a diagnostic offers them. A new enumerator of config.h or config/policy that users can choose has its word here. Constant.
#pragma once

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <string_view>

#include "config/config.h"

namespace gatehouse::config {

// values[i] is written as texts[i].
template <class E, std::size_t N>
struct Names {
  std::array<E, N> values;
  std::array<std::string_view, N> texts;

  // REQUIRES: `value` is one of values
  constexpr std::string_view text(E value) const {
    return texts[static_cast<std::size_t>(std::ranges::find(values, value) - values.begin())];
  }
};

inline constexpr Names<log::Level, 4> kLevelNames{
    {log::Level::kError, log::Level::kWarn, log::Level::kInfo, log::Level::kDebug}, {"error", "warn", "info", "debug"}};
inline constexpr Names<AccessLogFormat, 5> kFormatNames{
    {AccessLogFormat::kAuto, AccessLogFormat::kJson, AccessLogFormat::kCombined, AccessLogFormat::kW3c,
     AccessLogFormat::kShort},
    {"auto", "json", "combined", "w3c", "short"}};
// Each word sets one member of Protocols.
inline constexpr Names<bool Protocols::*, 4> kProtocolNames{
    {&Protocols::h1, &Protocols::h2, &Protocols::h3, &Protocols::h2c}, {"h1", "h2", "h3", "h2c"}};
inline constexpr Names<CongestionControl, 2> kCongestionControlNames{
    {CongestionControl::kCubic, CongestionControl::kBbr}, {"cubic", "bbr"}};
inline constexpr Names<UnknownSni, 2> kUnknownSniNames{{UnknownSni::kDefault, UnknownSni::kReject},
                                                       {"default", "reject"}};
inline constexpr Names<TlsVersion, 2> kTlsVersionNames{{TlsVersion::kTls12, TlsVersion::kTls13}, {"1.2", "1.3"}};
inline constexpr Names<ClientAuth, 3> kClientAuthNames{{ClientAuth::kNone, ClientAuth::kOptional, ClientAuth::kRequire},
                                                       {"none", "optional", "require"}};
inline constexpr Names<ChannelBinding, 3> kChannelBindingNames{
    {ChannelBinding::kOff, ChannelBinding::kAllow, ChannelBinding::kRequire}, {"off", "allow", "require"}};
// Each word sets one member of Auth.
inline constexpr Names<bool Auth::*, 2> kAuthSchemeNames{{&Auth::negotiate, &Auth::basic}, {"Negotiate", "Basic"}};
inline constexpr Names<PlainOnTls, 2> kPlainOnTlsNames{{PlainOnTls::kReject, PlainOnTls::kRedirect},
                                                       {"reject", "redirect"}};
inline constexpr Names<ProxyProtocol, 3> kProxyProtocolNames{
    {ProxyProtocol::kOff, ProxyProtocol::kOptional, ProxyProtocol::kRequire}, {"off", "optional", "require"}};
inline constexpr Names<ClientAddress, 3> kClientAddressNames{
    {ClientAddress::kXForwardedFor, ClientAddress::kForwarded, ClientAddress::kXRealIp},
    {"x-forwarded-for", "forwarded", "x-real-ip"}};
inline constexpr Names<ForwardedStyle, 2> kForwardedNames{{ForwardedStyle::kNone, ForwardedStyle::kRfc7239},
                                                          {"none", "rfc7239"}};
inline constexpr Names<HalfClosed, 2> kHalfClosedNames{{HalfClosed::kServe, HalfClosed::kAbort}, {"serve", "abort"}};
inline constexpr Names<Grpc, 2> kGrpcNames{{Grpc::kOff, Grpc::kWeb}, {"off", "web"}};
inline constexpr Names<Caching, 3> kCachingNames{{Caching::kOff, Caching::kHttpSys, Caching::kHttp},
                                                 {"off", "httpsys", "http"}};
inline constexpr Names<PathAs, 2> kPathAsNames{{PathAs::kReceived, PathAs::kCanonical}, {"received", "canonical"}};
inline constexpr Names<Balance, 4> kBalanceNames{
    {Balance::kRoundRobin, Balance::kLeastRequests, Balance::kRandom, Balance::kHash},
    {"round_robin", "least_requests", "random", "hash"}};
// The last two are followed by the name of a header or cookie.
inline constexpr Names<HashOn, 4> kHashOnNames{
    {HashOn::kClientAddress, HashOn::kPath, HashOn::kHeader, HashOn::kCookie},
    {"client_ip", "path", "header:", "cookie:"}};
inline constexpr Names<Tolerance, 2> kToleranceNames{{Tolerance::kStrict, Tolerance::kLenient}, {"strict", "lenient"}};
inline constexpr Names<SendProxyProtocol, 3> kSendProxyProtocolNames{
    {SendProxyProtocol::kOff, SendProxyProtocol::kV1, SendProxyProtocol::kV2}, {"off", "v1", "v2"}};
inline constexpr Names<WhenAllUnhealthy, 2> kWhenAllUnhealthyNames{{WhenAllUnhealthy::kTry, WhenAllUnhealthy::kRefuse},
                                                                   {"try", "refuse"}};
// Of Balancing::via.
inline constexpr Names<bool, 2> kViaNames{{true, false}, {"on", "off"}};
inline constexpr Names<InitialHealth, 2> kInitialHealthNames{{InitialHealth::kServe, InitialHealth::kWait},
                                                             {"serve", "wait"}};
inline constexpr Names<AppStart, 2> kAppStartNames{{AppStart::kOnDemand, AppStart::kEager}, {"on_demand", "eager"}};
inline constexpr Names<AppTransport, 3> kAppTransportNames{
    {AppTransport::kPort, AppTransport::kSocket, AppTransport::kInherit}, {"port", "socket", "inherit"}};
inline constexpr Names<AppProfile, 2> kAppProfileNames{{AppProfile::kGeneric, AppProfile::kAspNetCore},
                                                       {"generic", "aspnetcore"}};
// Of App::detailed_errors.
inline constexpr Names<bool, 2> kErrorPageNames{{false, true}, {"generic", "detailed"}};
// Those that ask a process to end, in one way or another.
inline constexpr Names<int, 8> kStopSignalNames{
    {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGKILL},
    {"SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGKILL"}};

}  // namespace gatehouse::config
