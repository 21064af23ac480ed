//! `appop install`: the CRD, and the operator with its rights.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::Context;
use super::exit::Usage;
use crate::cluster::Server;
use crate::output::progress::Progress;
use crate::output::value::{self, Style};
use crate::output::{Format, Printer};

mod apply;
pub(super) mod dry_run;
mod established;
pub(super) mod found;
pub(super) mod manifests;
pub(super) mod object;
mod refused;
pub(super) mod request;

use apply::{Outcome, Way};
use dry_run::DryRun;
use found::{Found, Live};
use manifests::{NAMESPACE, NO_IMAGE, Wanted};
use object::{Id, Kind, Object};
use request::Write;

/// Arguments of `appop install`.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// The operator's image. There is no public one: build it with deploy/Containerfile and push it
    /// to where the cluster can pull it
    #[arg(long, value_name = "IMAGE", value_parser = image)]
    image: Option<String>,
    /// The operator's namespace; it is created if it is missing
    // The same id as the global flag, whose place it takes: where to install is not where a
    // kubeconfig's context works.
    #[arg(
        long, short, value_name = "NAME", default_value = NAMESPACE, value_parser = namespace,
        help_heading = None
    )]
    namespace: String,
    /// Look for Apps in this namespace alone, with a Role there in place of a ClusterRole; may be
    /// repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = namespace)]
    watch_namespace: Vec<String>,
    /// Only the CustomResourceDefinition: for an operator that runs on this machine
    #[arg(long, conflicts_with_all = ["image", "watch_namespace"])]
    crd_only: bool,
    /// All but the CustomResourceDefinition: where an administrator has installed that
    #[arg(long, conflicts_with = "crd_only")]
    skip_crd: bool,
    /// Take over fields that somebody else has set otherwise
    #[arg(long)]
    force_conflicts: bool,
    /// Write nothing: without a server, or with the server checking everything
    #[arg(
        long, value_enum, value_name = "MODE", default_value_t, hide_default_value = true,
        num_args = 0..=1, require_equals = true, default_missing_value = "client"
    )]
    dry_run: DryRun,
    /// Print the objects, or their names, in place of what became of them
    #[arg(
        long, short, value_name = "FORMAT",
        value_parser = Format::parser([Format::Yaml, Format::Json, Format::Name])
    )]
    output: Option<Format>,
}

const NOTES: &str = "\
Examples:
  appop install --crd-only                       then run the operator here: appop run
  appop install --image registry.example/appop:0.1.0
  appop install --image IMAGE --namespace shop --watch-namespace shop
  appop install --image IMAGE --dry-run=server   what would change
  appop install --image IMAGE --dry-run -o yaml  the manifests, as kubectl apply -f - takes them

Everything is written by server-side apply under the field manager appop-install; the same command
again updates, and removes roles that are no longer needed. Before anything is written, the server
checks all of it. Without --image, --dry-run prints the manifests of deploy/, with an image that
stands for yours. Watching all namespaces takes an administrator of the cluster.
Remove it with: appop uninstall";

impl Args {
    /// Installs, or says what would be.
    pub(super) async fn run(&self, context: &Context) -> anyhow::Result<ExitCode> {
        let printer = context.printer;
        let objects = self.objects()?;
        if self.dry_run == DryRun::Client {
            self.print_unsent(printer, &objects)?;
            return Ok(ExitCode::SUCCESS);
        }
        let server = context.connect()?;
        let progress = Progress::start(printer, "Looking at what is there");
        let found = self.look(&server).await?;
        self.refuse_second(&found)?;
        progress.set("Asking the server to check everything");
        let way = Way {
            write: Write::Trial,
            home: &self.namespace,
            force: self.force_conflicts,
        };
        let mut checked = Vec::new();
        for object in &objects {
            checked.push(apply::apply(&server, object, way).await?);
        }
        drop(progress);
        let stale = self.stale(&found, &objects);
        if self.dry_run == DryRun::Server {
            for (object, (outcome, _)) in objects.iter().zip(&checked) {
                self.tell(printer, &object.id, outcome.word())?;
            }
            for live in &stale {
                self.tell(printer, &live.id, "deleted")?;
            }
            let after = checked.into_iter().map(|(_, after)| after).collect();
            self.print(printer, after)?;
            return Ok(ExitCode::SUCCESS);
        }
        self.write(&server, printer, &objects, &stale).await?;
        self.say_what_next(printer);
        Ok(ExitCode::SUCCESS)
    }

