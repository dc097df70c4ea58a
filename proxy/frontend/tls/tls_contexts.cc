#include "proxy/frontend/tls/tls_contexts.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "common/text.h"
#include "proxy/frontend/tls/client_verification.h"
#include "proxy/frontend/tls/quic_parameters.h"

namespace gatehouse {

namespace {

// RFC 9325 section 4.2 for TLS 1.2: forward secrecy and AEAD only, ECDSA first where both sides have it.
constexpr const char* kTls12Ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kTls13Ciphers = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
// The hybrid group first. One list without tuples: whatever share the client sent is taken before a retry is asked for.
constexpr const char* kGroups = "X25519MLKEM768:X25519:P-256:P-384";
constexpr std::chrono::hours kTicketLifetime{24};  // as long as the oldest accepted key at least

constexpr std::string_view kAlpnH2("\x02h2", 3);
constexpr std::string_view kAlpnH1("\x08http/1.1", 9);
constexpr std::string_view kAlpnH3("\x02h3", 3);

// The host_name of a server_name extension (RFC 6066 section 3); empty for anything else.
std::string_view host_name(std::span<const std::uint8_t> extension) {
  constexpr std::size_t kPrefix = 5;  // list length, type, name length
  if (extension.size() < kPrefix || extension[2] != TLSEXT_NAMETYPE_host_name) return {};
  const std::size_t size = static_cast<std::size_t>(extension[3]) << 8 | extension[4];
  if (size > extension.size() - kPrefix) return {};
  return {reinterpret_cast<const char*>(extension.data() + kPrefix), size};
}

std::string normalised(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return text::lower(name);
}

// What makes one set of names different from another, stable across reloads and renewals.
std::array<std::uint8_t, SHA256_DIGEST_LENGTH> fingerprint(const std::string& text) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), digest.data());
  return digest;
}

std::unexpected<Error> openssl_failure(std::string what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  what += std::string(": ") + (reason != nullptr ? reason : "unknown error");
  ERR_clear_error();
  return failure(std::move(what));
}

// With early data OpenSSL keeps the sessions of TLS 1.3 to itself, in the cache of the context that made the SSL, and
// takes one out under that cache's lock when its ticket comes: the first to come resumes it, on whatever thread, and
// another one has a full handshake (RFC 8446 section 8.1).
void take_early_data(SSL_CTX* context) {
  constexpr std::size_t kTicketsOfAFullHandshake = 2;  // a client may open a second connection before it gets the next
  SSL_CTX_set_max_early_data(context, TlsContexts::kMostEarlyData);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
  SSL_CTX_sess_set_cache_size(context, TlsContexts::kMostSessions);
  SSL_CTX_set_num_tickets(context, kTicketsOfAFullHandshake);
}

}  // namespace

