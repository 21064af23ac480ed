use serde_json::json;

use super::*;
use crate::app::testing::settled;
use crate::app::{Failure, LiveDeployment};

const SCOPE: usize = 0;

fn key() -> Key {
    Key::new("default", "web")
}

fn source(kind: Kind) -> Source {
    Source { kind, scope: SCOPE }
}

fn object(version: u64, thing: Thing) -> Object {
    Object {
        namespace: "default".to_owned(),
        name: "web".to_owned(),
        version,
        thing,
    }
}

fn app(uid: &str, generation: i64, version: u64) -> App {
    let mut app = App::test("web");
    app.metadata.uid = Some(uid.to_owned());
    app.metadata.generation = Some(generation);
    app.metadata.resource_version = Some(version.to_string());
    app
}

fn app_news(app: App) -> News {
    let version = version_of(&app);
    News::Put(object(version, Thing::App(Box::new(app))))
}

fn deployment(generation: i64, version: u64) -> LiveDeployment {
    let mut deployment = settled(&App::test("web")).deployment.unwrap();
    deployment.live.resource_version = version.to_string();
    deployment.generation = generation;
    deployment
}

fn deployment_news(generation: i64, version: u64) -> News {
    let live = deployment(generation, version);
    News::Put(object(version, Thing::Deployment(Box::new(live))))
}

fn refused() -> Option<Failure> {
    Some(Failure::Refused {
        child: Child::Deployment,
        message: "no".to_owned(),
    })
}

fn broken(code: u16) -> News {
    News::Broken(Broken {
        words: "no".to_owned(),
        code: Some(code),
    })
}

/// All that there is was read: nothing.
fn read() -> Cache {
    let mut cache = Cache::new(vec![Scope::Cluster]);
    for kind in Kind::ALL {
        cache.take_in(source(kind), News::Begin);
        cache.take_in(source(kind), News::Complete);
    }
    cache
}

fn with_app() -> (Cache, Arc<App>) {
    let mut cache = read();
    cache.take_in(source(Kind::App), app_news(app("1", 1, 10)));
    let app = whole(&cache);
    (cache, app)
}

fn whole(cache: &Cache) -> Arc<App> {
    match cache.snapshot(&key()).unwrap().app {
        Known::Whole(app) => app,
        Known::Broken(broken) => panic!("{broken:?}"),
    }
}

fn seen(cache: &Cache) -> Option<String> {
    let deployment = cache.snapshot(&key()).unwrap().observed.deployment;
    deployment.map(|deployment| deployment.live.resource_version)
}

#[test]
fn nothing_is_decided_on_half_of_the_truth() {
    let mut cache = Cache::new(vec![Scope::Cluster]);
    for kind in [Kind::App, Kind::Deployment, Kind::Pod] {
        cache.take_in(source(kind), News::Begin);
    }
    let effect = cache.take_in(source(Kind::App), app_news(app("1", 1, 10)));
    assert!(effect.look.is_empty());
    for kind in [Kind::App, Kind::Deployment, Kind::Pod, Kind::Autoscaler] {
        assert!(!cache.take_in(source(kind), News::Complete).synced);
    }
    // Not being allowed to see Services is no answer; then they are there.
    assert!(!cache.take_in(source(Kind::Service), broken(403)).synced);
    assert!(!cache.is_ready());
    let effect = cache.take_in(source(Kind::Service), News::Complete);
    assert!(effect.synced && effect.mended && cache.is_ready());
    assert_eq!(effect.look, [(key(), Cause::Wish)]);
}

#[test]
fn what_only_says_why_is_done_without_where_it_may_not_be_seen() {
    let mut cache = Cache::new(vec![Scope::Cluster]);
    for kind in [Kind::App, Kind::Deployment, Kind::Service, Kind::Autoscaler] {
        cache.take_in(source(kind), News::Complete);
    }
    assert!(!cache.take_in(source(Kind::Pod), broken(500)).synced);
    assert!(cache.take_in(source(Kind::Pod), broken(403)).synced);
}

