//! Two who want one Lease: whatever they do at the same time, one has it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Error};

use super::{client_in, named, run, until};
use crate::support::{Cluster, on_both};

on_both! {
    one_of_two_has_the_lease,
}

/// How often each is to have held it.
const TURNS: i32 = 15;

fn spec(holder: &str, transitions: i32) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(holder.to_owned()),
        lease_duration_seconds: Some(15),
        acquire_time: Some(MicroTime(Timestamp::now())),
        renew_time: Some(MicroTime(Timestamp::now())),
        lease_transitions: Some(transitions),
        ..LeaseSpec::default()
    }
}

/// Takes the lease if nobody has it, by client-go's rules; tells whether it is ours.
async fn take(leases: &Api<Lease>, me: &str) -> bool {
    let create = PostParams::default();
    let Some(mut lease) = leases.get_opt("lock").await.unwrap() else {
        let lease = Lease {
            metadata: named("lock"),
            spec: Some(spec(me, 0)),
        };
        return match leases.create(&create, &lease).await {
            Ok(_) => true,
            Err(Error::Api(status)) if status.is_already_exists() => false,
            Err(problem) => panic!("{problem}"),
        };
    };
    let before = lease.spec.clone().unwrap_or_default();
    let holder = before.holder_identity.unwrap_or_default();
    if !holder.is_empty() {
        return holder == me;
    }
    lease.spec = Some(spec(me, before.lease_transitions.unwrap_or(0) + 1));
    match leases.replace("lock", &create, &lease).await {
        Ok(_) => true,
        Err(Error::Api(status)) if status.is_conflict() => false,
        Err(problem) => panic!("{problem}"),
    }
}

/// Gives the lease back, which is ours to change.
async fn give_back(leases: &Api<Lease>) {
    let mut lease = leases.get("lock").await.unwrap();
    lease.spec.get_or_insert_default().holder_identity = Some(String::new());
    let params = PostParams::default();
    leases.replace("lock", &params, &lease).await.unwrap();
}

fn one_of_two_has_the_lease(cluster: &'static Cluster) {
    run(async {
        let client = client_in(cluster, "kube-leases").await;
        let holders = Arc::new(AtomicI32::new(0));
        let candidates = ["one", "other"].map(|me| {
            let leases: Api<Lease> = Api::default_namespaced(client.clone());
            let holders = Arc::clone(&holders);
            tokio::spawn(async move {
                for _ in 0..TURNS {
                    until("the lease is free", || async {
                        take(&leases, me).await.then_some(())
                    })
                    .await;
                    assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0, "both have it");
                    // Renewed, as by one who works for a while.
                    let mut lease = leases.get("lock").await.unwrap();
                    let held = lease.spec.get_or_insert_default();
                    assert_eq!(held.holder_identity.as_deref(), Some(me));
                    held.renew_time = Some(MicroTime(Timestamp::now()));
                    let params = PostParams::default();
                    leases.replace("lock", &params, &lease).await.unwrap();
                    holders.fetch_sub(1, Ordering::SeqCst);
                    give_back(&leases).await;
                }
            })
        });
        for candidate in candidates {
            candidate.await.unwrap();
        }
        let leases: Api<Lease> = Api::default_namespaced(client);
        let lease = leases.get("lock").await.unwrap().spec.unwrap();
        assert_eq!(lease.lease_transitions, Some(2 * TURNS - 1));
    });
}
