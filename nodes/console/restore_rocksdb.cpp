#include "nodes/console/restore_rocksdb.hpp"

#include "supervision/replication/journal/journal_rocksdb.hpp"

namespace holdfast::console {

Result<> restore(const std::string& backup, const std::string& directory) {
  return replication::restore_backup(backup, directory);
}

}  // namespace holdfast::console
