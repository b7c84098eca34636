//! Counts the cost of a request: calls to AWS, and round trips. Concurrent calls are one round trip.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// The counters of one process, which serves one request at a time.
#[derive(Debug, Default)]
pub struct Meter {
    dynamodb: Service,
    other: Service,
    capacity: AtomicU64,
    write_capacity: AtomicU64,
}

#[derive(Debug, Default)]
struct Service {
    calls: AtomicU32,
    attempts: AtomicU32,
    round_trips: AtomicU32,
    in_flight: AtomicU32,
}

/// Counts since the last [`Meter::take`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Number of calls to DynamoDB.
    pub dynamodb_calls: u32,
    /// Number of waits for one or more calls to DynamoDB.
    pub dynamodb_round_trips: u32,
    /// Number of HTTP requests to DynamoDB, including retries.
    pub dynamodb_attempts: u32,
    /// Consumed capacity units, as DynamoDB reports them.
    pub dynamodb_capacity: f64,
    /// The part of them that writes consumed.
    pub dynamodb_write_capacity: f64,
    /// Number of calls to all other AWS services.
    pub aws_calls: u32,
    /// Number of waits for one or more of those calls.
    pub aws_round_trips: u32,
    /// Number of HTTP requests to them, including retries.
    pub aws_attempts: u32,
}

impl Meter {
    /// Adds consumed capacity units of a read.
    pub fn consumed(&self, units: f64) {
        self.capacity.fetch_add(tenths(units), Ordering::Relaxed);
    }

    /// Adds consumed capacity units of a write.
    pub fn written(&self, units: f64) {
        self.consumed(units);
        self.write_capacity.fetch_add(tenths(units), Ordering::Relaxed);
    }

    /// Returns the counts and resets them.
    pub fn take(&self) -> Tally {
        let zero = |counter: &AtomicU32| counter.swap(0, Ordering::Relaxed);
        let units = |tenths: &AtomicU64| tenths.swap(0, Ordering::Relaxed) as f64 / 10.0;
        // A cancelled call never reports its end.
        zero(&self.dynamodb.in_flight);
        zero(&self.other.in_flight);
        Tally {
            dynamodb_calls: zero(&self.dynamodb.calls),
            dynamodb_round_trips: zero(&self.dynamodb.round_trips),
            dynamodb_attempts: zero(&self.dynamodb.attempts),
            dynamodb_capacity: units(&self.capacity),
            dynamodb_write_capacity: units(&self.write_capacity),
            aws_calls: zero(&self.other.calls),
            aws_round_trips: zero(&self.other.round_trips),
            aws_attempts: zero(&self.other.attempts),
        }
    }
}

/// Units are stored in tenths, because DynamoDB counts in halves.
fn tenths(units: f64) -> u64 {
    (units * 10.0).round().max(0.0) as u64
}

/// Interceptor for a client, which counts all of its calls.
#[derive(Clone, Debug)]
pub struct Counting {
    meter: Arc<Meter>,
    dynamodb: bool,
}

impl Counting {
    /// Creates the interceptor of the DynamoDB client.
    pub fn dynamodb(meter: &Arc<Meter>) -> Self {
        Self { meter: Arc::clone(meter), dynamodb: true }
    }

    /// Creates the interceptor of any other client.
    pub fn other(meter: &Arc<Meter>) -> Self {
        Self { meter: Arc::clone(meter), dynamodb: false }
    }

    fn service(&self) -> &Service {
        if self.dynamodb { &self.meter.dynamodb } else { &self.meter.other }
    }
}

impl Intercept for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let service = self.service();
        service.calls.fetch_add(1, Ordering::Relaxed);
        if service.in_flight.fetch_add(1, Ordering::Relaxed) == 0 {
            service.round_trips.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.service().attempts.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn read_after_execution(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let one_less = |count: u32| count.checked_sub(1);
        let _ = self.service().in_flight.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        Ok(())
    }
}