#[test]
fn a_watch_that_begins_again_and_again_is_not_mended() {
    let mut cache = read();
    let first = cache.take_in(source(Kind::App), broken(500));
    assert!(first.broken.is_some());
    let again = cache.take_in(source(Kind::App), News::Begin);
    assert!(!again.mended);
    assert!(
        cache
            .take_in(source(Kind::App), broken(500))
            .broken
            .is_none()
    );
    assert!(cache.take_in(source(Kind::App), News::Complete).mended);
}

#[test]
fn what_our_own_write_answered_is_no_news() {
    let (mut cache, begun) = with_app();
    let mut worked = cache.snapshot(&key()).unwrap().observed;
    worked.deployment = Some(deployment(1, 20));
    cache.merge(&key(), &begun, worked, None);
    assert_eq!(seen(&cache).unwrap(), "20");
    let effect = cache.take_in(source(Kind::Deployment), deployment_news(1, 20));
    assert!(effect.look.is_empty());
    let effect = cache.take_in(source(Kind::Deployment), deployment_news(2, 21));
    assert_eq!(effect.look, [(key(), Cause::News)]);
}

#[test]
fn what_the_watch_told_meanwhile_counts_when_it_is_newer() {
    let (mut cache, begun) = with_app();
    let mut worked = cache.snapshot(&key()).unwrap().observed;
    // Made by us at 20, changed by another at 25, and gone at 30.
    worked.deployment = Some(deployment(1, 20));
    cache.take_in(source(Kind::Deployment), deployment_news(2, 25));
    cache.merge(&key(), &begun, worked.clone(), None);
    assert_eq!(seen(&cache).unwrap(), "25");
    let live = Thing::Deployment(Box::new(deployment(2, 30)));
    let gone = News::Gone(object(30, live));
    let effect = cache.take_in(source(Kind::Deployment), gone);
    assert_eq!(effect.look, [(key(), Cause::News)]);
    cache.merge(&key(), &begun, worked, None);
    assert_eq!(seen(&cache), None);
}

#[test]
fn what_a_new_list_does_not_have_is_gone() {
    let (mut cache, _) = with_app();
    cache.take_in(source(Kind::Deployment), deployment_news(1, 20));
    cache.take_in(source(Kind::Deployment), News::Begin);
    // Until it is whole, nobody is missed.
    assert_eq!(seen(&cache).unwrap(), "20");
    let effect = cache.take_in(source(Kind::Deployment), News::Complete);
    assert_eq!(effect.look, [(key(), Cause::News)]);
    assert_eq!(seen(&cache), None);
    cache.take_in(source(Kind::App), News::Begin);
    cache.take_in(source(Kind::App), News::Complete);
    assert!(cache.snapshot(&key()).is_none());
    assert_eq!((cache.apps(), cache.entries.len()), (0, 0));
}

#[test]
fn another_app_of_the_same_name_is_another_wish() {
    let (mut cache, begun) = with_app();
    // The end of the first was missed; the second has the same generation.
    let effect = cache.take_in(source(Kind::App), app_news(app("2", 1, 40)));
    assert_eq!(effect.look, [(key(), Cause::Wish)]);
    let mut worked = cache.snapshot(&key()).unwrap().observed;
    worked.failure = refused();
    cache.merge(&key(), &begun, worked, Some(app("1", 1, 50)));
    assert_eq!(whole(&cache).metadata.uid.as_deref(), Some("2"));
    assert_eq!(cache.snapshot(&key()).unwrap().observed.failure, None);
    assert_eq!(cache.apps(), 1);
}

#[test]
fn a_refusal_is_forgotten_when_the_child_changed_meanwhile() {
    for (generation, is_kept) in [(1, true), (2, false)] {
        let (mut cache, begun) = with_app();
        cache.take_in(source(Kind::Deployment), deployment_news(1, 20));
        let mut worked = cache.snapshot(&key()).unwrap().observed;
        worked.failure = refused();
        cache.take_in(source(Kind::Deployment), deployment_news(generation, 21));
        cache.merge(&key(), &begun, worked, None);
        let failure = cache.snapshot(&key()).unwrap().observed.failure;
        assert_eq!(failure.is_some(), is_kept, "generation {generation}");
    }
}

