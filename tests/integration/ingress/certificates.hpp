// Certificates made on the spot, so that no test depends on files that expire.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "actors/ingress/client/transport.hpp"

namespace holdfast::ingress::tests {

/// A certificate authority in a folder of its own, which goes with it.
class Authority {
 public:
  explicit Authority(const std::string& name)
      : folder_(std::filesystem::temp_directory_path() /
                (name + "-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
    key_ = make_key();
    certificate_ = make(name, key_, nullptr);
    write(certificate_, path("ca"));
  }
  ~Authority() {
    std::filesystem::remove_all(folder_);
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  /// PEM files of an end signed by this authority that trusts `other` (or this one).
  client::TlsFiles issue(const std::string& name, const Authority* other = nullptr) {
    EVP_PKEY* key = make_key();
    X509* certificate = make(name, key, certificate_);
    write(certificate, path(name));
    FILE* file = std::fopen(path(name + "-key").c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return {path(name), path(name + "-key"), (other ? *other : *this).path("ca")};
  }
  std::string path(const std::string& name) const { return folder_ / (name + ".pem"); }

 private:
  static EVP_PKEY* make_key() { return EVP_EC_gen("P-256"); }
  static void write(X509* certificate, const std::string& path) {
    FILE* file = std::fopen(path.c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
  }
  X509* make(const std::string& name, EVP_PKEY* key, X509* issuer) {
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509* signer = issuer ? issuer : certificate;
    X509_set_issuer_name(certificate, X509_get_subject_name(signer));
    X509V3_CTX context;
    X509V3_set_ctx(&context, signer, certificate, nullptr, nullptr, 0);
    const auto extend = [&](int nid, const char* value) {
      X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
      X509_add_ext(certificate, extension, -1);
      X509_EXTENSION_free(extension);
    };
    extend(NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
    if (issuer) extend(NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    X509_sign(certificate, issuer ? key_ : key, EVP_sha256());
    return certificate;
  }

  std::filesystem::path folder_;
  EVP_PKEY* key_ = nullptr;
  X509* certificate_ = nullptr;
  long serial_ = 0;
};

}  // namespace holdfast::ingress::tests
