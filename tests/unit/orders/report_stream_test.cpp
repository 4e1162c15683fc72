// Packed reports answer as unpacked ones would: the oracle keeps records as they are.
#include "actors/orders/report_stream.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <vector>

namespace holdfast::orders {
namespace {

/// Records as they come, and of all sorts: small, large, negative, wide, equal to each other.
class Records {
 public:
  explicit Records(uint64_t seed) : random_(seed) {}

  ReportRecord next() {
    ReportRecord r;
    r.order = static_cast<Ref>(wide() >> (32 + pick(32)));
    r.request = pick(2) ? static_cast<Ref>(wide() >> (32 + pick(32))) : 0;
    r.type = static_cast<ExecType>(pick(12));
    r.state = static_cast<OrderState>(pick(16));
    r.reason = pick(3) ? Reason::kNone : static_cast<Reason>(pick(300));
    r.price.units = amount();
    r.quantity.units = amount();
    r.cumulative.units = pick(2) ? r.quantity.units : amount();
    r.leaves.units = pick(2) ? r.quantity.units : amount();
    r.last_quantity.units = pick(2) ? r.cumulative.units : amount();
    r.last_price.units = pick(2) ? r.price.units : amount();
    r.time.ns = time_ += static_cast<int64_t>(wide() >> (20 + pick(44)));
    if (pick(50) == 0) r.time.ns = static_cast<int64_t>(wide());
    r.exec_id =
        ExecId(std::string(pick(limits::kVenueTextBytes + 1), static_cast<char>('A' + pick(26))));
    return r;
  }
  uint64_t pick(uint64_t below) { return random_() % below; }

 private:
  uint64_t wide() { return random_(); }
  int64_t amount() {
    switch (pick(7)) {
      case 0:
        return 0;
      case 1:
        return static_cast<int64_t>(pick(1'000)) * kScale;
      case 2:
        return static_cast<int64_t>(pick(1'000'000)) * 1'000'000;
      case 3:
        return -static_cast<int64_t>(pick(1'000'000)) * 10'000;
      case 4:
        return std::numeric_limits<int64_t>::min() + static_cast<int64_t>(pick(3));
      case 5:
        return std::numeric_limits<int64_t>::max() - static_cast<int64_t>(pick(3));
      default:
        return static_cast<int64_t>(wide());
    }
  }
  std::mt19937_64 random_;
  int64_t time_ = 1'700'000'000'000'000'000;
};

void expect_equal(const ReportStream& stream, const std::vector<ReportRecord>& all,
                  uint64_t before) {
  for (ReportSeq at = stream.first_kept(); at <= stream.last(); ++at.value)
    ASSERT_EQ(stream.at(at), all[at.value - before - 1]) << "report " << at.value;
}

TEST(ReportStream, GivesBackWhatItWasGiven) {
  Records records(1);
  for (const uint64_t before : {0, 1, 62, 63, 64, 1'000'003}) {
    ReportStream stream;
    stream.restore({before});
    std::vector<ReportRecord> all;
    for (int i = 0; i < 300; ++i) {
      all.push_back(records.next());
      EXPECT_EQ(stream.push(all.back(), {}).value, before + all.size());
      ASSERT_EQ(stream.at(stream.last()), all.back());
    }
    EXPECT_EQ(stream.first_kept().value, before + 1);
    EXPECT_EQ(stream.kept(), all.size());
    expect_equal(stream, all, before);
  }
}

TEST(ReportStream, GivesBackTheNewestWhenTheOldestWentMoreThanOnceRound) {
  Records records(2);
  for (const uint64_t before : {0, 37}) {
    ReportStream stream;
    stream.restore({before});
    std::vector<ReportRecord> all;
    for (std::size_t i = 0; i < limits::kReportsKeptPerAccount * 5 / 2 + 11; ++i) {
      all.push_back(records.next());
      stream.push(all.back(), records.pick(500) ? ReasonText() : ReasonText("why"));
      // The oldest is the first that the circle would overwrite.
      const uint64_t oldest = stream.first_kept().value;
      ASSERT_EQ(stream.at({oldest}), all[oldest - before - 1]);
    }
    EXPECT_EQ(stream.kept(), limits::kReportsKeptPerAccount);
    EXPECT_EQ(stream.first_kept().value, stream.last().value - stream.kept() + 1);
    EXPECT_GE(stream.texts().begin()->first, stream.first_kept().value);
    expect_equal(stream, all, before);
  }
}

TEST(ReportStream, RefusesWhatItDoesNotKeep) {
  ReportStream stream;
  stream.restore({10});
  EXPECT_THROW(stream.at({10}), CheckFailed);
  stream.push({}, {});
  EXPECT_NO_THROW(stream.at({11}));
  EXPECT_THROW(stream.at({10}), CheckFailed);
  EXPECT_THROW(stream.at({12}), CheckFailed);
}

TEST(ReportStream, TakesLittleForACommonReport) {
  ReportStream stream;
  ReportRecord r;
  r.type = ExecType::kTrade;
  r.state = OrderState::kFilled;
  r.price = r.last_price = Price::parse("150.25").value();
  r.quantity = r.cumulative = r.last_quantity = Quantity::whole(300);
  r.exec_id = ExecId("XSIM-1234567");
  constexpr uint64_t kReports = 10'000;
  for (uint64_t i = 0; i < kReports; ++i) {
    r.order = static_cast<Ref>(50'000 + i);
    r.time.ns = static_cast<int64_t>(1'700'000'000'000'000'000 + i * 1'000'000);
    stream.push(r, {});
  }
  EXPECT_LT(stream.bytes(), kReports * 48);
}

}  // namespace
}  // namespace holdfast::orders