struct TlsContexts::Callbacks {
  // Before OpenSSL looks at tickets: from here on the SSL is bound to the identity, so a ticket of another one does not
  // fit (its session id context differs).
  static int on_client_hello(SSL* ssl, int* alert, void* self, Transport transport) {
    const auto& contexts = *static_cast<const TlsContexts*>(self);
    const unsigned char* extension = nullptr;
    std::size_t size = 0;
    std::string name;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &extension, &size) == 1) {
      name = normalised(host_name({extension, size}));
    }
    const Identity* identity = contexts.choose(name);
    if (identity == nullptr) {
      *alert = SSL_AD_UNRECOGNIZED_NAME;
      return SSL_CLIENT_HELLO_ERROR;
    }
    const Binding& binding = transport == Transport::kTcp ? identity->tcp : identity->quic;
    const bool bound = SSL_set_session_id_context(ssl, binding.data(), static_cast<unsigned>(binding.size())) == 1;
    return bound ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
  }
  static int on_tcp_hello(SSL* ssl, int* alert, void* self) {
    return on_client_hello(ssl, alert, self, Transport::kTcp);
  }
  static int on_quic_hello(SSL* ssl, int* alert, void* self) {
    if (!quic_parameters::accept_hello(ssl)) {
      *alert = SSL_AD_ILLEGAL_PARAMETER;
      return SSL_CLIENT_HELLO_ERROR;
    }
    return on_client_hello(ssl, alert, self, Transport::kQuic);
  }

  // Once version, ciphers and signature algorithms of the client are known; not where a session is resumed.
  static int on_certificate(SSL* ssl, void* self) {
    return static_cast<const TlsContexts*>(self)->install(ssl, server_name_of(ssl)) ? 1 : 0;
  }

  // Not called if the client offers no ALPN: it then speaks HTTP/1.1.
  static int on_alpn(const std::string_view ours, std::span<const std::uint8_t> offered,
                     std::pair<const unsigned char**, unsigned char*> chosen) {
    unsigned char* found = nullptr;
    // The first of ours that the client has too.
    const int outcome = SSL_select_next_proto(
        &found, chosen.second, reinterpret_cast<const unsigned char*>(ours.data()), static_cast<unsigned>(ours.size()),
        offered.data(), static_cast<unsigned>(offered.size()));
    if (outcome != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;  // no_application_protocol
    *chosen.first = found;
    return SSL_TLSEXT_ERR_OK;
  }
  static int on_tcp_alpn(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                         unsigned in_size, void* self) {
    return on_alpn(static_cast<const TlsContexts*>(self)->tcp_protocols_, {in, in_size}, {out, out_size});
  }
  static int on_quic_alpn(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                          unsigned in_size, void* /*self*/) {
    return on_alpn(kAlpnH3, {in, in_size}, {out, out_size});
  }

  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                       int encrypting) {
    auto* keys = static_cast<TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    const std::span<unsigned char> key_name(name, TicketKeys::kNameSize);
    if (encrypting != 0) {
      const TicketKeys::Key key = keys->current();
      std::ranges::copy(key.name, key_name.begin());
      if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
      return set_keys(key, iv, {cipher, mac}, encrypting) ? 1 : -1;
    }
    constexpr int kFullHandshake = 0;
    constexpr int kAccept = 1;
    constexpr int kAcceptAndRenew = 2;
    const std::optional<TicketKeys::Found> found = keys->find(key_name);
    if (!found) return kFullHandshake;
    if (!set_keys(found->key, iv, {cipher, mac}, encrypting)) return -1;
    return found->current ? kAccept : kAcceptAndRenew;
  }
  static bool set_keys(const TicketKeys::Key& key, const unsigned char* iv,
                       std::pair<EVP_CIPHER_CTX*, EVP_MAC_CTX*> into, int encrypting) {
    std::array<char, 7> digest{"SHA256"};
    const std::array<OSSL_PARAM, 3> parameters = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<std::uint8_t*>(key.mac.data()),
                                          key.mac.size()),  // only read
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0), OSSL_PARAM_construct_end()};
    return EVP_MAC_CTX_set_params(into.second, parameters.data()) == 1 &&
           EVP_CipherInit_ex2(into.first, EVP_aes_256_cbc(), key.cipher.data(), iv, encrypting, nullptr) == 1;
  }
};

TlsContexts::TlsContexts(Private /*only_make_makes_one*/, TlsOptions options) : options_(std::move(options)) {
  clients_ = client_verification::policy(options_.client_auth, options_.client_ca.get());
  if (options_.speaks_h2) tcp_protocols_ += kAlpnH2;
  if (options_.speaks_h1) tcp_protocols_ += kAlpnH1;
}

Result<std::shared_ptr<const TlsContexts>> TlsContexts::make(TlsOptions options) {
  if (options.certificates.empty()) return failure("TLS needs a certificate");
  if (options.early_data && (!options.ticket_keys || options.client_auth != ClientAuth::kNone)) {
    return failure("early data takes session tickets, and clients that show no certificate");
  }
  if (options.client_auth != ClientAuth::kNone && !options.client_ca) {
    return failure("to verify the certificates of clients takes a CA");
  }
  auto made = std::make_shared<TlsContexts>(Private{}, std::move(options));
  made->add_identities();
  for (const Transport transport : {Transport::kTcp, Transport::kQuic}) {
    auto context = made->make_context(transport);
    if (!context) return std::unexpected(context.error());
    (transport == Transport::kTcp ? made->tcp_ : made->quic_) = *std::move(context);
  }
  return made;
}

