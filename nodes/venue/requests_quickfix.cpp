#include "nodes/venue/requests_quickfix.hpp"

#include <optional>

namespace holdfast::exchange {

namespace {

// The body fields that any request uses, found in one pass; nullptr when absent.
struct Fields {
  const std::string* account = nullptr;
  const std::string* client_order_id = nullptr;
  const std::string* quantity = nullptr;
  const std::string* type = nullptr;
  const std::string* original_client_order_id = nullptr;
  const std::string* limit = nullptr;
  const std::string* side = nullptr;
  const std::string* symbol = nullptr;
  const std::string* time_in_force = nullptr;
  const std::string* secondary_order_id = nullptr;
  const std::string* mass_request_id = nullptr;
  const std::string* mass_request_type = nullptr;
  const std::string* status_request_id = nullptr;
};

Fields find_fields(const FIX::Message& message) {
  Fields f;
  for (const FIX::FieldBase& field : message) {
    const std::string* value = &field.getString();
    switch (field.getTag()) {
      case FIX::FIELD::Account:
        f.account = value;
        break;
      case FIX::FIELD::ClOrdID:
        f.client_order_id = value;
        break;
      case FIX::FIELD::OrderQty:
        f.quantity = value;
        break;
      case FIX::FIELD::OrdType:
        f.type = value;
        break;
      case FIX::FIELD::OrigClOrdID:
        f.original_client_order_id = value;
        break;
      case FIX::FIELD::Price:
        f.limit = value;
        break;
      case FIX::FIELD::Side:
        f.side = value;
        break;
      case FIX::FIELD::Symbol:
        f.symbol = value;
        break;
      case FIX::FIELD::TimeInForce:
        f.time_in_force = value;
        break;
      case FIX::FIELD::SecondaryClOrdID:
        f.secondary_order_id = value;
        break;
      case FIX::FIELD::MassStatusReqID:
        f.mass_request_id = value;
        break;
      case FIX::FIELD::MassStatusReqType:
        f.mass_request_type = value;
        break;
      case FIX::FIELD::OrdStatusReqID:
        f.status_request_id = value;
        break;
      default:
        break;
    }
  }
  return f;
}

const std::string& required(const std::string* value, int tag) {
  if (value == nullptr) throw FIX::FieldNotFound(tag);
  return *value;
}

IdText id(const std::string& value, int tag) {
  const auto text = IdText::parse(value);
  if (!text) throw FIX::IncorrectTagValue(tag, text.error().text);
  return text.value();
}

IdText required_id(const std::string* value, int tag) { return id(required(value, tag), tag); }

IdText optional_id(const std::string* value, int tag) {
  return value == nullptr ? IdText{} : id(*value, tag);
}

template <typename Number>
Number decimal(const std::string& value, int tag) {
  const auto number = Number::parse(value);
  if (!number) throw FIX::IncorrectDataFormat(tag, number.error().text);
  return number.value();
}

char code(const std::string& value, int tag) {
  if (value.size() != 1) throw FIX::IncorrectDataFormat(tag, "one character is expected");
  return value[0];
}

std::optional<TimeInForce> time_in_force_of(char c) {
  switch (c) {
    case '0':
      return TimeInForce::kDay;
    case '1':
      return TimeInForce::kGoodTillCancel;
    case '3':
      return TimeInForce::kImmediateOrCancel;
    case '4':
      return TimeInForce::kFillOrKill;
    default:
      return std::nullopt;
  }
}

char side_code(const Fields& f) {
  const char side = code(required(f.side, FIX::FIELD::Side), FIX::FIELD::Side);
  if (side < '1' || side > 'G') throw FIX::IncorrectTagValue(FIX::FIELD::Side);
  return side;
}

CancelRequest read_target(const Fields& f, const Origin& origin) {
  CancelRequest request;
  request.origin = origin;
  request.client_order_id = required_id(f.client_order_id, FIX::FIELD::ClOrdID);
  request.original_client_order_id =
      required_id(f.original_client_order_id, FIX::FIELD::OrigClOrdID);
  request.symbol = optional_id(f.symbol, FIX::FIELD::Symbol);
  if (f.side != nullptr) request.side_code = side_code(f);
  return request;
}

}  // namespace

NewOrderRequest read_new_order(const FIX::Message& message, const Origin& origin) {
  const Fields f = find_fields(message);
  NewOrderRequest request;
  request.origin = origin;
  request.client_order_id = required_id(f.client_order_id, FIX::FIELD::ClOrdID);
  request.secondary_order_id = optional_id(f.secondary_order_id, FIX::FIELD::SecondaryClOrdID);
  request.account = optional_id(f.account, FIX::FIELD::Account);
  request.symbol = required_id(f.symbol, FIX::FIELD::Symbol);
  request.side_code = side_code(f);
  if (request.side_code != '1' && request.side_code != '2' && request.side_code != '5')
    request.unsupported = "only Side 1, 2 and 5 are traded here";
  const char type = code(required(f.type, FIX::FIELD::OrdType), FIX::FIELD::OrdType);
  request.type = type == '1' ? OrderType::kMarket : OrderType::kLimit;
  if (type != '1' && type != '2') request.unsupported = "only OrdType 1 and 2 are traded here";
  const char force =
      f.time_in_force == nullptr ? '0' : code(*f.time_in_force, FIX::FIELD::TimeInForce);
  if (const auto known = time_in_force_of(force))
    request.time_in_force = *known;
  else
    request.unsupported = "only TimeInForce 0, 1, 3 and 4 are traded here";
  request.quantity =
      decimal<Quantity>(required(f.quantity, FIX::FIELD::OrderQty), FIX::FIELD::OrderQty);
  if (type == '2')
    request.limit = decimal<Price>(required(f.limit, FIX::FIELD::Price), FIX::FIELD::Price);
  return request;
}

CancelRequest read_cancel(const FIX::Message& message, const Origin& origin) {
  return read_target(find_fields(message), origin);
}

ReplaceRequest read_replace(const FIX::Message& message, const Origin& origin) {
  const Fields f = find_fields(message);
  ReplaceRequest request;
  request.target = read_target(f, origin);
  const char type = f.type == nullptr ? '2' : code(*f.type, FIX::FIELD::OrdType);
  request.type = type == '2' ? OrderType::kLimit : OrderType::kMarket;
  request.quantity =
      decimal<Quantity>(required(f.quantity, FIX::FIELD::OrderQty), FIX::FIELD::OrderQty);
  if (type == '2')
    request.limit = decimal<Price>(required(f.limit, FIX::FIELD::Price), FIX::FIELD::Price);
  return request;
}

StatusRequest read_status(const FIX::Message& message, const Origin& origin) {
  const Fields f = find_fields(message);
  StatusRequest request;
  request.origin = origin;
  request.client_order_id = required_id(f.client_order_id, FIX::FIELD::ClOrdID);
  request.request_id = optional_id(f.status_request_id, FIX::FIELD::OrdStatusReqID);
  request.symbol = optional_id(f.symbol, FIX::FIELD::Symbol);
  if (f.side != nullptr) request.side_code = side_code(f);
  return request;
}

MassStatusRequest read_mass_status(const FIX::Message& message, const Origin& origin) {
  const Fields f = find_fields(message);
  MassStatusRequest request;
  request.origin = origin;
  request.request_id = required_id(f.mass_request_id, FIX::FIELD::MassStatusReqID);
  const std::string& type = required(f.mass_request_type, FIX::FIELD::MassStatusReqType);
  if (type == "1")
    request.symbol = required_id(f.symbol, FIX::FIELD::Symbol);
  else if (type != "7")
    throw FIX::IncorrectTagValue(FIX::FIELD::MassStatusReqType, "1 and 7 are offered here");
  return request;
}

}  // namespace holdfast::exchange
