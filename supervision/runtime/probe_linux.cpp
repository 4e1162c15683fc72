#include "supervision/runtime/probe_linux.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace holdfast {

bool port_answers(const std::string& host, uint16_t port, Duration within) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return false;
  bool good = false;
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd >= 0) {
    good = connect(fd, found->ai_addr, found->ai_addrlen) == 0;
    if (!good && errno == EINPROGRESS) {
      pollfd waits{fd, POLLOUT, 0};
      int error = 0;
      socklen_t size = sizeof error;
      good = poll(&waits, 1, static_cast<int>(within.ms())) == 1 &&
             getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
    }
    close(fd);
  }
  freeaddrinfo(found);
  return good;
}

}  // namespace holdfast
