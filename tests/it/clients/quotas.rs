//! A quota, and many who would exceed it together.

use std::collections::BTreeMap;

use futures::future::join_all;
use k8s_openapi::api::core::v1::{ResourceQuota, ResourceQuotaSpec, Secret};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Error};

use super::{client_in, named, run, until};
use crate::support::{Cluster, on_both};

on_both! {
    many_who_create_at_once_do_not_exceed_a_quota,
}

const ROOM: usize = 5;
const WRITERS: usize = 30;
const COUNTED: &str = "count/secrets";

fn many_who_create_at_once_do_not_exceed_a_quota(cluster: &Cluster) {
    run(async {
        let client = client_in(cluster, "quota").await;
        let quotas: Api<ResourceQuota> = Api::default_namespaced(client.clone());
        let hard = BTreeMap::from([(COUNTED.to_owned(), Quantity(ROOM.to_string()))]);
        let quota = ResourceQuota {
            metadata: named("q"),
            spec: Some(ResourceQuotaSpec {
                hard: Some(hard),
                ..ResourceQuotaSpec::default()
            }),
            ..ResourceQuota::default()
        };
        quotas.create(&PostParams::default(), &quota).await.unwrap();
        let used = || async {
            let status = quotas.get_status("q").await.unwrap().status?;
            Some(status.used?.remove(COUNTED)?.0)
        };
        let is_used = |count: usize| {
            let used = &used;
            move || async move { used().await.filter(|used| *used == count.to_string()) }
        };
        until("it is counted", is_used(0)).await;

        let secrets: Api<Secret> = Api::default_namespaced(client);
        let make = |n: usize| {
            let secrets = secrets.clone();
            async move {
                let secret = Secret {
                    metadata: named(&format!("s{n}")),
                    ..Secret::default()
                };
                secrets.create(&PostParams::default(), &secret).await
            }
        };
        let made = join_all((0..WRITERS).map(make)).await;
        let (good, refused): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
        assert_eq!(good.len(), ROOM);
        for problem in refused {
            match problem {
                Err(Error::Api(status)) => {
                    assert!(status.message.contains("exceeded quota: q"), "{status:?}");
                }
                other => panic!("{other:?}"),
            }
        }
        let all = secrets.list(&ListParams::default()).await.unwrap();
        assert_eq!(all.items.len(), ROOM);
        until("all are counted", is_used(ROOM)).await;

        let first = all.items[0].metadata.name.as_deref().unwrap();
        secrets
            .delete(first, &DeleteParams::default())
            .await
            .unwrap();
        until("there is room again", is_used(ROOM - 1)).await;
        make(WRITERS).await.unwrap();
    });
}
