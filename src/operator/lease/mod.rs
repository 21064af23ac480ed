//! Leader election by a Lease: at most one process writes.
//!
//! The times are client-go's: a lease lasts 15 s; its holder renews it every 2 s and stops writing
//! when 10 s have passed without success. Source: k8s.io/client-go/tools/leaderelection and
//! k8s.io/component-base/config.

mod elector;
mod record;

use std::time::Duration;

pub(super) use elector::{Elector, Standing};
pub(super) use record::{Observed, Record, Step};

/// How long a lease lasts that nobody renews.
pub(super) const DURATION: Duration = Duration::from_secs(15);
/// How long after the last renewal the holder may still write.
pub(super) const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// The time between two renewals, and between two looks at somebody else's lease.
pub(super) const RETRY: Duration = Duration::from_secs(2);
