// Finds and reads the labelled series below a folder: CSV files with a label column, the Numenta
// benchmark with its windows, the server machine data with or without gzip. What can't be read is
// told with its reason and does not stop the rest.
#pragma once

#include <string>

#include "messages/result.hpp"
#include "nodes/score/series.hpp"

namespace holdfast::score {

/// Adds every `TimeStamp,Value,Label` CSV (.csv, .csv.gz) at any depth below `folder`.
Result<> read_labelled(const std::string& folder, Collection& collection);

/// Adds every `timestamp,value` CSV at any depth below `folder`/data (or `folder`), with the
/// windows of combined_windows.json in `folder`/labels or `folder`. A series that the file does not
/// name has no windows, and is told as unreadable so that nobody takes it for quiet.
Result<> read_nab(const std::string& folder, Collection& collection);

/// Adds every NAME.test_label.txt at any depth below `folder` with its NAME.test.csv[.gz] and,
/// where there is one, NAME.train.csv[.gz].
Result<> read_smd(const std::string& folder, Collection& collection);

}  // namespace holdfast::score
