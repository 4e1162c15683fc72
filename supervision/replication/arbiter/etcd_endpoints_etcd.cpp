#include "supervision/replication/arbiter/etcd_endpoints_etcd.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>

#include "messages/limits.hpp"

namespace holdfast::replication::etcd {

namespace {
constexpr int kReconnectMs = 50;            // first pause; gRPC's own default is a second
constexpr int kReconnectMsMax = 250;        // also how long one connect may take
constexpr int kReceiveBytesMax = 16 << 20;  // all records at once

static_assert(limits::kGroupsPerNodeMax * limits::kArbiterRecordBytesMax <= kReceiveBytesMax);

Error invalid(std::string text) { return {ErrorCode::kInvalid, std::move(text)}; }

Result<std::string> file_text(const std::string& path) {
  if (path.empty()) return std::string{};
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || text.str().empty())
    return Error{ErrorCode::kNotFound, "the file " + path + " of etcd's TLS can't be read"};
  return text.str();
}

/// "HOST:PORT" out of an endpoint as a person writes it.
Result<std::string> address_of(std::string text, bool tls) {
  for (const auto& [scheme, secure] : {std::pair<std::string, bool>{"http://", false},
                                       std::pair<std::string, bool>{"https://", true}}) {
    if (!text.starts_with(scheme)) continue;
    if (secure != tls)
      return invalid("etcd endpoint " + text +
                     (tls ? " is not https:// though a CA is configured"
                          : " is https:// but no CA is configured"));
    text.erase(0, scheme.size());
    if (!text.empty() && text.back() == '/') text.pop_back();
    break;
  }
  const auto colon = text.rfind(':');
  const bool port = colon != std::string::npos && colon > 0 && colon + 1 < text.size() &&
                    text.size() - colon <= 6 &&
                    text.find_first_not_of("0123456789", colon + 1) == std::string::npos;
  if (!port || text.find_first_of("/ \t") != std::string::npos)
    return invalid("etcd endpoint \"" + text + "\" is not HOST:PORT");
  return text;
}

/// Numeric addresses need no resolver, whose pauses are long.
std::string target_of(const std::string& address) {
  if (address.front() == '[') return "ipv6:" + address;
  return (address.find_first_not_of("0123456789.:") == std::string::npos ? "ipv4:" : "dns:///") +
         address;
}

Result<std::shared_ptr<grpc::ChannelCredentials>> credentials_of(const EtcdSettings& settings) {
  if (settings.ca_file.empty()) {
    if (!settings.certificate_file.empty() || !settings.key_file.empty())
      return invalid("etcd has a client certificate but no CA: without ca_file there is no TLS");
    return grpc::InsecureChannelCredentials();
  }
  if (settings.certificate_file.empty() != settings.key_file.empty())
    return invalid("etcd's certificate_file and key_file go together");
  const auto ca = file_text(settings.ca_file);
  const auto certificate = file_text(settings.certificate_file);
  const auto key = file_text(settings.key_file);
  for (const auto* text : {&ca, &certificate, &key})
    if (!text->ok()) return text->error();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = ca.value();
  options.pem_cert_chain = certificate.value();
  options.pem_private_key = key.value();
  return grpc::SslCredentials(options);
}

grpc::ChannelArguments arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kReconnectMsMax);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMsMax);
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, kReconnectMsMax);
  arguments.SetInt(GRPC_ARG_CLIENT_IDLE_TIMEOUT_MS, std::numeric_limits<int>::max());
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // not by what the environment says
  arguments.SetMaxReceiveMessageSize(kReceiveBytesMax);
  return arguments;
}
}  // namespace

Result<Endpoints> Endpoints::open(const EtcdSettings& settings) {
  if (settings.endpoints.empty()) return invalid("etcd has no endpoints");
  if (settings.endpoints.size() > limits::kArbiterEndpointsMax)
    return invalid(std::to_string(settings.endpoints.size()) + " etcd endpoints, at most " +
                   std::to_string(limits::kArbiterEndpointsMax));
  const auto credentials = credentials_of(settings);
  if (!credentials.ok()) return credentials.error();
  Endpoints endpoints;
  for (const auto& text : settings.endpoints) {
    const auto address = address_of(text, !settings.ca_file.empty());
    if (!address.ok()) return address.error();
    if (std::any_of(endpoints.list_.begin(), endpoints.list_.end(),
                    [&](const Endpoint& other) { return other.address == address.value(); }))
      return invalid("etcd endpoint " + address.value() + " is there twice");
    Endpoint endpoint;
    endpoint.address = address.value();
    endpoint.channel =
        grpc::CreateCustomChannel(target_of(address.value()), credentials.value(), arguments());
    endpoint.kv = pb::KV::NewStub(endpoint.channel);
    endpoint.watch = pb::Watch::NewStub(endpoint.channel);
    endpoint.auth = pb::Auth::NewStub(endpoint.channel);
    endpoints.list_.push_back(std::move(endpoint));
  }
  return endpoints;
}

void Endpoints::connect() {
  for (auto& endpoint : list_) endpoint.channel->GetState(true);
}

std::optional<std::size_t> Endpoints::ready_from(std::size_t start) {
  for (std::size_t i = 0; i < list_.size(); ++i) {
    const std::size_t at = (start + i) % list_.size();
    if (list_[at].channel->GetState(true) == GRPC_CHANNEL_READY) return at;
  }
  return std::nullopt;
}

gpr_timespec to_gpr(Clock::time_point t) {
  const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(t - Clock::now()).count();
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_nanos(std::max<int64_t>(left, 0), GPR_TIMESPAN));
}

std::unique_ptr<grpc::ClientContext> new_context(std::optional<Clock::time_point> deadline,
                                                 const std::string& token) {
  auto context = std::make_unique<grpc::ClientContext>();
  if (deadline) context->set_deadline(to_gpr(*deadline));
  if (!token.empty()) context->AddMetadata("token", token);
  return context;
}

}  // namespace holdfast::replication::etcd
