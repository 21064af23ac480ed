//! Whether an operator is at work, as far as that can be known from the server.
//!
//! What is known: an operator writes a status that names the App's generation, within a second or
//! so, and one that was told to elects itself by a lease that it renews every few seconds. One that
//! runs without a lease (`appop run` on somebody's machine) leaves no other trace. So:
//!
//! - An App whose status has not caught up with its spec for [`GRACE`] waits for an operator, unless
//!   the status of some App was written within [`BUSY`]: then one is at work and has much to do.
//! - Some changes leave no time behind (those through the scale subresource). An App that waits since
//!   such a one must have been seen waiting for [`CONFIRM`] before anything is said of it.
//! - A lease that has not been renewed for its duration belongs to an operator that has ended. That
//!   says something of Apps that wait for nobody only where no status was written since.
//!
//! All times are the API server's own (managedFields, and the Date of its answer), so that no
//! machine's clock is compared with another's.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::time::Instant;

use super::row::is_seen;
use crate::cluster::{Answer, Server, from_json};
use crate::output::time::human_duration;

/// The seed's lock was called so, and the lease of `appop run` is by default.
const LEASE: &str = "app-lock";
/// An operator with nothing else to do takes far less.
const GRACE: SignedDuration = SignedDuration::from_secs(5);
/// A status that was written so recently was written by somebody who is there.
const BUSY: SignedDuration = SignedDuration::from_secs(10);
/// How long an App must be seen waiting where the server does not say since when.
pub(super) const CONFIRM: Duration = Duration::from_secs(3);
/// What client-go's lease lasts where it does not say.
const DURATION: i64 = 15;

/// The leases of operators.
#[derive(Clone, Debug, Default)]
pub(super) struct Leases {
    /// `None` where they may not be read
    all: Option<Vec<Lease>>,
    now: Option<Timestamp>,
}

#[derive(Clone, Debug)]
struct Lease {
    /// Namespace and name
    title: String,
    /// Nobody when empty
    holder: String,
    renewed: Timestamp,
    duration: SignedDuration,
}

/// Reads the leases of operators: everywhere, or where that is not allowed, in `namespace`.
pub(super) async fn leases(server: &Server, namespace: &str) -> Leases {
    let base = "/apis/coordination.k8s.io/v1";
    let query = format!("fieldSelector=metadata.name%3D{LEASE}");
    let everywhere = format!("{base}/leases?{query}");
    let here = format!("{base}/namespaces/{namespace}/leases?{query}");
    for path in [everywhere, here] {
        if let Ok(answer) = server.get(&path, "application/json").await {
            let list: Value = from_json(&path, &answer.body).unwrap_or_default();
            let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
            return Leases {
                all: Some(items.iter().filter_map(lease).collect()),
                now: date(&answer),
            };
        }
    }
    Leases::default()
}

fn date(answer: &Answer) -> Option<Timestamp> {
    let text = answer.header(http::header::DATE);
    let parsed = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(parsed.timestamp())
}

fn lease(value: &Value) -> Option<Lease> {
    let (metadata, spec) = (&value["metadata"], &value["spec"]);
    let written = written(value, |_| true);
    // By the holder's clock: only where the server says nothing of its own.
    let renewed = written.or_else(|| spec["renewTime"].as_str()?.parse().ok())?;
    let duration = spec["leaseDurationSeconds"].as_i64().unwrap_or(DURATION);
    Some(Lease {
        title: format!(
            "{}/{}",
            metadata["namespace"].as_str().unwrap_or_default(),
            metadata["name"].as_str().unwrap_or_default()
        ),
        holder: spec["holderIdentity"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        renewed,
        duration: SignedDuration::from_secs(duration),
    })
}

/// When the server last took a write by one of the managers that `whose` wants.
fn written(value: &Value, whose: impl Fn(&Value) -> bool) -> Option<Timestamp> {
    let managers = value["metadata"]["managedFields"].as_array()?;
    let times = managers
        .iter()
        .filter(|manager| whose(manager))
        .filter_map(|manager| manager["time"].as_str()?.parse().ok());
    times.max()
}

/// Which Apps were seen waiting for an operator, in which generation, and when first.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    first: HashMap<(String, i64), Instant>,
    last: Option<Instant>,
}

impl Seen {
    /// Takes note of the Apps as they are now; whether there are some of which only time can tell.
    pub(super) fn note<'a>(&mut self, now: Instant, apps: impl Iterator<Item = &'a Value>) -> bool {
        let waiting = apps.filter(|app| !is_seen(app) && is_undated(app));
        let still = waiting.map(|app| {
            let key = key(app);
            let since = self.first.get(&key).copied().unwrap_or(now);
            (key, since)
        });
        self.first = still.collect();
        self.last = Some(now);
        !self.first.is_empty()
    }

    fn waits(&self, app: &Value) -> bool {
        let since = self.first.get(&key(app));
        let waited = since.and_then(|since| Some(self.last?.duration_since(*since)));
        waited.is_some_and(|waited| waited >= CONFIRM)
    }
}

