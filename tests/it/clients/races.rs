//! Many who write, watch and read in pages at the same time, each over connections of its own.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::TryStreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{
    DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::{Api, Error, ResourceExt};
use serde_json::json;
use tokio::time::timeout;

use super::{PATIENCE, client_in, config_map, run, value_of};
use crate::support::{Cluster, on_both};

on_both! {
    everybody_is_told_the_same_story,
}

const WRITERS: usize = 4;
const WRITES: usize = 60;
/// The last object, after which nothing is written.
const END: &str = "end";

/// What was told: version, what, name and value.
type Story = Vec<(u64, &'static str, String, String)>;

fn version(object: &ConfigMap) -> u64 {
    object.resource_version().unwrap().parse().unwrap()
}

fn name(number: usize) -> String {
    format!("c{number}")
}

/// Creates, changes and deletes the same few objects as all others do.
async fn write(maps: Api<ConfigMap>, writer: usize) {
    let mut random = 7 * writer + 1;
    for n in 0..WRITES {
        // Numerical Recipes' generator, of which the upper bits are good: the same in every run.
        random = (random.wrapping_mul(1_664_525) + 1_013_904_223) % (1 << 32);
        let (name, value) = (name((random >> 20) % 8), format!("{writer}-{n}"));
        let done = match (random >> 26) % 4 {
            0 => maps.delete(&name, &DeleteParams::default()).await.map(drop),
            1 => {
                let patch = Patch::Merge(json!({"data": {"value": value}}));
                maps.patch(&name, &PatchParams::default(), &patch)
                    .await
                    .map(drop)
            }
            2 => match maps.get(&name).await {
                Ok(mut object) => {
                    object.data = config_map(&name, &value).data;
                    maps.replace(&name, &PostParams::default(), &object)
                        .await
                        .map(drop)
                }
                Err(problem) => Err(problem),
            },
            _ => {
                let object = config_map(&name, &value);
                maps.create(&PostParams::default(), &object).await.map(drop)
            }
        };
        match done {
            Ok(()) => {}
            // Somebody else was there first.
            Err(Error::Api(status)) if matches!(status.code, 404 | 409) => {}
            Err(problem) => panic!("{problem}"),
        }
    }
}

/// Follows from a version to the last object.
async fn watch(maps: Api<ConfigMap>, from: u64) -> Story {
    let params = WatchParams::default().labels("about=this");
    let mut events = pin!(maps.watch(&params, &from.to_string()).await.unwrap());
    let mut story = Story::new();
    loop {
        let next = timeout(PATIENCE, events.try_next()).await;
        let (what, object) = match next.expect("the last object never comes").unwrap() {
            Some(WatchEvent::Added(object)) => ("added", object),
            Some(WatchEvent::Modified(object)) => ("modified", object),
            Some(WatchEvent::Deleted(object)) => ("deleted", object),
            Some(WatchEvent::Bookmark(_)) => continue,
            other => panic!("{other:?}"),
        };
        let told = (
            version(&object),
            what,
            object.name_any(),
            value_of(&object).to_owned(),
        );
        let is_end = told.2 == END;
        story.push(told);
        if is_end {
            return story;
        }
    }
}

/// Reads everything in pages of three; the version, and what there is.
async fn read(maps: &Api<ConfigMap>) -> (u64, BTreeMap<String, String>) {
    let mut there = BTreeMap::new();
    let mut params = ListParams::default().labels("about=this").limit(3);
    let mut of = None;
    loop {
        let page = maps.list(&params).await.unwrap();
        let at = page.metadata.resource_version.unwrap();
        assert_eq!(*of.get_or_insert_with(|| at.clone()), at);
        there.extend(
            page.items
                .iter()
                .map(|o| (o.name_any(), value_of(o).to_owned())),
        );
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return (at.parse().unwrap(), there),
        }
    }
}

fn state_at(story: &Story, version: u64) -> BTreeMap<String, String> {
    let mut state = BTreeMap::new();
    for (_, what, name, value) in story.iter().take_while(|(at, ..)| *at <= version) {
        match *what {
            "deleted" => state.remove(name),
            _ => state.insert(name.clone(), value.clone()),
        };
    }
    state
}

fn everybody_is_told_the_same_story(cluster: &'static Cluster) {
    run(async {
        let client = client_in(cluster, "kube-races").await;
        let maps: Api<ConfigMap> = Api::default_namespaced(client);
        let begin = maps.list(&ListParams::default()).await.unwrap();
        let begin: u64 = begin.metadata.resource_version.unwrap().parse().unwrap();
        let whole = tokio::spawn(watch(maps.clone(), begin));
        let over = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let (maps, over) = (maps.clone(), Arc::clone(&over));
                tokio::spawn(async move {
                    let (mut lists, mut watches) = (Vec::new(), Vec::new());
                    while !over.load(Ordering::SeqCst) {
                        let list = read(&maps).await;
                        // On from a version that is somewhere in the middle of all this.
                        if watches.len() < 8 {
                            watches.push((list.0, tokio::spawn(watch(maps.clone(), list.0))));
                        }
                        lists.push(list);
                    }
                    (lists, watches)
                })
            })
            .collect();
        let writers = (0..WRITERS).map(|writer| tokio::spawn(write(maps.clone(), writer)));
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        over.store(true, Ordering::SeqCst);
        let end = config_map(END, "");
        maps.create(&PostParams::default(), &end).await.unwrap();
        let whole = whole.await.unwrap();
        let ordered = whole.windows(2).all(|pair| pair[0].0 < pair[1].0);
        assert!(ordered, "{whole:?}");
        assert!(whole.len() > WRITES, "hardly anything happened");
        for reader in readers {
            let (lists, watches) = reader.await.unwrap();
            for (at, there) in lists {
                assert_eq!(there, state_at(&whole, at), "at {at}");
            }
            for (from, told) in watches {
                let later = whole.iter().filter(|(at, ..)| *at > from);
                let later: Story = later.cloned().collect();
                assert_eq!(told.await.unwrap(), later, "from {from}");
            }
        }
    });
}
