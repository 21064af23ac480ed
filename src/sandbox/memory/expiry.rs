//! Events go an hour after they were last written, as with the real server's `--event-ttl`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::api::Api;
use super::route::options::DeleteOptions;
use super::store::Query;
use super::verbs::delete::delete;

/// The real server's default.
const LIFE: Duration = Duration::from_secs(3600);
/// How often it is looked after; an Event lives at most so much longer.
const EVERY: Duration = Duration::from_secs(60);

/// Removes Events that are too old, for ever. What was there at the beginning counts as new.
pub async fn run(api: Arc<Api>) {
    // The version of the store is a clock that objects carry: one written an hour ago is no newer
    // than the store was then.
    let mut marks = VecDeque::from([(Instant::now(), api.store.version())]);
    loop {
        tokio::time::sleep(EVERY).await;
        let now = Instant::now();
        marks.push_back((now, api.store.version()));
        let mut until = None;
        while let Some((at, version)) = marks.front()
            && now.duration_since(*at) >= LIFE
        {
            until = Some(*version);
            marks.pop_front();
        }
        if let Some(until) = until {
            remove(&api, until);
        }
    }
}

/// Removes the Events that have not been written since the store had that version.
fn remove(api: &Api, until: u64) {
    let Some(events) = api.registry.find("", "v1", "events") else {
        return;
    };
    let Ok(page) = api.store.list(events.shelf, &Query::everything()) else {
        return;
    };
    for old in page.items.iter().filter(|event| event.version <= until) {
        let facts = &old.facts;
        let options = DeleteOptions {
            resource_version: Some(old.version.to_string()),
            ..DeleteOptions::default()
        };
        // It may have been told again, or be gone.
        let _ = delete(api, &events, &facts.namespace, &facts.name, &options);
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{Event, ObjectReference};

    use super::*;
    use crate::sandbox::memory::api::Settings;
    use crate::sandbox::memory::bootstrap;
    use crate::sandbox::memory::controllers::cluster::{Cluster, Gvr};
    use crate::sandbox::memory::within::Within;

    fn event(name: &str) -> Event {
        let mut event = Event {
            involved_object: ObjectReference {
                namespace: Some("default".to_owned()),
                ..ObjectReference::default()
            },
            ..Event::default()
        };
        event.metadata.name = Some(name.to_owned());
        event.metadata.namespace = Some("default".to_owned());
        event
    }

    #[test]
    fn what_is_old_goes_and_what_was_told_again_stays() {
        let api = Api::new(Settings {
            address: "127.0.0.1:6443".to_owned(),
            rbac: false,
            ca_pem: String::new(),
            admin_token: "token".to_owned(),
            signing_key: Vec::new(),
        });
        bootstrap::run(&api).unwrap();
        let within = Within::new(Arc::clone(&api), "kubelet");
        let cluster: &dyn Cluster = &within;
        for name in ["old", "again"] {
            cluster.create_typed(&event(name)).unwrap();
        }
        let until = api.store.version();
        let events = Gvr::of::<Event>();
        let count = serde_json::json!({"count": 2});
        cluster
            .patch(&events, "", "default", "again", count)
            .unwrap();
        cluster.create_typed(&event("new")).unwrap();
        remove(&api, until);
        let left = cluster.list(&events, Some("default"));
        let mut names: Vec<String> = left
            .iter()
            .filter_map(|event| event["metadata"]["name"].as_str().map(str::to_owned))
            .collect();
        names.sort();
        assert_eq!(names, ["again", "new"]);
    }
}