fn key(app: &Value) -> (String, i64) {
    let metadata = &app["metadata"];
    let uid = metadata["uid"].as_str().unwrap_or_default().to_owned();
    (uid, metadata["generation"].as_i64().unwrap_or_default())
}

/// Whether it may have been changed later than all times that the server has of it.
fn is_undated(app: &Value) -> bool {
    let managers = app["metadata"]["managedFields"].as_array();
    managers.is_none_or(|all| all.iter().any(|manager| manager["time"].is_null()))
}

/// What there is to say about operators, in view of these Apps; nothing where all is well, or where
/// nothing is known.
pub(super) fn verdict<'a>(
    apps: impl Iterator<Item = &'a Value> + Clone,
    leases: &Leases,
    before: &Seen,
) -> Option<String> {
    let now = leases.now.unwrap_or_else(Timestamp::now);
    let is_status = |manager: &Value| manager["subresource"] == "status";
    let seen = apps.clone().filter_map(|app| written(app, is_status)).max();
    let all = leases.all.as_deref().unwrap_or_default();
    let alive = all.iter().find(|lease| {
        // Dates have whole seconds: one more is no proof of death.
        let limit = lease.duration + SignedDuration::from_secs(1);
        !lease.holder.is_empty() && now.duration_since(lease.renewed) <= limit
    });
    let unseen = apps.clone().filter(|app| !is_seen(app));
    // `None`: since when is not known.
    let waiting = unseen.filter_map(|app| {
        if is_undated(app) {
            return before.waits(app).then_some((None, app));
        }
        let created = || app["metadata"]["creationTimestamp"].as_str()?.parse().ok();
        let changed = written(app, |_| true).max(created())?;
        let waited = now.duration_since(changed);
        (waited > GRACE).then_some((Some(waited), app))
    });
    let mut waiting: Vec<_> = waiting.collect();
    waiting.sort_by_key(|(waited, _)| *waited);
    if let Some((longest, app)) = waiting.last() {
        if seen.is_some_and(|seen| now.duration_since(seen) <= BUSY) {
            return None;
        }
        let who = who(app, *longest, waiting.len());
        return Some(match alive {
            Some(lease) => format!(
                "{who}. One runs ({} holds the lease {}), but not for this App, or it cannot write: \
                 see its --namespace, its --selector, its rights and its log.",
                lease.holder, lease.title
            ),
            None => format!(
                "{who}, and none seems to be running: an App alone brings nothing up.{} Start one \
                 with: appop run",
                ended(all, now).unwrap_or_default()
            ),
        });
    }
    let newest = all.iter().map(|lease| lease.renewed).max()?;
    let since = seen.is_some_and(|seen| seen > newest);
    if alive.is_some() || since || apps.clone().next().is_none() {
        return None;
    }
    let ended = ended(all, now)?;
    Some(format!(
        "no operator seems to be running:{ended} Unless one runs without a lease, what becomes of \
         Apps, and changes to them, wait for one. Start one with: appop run"
    ))
}

fn who(app: &Value, waited: Option<SignedDuration>, count: usize) -> String {
    let metadata = &app["metadata"];
    let name = format!(
        "{}/{}",
        metadata["namespace"].as_str().unwrap_or_default(),
        metadata["name"].as_str().unwrap_or_default()
    );
    match (count, waited.map(human_duration)) {
        (1, Some(waited)) => format!("the App {name} has waited {waited} for an operator"),
        (1, None) => format!("the App {name} waits for an operator"),
        (many, Some(waited)) => {
            format!("{many} Apps wait for an operator, {name} the longest ({waited})")
        }
        (many, None) => format!("{many} Apps wait for an operator, {name} among them"),
    }
}

