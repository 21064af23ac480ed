//! kube-rs' watcher in both of its ways to begin, of whole objects and of their metadata, and its
//! reflector.

use std::pin::pin;

use futures::{Stream, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{WatchStreamExt, reflector};
use kube::{Api, ResourceExt};
use serde_json::json;
use tokio::time::timeout;

use super::{PATIENCE, client_in, config_map, run, until, value_of};
use crate::support::{Cluster, on_both};

on_both! {
    a_watcher_tells_all_there_is_and_what_happens,
    a_list_that_streams_ends_and_goes_on,
    metadata_alone_can_be_watched,
    a_reflector_holds_what_is_stored,
}

/// The next event, in words.
async fn next<K: ResourceExt>(
    events: &mut (impl Stream<Item = watcher::Result<Event<K>>> + Unpin),
) -> String {
    let next = timeout(PATIENCE, events.try_next()).await;
    match next.expect("no event comes").unwrap().unwrap() {
        Event::Init => "init".to_owned(),
        Event::InitApply(object) => format!("there is {}", object.name_any()),
        Event::InitDone => "done".to_owned(),
        Event::Apply(object) => format!("apply {}", object.name_any()),
        Event::Delete(object) => format!("delete {}", object.name_any()),
    }
}

async fn expect<K: ResourceExt>(
    events: &mut (impl Stream<Item = watcher::Result<Event<K>>> + Unpin),
    wanted: &[&str],
) {
    for wanted in wanted {
        assert_eq!(next(events).await, *wanted);
    }
}

async fn tells(cluster: &Cluster, namespace: &str, config: watcher::Config) {
    let client = client_in(cluster, namespace).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let create = PostParams::default();
    for name in ["a", "b", "c"] {
        maps.create(&create, &config_map(name, "1")).await.unwrap();
    }
    let mut events = pin!(watcher(maps.clone(), config.labels("about=this")));
    expect(
        &mut events,
        &["init", "there is a", "there is b", "there is c", "done"],
    )
    .await;
    maps.create(&create, &config_map("d", "1")).await.unwrap();
    let patch = |patch| Patch::Merge(patch);
    let params = PatchParams::default();
    let changed = patch(json!({"data": {"value": "2"}}));
    maps.patch("a", &params, &changed).await.unwrap();
    // What changes nothing is no event; who leaves the selection is gone, and who is back is there.
    maps.patch("a", &params, &changed).await.unwrap();
    let label = |value| patch(json!({"metadata": {"labels": {"about": value}}}));
    maps.patch("b", &params, &label(json!("that")))
        .await
        .unwrap();
    maps.patch("b", &params, &label(json!("this")))
        .await
        .unwrap();
    maps.delete("c", &DeleteParams::default()).await.unwrap();
    expect(
        &mut events,
        &["apply d", "apply a", "delete b", "apply b", "delete c"],
    )
    .await;
}

fn a_watcher_tells_all_there_is_and_what_happens(cluster: &'static Cluster) {
    run(tells(
        cluster,
        "kube-watcher",
        watcher::Config::default().page_size(2),
    ));
}

fn a_list_that_streams_ends_and_goes_on(cluster: &'static Cluster) {
    run(tells(
        cluster,
        "kube-streaming",
        watcher::Config::default().streaming_lists(),
    ));
}

fn metadata_alone_can_be_watched(cluster: &'static Cluster) {
    run(async {
        let client = client_in(cluster, "kube-metadata").await;
        let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
        let metadata: Api<PartialObjectMeta<ConfigMap>> = Api::default_namespaced(client);
        let create = PostParams::default();
        maps.create(&create, &config_map("a", "1")).await.unwrap();
        for config in [
            watcher::Config::default(),
            watcher::Config::default().streaming_lists(),
        ] {
            let mut events = pin!(watcher(metadata.clone(), config.labels("about=this")));
            expect(&mut events, &["init", "there is a", "done"]).await;
            maps.create(&create, &config_map("b", "1")).await.unwrap();
            expect(&mut events, &["apply b"]).await;
            maps.delete("b", &DeleteParams::default()).await.unwrap();
            expect(&mut events, &["delete b"]).await;
        }
    });
}

fn a_reflector_holds_what_is_stored(cluster: &'static Cluster) {
    run(async {
        let client = client_in(cluster, "kube-reflector").await;
        let maps: Api<ConfigMap> = Api::default_namespaced(client);
        let create = PostParams::default();
        for n in 0..20 {
            let object = config_map(&format!("c{n}"), "0");
            maps.create(&create, &object).await.unwrap();
        }
        let (reader, writer) = reflector::store();
        let config = watcher::Config::default().labels("about=this");
        let events = watcher(maps.clone(), config).default_backoff();
        let stream = reflector(writer, events).touched_objects();
        let follows = tokio::spawn(stream.for_each(|_| async {}));
        timeout(PATIENCE, reader.wait_until_ready())
            .await
            .expect("it is never ready")
            .unwrap();
        assert_eq!(reader.len(), 20);
        for n in 0..60 {
            let name = format!("c{}", n % 20);
            if n % 3 == 0 {
                maps.delete(&name, &DeleteParams::default()).await.unwrap();
                maps.create(&create, &config_map(&name, "new"))
                    .await
                    .unwrap();
            } else {
                let patch = Patch::Merge(json!({"data": {"value": n.to_string()}}));
                maps.patch(&name, &PatchParams::default(), &patch)
                    .await
                    .unwrap();
            }
        }
        maps.delete("c7", &DeleteParams::default()).await.unwrap();
        let params = ListParams::default().labels("about=this");
        let stored = maps.list(&params).await.unwrap().items;
        let view = |object: &ConfigMap| {
            let version = object.resource_version().unwrap();
            (object.name_any(), version, value_of(object).to_owned())
        };
        let mut stored: Vec<_> = stored.iter().map(view).collect();
        stored.sort();
        until("the reflector has caught up", || async {
            let mut held: Vec<_> = reader.state().iter().map(|object| view(object)).collect();
            held.sort();
            (held == stored).then_some(())
        })
        .await;
        assert_eq!(stored.len(), 19);
        assert!(!follows.is_finished());
        follows.abort();
    });
}
