// A shard's whole state as a sequence of messages, and back.
#include <kj/exception.h>

#include "actors/orders/shard/shard_capnp.hpp"
#include "actors/orders/shard/shard_pages_capnp.hpp"
#include "actors/orders/shard/shard_stream_capnp.hpp"
#include "actors/risk/risk_capnp.hpp"

namespace holdfast::orders {

using replication::Bytes;
using replication::ByteView;

namespace {

void write_sweep(const Sweep& from, wire::Sweep::Builder to) {
  HOLDFAST_FIELDS_SWEEP(HOLDFAST_PUT_NUMBER, HOLDFAST_PUT_TEXT)
}
void read_sweep(wire::Sweep::Reader from, Sweep& to, Wrong& wrong) {
  HOLDFAST_FIELDS_SWEEP(HOLDFAST_TAKE_NUMBER, HOLDFAST_TAKE_TEXT)
}

constexpr uint64_t ShardCounters::*kCounters[] = {&ShardCounters::admitted,
                                                  &ShardCounters::refused,
                                                  &ShardCounters::anomalies,
                                                  &ShardCounters::late_fills,
                                                  &ShardCounters::overfills,
                                                  &ShardCounters::unsolicited,
                                                  &ShardCounters::duplicate_reports,
                                                  &ShardCounters::orphan_reports,
                                                  &ShardCounters::refused_risk_unavailable,
                                                  &ShardCounters::refused_deadline};

// ---- writing

// Calls make(first, count) for pieces of `total` rows.
template <typename Make>
void in_chunks(std::size_t total, Make make) {
  for (std::size_t first = 0; first < total; first += kPageRows)
    make(first, static_cast<unsigned>(std::min(kPageRows, total - first)));
}

void write_header(const ShardState& state, Bytes& out) {
  MessageWriter<wire::Chunk> message;
  auto h = message.root().initHeader();
  h.setShard(state.book.shard());
  h.setOrders(state.book.orders());
  h.setRequests(state.book.requests());
  h.setExecutions(state.book.executions());
  h.setEpoch(raw(state.last.epoch));
  h.setIndex(raw(state.last.index));
  h.setTime(raw(state.last.time));
  auto counters = h.initCounters(std::size(kCounters));
  for (unsigned i = 0; i < counters.size(); ++i) counters.set(i, state.counters.*kCounters[i]);
  if (state.reference)
    write_reference(state.book.shard(), state.reference_version, *state.reference,
                    h.initReference());
  auto links = h.initLinks(static_cast<unsigned>(state.links.size()));
  for (unsigned i = 0; i < links.size(); ++i) {
    const VenueLink& from = state.links[i];
    auto to = links[i];
    put_text(from.name, [&](unsigned n) { return to.initName(n); });
    to.setGroup(raw(from.group));
    to.setInFlightMax(from.in_flight_max);
    to.setInboxEpoch(raw(from.inbox.epoch));
    to.setInboxCursor(raw(from.inbox.cursor));
    to.setOutboxAcknowledged(raw(from.outbox.acknowledged()));
  }
  message.append_to(out);
}

void write_names(const ShardState& state, Bytes& out) {
  const OrderBookOfRecord& book = state.book;
  in_chunks(book.accounts(), [&](std::size_t first, unsigned count) {
    MessageWriter<wire::Chunk> message;
    auto rows = message.root().initAccounts(count);
    for (unsigned i = 0; i < count; ++i) {
      const AccountRecord& a = book.account(static_cast<Ref>(first + i + 1));
      put_text(a.name, [&](unsigned n) { return rows[i].initName(n); });
      rows[i].setReportsBefore(a.reports.first_kept().value - 1);
    }
    message.append_to(out);
  });
  in_chunks(book.symbols().size(), [&](std::size_t first, unsigned count) {
    MessageWriter<wire::Chunk> message;
    auto rows = message.root().initSymbols(count);
    for (unsigned i = 0; i < count; ++i)
      put_text(book.symbols().of(static_cast<Ref>(first + i + 1)),
               [&](unsigned n) { return rows.init(i, n); });
    message.append_to(out);
  });
  in_chunks(book.attributions().size(), [&](std::size_t first, unsigned count) {
    MessageWriter<wire::Chunk> message;
    auto rows = message.root().initAttributions(count);
    for (unsigned i = 0; i < count; ++i) {
      const Attribution& by = book.attributions().of(static_cast<Ref>(first + i + 1));
      put_text(by.algo, [&](unsigned n) { return rows[i].initAlgo(n); });
      put_text(by.trader, [&](unsigned n) { return rows[i].initTrader(n); });
      put_text(by.desk, [&](unsigned n) { return rows[i].initDesk(n); });
    }
    message.append_to(out);
  });
}

// One page in a message of its own, so that rows that did not change are the same message in the
// next snapshot. `init` gives the place of its bytes in the chunk.
template <typename Init>
void append_page(const PageWriter& page, Init init, Bytes& out) {
  MessageWriter<wire::Chunk> message;
  const auto rows = page.bytes();
  capnp::Data::Builder to = init(message.root(), static_cast<unsigned>(rows.size()));
  std::memcpy(to.begin(), rows.data(), rows.size());
  message.append_to(out);
}

void write_book(const OrderBookOfRecord& book, Bytes& out) {
  PageWriter page;
  in_chunks(book.requests(), [&](std::size_t first, unsigned count) {
    page.clear();
    RequestPage rows;
    for (unsigned i = 0; i < count; ++i)
      rows.put(book.request(static_cast<Ref>(first + i + 1)), page);
    append_page(
        page, [](auto chunk, unsigned n) { return chunk.initRequestPage(n); }, out);
  });
  in_chunks(book.orders(), [&](std::size_t first, unsigned count) {
    page.clear();
    OrderPage rows;
    for (unsigned i = 0; i < count; ++i) rows.put(book, static_cast<Ref>(first + i + 1), page);
    append_page(
        page, [](auto chunk, unsigned n) { return chunk.initOrderPage(n); }, out);
  });
  in_chunks(book.executions(), [&](std::size_t first, unsigned count) {
    page.clear();
    ExecutionPage rows;
    for (unsigned i = 0; i < count; ++i)
      rows.put(book.execution(static_cast<Ref>(first + i + 1)), page);
    append_page(
        page, [](auto chunk, unsigned n) { return chunk.initExecutionPage(n); }, out);
  });
  for (Ref account = 1; account <= book.accounts(); ++account) {
    const ReportStream& stream = book.account(account).reports;
    // Pages end at multiples of their size: they stay the same when the oldest reports go.
    for (ReportSeq at = stream.first_kept(); at <= stream.last();) {
      page.clear();
      ReportPage rows;
      do {
        rows.put(stream.at(at), stream.text_of(at), page);
        at.value += 1;
      } while (at <= stream.last() && at.value % kPageRows != 0);
      append_page(
          page,
          [&](auto chunk, unsigned n) {
            auto reports = chunk.initReportPage();
            reports.setAccount(account);
            return reports.initRows(n);
          },
          out);
    }
  }
}

void write_rest(const ShardState& state, Bytes& out) {
  for (const VenueLink& link : state.links)
    in_chunks(link.outbox.size(), [&](std::size_t first, unsigned count) {
      MessageWriter<wire::Chunk> message;
      auto outbox = message.root().initOutbox();
      outbox.setGroup(raw(link.group));
      auto items = outbox.initItems(count);
      for (unsigned i = 0; i < count; ++i)
        write(link.outbox.at({link.outbox.acknowledged().value + first + i + 1}), items[i]);
      message.append_to(out);
    });
  for (const Sweep& sweep : state.sweeps) {
    MessageWriter<wire::Chunk> message;
    auto to = message.root().initSweep();
    write_sweep(sweep, to);
    write(sweep.kill, to.initKill());
    auto left = to.initLeft(static_cast<unsigned>(sweep.left.size()));
    for (unsigned i = 0; i < left.size(); ++i) left.set(i, sweep.left[i]);
    message.append_to(out);
  }
  {
    MessageWriter<wire::Chunk> message;
    risk::write(state.risk, message.root().initRisk());
    message.append_to(out);
  }
  MessageWriter<wire::Chunk> message;
  message.root().setEnd();
  message.append_to(out);
}

// ---- reading

// Takes chunks in their order; `wrong` holds the first thing that does not fit.
class StateReader {
 public:
  explicit StateReader(ShardState& state) : state_(state) {}

