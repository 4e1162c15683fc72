// Opens a journal for the configuration that a node starts with, or says why it can't be.
#pragma once

#include "messages/result.hpp"
#include "nodes/settings/settings.hpp"
#include "supervision/replication/journal/journal_rocksdb.hpp"

namespace holdfast::node {

/// Checks the number of shards and whose journal it is; a new one is marked with both. kInvalid
/// with what to do, kIo, kCorrupt. Before anything else is written to it.
Result<> fit_journal(replication::JournalRocksdb& journal, const settings::Settings& settings);

}  // namespace holdfast::node
