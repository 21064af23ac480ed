//! How much of a node a pod asks for.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, PodSpec, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::quantity::{self, Milli};

/// Amounts by the name of their resource: `cpu`, `memory`, `example.com/device`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Amounts(BTreeMap<String, Milli>);

impl Amounts {
    pub(super) fn of(quantities: Option<&BTreeMap<String, Quantity>>) -> Self {
        let quantities = quantities.into_iter().flatten();
        Amounts(
            quantities
                .map(|(name, q)| (name.clone(), quantity::milli(q)))
                .collect(),
        )
    }

    pub(super) fn get(&self, name: &str) -> Milli {
        self.0.get(name).copied().unwrap_or(0)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Milli)> {
        self.0.iter().map(|(name, amount)| (name.as_str(), *amount))
    }

    pub(super) fn add(&mut self, other: &Amounts) {
        for (name, amount) in other.iter() {
            *self.0.entry(name.to_owned()).or_default() += amount;
        }
    }

    pub(super) fn subtract(&mut self, other: &Amounts) {
        for (name, amount) in other.iter() {
            *self.0.entry(name.to_owned()).or_default() -= amount;
        }
    }

    fn at_least(&mut self, other: &Amounts) {
        for (name, amount) in other.iter() {
            let own = self.0.entry(name.to_owned()).or_default();
            *own = amount.max(*own);
        }
    }
}

/// What a pod needs at its hungriest moment: all containers and sidecars together, or one init
/// container beside the sidecars that started before it; then the overhead. Requests of the pod as
/// a whole take the place of what its containers add up to. As `PodRequests` in
/// k8s.io/component-helpers/resource.
pub(super) fn of_pod(spec: &PodSpec) -> Amounts {
    let mut running = Amounts::default();
    for container in &spec.containers {
        running.add(&requests(container.resources.as_ref()));
    }
    let mut sidecars = Amounts::default();
    let mut starting = Amounts::default();
    for container in spec.init_containers.iter().flatten() {
        let mut own = requests(container.resources.as_ref());
        if is_sidecar(container) {
            running.add(&own);
            sidecars.add(&own);
            starting.at_least(&sidecars);
        } else {
            own.add(&sidecars);
            starting.at_least(&own);
        }
    }
    running.at_least(&starting);
    running.0.extend(requests(spec.resources.as_ref()).0);
    running.add(&Amounts::of(spec.overhead.as_ref()));
    running
}

/// Whether an init container goes on running beside the others.
pub(super) fn is_sidecar(container: &Container) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

fn requests(resources: Option<&ResourceRequirements>) -> Amounts {
    Amounts::of(resources.and_then(|resources| resources.requests.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    fn cpu(spec: &PodSpec) -> Milli {
        of_pod(spec).get("cpu")
    }

    #[test]
    fn containers_add_up_and_init_containers_do_not() {
        let mut spec = testing::pod("a").cpu("1").build().spec.unwrap();
        spec.containers.push(testing::container("second", "500m"));
        assert_eq!(cpu(&spec), 1_500);
        spec.init_containers = Some(vec![testing::container("init", "1")]);
        assert_eq!(cpu(&spec), 1_500);
        spec.init_containers = Some(vec![testing::container("init", "4")]);
        assert_eq!(cpu(&spec), 4_000);
    }

    #[test]
    fn sidecars_count_beside_both() {
        let mut spec = testing::pod("a").cpu("1").build().spec.unwrap();
        let mut sidecar = testing::container("sidecar", "1");
        sidecar.restart_policy = Some("Always".to_owned());
        spec.init_containers = Some(vec![sidecar, testing::container("init", "2")]);
        assert_eq!(cpu(&spec), 3_000);
    }

    #[test]
    fn the_pods_own_requests_and_overhead() {
        let mut spec = testing::pod("a").cpu("1").build().spec.unwrap();
        spec.resources = testing::container("whole", "3").resources;
        spec.overhead = Some([("cpu".to_owned(), Quantity("250m".to_owned()))].into());
        assert_eq!(cpu(&spec), 3_250);
    }
}