  void take_chunk(wire::Chunk::Reader chunk) {
    if (!header_ && !chunk.isHeader()) return wrong.say("header", "is not first");
    switch (chunk.which()) {
      case wire::Chunk::HEADER:
        return header(chunk.getHeader());
      case wire::Chunk::ACCOUNTS:
        return accounts(chunk.getAccounts());
      case wire::Chunk::SYMBOLS:
        return symbols(chunk.getSymbols());
      case wire::Chunk::ATTRIBUTIONS:
        return attributions(chunk.getAttributions());
      case wire::Chunk::ORDERS:
        for (const auto row : chunk.getOrders()) order(row);
        return;
      case wire::Chunk::REQUESTS:
        for (const auto row : chunk.getRequests()) request(row);
        return;
      case wire::Chunk::EXECUTIONS:
        for (const auto row : chunk.getExecutions()) execution(row);
        return;
      case wire::Chunk::REPORTS:
        return reports(chunk.getReports());
      case wire::Chunk::OUTBOX:
        return outbox(chunk.getOutbox());
      case wire::Chunk::SWEEP:
        return sweep(chunk.getSweep());
      case wire::Chunk::RISK:
        return risk(chunk.getRisk());
      case wire::Chunk::END:
        return end();
      case wire::Chunk::ORDER_PAGE:
        return order_page(chunk.getOrderPage());
      case wire::Chunk::REQUEST_PAGE:
        return request_page(chunk.getRequestPage());
      case wire::Chunk::EXECUTION_PAGE:
        return execution_page(chunk.getExecutionPage());
      case wire::Chunk::REPORT_PAGE:
        return report_page(chunk.getReportPage());
    }
    wrong.say("chunk", "of a kind that this build does not know");
  }

