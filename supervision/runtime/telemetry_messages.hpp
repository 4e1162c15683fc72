// Declares the structs of telemetry as messages between actors of one process, apart from
// room_messages.hpp so that actors of the order path need not know them.
#pragma once

#include "messages/telemetry/feed.hpp"
#include "supervision/runtime/local_message.hpp"

HOLDFAST_LOCAL_MESSAGE(holdfast::telemetry::SharedBatch)
HOLDFAST_LOCAL_MESSAGE(holdfast::telemetry::SubscribeSamples)
HOLDFAST_LOCAL_MESSAGE(holdfast::telemetry::SubscribedSamples)
HOLDFAST_LOCAL_MESSAGE(holdfast::telemetry::UnsubscribeSamples)
HOLDFAST_LOCAL_MESSAGE(holdfast::telemetry::PublishSamples)