    /// What is to be there.
    fn objects(&self) -> anyhow::Result<Vec<Object>> {
        let mut objects = Vec::new();
        if !self.skip_crd {
            objects.push(manifests::crd());
        }
        if self.crd_only {
            return Ok(objects);
        }
        let image = match (&self.image, self.dry_run) {
            (Some(image), _) => image.clone(),
            (None, DryRun::None) => return Err(Usage(WITHOUT_IMAGE.to_owned()).into()),
            (None, _) => NO_IMAGE.to_owned(),
        };
        let mut watched = self.watch_namespace.clone();
        watched.sort_unstable();
        watched.dedup();
        objects.extend(manifests::operator(&Wanted {
            namespace: self.namespace.clone(),
            watched,
            image,
        }));
        Ok(objects)
    }

    async fn look(&self, server: &Server) -> anyhow::Result<Found> {
        if self.crd_only {
            return Ok(Found::default());
        }
        let found = Found::look(server, &self.namespace, &self.watch_namespace).await;
        found.map_err(|problem| match request::code(&problem) {
            Some(403) => anyhow::anyhow!("{problem}\n{ONLY_ADMINISTRATORS}"),
            _ => problem.into(),
        })
    }

    /// Two operators for the same Apps would both write them: each has its own lease.
    fn refuse_second(&self, found: &Found) -> anyhow::Result<()> {
        let everywhere = self.watch_namespace.is_empty();
        let overlaps = |id: &Id| match &id.namespace {
            Some(namespace) => everywhere || self.watch_namespace.contains(namespace),
            None => true,
        };
        let Some((id, other)) = found.elsewhere.iter().find(|(id, _)| overlaps(id)) else {
            return Ok(());
        };
        let place = match &id.namespace {
            Some(namespace) => format!("in namespace {namespace}"),
            None => "in all namespaces".to_owned(),
        };
        anyhow::bail!(
            "an operator in namespace {other} looks after the Apps {place} already ({id}), and of \
             two each would write what the other does. Nothing was written. Update that one with \
             --namespace {other}, or remove it first: appop uninstall --keep-crd --namespace {other}"
        )
    }

    /// Rights that an earlier installation gave the operator and that this one does not.
    fn stale(&self, found: &Found, objects: &[Object]) -> Vec<Live> {
        let is_role = |id: &Id| {
            use Kind::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
            matches!(
                id.kind,
                ClusterRole | ClusterRoleBinding | Role | RoleBinding
            )
        };
        let wanted = |id: &Id| objects.iter().any(|object| object.id == *id);
        let stale = found
            .objects
            .iter()
            .filter(|live| is_role(&live.id) && !wanted(&live.id));
        stale.cloned().collect()
    }

    async fn write(
        &self,
        server: &Server,
        printer: Printer,
        objects: &[Object],
        stale: &[Live],
    ) -> anyhow::Result<()> {
        let way = Way {
            write: Write::Really,
            home: &self.namespace,
            force: self.force_conflicts,
        };
        let mut after = Vec::new();
        for object in objects {
            let (outcome, live) = apply::apply(server, object, way).await?;
            self.tell(printer, &object.id, outcome.word())?;
            if object.id.kind == Kind::Crd {
                let _progress = Progress::start(printer, "Waiting until the server serves Apps");
                established::wait(server).await?;
            }
            after.push(live);
        }
        for live in stale {
            request::delete(server, &live.id, &live.uid, "Background", Write::Really).await?;
            self.tell(printer, &live.id, "deleted")?;
        }
        self.print(printer, after)
    }