#[test]
fn an_app_that_cannot_be_read_keeps_its_place_until_it_can() {
    let mut cache = read();
    let thing = Thing::BrokenApp {
        uid: "1".to_owned(),
        problem: "no image".to_owned(),
    };
    let effect = cache.take_in(source(Kind::App), News::Put(object(10, thing)));
    assert_eq!(effect.look, [(key(), Cause::Wish)]);
    let known = cache.snapshot(&key()).unwrap().app;
    assert!(matches!(known, Known::Broken(app) if app.problem == "no image"));
    let effect = cache.take_in(source(Kind::App), app_news(app("1", 2, 11)));
    assert_eq!(effect.look, [(key(), Cause::Wish)]);
    assert_eq!(
        (whole(&cache).metadata.generation, cache.apps()),
        (Some(2), 1)
    );
}

#[test]
fn a_pods_trouble_and_an_autoscaler_come_and_go() {
    let (mut cache, _) = with_app();
    let aim = |name: &str, target: Option<&str>| {
        let mut object = object(20, Thing::Autoscaler(target.map(str::to_owned)));
        object.name = name.to_owned();
        News::Put(object)
    };
    let effect = cache.take_in(source(Kind::Autoscaler), aim("h", Some("web")));
    assert_eq!(effect.look, [(key(), Cause::News)]);
    let scaler = |cache: &Cache| cache.snapshot(&key()).unwrap().observed.autoscaler;
    assert_eq!(scaler(&cache).as_deref(), Some("h"));
    cache.take_in(source(Kind::Autoscaler), aim("h", Some("other")));
    assert_eq!(scaler(&cache), None);
    assert_eq!(cache.entries.len(), 2);
    cache.take_in(source(Kind::Autoscaler), News::Begin);
    cache.take_in(source(Kind::Autoscaler), News::Complete);
    assert_eq!(cache.entries.len(), 1, "what nobody asks for is forgotten");

    let waiting = json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}});
    let pod = json!({
        "metadata": {
            "name": "web-1", "namespace": "default", "resourceVersion": "30",
            "labels": {"app.example.com/v1": "web"},
        },
        "status": {"phase": "Pending", "containerStatuses": [{
            "name": "web", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
            "state": waiting,
        }]},
    });
    let mut moved = pod.clone();
    moved["metadata"]["labels"]["app.example.com/v1"] = json!("debug");
    let [pod, moved] = [pod, moved].map(|pod| Object::read(Kind::Pod, pod).unwrap());
    let effect = cache.take_in(source(Kind::Pod), News::Put(pod.clone()));
    assert_eq!(effect.look, [(key(), Cause::News)]);
    let again = cache.take_in(source(Kind::Pod), News::Put(pod.clone()));
    assert!(again.look.is_empty());
    let troubles = |cache: &Cache| cache.snapshot(&key()).unwrap().observed.troubles.len();
    assert_eq!(troubles(&cache), 1);
    let effect = cache.take_in(source(Kind::Pod), News::Gone(pod.clone()));
    assert_eq!((effect.look.len(), troubles(&cache)), (1, 0));

    cache.take_in(source(Kind::Pod), News::Put(pod.clone()));
    let effect = cache.take_in(source(Kind::Pod), News::Put(moved.clone()));
    assert_eq!(effect.look, [(key(), Cause::News)], "it has another label");
    assert_eq!((troubles(&cache), cache.entries.len()), (0, 2));
    cache.take_in(source(Kind::Pod), News::Gone(moved));
    assert_eq!((cache.troubled.len(), cache.entries.len()), (0, 1));
    cache.take_in(source(Kind::Pod), News::Put(pod));
    cache.take_in(source(Kind::Pod), News::Begin);
    let effect = cache.take_in(source(Kind::Pod), News::Complete);
    assert_eq!((effect.look.len(), troubles(&cache)), (1, 0));
}
