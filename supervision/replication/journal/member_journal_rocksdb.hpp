// MemberJournal on the node's journal: appends share the turn's one write with all groups.
#pragma once

#include "supervision/replication/journal/journal_rocksdb.hpp"
#include "supervision/replication/journal/member_journal.hpp"

namespace holdfast::replication {

/// The journal and the appender must outlive it; at most one a group and appender.
std::unique_ptr<MemberJournal> make_member_journal(JournalRocksdb& journal,
                                                   JournalAppender& appender, GroupId group,
                                                   Durability durability);

}  // namespace holdfast::replication
