#include "proxy/gates/kerberos_acceptor.h"

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <format>
#include <string_view>
#include <utility>

namespace gatehouse {

struct KerberosAcceptor::Credential {
  Credential() = default;
  ~Credential() {
    OM_uint32 minor = 0;
    gss_release_cred(&minor, &handle);
  }
  Credential(const Credential&) = delete;
  Credential& operator=(const Credential&) = delete;

  gss_cred_id_t handle = GSS_C_NO_CREDENTIAL;
};

namespace {

constexpr std::string_view kNtlm{"NTLMSSP\0", 8};

// 1.3.6.1.5.5.2, which the headers do not name.
gss_OID_desc spnego() {
  static constexpr char kBytes[] = "\x2b\x06\x01\x05\x05\x02";
  return {.length = 6, .elements = const_cast<char*>(kBytes)};
}

class Context final : public Belonging {
 public:
  Context() = default;
  ~Context() override {
    OM_uint32 minor = 0;
    gss_delete_sec_context(&minor, &handle, GSS_C_NO_BUFFER);
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  gss_ctx_id_t handle = GSS_C_NO_CONTEXT;
};

// Of the library's, given back to it.
class OwnedBuffer {
 public:
  OwnedBuffer() = default;
  ~OwnedBuffer() {
    OM_uint32 minor = 0;
    gss_release_buffer(&minor, &buffer_);
  }
  OwnedBuffer(const OwnedBuffer&) = delete;
  OwnedBuffer& operator=(const OwnedBuffer&) = delete;

  gss_buffer_t out() { return &buffer_; }
  std::string text() const { return {static_cast<const char*>(buffer_.value), buffer_.length}; }

 private:
  gss_buffer_desc buffer_ = GSS_C_EMPTY_BUFFER;
};

class OwnedName {
 public:
  OwnedName() = default;
  ~OwnedName() {
    OM_uint32 minor = 0;
    gss_release_name(&minor, &name_);
  }
  OwnedName(const OwnedName&) = delete;
  OwnedName& operator=(const OwnedName&) = delete;

  gss_name_t* out() { return &name_; }
  std::string text() const {
    OM_uint32 minor = 0;
    OwnedBuffer shown;
    if (GSS_ERROR(gss_display_name(&minor, name_, shown.out(), nullptr)) != 0) return {};
    return shown.text();
  }

 private:
  gss_name_t name_ = GSS_C_NO_NAME;
};

gss_buffer_desc buffer_of(std::string& bytes) {
  return {.length = bytes.size(), .value = bytes.data()};
}

void add_status(std::string& text, OM_uint32 code, int kind) {
  OM_uint32 more = 0;
  do {
    OM_uint32 minor = 0;
    OwnedBuffer shown;
    if (GSS_ERROR(gss_display_status(&minor, code, kind, GSS_C_NO_OID, &more, shown.out())) != 0) return;
    const std::string words = shown.text();
    if (words == "Success") continue;  // of a mechanism that has nothing to add
    text.append(text.empty() ? "" : ": ").append(words);
  } while (more != 0);
}

// What GSSAPI says of it, and what Kerberos does.
std::string reason(OM_uint32 major, OM_uint32 minor) {
  std::string text;
  add_status(text, major, GSS_C_GSS_CODE);
  if (minor != 0) add_status(text, minor, GSS_C_MECH_CODE);
  return text;
}

AuthOutcome refused(std::string why) {
  AuthOutcome outcome;
  outcome.why = std::move(why);
  return outcome;
}

// It becomes the value of a field.
bool may_be_user(std::string_view name) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; };
  return !name.empty() && std::ranges::none_of(name, is_control);
}

}  // namespace

KerberosAcceptor::KerberosAcceptor(std::unique_ptr<Credential> credential, ChannelBinding binding)
    : credential_(std::move(credential)), binding_(binding) {}

KerberosAcceptor::~KerberosAcceptor() = default;

Result<std::shared_ptr<const KerberosAcceptor>> KerberosAcceptor::open(const std::string& keytab,
                                                                       ChannelBinding binding) {
  const std::string file = "FILE:" + keytab;
  gss_key_value_element_desc element{.key = "keytab", .value = file.c_str()};
  const gss_key_value_set_desc store{.count = 1, .elements = &element};
  std::array mechanisms = {*gss_mech_krb5, spnego()};
  gss_OID_set_desc wanted{.count = mechanisms.size(), .elements = mechanisms.data()};
  auto credential = std::make_unique<Credential>();
  OM_uint32 minor = 0;
  OM_uint32 major = gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &wanted, GSS_C_ACCEPT, &store,
                                          &credential->handle, nullptr, nullptr);
  if (GSS_ERROR(major) != 0) {
    return failure(std::format("cannot use the keytab {}: {}", keytab, reason(major, minor)));
  }
  // SPNEGO offers Kerberos and nothing else, whatever else this machine has.
  gss_OID_set_desc negotiated{.count = 1, .elements = mechanisms.data()};
  major = gss_set_neg_mechs(&minor, credential->handle, &negotiated);
  if (GSS_ERROR(major) != 0) {
    return failure(std::format("cannot negotiate with the keytab {}: {}", keytab, reason(major, minor)));
  }
  return std::make_shared<const KerberosAcceptor>(std::move(credential), binding);
}

AuthOutcome KerberosAcceptor::accept(Leg leg) const {
  if (leg.token.starts_with(kNtlm)) return refused("it is NTLM, which is not terminated here; see connection_auth");
  const bool bound = binding_ != ChannelBinding::kOff && !leg.server_end_point.empty();
  const bool must_be_bound = binding_ == ChannelBinding::kRequire;
  if (must_be_bound && !bound) return refused("channel_binding is required, and there is no TLS to be bound to");
  auto context =
      leg.before ? std::unique_ptr<Context>(static_cast<Context*>(leg.before.release())) : std::make_unique<Context>();
  std::string binding = "tls-server-end-point:" + leg.server_end_point;
  gss_channel_bindings_struct bindings{};
  bindings.application_data = buffer_of(binding);
  gss_buffer_desc input = buffer_of(leg.token);
  OwnedName client;
  OwnedBuffer output;
  OM_uint32 minor = 0;
  OM_uint32 flags = 0;
  const OM_uint32 major = gss_accept_sec_context(&minor, &context->handle, credential_->handle, &input,
                                                 bound ? &bindings : GSS_C_NO_CHANNEL_BINDINGS, client.out(), nullptr,
                                                 output.out(), &flags, nullptr, nullptr);
  if (GSS_ERROR(major) != 0) return refused(reason(major, minor));
  AuthOutcome outcome;
  outcome.token = output.text();
  if ((major & GSS_S_CONTINUE_NEEDED) != 0) {
    outcome.kind = AuthOutcome::Kind::kContinues;
    outcome.leg = std::move(context);
    return outcome;
  }
  if ((flags & GSS_C_ANON_FLAG) != 0) return refused("the client is anonymous to Kerberos");
  if (must_be_bound && (flags & GSS_C_CHANNEL_BOUND_FLAG) == 0) {
    return refused("channel_binding is required, and the client has not bound its ticket to this connection");
  }
  outcome.user = client.text();
  if (!may_be_user(outcome.user)) return refused("the name of the client is no text");
  outcome.kind = AuthOutcome::Kind::kAccepted;
  return outcome;
}

}  // namespace gatehouse
