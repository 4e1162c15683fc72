#include "nodes/drill/network_linux.hpp"

namespace holdfast::drill {

Result<> Network::add(const std::string& from, const std::string& to, uint16_t listen,
                      uint16_t target) {
  const auto way = proxy_.add(listen, target);
  if (!way) return way.error();
  ways_[{from, to}] = way.value();
  return success();
}

void Network::set(const std::string& a, const std::string& b, bool there, bool back,
                  Duration delay) {
  if (const auto way = ways_.find({a, b}); way != ways_.end())
    proxy_.set(way->second, {there, back, delay});
  if (const auto way = ways_.find({b, a}); way != ways_.end())
    proxy_.set(way->second, {back, there, delay});
}

void Network::reset(const std::string& a, const std::string& b) {
  for (const auto& pair : {std::pair{a, b}, std::pair{b, a}})
    if (const auto way = ways_.find(pair); way != ways_.end()) proxy_.reset(way->second);
}

void Network::heal() {
  for (const auto& [pair, way] : ways_) proxy_.set(way, {});
}

}  // namespace holdfast::drill
