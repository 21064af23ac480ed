//! What a kubelet tells of a pod whose status it reports: all that has happened to its containers
//! since the last report, in the words of k8s.io/kubernetes/pkg/kubelet.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodStatus};

use super::image;
use super::note::{By, Note, Notes};
use super::state;

/// The Events that go with the new status of a pod on a node.
pub(super) fn notes(pod: &Pod, new: &PodStatus, node: &str, now: Timestamp) -> Vec<Note> {
    let mut notes = Notes::new(By::Kubelet(node.to_owned()), pod, now);
    let (Some(spec), Some(old)) = (&pod.spec, &pod.status) else {
        return notes.done();
    };
    let always = |policy: &Option<String>| policy.as_deref() == Some("Always");
    let init = spec.init_containers.iter().flatten();
    let init = init.map(|c| ("initContainers", &c.name, always(&c.image_pull_policy)));
    let regular = spec.containers.iter();
    let regular = regular.map(|c| ("containers", &c.name, always(&c.image_pull_policy)));
    let debug = spec.ephemeral_containers.iter().flatten();
    let debug = debug.map(|c| ("ephemeralContainers", &c.name, always(&c.image_pull_policy)));
    let is_going = pod.metadata.deletion_timestamp.is_some();
    for (list, name, pulls) in init.chain(regular).chain(debug) {
        let of = |status: &PodStatus| {
            let statuses = match list {
                "initContainers" => &status.init_container_statuses,
                "containers" => &status.container_statuses,
                _ => &status.ephemeral_container_statuses,
            };
            let mut statuses = statuses.iter().flatten();
            statuses.find(|status| status.name == *name).cloned()
        };
        let Some(now) = of(new) else {
            continue;
        };
        let mut change = Change {
            field: format!("spec.{list}{{{name}}}"),
            pulls,
            pod,
            notes: &mut notes,
        };
        change.tell(of(old).as_ref(), &now, is_going);
    }
    notes.done()
}

/// One container.
struct Change<'a> {
    field: String,
    /// Whether its image is always pulled
    pulls: bool,
    pod: &'a Pod,
    notes: &'a mut Notes,
}