  bool ended() const { return ended_; }
  Wrong wrong;

 private:
  OrderBookOfRecord& book() { return state_.book; }
  void within(const char* field, uint64_t ref, uint64_t size) {
    if (ref > size)
      wrong.say(field, "names " + std::to_string(ref) + " of " + std::to_string(size));
  }
  void named(const char* field, uint64_t ref, uint64_t size) {
    if (ref == 0) wrong.say(field, "is missing");
    within(field, ref, size);
  }

  void header(wire::Header::Reader h) {
    if (header_) return wrong.say("header", "comes twice");
    header_ = true;
    orders_ = h.getOrders();
    requests_ = h.getRequests();
    executions_ = h.getExecutions();
    if (orders_ > limits::kOrdersPerShardMax || requests_ > limits::kOrdersPerShardMax ||
        executions_ >= UINT32_MAX || h.getShard() >= limits::kShardsMax)
      return wrong.say("header", "beyond the bounds of a shard");
    book().name_shard(h.getShard());
    state_.last = {{h.getEpoch()}, {h.getIndex()}, {h.getTime()}};
    for (unsigned i = 0; i < h.getCounters().size() && i < std::size(kCounters); ++i)
      state_.counters.*kCounters[i] = h.getCounters()[i];
    for (const auto from : h.getLinks()) {
      if (state_.links.size() >= limits::kVenuesMax) return wrong.say("links", "too many");
      VenueLink& to = state_.links.emplace_back();
      take(from.getName(), to.name, "name", wrong);
      to.group = {from.getGroup()};
      to.in_flight_max = from.getInFlightMax();
      to.inbox.epoch = {from.getInboxEpoch()};
      to.inbox.cursor = {from.getInboxCursor()};
      to.outbox.restore({from.getOutboxAcknowledged()});
      state_.venue_names.push_back(to.name);
    }
    if (h.hasReference()) {
      state_.reference_version = h.getReference().getVersion();
      state_.reference = read_reference(h.getReference(), wrong);
      if (!wrong.any()) state_.adopt_reference();
    }
    // As far as the bytes can hold so many: a header that lies reserves nothing.
    constexpr uint64_t kReserveMax = 1u << 20;
    book().reserve(std::min(orders_, kReserveMax), std::min(requests_, kReserveMax),
                   std::min(executions_, kReserveMax));
  }
  void accounts(capnp::List<wire::AccountRow>::Reader rows) {
    for (const auto row : rows) {
      Account name;
      take(row.getName(), name, "account", wrong);
      if (book().accounts() >= limits::kAccountsMax) wrong.say("accounts", "too many");
      if (wrong.any()) return;
      if (book().account_of(name) != 0) return wrong.say("account", "comes twice");
      if (row.getReportsBefore() > UINT64_MAX / 2) return wrong.say("reports", "too many");
      book().account(book().intern_account(name)).reports.restore({row.getReportsBefore()});
    }
  }
  void symbols(capnp::List<capnp::Text>::Reader rows) {
    for (const auto row : rows) {
      Symbol symbol;
      take(row, symbol, "symbol", wrong);
      if (book().symbols().find(symbol) != 0) wrong.say("symbol", "comes twice");
      if (wrong.any()) return;
      book().symbols().intern(symbol);
    }
  }
  void attributions(capnp::List<wire::AttributionRow>::Reader rows) {
    for (const auto row : rows) {
      Attribution by;
      take(row.getAlgo(), by.algo, "algo", wrong);
      take(row.getTrader(), by.trader, "trader", wrong);
      take(row.getDesk(), by.desk, "desk", wrong);
      if (book().attributions().find(by) != 0) wrong.say("attribution", "comes twice");
      if (wrong.any()) return;
      book().attributions().intern(by);
    }
  }
  // ---- rows as they come in a page
  void order_page(capnp::Data::Reader bytes) {
    PageReader from(bytes, wrong);
    OrderPage page;
    while (!from.at_end()) {
      std::size_t count = 0;
      while (count < ahead_.size() && !from.at_end() && page.take(from, ahead_[count]))
        book().expect(ahead_[count++].record);
      for (std::size_t i = 0; i < count; ++i) add(ahead_[i]);
    }
  }
  void request_page(capnp::Data::Reader bytes) {
    PageReader from(bytes, wrong);
    RequestPage page;
    RequestRecord r;
    while (!from.at_end() && page.take(from, r)) add(r);
  }
  void execution_page(capnp::Data::Reader bytes) {
    PageReader from(bytes, wrong);
    ExecutionPage page;
    std::array<ExecutionRecord, 16> ahead;
    while (!from.at_end()) {
      std::size_t count = 0;
      while (count < ahead.size() && !from.at_end() && page.take(from, ahead[count]))
        book().expect(ahead[count++]);
      for (std::size_t i = 0; i < count; ++i) add(ahead[i]);
    }
  }
  void report_page(wire::ReportPage::Reader rows) {
    named("account", rows.getAccount(), book().accounts());
    PageReader from(rows.getRows(), wrong);
    ReportPage page;
    ReportRecord r;
    ReasonText text;
    while (!from.at_end() && page.take(from, r, text)) add(rows.getAccount(), r, text);
  }

