// Learns one incident after the other, writes each number to its output once it is stored, and ends
// when it is killed. The arguments: the folder, and the first number.
#include <unistd.h>

#include <cstdlib>

#include "actors/agents/precedents/store_rocksdb.hpp"

int main(int argc, char** argv) {
  using namespace holdfast;
  using namespace holdfast::precedents;
  if (argc != 3) return 2;
  StoreSettings settings;
  settings.directory = argv[1];
  auto opened = StoreRocksdb::open(settings, {});
  if (!opened) return 1;
  Incident incident;
  incident.cause = FaultClass::kSlowDisk;
  for (incident.number = std::strtoull(argv[2], nullptr, 10);; ++incident.number) {
    if (!opened.value().store->learn(incident, ActionKind::kDrain, RemedyOutcome::kSucceeded,
                                     WallTime{1}))
      return 3;
    if (write(STDOUT_FILENO, &incident.number, sizeof incident.number) != sizeof incident.number)
      return 4;
  }
}
