#include "supervision/replication/arbiter/etcd_watch_etcd.hpp"

namespace holdfast::replication::etcd {

void WatchStream::start(Endpoint& endpoint, grpc::CompletionQueue& queue,
                        const std::string& token) {
  context_ = new_context(std::nullopt, token);
  // Without this a member that lost its cluster keeps the stream open and says nothing.
  context_->AddMetadata("hasleader", "true");
  writing_ = true;  // until the call stands
  heard_ = Clock::now();
  stream_ = endpoint.watch->PrepareAsyncWatch(context_.get(), &queue);
  stream_->StartCall(owner_.tag([self = shared_from_this()](bool ok) { self->on_started(ok); }));
}

void WatchStream::on_started(bool ok) {
  if (!ok) return finish();
  pb::WatchRequest request;
  auto* create = request.mutable_create_request();
  create->set_key(key_);
  create->set_range_end(range_end_);
  create->set_start_revision(from_revision_);
  writing_ = true;
  stream_->Write(request,
                 owner_.tag([self = shared_from_this()](bool ok) { self->on_written(ok); }));
  read_next();
}

void WatchStream::on_written(bool ok) {
  writing_ = !ok;  // after a failed write nothing more can be written; the read fails too
}

void WatchStream::read_next() {
  stream_->Read(&response_,
                owner_.tag([self = shared_from_this()](bool ok) { self->on_read(ok); }));
}

void WatchStream::on_read(bool ok) {
  if (!ok) return finish();
  heard_ = Clock::now();
  if (response_.canceled()) {
    why_ = "etcd cancelled the watch: " + (response_.compact_revision() > 0
                                               ? std::string("its start was compacted away")
                                               : response_.cancel_reason());
    context_->TryCancel();
    return finish();
  }
  for (const auto& event : response_.events())
    if (!ended_ && event.type() == pb::Event::PUT) owner_.put(event.kv());
  read_next();
}

void WatchStream::ping() {
  if (writing_ || ended_) return;
  pb::WatchRequest request;
  request.mutable_progress_request();
  writing_ = true;
  stream_->Write(request,
                 owner_.tag([self = shared_from_this()](bool ok) { self->on_written(ok); }));
}

void WatchStream::cancel() {
  ended_ = true;
  context_->TryCancel();
}

void WatchStream::finish() {
  stream_->Finish(&status_, owner_.tag([self = shared_from_this()](bool) {
    self->end(self->why_.empty() ? self->status_.error_message() : self->why_);
  }));
}

void WatchStream::end(std::string why) {
  if (std::exchange(ended_, true)) return;
  owner_.ended(std::move(why));
}

}  // namespace holdfast::replication::etcd