// One identity per set of certificates that share a name. Those of the first certificate's first name are the default.
void TlsContexts::add_identities() {
  std::unordered_map<std::string_view, std::vector<std::size_t>> by_name;
  for (std::size_t i = 0; i < options_.certificates.size(); ++i) {
    for (const std::string& name : options_.certificates[i]->names()) {
      std::vector<std::size_t>& named = by_name[name];
      if (named.empty() || named.back() != i) named.push_back(i);  // a name may be there twice
    }
  }
  std::map<std::vector<std::size_t>, std::size_t> known;
  const auto index_of = [&](const std::vector<std::size_t>& certificates) {
    const auto [entry, is_new] = known.try_emplace(certificates, identities_.size());
    if (is_new) identities_.push_back(identity_of(certificates));
    return entry->second;
  };
  const std::vector<std::string>& first_names = options_.certificates.front()->names();
  index_of(first_names.empty() ? std::vector<std::size_t>{0} : by_name[first_names.front()]);
  by_name_.reserve(by_name.size());
  for (const auto& [name, certificates] : by_name) by_name_.emplace(name, index_of(certificates));
}

TlsContexts::Identity TlsContexts::identity_of(const std::vector<std::size_t>& certificates) const {
  std::set<int> types;
  for (const std::size_t index : certificates) types.insert(options_.certificates[index]->key_type());
  return {.certificates = certificates,
          .has_choice = types.size() < certificates.size(),
          .tcp = binding_of(certificates, Transport::kTcp),
          .quic = binding_of(certificates, Transport::kQuic)};
}

TlsContexts::Binding TlsContexts::binding_of(const std::vector<std::size_t>& certificates, Transport transport) const {
  std::string identity(transport == Transport::kTcp ? "tcp" : "quic");
  for (const std::size_t index : certificates) {
    std::vector<std::string> names = options_.certificates[index]->names();
    std::ranges::sort(names);
    for (const std::string& name : names) identity += ' ' + name;
  }
  if (!clients_.empty()) identity += "\n" + clients_;
  return fingerprint(identity);
}

Result<TlsContexts::ContextPtr> TlsContexts::make_context(Transport transport) const {
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context) return openssl_failure("cannot make a TLS context");
  SSL_CTX* ctx = context.get();
  const bool only13 = transport == Transport::kQuic || options_.min_version == TlsVersion::kTls13;
  SSL_CTX_set_min_proto_version(ctx, only13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_max_early_data(ctx, 0);
  if (SSL_CTX_set_cipher_list(ctx, kTls12Ciphers) != 1 || SSL_CTX_set_ciphersuites(ctx, kTls13Ciphers) != 1 ||
      SSL_CTX_set1_groups_list(ctx, kGroups) != 1) {
    return openssl_failure("cannot set ciphers and groups");
  }
  // OpenSSL hands the argument back as void*; nothing is changed through it.
  void* self = const_cast<TlsContexts*>(this);
  const bool tcp = transport == Transport::kTcp;
  SSL_CTX_set_client_hello_cb(ctx, tcp ? Callbacks::on_tcp_hello : Callbacks::on_quic_hello, self);
  SSL_CTX_set_alpn_select_cb(ctx, tcp ? Callbacks::on_tcp_alpn : Callbacks::on_quic_alpn, self);
  SSL_CTX_set_cert_cb(ctx, Callbacks::on_certificate, self);
  use_tickets(ctx, transport);
  if (options_.client_auth != ClientAuth::kNone) {
    auto asks = client_verification::ask(ctx, options_.client_auth, *options_.client_ca);
    if (!asks) return std::unexpected(std::move(asks).error());
  }
  return context;
}

void TlsContexts::use_tickets(SSL_CTX* context, Transport transport) const {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (!options_.ticket_keys) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return;
  }
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_timeout(context, std::chrono::seconds(kTicketLifetime).count());
  SSL_CTX_set_app_data(context, options_.ticket_keys.get());
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, Callbacks::on_ticket);
  if (options_.early_data && transport == Transport::kTcp) take_early_data(context);
}

TlsStream::SslPtr TlsContexts::new_ssl() const {
  TlsStream::SslPtr ssl(SSL_new(tcp_.get()));
  if (ssl) SSL_set_accept_state(ssl.get());
  return ssl;
}