/// What became of the operator that was the last to hold a lease.
fn ended(leases: &[Lease], now: Timestamp) -> Option<String> {
    let last = leases.iter().max_by_key(|lease| lease.renewed)?;
    let since = human_duration(now.duration_since(last.renewed));
    Some(match last.holder.as_str() {
        "" => format!(" the lease {} was given up {since} ago.", last.title),
        holder => format!(
            " {holder}, who holds the lease {}, has not renewed it for {since}.",
            last.title
        ),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn time(second: i64) -> String {
        Timestamp::from_second(1_800_000_000 + second)
            .unwrap()
            .to_string()
    }

    /// An App that was changed at one second, and whose status was written at another, for this
    /// generation (of 2).
    fn app(name: &str, changed: i64, status: Option<(i64, i64)>) -> Value {
        let mut app = json!({
            "metadata": {"name": name, "namespace": "shop", "generation": 2, "managedFields": [
                {"manager": "kubectl", "time": time(changed)}]},
        });
        if let Some((written, generation)) = status {
            app["status"] = json!({"observedGeneration": generation});
            let entry = json!({"manager": "x", "subresource": "status", "time": time(written)});
            let managers = app["metadata"]["managedFields"].as_array_mut().unwrap();
            managers.push(entry);
        }
        app
    }

    fn held(holder: &str, renewed: i64, now: i64) -> Leases {
        let value = json!({
            "metadata": {"name": LEASE, "namespace": "sys", "managedFields": [
                {"manager": "x", "time": time(renewed)}]},
            // A clock that is wrong by years is no matter.
            "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15,
                "renewTime": "2001-01-01T00:00:00.000000Z"},
        });
        Leases {
            all: Some(vec![lease(&value).unwrap()]),
            ..none(now)
        }
    }

    fn none(now: i64) -> Leases {
        Leases {
            all: Some(Vec::new()),
            now: time(now).parse().ok(),
        }
    }

    #[track_caller]
    fn says(apps: &[Value], leases: &Leases, wanted: Option<&str>) {
        let said = verdict(apps.iter(), leases, &Seen::default());
        match wanted {
            None => assert_eq!(said, None),
            Some(words) => {
                let said = said.unwrap_or_default();
                assert!(said.contains(words), "{said}");
            }
        }
    }

    #[test]
    fn an_app_waits_only_when_it_has_waited() {
        let new = [app("web", 0, None)];
        says(&new, &none(5), None);
        let words = "the App shop/web has waited 40s for an operator, and none seems to be running: \
                     an App alone brings nothing up. Start one with: appop run";
        says(&new, &none(40), Some(words));
        says(&[app("web", 0, Some((1, 2)))], &none(9000), None);
        let two = [app("web", 0, None), app("b", 20, Some((1, 1)))];
        says(
            &two,
            &none(40),
            Some("2 Apps wait for an operator, shop/web the longest (40s)"),
        );
        says(&[], &none(40), None);
    }

    #[test]
    fn an_operator_with_much_to_do_is_there() {
        let apps = [app("web", 0, None), app("done", 0, Some((38, 2)))];
        says(&apps, &none(40), None);
        says(&apps, &none(60), Some("the App shop/web has waited 60s"));
    }

    #[test]
    fn what_has_no_time_is_watched_for_a_while() {
        let mut scaled = app("web", 0, Some((1, 1)));
        scaled["metadata"]["managedFields"][0]["time"] = Value::Null;
        let (mut seen, began) = (Seen::default(), Instant::now());
        assert!(seen.note(began, [&scaled].into_iter()));
        assert_eq!(verdict([&scaled].into_iter(), &none(900), &seen), None);
        seen.note(began + CONFIRM, [&scaled].into_iter());
        let said = verdict([&scaled].into_iter(), &none(900), &seen).unwrap_or_default();
        assert!(
            said.starts_with("the App shop/web waits for an operator, and none"),
            "{said}"
        );
        // Changed once more, it has not waited yet.
        scaled["metadata"]["generation"] = json!(3);
        assert!(seen.note(began + CONFIRM, [&scaled].into_iter()));
        assert_eq!(verdict([&scaled].into_iter(), &none(900), &seen), None);
        assert!(!seen.note(began + CONFIRM, std::iter::empty()));
    }

    #[test]
    fn leases_tell_who_runs() {
        let new = [app("web", 0, None)];
        says(
            &new,
            &held("pod-a", 38, 40),
            Some("One runs (pod-a holds the lease sys/app-lock)"),
        );
        let words = "brings nothing up. pod-a, who holds the lease sys/app-lock, has not renewed it \
                     for 39s. Start";
        says(&new, &held("pod-a", 1, 40), Some(words));
        says(
            &new,
            &held("", 39, 40),
            Some("the lease sys/app-lock was given up 1s ago."),
        );
    }

    #[test]
    fn a_dead_lease_counts_where_nobody_has_written_since() {
        let settled = |written| [app("web", 0, Some((written, 2)))];
        says(&settled(2), &held("pod-a", 10, 20), None);
        says(
            &settled(2),
            &held("pod-a", 10, 90),
            Some("no operator seems to be running: pod-a"),
        );
        says(&settled(50), &held("pod-a", 10, 90), None);
        says(&[], &held("pod-a", 10, 90), None);
    }
}
