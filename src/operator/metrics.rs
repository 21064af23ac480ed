//! What is counted, under the names of controller-runtime and client-go where they have one, so
//! that existing dashboards work. No label names an object.

use std::sync::Mutex;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::process;

/// The one controller there is; its workqueue has the same name, as in controller-runtime.
const CONTROLLER: &str = "app";

/// The buckets of client-go's workqueue metrics: 10 ns to 1,000 s by powers of ten; below 1 µs
/// nothing is ever measured here.
const QUEUE_BUCKETS: [f64; 9] = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0];
/// A selection of controller-runtime's buckets.
const RECONCILE_BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Controller {
    controller: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reconciled {
    controller: &'static str,
    result: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Workqueue {
    controller: &'static str,
    name: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RestRequest {
    code: String,
    method: String,
    host: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ApiRequest {
    verb: &'static str,
    resource: String,
    code: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// How a reconcile ended, in controller-runtime's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[allow(non_camel_case_types, reason = "these are the label's values")]
pub(super) enum Outcome {
    success,
    error,
    requeue,
}

/// All counters of one operator.
pub(super) struct Metrics {
    registry: Mutex<Registry>,
    reconciled: Family<Reconciled, Counter>,
    reconcile_errors: Family<Controller, Counter>,
    reconcile_time: Family<Controller, Histogram>,
    active_workers: Family<Controller, Gauge>,
    max_workers: Family<Controller, Gauge>,
    depth: Family<Workqueue, Gauge>,
    adds: Family<Workqueue, Counter>,
    retries: Family<Workqueue, Counter>,
    queue_time: Family<Workqueue, Histogram>,
    work_time: Family<Workqueue, Histogram>,
    leading: Family<Named, Gauge>,
    rest: Family<RestRequest, Counter>,
    requests: Family<ApiRequest, Counter>,
    applies: Family<Kind, Counter>,
    noops: Family<Kind, Counter>,
    apps: Gauge,
}

const THE_CONTROLLER: Controller = Controller {
    controller: CONTROLLER,
};
const THE_QUEUE: Workqueue = Workqueue {
    controller: CONTROLLER,
    name: CONTROLLER,
};

impl Metrics {
    /// All at zero. `workers` is how many Apps are worked on at the same time.
    pub(super) fn new(workers: usize) -> Self {
        let metrics = Metrics {
            registry: Mutex::default(),
            reconciled: Family::default(),
            reconcile_errors: Family::default(),
            reconcile_time: Family::new_with_constructor(|| Histogram::new(RECONCILE_BUCKETS)),
            active_workers: Family::default(),
            max_workers: Family::default(),
            depth: Family::default(),
            adds: Family::default(),
            retries: Family::default(),
            queue_time: Family::new_with_constructor(|| Histogram::new(QUEUE_BUCKETS)),
            work_time: Family::new_with_constructor(|| Histogram::new(QUEUE_BUCKETS)),
            leading: Family::default(),
            rest: Family::default(),
            requests: Family::default(),
            applies: Family::default(),
            noops: Family::default(),
            apps: Gauge::default(),
        };
        metrics.register();
        // Series that are there from the start: a rate needs a first value.
        for result in [Outcome::success, Outcome::error, Outcome::requeue] {
            metrics
                .reconciled
                .get_or_create(&Reconciled {
                    controller: CONTROLLER,
                    result,
                })
                .inc_by(0);
        }
        metrics
            .reconcile_errors
            .get_or_create(&THE_CONTROLLER)
            .inc_by(0);
        metrics.adds.get_or_create(&THE_QUEUE).inc_by(0);
        metrics.retries.get_or_create(&THE_QUEUE).inc_by(0);
        metrics.working(0);
        metrics.depth(0);
        metrics
            .max_workers
            .get_or_create(&THE_CONTROLLER)
            .set(i64::try_from(workers).unwrap_or(i64::MAX));
        metrics
    }

    fn register(&self) {
        let mut registry = self
            .registry
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let r = &mut *registry;
        r.register(
            "controller_runtime_reconcile",
            "Reconciliations by result",
            self.reconciled.clone(),
        );
        r.register(
            "controller_runtime_reconcile_errors",
            "Reconciliations that failed",
            self.reconcile_errors.clone(),
        );
        r.register(
            "controller_runtime_reconcile_time_seconds",
            "How long a reconciliation takes",
            self.reconcile_time.clone(),
        );
        r.register(
            "controller_runtime_active_workers",
            "Apps that are being worked on",
            self.active_workers.clone(),
        );
        r.register(
            "controller_runtime_max_concurrent_reconciles",
            "Apps that may be worked on at the same time",
            self.max_workers.clone(),
        );
        r.register(
            "workqueue_depth",
            "Apps that wait for their turn",
            self.depth.clone(),
        );
        r.register(
            "workqueue_adds",
            "Apps put into the line",
            self.adds.clone(),
        );
        r.register(
            "workqueue_retries",
            "Apps to be tried again",
            self.retries.clone(),
        );
        r.register(
            "workqueue_queue_duration_seconds",
            "How long an App waits for its turn",
            self.queue_time.clone(),
        );
        r.register(
            "workqueue_work_duration_seconds",
            "How long the work on an App takes",
            self.work_time.clone(),
        );
        r.register(
            "leader_election_master_status",
            "Whether this process holds the lease",
            self.leading.clone(),
        );
        r.register(
            "rest_client_requests",
            "Requests to the API server by code, method and host",
            self.rest.clone(),
        );
        r.register(
            "appop_api_requests",
            "Requests to the API server by verb, resource and code",
            self.requests.clone(),
        );
        r.register(
            "appop_applies",
            "Children written, by kind",
            self.applies.clone(),
        );
        r.register(
            "appop_noops",
            "Children found to be right without a write, by kind",
            self.noops.clone(),
        );
        r.register("appop_apps", "Apps that are known", self.apps.clone());
        r.register_collector(Box::new(process::Collector));
    }

    /// In the OpenMetrics text format, which Prometheus reads.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let registry = self
            .registry
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // A String takes all that is written to it.
        let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
        text
    }

    pub(super) fn working(&self, now: usize) {
        self.active_workers
            .get_or_create(&THE_CONTROLLER)
            .set(i64::try_from(now).unwrap_or(i64::MAX));
    }

    pub(super) fn reconciled(&self, result: Outcome, seconds: f64) {
        self.reconciled
            .get_or_create(&Reconciled {
                controller: CONTROLLER,
                result,
            })
            .inc();
        if result == Outcome::error {
            self.reconcile_errors.get_or_create(&THE_CONTROLLER).inc();
        }
        if result != Outcome::success {
            self.retries.get_or_create(&THE_QUEUE).inc();
        }
        self.reconcile_time
            .get_or_create(&THE_CONTROLLER)
            .observe(seconds);
        self.work_time.get_or_create(&THE_QUEUE).observe(seconds);
    }

    pub(super) fn added(&self) {
        self.adds.get_or_create(&THE_QUEUE).inc();
    }

    pub(super) fn taken(&self, waited: f64) {
        self.queue_time.get_or_create(&THE_QUEUE).observe(waited);
    }

    pub(super) fn depth(&self, depth: usize) {
        self.depth
            .get_or_create(&THE_QUEUE)
            .set(i64::try_from(depth).unwrap_or(i64::MAX));
    }

    pub(super) fn leading(&self, lease: &str, leads: bool) {
        self.leading
            .get_or_create(&Named {
                name: lease.to_owned(),
            })
            .set(i64::from(leads));
    }

    /// A request and its code; client-go's `<error>` stands for no answer.
    pub(super) fn request(
        &self,
        method: &http::Method,
        host: &str,
        verb: &'static str,
        resource: &str,
        code: Option<http::StatusCode>,
    ) {
        let code = code.map_or_else(|| "<error>".to_owned(), |c| c.as_u16().to_string());
        let rest = RestRequest {
            code: code.clone(),
            method: method.to_string(),
            host: host.to_owned(),
        };
        self.rest.get_or_create(&rest).inc();
        let resource = resource.to_owned();
        self.requests
            .get_or_create(&ApiRequest {
                verb,
                resource,
                code,
            })
            .inc();
    }

    pub(super) fn applied(&self, kind: &'static str) {
        self.applies.get_or_create(&Kind { kind }).inc();
    }

    pub(super) fn left_alone(&self, kind: &'static str) {
        self.noops.get_or_create(&Kind { kind }).inc();
    }

    pub(super) fn apps(&self, count: usize) {
        self.apps.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_controller_runtime() {
        let metrics = Metrics::new(8);
        metrics.leading("app-lock", true);
        metrics.request(
            &http::Method::PATCH,
            "127.0.0.1:6443",
            "apply",
            "deployments",
            Some(http::StatusCode::CREATED),
        );
        metrics.request(&http::Method::GET, "127.0.0.1:6443", "list", "apps", None);
        metrics.reconciled(Outcome::error, 0.5);
        metrics.taken(0.1);
        metrics.added();
        let text = metrics.text();
        for line in [
            "controller_runtime_reconcile_total{controller=\"app\",result=\"error\"} 1",
            "controller_runtime_reconcile_total{controller=\"app\",result=\"success\"} 0",
            "controller_runtime_reconcile_errors_total{controller=\"app\"} 1",
            "controller_runtime_reconcile_time_seconds_count{controller=\"app\"} 1",
            "controller_runtime_active_workers{controller=\"app\"} 0",
            "controller_runtime_max_concurrent_reconciles{controller=\"app\"} 8",
            "workqueue_depth{controller=\"app\",name=\"app\"} 0",
            "workqueue_adds_total{controller=\"app\",name=\"app\"} 1",
            "workqueue_retries_total{controller=\"app\",name=\"app\"} 1",
            "leader_election_master_status{name=\"app-lock\"} 1",
            "rest_client_requests_total{code=\"201\",method=\"PATCH\",host=\"127.0.0.1:6443\"} 1",
            "rest_client_requests_total{code=\"<error>\",method=\"GET\",host=\"127.0.0.1:6443\"} 1",
            "appop_api_requests_total{verb=\"apply\",resource=\"deployments\",code=\"201\"} 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
    }
}