TlsStream::SslPtr TlsContexts::new_quic_ssl() const {
  TlsStream::SslPtr ssl(SSL_new(quic_.get()));
  if (ssl) SSL_set_accept_state(ssl.get());
  return ssl;
}

const TlsContexts::Identity* TlsContexts::find(std::string_view server_name) const {
  if (const auto exact = by_name_.find(server_name); exact != by_name_.end()) return &identities_[exact->second];
  return find_wildcard(server_name);
}

const TlsContexts::Identity* TlsContexts::find_wildcard(std::string_view server_name) const {
  const std::size_t dot = server_name.find('.');
  if (dot == std::string_view::npos || dot == 0) return nullptr;
  const auto wildcard = by_name_.find("*" + std::string(server_name.substr(dot)));
  return wildcard != by_name_.end() ? &identities_[wildcard->second] : nullptr;
}

const TlsContexts::Identity* TlsContexts::choose(std::string_view server_name) const {
  if (server_name.empty()) return &identities_.front();
  if (const Identity* found = find(server_name)) return found;
  return options_.unknown_sni == UnknownSni::kReject ? nullptr : &identities_.front();
}

std::vector<const Certificate*> TlsContexts::first_of_each_type(const Identity& identity, SSL* client) const {
  std::vector<const Certificate*> first;
  for (const std::size_t index : identity.certificates) {
    const Certificate* const candidate = options_.certificates[index].get();
    if (std::ranges::contains(first, candidate->key_type(), &Certificate::key_type)) continue;
    if (client == nullptr || candidate->suits(client)) first.push_back(candidate);
  }
  return first;
}

// Where the client can use none of them it gets what it would get otherwise, and OpenSSL ends the handshake.
bool TlsContexts::install(SSL* ssl, std::string_view server_name) const {
  const Identity* const chosen = choose(server_name);
  if (chosen == nullptr) return false;
  const Identity* const wildcard = find_wildcard(server_name);
  const bool has_other = wildcard != nullptr && wildcard != chosen;
  std::vector<const Certificate*> served;
  if (chosen->has_choice || has_other) served = first_of_each_type(*chosen, ssl);
  if (served.empty() && has_other) served = first_of_each_type(*wildcard, ssl);
  if (served.empty()) served = first_of_each_type(*chosen, nullptr);
  return std::ranges::all_of(served, [ssl](const Certificate* certificate) { return certificate->install(ssl); });
}

std::vector<std::shared_ptr<const Certificate>> TlsContexts::served_to(std::string_view server_name) const {
  std::vector<std::shared_ptr<const Certificate>> served;
  const Identity* identity = choose(server_name);
  if (identity == nullptr) return served;
  const auto first = first_of_each_type(*identity, nullptr);
  for (const std::size_t index : identity->certificates) {
    if (std::ranges::contains(first, options_.certificates[index].get()))
      served.push_back(options_.certificates[index]);
  }
  return served;
}

bool TlsContexts::lets_in_all_of(const TlsContexts* former) const {
  if (options_.client_auth == ClientAuth::kNone || this == former) return true;
  if (former == nullptr) return options_.client_auth != ClientAuth::kRequire;
  // Who has shown nothing is let in where nothing is required; who has shown something, by an anchor that is still there.
  const TlsOptions& before = former->options_;
  const bool stricter = options_.client_auth == ClientAuth::kRequire && before.client_auth != ClientAuth::kRequire;
  return !stricter && (before.client_auth == ClientAuth::kNone || options_.client_ca->has_all_of(*before.client_ca));
}

bool TlsContexts::misdirected(std::string_view server_name, std::string_view host) const {
  if (server_name.empty() || server_name == host) return false;
  const Identity* chosen = find(server_name);
  if (chosen == nullptr) chosen = &identities_.front();
  const Identity* wanted = find(host);
  if (wanted == nullptr || wanted == chosen) return false;
  return std::ranges::none_of(chosen->certificates,
                              [&](std::size_t index) { return options_.certificates[index]->covers(host); });
}

std::string server_name_of(const SSL* ssl) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? std::string() : normalised(name);
}

}  // namespace gatehouse
