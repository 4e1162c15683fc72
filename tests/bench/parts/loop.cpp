// The hop between two actors of one hot loop: what cutting the shard at risk and routing costs.
#include "supervision/runtime/actor.hpp"
#include "supervision/runtime/hot_loop_linux.hpp"
#include "supervision/runtime/local_message.hpp"
#include "supervision/runtime/system_actor.hpp"
#include "tests/bench/parts/part.hpp"

namespace holdfast::bench {
struct Ball {
  uint64_t hops = 0;
};
}  // namespace holdfast::bench
HOLDFAST_LOCAL_MESSAGE(holdfast::bench::Ball)

namespace holdfast::bench {
namespace {

class HopPart final : public Part {
 public:
  HopPart() {
    for (auto* side : {&left_, &right_})
      *side = spawn_function_on(system_, loop_, [this](LoopActor* self) {
        return Behavior{[this, self](const Ball& ball) {
          hops_ += 1;
          if (ball.hops > 1) self->send(hops_ % 2 == 0 ? left_ : right_, Ball{ball.hops - 1});
        }};
      });
    loop_.turn();
  }
  ~HopPart() override {
    left_ = right_ = nullptr;
    loop_.close();
  }
  void run(std::size_t n) override {
    hops_ = 0;
    loop_.enter([&] { anon_send(left_, Ball{n}); });
    while (hops_ < n) loop_.turn();
  }

 private:
  ActorSystem system_;
  HotLoop loop_;
  ActorHandle left_, right_;
  uint64_t hops_ = 0;
};

const bool kRegistered = add_part({"loop_hop", "a message from one actor to another of its loop",
                                   64, [] { return std::make_unique<HopPart>(); }});

}  // namespace
}  // namespace holdfast::bench
