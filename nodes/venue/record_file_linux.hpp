// The file of the exchange's record: opened for appending, written whole lines at a time with
// write(2), so that what a report says is with the kernel before the report is with anybody. A kill
// of the exchange loses nothing of it; a power cut may.
#pragma once

#include <string>

#include "messages/result.hpp"
#include "nodes/venue/socket_linux.hpp"

namespace holdfast::exchange {

class RecordFile {
 public:
  /// Opens or makes `path`. A last line torn by an earlier crash of the machine is ended first.
  static Result<RecordFile> open(const std::string& path);
  RecordFile() = default;
  /// Writes `lines` and empties it. Throws std::runtime_error when the file can't take them.
  void write(std::string& lines);

 private:
  Descriptor file_;
  std::string path_;
};

}  // namespace holdfast::exchange
