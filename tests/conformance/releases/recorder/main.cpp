// Makes the files that conformance_releases reads: what a journal holds, for each group its
// entries, each behind its length, and its latest snapshot's position, chain and state; or a frame
// of every kind, as this build writes them.
#include <cstdio>
#include <fstream>
#include <string_view>

#include "supervision/replication/journal/journal_rocksdb.hpp"
#include "tests/unit/replication_capnp/stream_samples.hpp"

using namespace holdfast;
using namespace holdfast::replication;

namespace {

template <typename T>
void put(std::ofstream& file, T number) {
  file.write(reinterpret_cast<const char*>(&number), sizeof number);
}
void put(std::ofstream& file, ByteView bytes) {
  put(file, static_cast<uint32_t>(bytes.size()));
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

Result<> record(const std::string& journal, const std::string& folder) {
  auto opened = JournalRocksdb::open({.directory = journal, .create = false});
  if (!opened) return opened.error();
  auto extents = opened.value()->extents();
  if (!extents) return extents.error();
  for (const auto& extent : extents.value()) {
    const std::string name = folder + "/group-" + std::to_string(extent.group.value);
    std::ofstream entries(name + ".entries", std::ios::binary);
    auto read = opened.value()->read(extent.group, {1}, [&](Index, ByteView bytes) -> Result<> {
      put(entries, bytes);
      return success();
    });
    if (!read) return read;
    auto snapshot = opened.value()->latest_snapshot(extent.group);
    if (!snapshot) return snapshot.error();
    if (!snapshot.value()) continue;
    std::ofstream state(name + ".snapshot", std::ios::binary);
    put(state, snapshot.value()->at.epoch.value);
    put(state, snapshot.value()->at.index.value);
    put(state, snapshot.value()->at.time.ns);
    put(state, snapshot.value()->chain.high);
    put(state, snapshot.value()->chain.low);
    put(state, ByteView(snapshot.value()->state));
    std::printf("group %u: entries %llu to %llu, snapshot of %llu\n", extent.group.value,
                static_cast<unsigned long long>(extent.first.value),
                static_cast<unsigned long long>(extent.last.value),
                static_cast<unsigned long long>(snapshot.value()->at.index.value));
  }
  return success();
}

Result<> record_frames(const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  for (const Frame& frame : replication::tests::sample_frames()) {
    const Bytes bytes = replication::tests::encoded(frame);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  if (!file.flush()) return Error{ErrorCode::kIo, "can't write " + path};
  return success();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  Result<> done = success();
  if (what == "journal" && argc == 4) {
    done = record(argv[2], argv[3]);
  } else if (what == "frames" && argc == 3) {
    done = record_frames(argv[2]);
  } else {
    std::printf("usage: conformance_releases_recorder journal DIRECTORY FOLDER | frames FILE\n");
    return what == "--help" ? 0 : 2;
  }
  if (!done) std::fprintf(stderr, "%s\n", done.error().text.c_str());
  return done ? 0 : 1;
}