  // ---- rows as earlier builds wrote them
  void order(wire::OrderRow::Reader row) {
    if (wrong.any()) return;
    order_.record = OrderRecord();
    order_.text = {};
    read(row, order_.record, wrong);
    if (row.getSteps().size() > OrderBookOfRecord::kStepsMax) return wrong.say("steps", "too many");
    order_.steps = 0;
    for (const auto from : row.getSteps()) read(from, order_.step[order_.steps++], wrong);
    if (row.hasText()) take(row.getText(), order_.text, "text", wrong);
    add(order_);
  }
  void request(wire::RequestRow::Reader row) {
    if (wrong.any()) return;
    RequestRecord r;
    read(row, r, wrong);
    add(r);
  }
  void execution(wire::ExecutionRow::Reader row) {
    if (wrong.any()) return;
    ExecutionRecord e;
    read(row, e, wrong);
    add(e);
  }
  void reports(wire::Reports::Reader from) {
    named("account", from.getAccount(), book().accounts());
    for (const auto row : from.getRows()) {
      if (wrong.any()) return;
      ReportRecord r;
      read(row, r, wrong);
      ReasonText text;
      if (row.hasText()) take(row.getText(), text, "text", wrong);
      add(from.getAccount(), r, text);
    }
  }

  // ---- into the book, when every reference leads somewhere
  void add(const OrderInPage& row) {
    const OrderRecord& o = row.record;
    named("account", o.account, book().accounts());
    named("symbol", o.symbol, book().symbols().size());
    named("attribution", o.attribution, book().attributions().size());
    within("venue", o.venue, state_.links.size());
    within("confirmed request", o.confirmed_request, requests_);
    within("pending request", o.pending_request, requests_);
    within("deferred request", o.deferred_request, requests_);
    if (o.admitted && o.venue == 0) wrong.say("venue", "of a routed order is missing");
    if (o.facts.state < OrderState::kRouted) wrong.say("state", "of an order in the making");
    if (book().orders() >= orders_) wrong.say("orders", "more than the header says");
    for (unsigned i = 0; i < row.steps; ++i)
      within("step's request", row.step[i].request, requests_);
    if (wrong.any()) return;
    const Ref ref = book().restore_order(o, std::span(row.step).first(row.steps));
    if (ref == 0) return wrong.say("clientOrderId", "comes twice");
    if (!row.text.empty()) book().set_text(ref, row.text);
    if (o.admitted && !o.facts.acknowledged && !is_terminal(o.facts.state))
      state_.links[o.venue - 1u].unanswered += 1;
    if (o.facts.state == OrderState::kUnknown) state_.unknown += 1;
  }
  void add(const RequestRecord& r) {
    named("account", r.account, book().accounts());
    within("order", r.order, orders_);
    within("symbol", r.symbol, book().symbols().size());
    if (book().requests() >= requests_) wrong.say("requests", "more than the header says");
    if (wrong.any()) return;
    if (!r.client_order_id.empty() &&
        book().find(book().account(r.account).name, r.client_order_id))
      return wrong.say("clientOrderId", "comes twice");
    book().add_request(r);
  }
  void add(const ExecutionRecord& e) {
    named("order", e.order, book().orders());
    if (book().executions() >= executions_) wrong.say("executions", "more than the header says");
    if (wrong.any()) return;
    if (book().find_execution({e.key_high, e.key_low}) != 0)
      return wrong.say("execution", "comes twice");
    book().add_execution(e);
  }
  void add(Ref account, const ReportRecord& r, const ReasonText& text) {
    named("order", r.order, book().orders());
    within("request", r.request, book().requests());
    if (!wrong.any()) book().add_report(account, r, text);
  }
  void outbox(wire::Outbox::Reader from) {
    VenueLink* link = state_.link({from.getGroup()});
    if (!link) return wrong.say("outbox", "of a group that no venue has");
    for (const auto item : from.getItems()) {
      VenueRequest request;
      read(item, request, wrong);
      if (link->outbox.full()) wrong.say("outbox", "too many items");
      if (wrong.any()) return;
      link->outbox.push(request);
    }
  }
  void sweep(wire::Sweep::Reader from) {
    Sweep& to = state_.sweeps.emplace_back();
    read_sweep(from, to, wrong);
    read(from.getKill(), to.kill, wrong);
    within("request", to.request, book().requests());
    for (const uint32_t ref : from.getLeft()) {
      named("order", ref, book().orders());
      if (wrong.any()) return;
      if (!book().order(ref).admitted) return wrong.say("order", "of a sweep was never routed");
      to.left.push_back(ref);
    }
  }
  void risk(risk::wire::State::Reader from) {
    auto state = risk::read_state(from);
    if (state)
      state_.risk = std::move(state).value();
    else
      wrong.say("risk", state.error().text);
    risk_ = true;
  }
  void end() {
    ended_ = true;
    if (!risk_) wrong.say("risk", "is missing");
    if (book().orders() != orders_ || book().requests() != requests_ ||
        book().executions() != executions_)
      wrong.say("header", "counts other rows than there are");
  }

