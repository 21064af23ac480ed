//! A controller of kube-rs: a custom resource, a ConfigMap that it owns, a finalizer and a status.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::runtime::controller::{Action, Controller};
use kube::runtime::finalizer::{Event, finalizer};
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::watcher;
use kube::{Api, Client, CustomResource, CustomResourceExt, Resource, ResourceExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{PATIENCE, client_in, run, until};
use crate::support::{Cluster, on_both};

on_both! {
    a_controller_keeps_what_it_owns,
}

#[derive(CustomResource, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "kube.clients.example.com",
    version = "v1",
    kind = "Chest",
    namespaced,
    status = "ChestStatus"
)]
struct ChestSpec {
    content: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ChestStatus {
    observed_generation: i64,
}

struct Work {
    client: Client,
    emptied: AtomicUsize,
}

async fn reconcile(
    chest: Arc<Chest>,
    work: Arc<Work>,
) -> Result<Action, kube::runtime::finalizer::Error<kube::Error>> {
    let chests: Api<Chest> = Api::default_namespaced(work.client.clone());
    finalizer(
        &chests,
        "kube.clients.example.com/empty",
        chest,
        |event| async {
            match event {
                Event::Apply(chest) => fill(&work.client, &chest).await,
                Event::Cleanup(_) => {
                    work.emptied.fetch_add(1, Ordering::SeqCst);
                    Ok(Action::await_change())
                }
            }
        },
    )
    .await
}

async fn fill(client: &Client, chest: &Chest) -> kube::Result<Action> {
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let chests: Api<Chest> = Api::default_namespaced(client.clone());
    let (name, params) = (chest.name_any(), PatchParams::apply("chests").force());
    let wished = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "ownerReferences": [chest.controller_owner_ref(&())]},
        "data": {"content": chest.spec.content},
    });
    maps.patch(&name, &params, &Patch::Apply(wished)).await?;
    let status = json!({
        "apiVersion": Chest::api_version(&()),
        "kind": Chest::kind(&()),
        "metadata": {"name": name},
        "status": {"observedGeneration": chest.meta().generation},
    });
    chests
        .patch_status(&name, &params, &Patch::Apply(status))
        .await?;
    Ok(Action::await_change())
}

fn a_controller_keeps_what_it_owns(cluster: &'static Cluster) {
    run(async {
        let client = client_in(cluster, "kube-controller").await;
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        let created = definitions
            .create(&PostParams::default(), &Chest::crd())
            .await;
        let definition = created.unwrap().name_any();
        let established = await_condition(
            definitions.clone(),
            &definition,
            conditions::is_crd_established(),
        );
        timeout(PATIENCE, established).await.unwrap().unwrap();

        let chests: Api<Chest> = Api::default_namespaced(client.clone());
        let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
        until("Chests are served", || async {
            chests.list(&Default::default()).await.ok()
        })
        .await;
        let work = Arc::new(Work {
            client: client.clone(),
            emptied: AtomicUsize::new(0),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let controller = Controller::new(chests.clone(), watcher::Config::default())
            .owns(maps.clone(), watcher::Config::default())
            .graceful_shutdown_on(async { drop(stopped.await) })
            .run(
                reconcile,
                |_, _, _| Action::requeue(Duration::from_millis(100)),
                Arc::clone(&work),
            )
            .for_each(|_| async {});
        let controller = tokio::spawn(controller);

        let spec = ChestSpec {
            content: "gold".to_owned(),
        };
        let chest = chests
            .create(&PostParams::default(), &Chest::new("a", spec))
            .await;
        let uid = chest.unwrap().uid();
        let content = |wanted: &'static str| {
            let maps = maps.clone();
            move || {
                let maps = maps.clone();
                async move {
                    let map = maps.get_opt("a").await.unwrap()?;
                    let data = map.data.as_ref()?;
                    (data["content"] == wanted).then_some(map)
                }
            }
        };
        let map = until("it is filled", content("gold")).await;
        assert_eq!(Some(&map.owner_references()[0].uid), uid.as_ref());
        // What somebody else does to it is put right, and what its owner wishes is done.
        maps.delete("a", &DeleteParams::default()).await.unwrap();
        let again = until("it is there again", content("gold")).await;
        assert_ne!(again.uid(), map.uid());
        let spec = Patch::Merge(json!({"spec": {"content": "silver"}}));
        let changed = chests
            .patch("a", &PatchParams::default(), &spec)
            .await
            .unwrap();
        until("it is followed", content("silver")).await;
        until("the status follows", || async {
            let chest = chests.get("a").await.unwrap();
            let observed = chest.status.map(|status| status.observed_generation);
            (observed == changed.meta().generation).then_some(())
        })
        .await;
        chests.delete("a", &DeleteParams::default()).await.unwrap();
        until("the Chest is gone, and what it owned", || async {
            let gone = chests.get_opt("a").await.unwrap().is_none();
            (gone && maps.get_opt("a").await.unwrap().is_none()).then_some(())
        })
        .await;
        // More than once when the cache is behind: a cleanup has to bear that.
        assert!(work.emptied.load(Ordering::SeqCst) >= 1);
        drop(stop);
        timeout(PATIENCE, controller).await.unwrap().unwrap();
        definitions
            .delete(&definition, &DeleteParams::default())
            .await
            .unwrap();
    });
}
