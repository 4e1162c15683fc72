# Samples of telemetry: a batch between two nodes, or from outside to the operator API (POST /v1/telemetry).
#
# Metrics are codes of the closed catalogue in messages/telemetry.hpp, domains those of its enumeration; times
# are nanoseconds since 1970, values in the catalogue's unit. Fields are only ever added.

@0xb7f3a2c94d51e806;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("holdfast::telemetry::wire");

struct Sample {
  metric @0 :UInt16;
  member @1 :UInt32;    # zero: none
  group @2 :UInt32;     # zero: the whole node
  instance @3 :Text;    # at most 48 bytes of printable ASCII
  at @4 :Int64;
  value @5 :Int64;
  trials @6 :UInt32;    # of a ratio; zero: not known
}

struct SampleBatch {
  domain @0 :UInt8;     # zero: of several domains (from outside)
  number @1 :UInt64;
  lost @2 :UInt64;      # dropped before this batch
  samples @3 :List(Sample);
}
