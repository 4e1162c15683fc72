#include "nodes/venue/record_file_linux.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

namespace holdfast::exchange {

Result<RecordFile> RecordFile::open(const std::string& path) {
  RecordFile record;
  record.path_ = path;
  record.file_ = Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!record.file_.valid())
    return Error{ErrorCode::kIo, system_error("can't open the record " + path)};
  const off_t size = ::lseek(record.file_.get(), 0, SEEK_END);
  char last = '\n';
  if (size > 0 && ::pread(record.file_.get(), &last, 1, size - 1) != 1)
    return Error{ErrorCode::kIo, system_error("can't read the record " + path)};
  std::string newline = "\n";
  if (last != '\n') record.write(newline);
  return record;
}

void RecordFile::write(std::string& lines) {
  std::size_t written = 0;
  while (written < lines.size()) {
    const ssize_t n = ::write(file_.get(), lines.data() + written, lines.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      throw std::runtime_error(system_error("can't write the record " + path_) +
                               "; stopping, for what is not recorded must not happen");
    written += static_cast<std::size_t>(n);
  }
  lines.clear();
}

}  // namespace holdfast::exchange