impl Change<'_> {
    fn tell(&mut self, old: Option<&ContainerStatus>, new: &ContainerStatus, is_going: bool) {
        let ran = old.is_some_and(state::is_running);
        // Others among the init containers are never seen running.
        let is_sidecar = self.field.starts_with("spec.initContainers");
        let is_other = old.and_then(|old| old.container_id.as_ref()) != new.container_id.as_ref();
        if ran && (is_other || state::waits_for(new).is_some()) {
            self.normal(
                "Killing",
                format!(
                    "Container {} definition changed, will be restarted",
                    new.name
                ),
            );
        } else if ran && !state::is_running(new) && (is_going || is_sidecar) {
            self.normal("Killing", format!("Stopping container {}", new.name));
        }
        if is_other && new.container_id.is_some() {
            self.image(&new.image);
            self.normal("Created", "Container created".to_owned());
            self.normal("Started", "Container started".to_owned());
        }
        let waits = state::waits_for(new);
        let same_image = old.is_some_and(|old| old.image == new.image);
        if same_image && waits == old.and_then(state::waits_for) {
            return;
        }
        let name = &new.name;
        let image = &new.image;
        match waits {
            Some("ErrImagePull") => {
                self.normal("Pulling", format!("Pulling image {image:?}"));
                let problem = image::problem(image);
                self.warn(
                    "Failed",
                    format!("Failed to pull image {image:?}: {problem}"),
                );
                self.warn("Failed", "Error: ErrImagePull".to_owned());
            }
            Some("ImagePullBackOff") => {
                self.normal("BackOff", format!("Back-off pulling image {image:?}"));
                self.warn("Failed", "Error: ImagePullBackOff".to_owned());
            }
            Some("CreateContainerConfigError") => {
                self.image(image);
                let message = state::waiting_message(new).unwrap_or_default();
                self.warn("Failed", format!("Error: {message}"));
            }
            Some("CrashLoopBackOff") => {
                let pod = state::pod(self.pod);
                self.warn(
                    "BackOff",
                    format!("Back-off restarting failed container {name} in pod {pod}"),
                );
            }
            _ => {}
        }
    }

    /// That the image is there; pulling it takes no time and no room.
    fn image(&mut self, image: &str) {
        if self.pulls {
            self.normal("Pulling", format!("Pulling image {image:?}"));
            let message = format!(
                "Successfully pulled image {image:?} in 0s (0s including waiting). Image size: 0 \
                 bytes."
            );
            self.normal("Pulled", message);
        } else {
            let message = format!(
                "Container image {image:?} already present on machine and can be accessed by the \
                 pod"
            );
            self.normal("Pulled", message);
        }
    }

    fn normal(&mut self, reason: &'static str, message: String) {
        self.notes.normal(Some(&self.field), reason, message);
    }

    fn warn(&mut self, reason: &'static str, message: String) {
        self.notes.warn(Some(&self.field), reason, message);
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::super::known::Lacks;
    use super::super::kubelet::{Place, Step, step};
    use super::super::options::Options;
    use super::super::testing::{self, PodBuilder};
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    /// What is told with the next report, and the pod after it.
    fn next(pod: Pod, options: &Options, second: i64) -> (Vec<String>, Pod) {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let place = Place {
            node: address,
            pod: address,
            since: at(0),
        };
        let status = match step(&pod, place, options, &Lacks::default(), at(second)) {
            Step::Report(status) | Step::Finish(Some(status)) => *status,
            other => panic!("{other:?}"),
        };
        let told = notes(&pod, &status, "node-0", at(second));
        let told = told.iter().map(|note| {
            let sign = if note.is_warning { "!" } else { "" };
            let field = note.field.as_deref().unwrap_or_default();
            format!("{sign}{} {field} {}", note.reason, note.message)
        });
        let told = told.collect();
        (told, PodBuilder::from(pod).status(status).build())
    }

    fn always(image: &str) -> PodBuilder {
        testing::pod("a").on("node-0").spec(|spec| {
            spec.containers[0].image_pull_policy = Some("Always".to_owned());
            spec.containers[0].image = Some(image.to_owned());
        })
    }

    #[test]
    fn a_pod_that_does_well() {
        let pod = testing::pod("a").on("node-0").build();
        let (told, mut pod) = next(pod, &Options::default(), 0);
        let main = "spec.containers{main}";
        let there = "Container image \"example.com/main:1\" already present on machine and can be accessed by the pod";
        let started = [
            format!("Pulled {main} {there}"),
            format!("Created {main} Container created"),
            format!("Started {main} Container started"),
        ];
        assert_eq!(told, started);
        pod.spec.as_mut().unwrap().containers[0].image = Some("new".to_owned());
        let (told, pod) = next(pod, &Options::default(), 1);
        let killing =
            format!("Killing {main} Container main definition changed, will be restarted");
        assert_eq!((told.len(), &told[0]), (4, &killing));
        let gone = PodBuilder::from(pod).deleted(30).build();
        let (told, _) = next(gone, &Options::default(), 2);
        assert_eq!(told, [format!("Killing {main} Stopping container main")]);
    }

    #[test]
    fn an_image_that_is_always_pulled() {
        let (told, _) = next(always("a:1").build(), &Options::default(), 0);
        assert!(told[0].ends_with("Pulling image \"a:1\""), "{told:?}");
        assert!(
            told[1].contains("Successfully pulled image \"a:1\" in 0s"),
            "{told:?}"
        );
    }

    #[test]
    fn an_image_that_is_not_there() {
        let options = Options {
            fail_image: vec!["a".parse().unwrap()],
            ..Options::default()
        };
        let (told, pod) = next(always("a").build(), &options, 0);
        let words = |told: &[String]| -> Vec<String> {
            let words = told
                .iter()
                .map(|line| line.replace(" spec.containers{main}", ""));
            words.map(|line| line.chars().take(40).collect()).collect()
        };
        assert_eq!(
            words(&told),
            [
                "Pulling Pulling image \"a\"",
                "!Failed Failed to pull image \"a\": rpc er",
                "!Failed Error: ErrImagePull"
            ]
        );
        let (told, _) = next(pod, &options, 1);
        assert_eq!(
            words(&told),
            [
                "BackOff Back-off pulling image \"a\"",
                "!Failed Error: ImagePullBackOff"
            ]
        );
    }

    #[test]
    fn a_crash_loop() {
        let options = Options {
            fail_pod: vec!["a".parse().unwrap()],
            ..Options::default()
        };
        let mut pod = testing::pod("a").on("node-0").build();
        for _ in 0..2 {
            let (told, after) = next(pod, &options, 0);
            assert!(told.last().unwrap().starts_with("Started"), "{told:?}");
            pod = after;
        }
        let (told, _) = next(pod, &options, 0);
        let back_off = "!BackOff spec.containers{main} Back-off restarting failed container main in pod a_ns(uid-a)";
        assert_eq!(told, [back_off]);
    }
}
