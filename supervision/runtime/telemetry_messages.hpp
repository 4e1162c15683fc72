// Declares the structs of telemetry as messages between actors of one process, apart from
// room_messages.hpp so that actors of the order path need not know them.
#pragma once

#include "messages/telemetry/feed.hpp"
#include "messages/telemetry/view.hpp"
#include "supervision/runtime/local_message.hpp"

HOLDFAST_LOCAL_MESSAGE(holdfast::telemetry::SharedBatch)
HOLDFAST_LOCAL_MESSAGE(holdfast::telemetry::SubscribeSamples)
HOLDFAST_LOCAL_MESSAGE(holdfast::telemetry::SubscribedSamples)
HOLDFAST_LOCAL_MESSAGE(holdfast::telemetry::UnsubscribeSamples)
HOLDFAST_LOCAL_MESSAGE(holdfast::telemetry::PublishSamples)
HOLDFAST_LOCAL_MESSAGE(holdfast::telemetry::TelemetryQuery)
HOLDFAST_LOCAL_MESSAGE(holdfast::telemetry::SharedView)
HOLDFAST_LOCAL_MESSAGE(holdfast::telemetry::OutsideSamples)
HOLDFAST_LOCAL_MESSAGE(holdfast::telemetry::OutsideTaken)