  ShardState& state_;
  bool header_ = false, risk_ = false, ended_ = false;
  OrderInPage order_;  // in the making
  std::array<OrderInPage, 8> ahead_;
  uint64_t orders_ = 0, requests_ = 0, executions_ = 0;
};

}  // namespace

void ShardCodec::encode_state(const ShardState& state, Bytes& out) const {
  write_header(state, out);
  write_names(state, out);
  write_book(state.book, out);
  write_rest(state, out);
}

Result<> ShardCodec::decode_state(ByteView bytes, ShardState& out) const {
  const auto corrupt = [](const std::string& why) {
    return Error{ErrorCode::kCorrupt, "order shard snapshot: " + why};
  };
  try {
    out = ShardState();
    const AlignedWords words(bytes);
    StateReader reader(out);
    auto rest = words.get();
    while (!reader.ended()) {
      if (rest.size() == 0) return corrupt("ends too early");
      capnp::FlatArrayMessageReader message(rest, reader_options(rest.size() * 8));
      reader.take_chunk(message.getRoot<wire::Chunk>());
      if (reader.wrong.any()) return corrupt(reader.wrong.text());
      rest = kj::arrayPtr(message.getEnd(), rest.end());
    }
    if (rest.size() != 0 || bytes.size() % sizeof(capnp::word) != 0)
      return corrupt("goes on after its end");
    return success();
  } catch (const kj::Exception& e) {
    return corrupt(std::string("malformed message: ") + e.getDescription().cStr());
  }
}

void ShardCodec::cut_state(ByteView bytes, std::vector<std::size_t>& cuts) const {
  const AlignedWords words(bytes);
  for (auto rest = words.get(); rest.size() != 0;) {
    cuts.push_back(bytes.size() - rest.size() * sizeof(capnp::word));
    const std::size_t size = capnp::expectedSizeInWordsFromPrefix(rest);
    if (size > rest.size()) return;
    rest = rest.slice(size, rest.size());
  }
}

}  // namespace holdfast::orders