    /// Manifests, or a line for each, without having asked any server.
    fn print_unsent(&self, printer: Printer, objects: &[Object]) -> anyhow::Result<()> {
        for object in objects {
            self.tell(printer, &object.id, Outcome::Created.word())?;
        }
        let values = objects.iter().map(|object| object.value.clone());
        self.print(printer, values.collect())?;
        if self.output.is_none() {
            printer.note("No server was asked. --dry-run=server says what would change there.");
        }
        Ok(())
    }

    /// A line about one object, unless objects were asked for.
    fn tell(&self, printer: Printer, id: &Id, what: &str) -> anyhow::Result<()> {
        let line = match self.output {
            None => id.line(what, self.dry_run.remark()),
            Some(Format::Name) => format!("{}\n", id.name_line()),
            Some(_) => return Ok(()),
        };
        Ok(printer.data(&line)?)
    }

    /// The objects, if they were asked for: YAML as `kubectl apply -f` reads it, JSON as a List.
    fn print(&self, printer: Printer, objects: Vec<Value>) -> anyhow::Result<()> {
        match self.output {
            Some(Format::Yaml) => {
                let mut text = String::new();
                for object in &objects {
                    text.push_str("---\n");
                    text.push_str(&value::yaml(object, Style::of(printer))?);
                }
                printer.data(&text)?;
            }
            Some(Format::Json) => {
                let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
                value::print_json(printer, &list)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn say_what_next(&self, printer: Printer) {
        if self.output.is_some() {
            return;
        }
        printer.note(&if self.crd_only {
            "Nothing happens to an App until an operator runs: appop run".to_owned()
        } else {
            format!(
                "See the operator start: kubectl --namespace {} rollout status deployment/appop",
                self.namespace
            )
        });
    }
}

/// Makes the CRD, or updates it, and waits until the server takes Apps.
///
/// Errors: what the server does not take, explained.
pub(super) async fn crd(server: &Server) -> anyhow::Result<()> {
    let way = Way {
        write: Write::Really,
        home: NAMESPACE,
        force: false,
    };
    apply::apply(server, &manifests::crd(), way).await?;
    established::wait(server).await
}

const ONLY_ADMINISTRATORS: &str = "\
Nothing was written. Installing takes an administrator's rights. Somebody who has them can apply what
appop install --dry-run -o yaml prints.";

const WITHOUT_IMAGE: &str = "\
which image is the operator's? appop has no public one. Build it with deploy/Containerfile, push it to
where the cluster can pull it, and name it with --image. To run the operator on this machine instead,
no image is needed: appop install --crd-only, and then appop run. The manifests alone are printed by:
appop install --dry-run -o yaml";

/// A name that a namespace may have.
/// Source: k8s.io/apimachinery/pkg/util/validation (`IsDNS1123Label`).
pub(super) fn namespace(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_name = (1..=63).contains(&text.len())
        && text.chars().all(fits)
        && !text.starts_with('-')
        && !text.ends_with('-');
    match is_name {
        true => Ok(text.to_owned()),
        false => Err(
            "a namespace has at most 63 lower-case letters, digits and dashes, and no dash at \
             either end"
                .to_owned(),
        ),
    }
}

/// What can be an image at all; only whoever pulls it can say whether it is one.
fn image(text: &str) -> Result<String, String> {
    match text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        false => Ok(text.to_owned()),
        true => Err("an image is a word such as registry.example/appop:0.1.0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_labels() {
        for good in ["a", "team-a", "0", &"a".repeat(63)] {
            assert_eq!(namespace(good).as_deref(), Ok(good));
        }
        for bad in ["", "A", "a.b", "-a", "a-", "a/b", "../x", &"a".repeat(64)] {
            assert!(namespace(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_image_is_one_word() {
        assert!(image("registry.example:5000/a/b@sha256:0").is_ok());
        for bad in ["", " ", "a b", "a\n"] {
            assert!(image(bad).is_err(), "{bad:?}");
        }
    }
}
