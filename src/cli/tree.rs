//! `appop tree`: an object and what it owns.

use std::process::ExitCode;
use std::sync::Arc;

use clap_complete::engine::ArgValueCompleter;

use super::Context;
use super::exit::{PARTIAL, Usage};
use super::family::{self, Form, Subject};
use crate::discovery::{Discovery, Resource};
use crate::output::Format;
use crate::output::progress::Progress;
use crate::ownership::Kind;

/// Arguments of `appop tree`.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// The kind as kubectl takes it (plural, singular, kind, short name, deployments.apps), a slash
    /// and the name; or the two as two words
    #[arg(value_name = "KIND/NAME", num_args = 1..=2, required = true, add = ArgValueCompleter::new(super::complete::resource))]
    what: Vec<String>,
    /// Leave out the tree's headings
    #[arg(long)]
    no_headers: bool,
    /// The form of the answer
    #[arg(
        long, short, value_name = "FORMAT", default_value = "table",
        value_parser = Format::parser([
            Format::Table, Format::Wide, Format::Name, Format::Json, Format::Yaml, Format::JSONPATH,
        ])
    )]
    output: Format,
}

const NOTES: &str = "\
Examples:
  appop tree deploy/web                     ReplicaSets and Pods, and how they are
  appop tree cronjob nightly -n batch       two words will do
  appop tree certificates.cert-manager.io/web -o wide
  appop tree app/web -o jsonpath='{..name}'

What names the object as its owner (metadata.ownerReferences, by uid) is looked for among the objects
of all kinds that can be listed: in the object's namespace, or everywhere for one that lives in none.
Of each kind the server sends names, owners and the columns of kubectl get; secrets stay where they
are. Events own nothing and are not looked through; the latest about the tree's objects are below it.
Exit code 3: some kinds could not be listed, often for want of permission; the rest was printed.";

impl Args {
    /// Prints the tree.
    pub(super) async fn run(&self, context: &Context) -> anyhow::Result<ExitCode> {
        let (kind, name) = self.what()?;
        let server = context.connect()?;
        let progress = Progress::start(context.printer, "Looking for what it owns");
        let discovery = context.discover(&server).await?;
        let resource = discovery.find_resource(kind, None)?;
        if !resource.can("get") {
            let why = format!("{} cannot be read by name.", resource.name());
            return Err(Usage(why).into());
        }
        let subject = Subject {
            kind: Arc::new(Kind::of(resource)),
            namespace: resource.namespaced.then(|| server.namespace().to_owned()),
            name: name.to_owned(),
        };
        let kinds = kinds(&discovery, resource);
        let mut family = family::load(&server, &subject, &kinds, |root| {
            super::apps::is_app(&subject.kind).then(|| super::apps::state(root))
        })
        .await?;
        family.skipped.undiscovered(&discovery);
        drop(progress);
        let form = Form {
            output: self.output.clone(),
            headers: !self.no_headers,
        };
        family.print(context.printer, &form)?;
        if family.tree.nodes.len() == 1 && matches!(form.output, Format::Table | Format::Wide) {
            context.printer.note("Nothing names it as its owner.");
        }
        family.skipped.say(context.printer);
        Ok(match family.skipped.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(PARTIAL),
        })
    }

    fn what(&self) -> Result<(&str, &str), Usage> {
        let (kind, name) = match self.what.as_slice() {
            [one] => one.rsplit_once('/').ok_or_else(|| {
                Usage(format!(
                    "{one:?} names no object: give KIND/NAME, such as deployment/web"
                ))
            })?,
            [kind, name] => (kind.as_str(), name.as_str()),
            _ => return Err(Usage("give one KIND/NAME".to_owned())),
        };
        if kind.is_empty() || name.is_empty() || name.contains('/') {
            let given = self.what.join(" ");
            let why = format!("{given:?} is not KIND/NAME, such as deployment/web");
            return Err(Usage(why));
        }
        Ok((kind, name))
    }
}

/// Among which kinds to look for what an object of `root`'s kind owns: an owner in a namespace owns
/// nothing outside of it.
fn kinds(discovery: &Discovery, root: &Resource) -> Vec<Arc<Kind>> {
    let all = discovery.preferred().into_iter();
    let wanted = all.filter(|resource| {
        let is_event =
            resource.plural == "events" && matches!(resource.group.as_str(), "" | "events.k8s.io");
        // Made up by the server when it is asked for: it has no uid, and asking takes its time.
        let is_made_up = resource.plural == "componentstatuses" && resource.group.is_empty();
        let in_reach = resource.namespaced || !root.namespaced;
        resource.can("list") && in_reach && !is_event && !is_made_up
    });
    wanted
        .map(|resource| Arc::new(Kind::of(resource)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::testing::{discovery, resource};

    #[test]
    fn an_owner_in_a_namespace_owns_nothing_outside() {
        let known = discovery(vec![
            resource("", "v1", "pods", "Pod").done(),
            resource("", "v1", "events", "Event").done(),
            resource("", "v1", "nodes", "Node").cluster_scoped().done(),
            resource("", "v1", "bindings", "Binding")
                .verbs(&["create"])
                .done(),
        ]);
        let names = |root: &str| -> Vec<String> {
            let root = known.find_resource(root, None).unwrap();
            let kinds = kinds(&known, root);
            kinds.iter().map(|kind| kind.plural.clone()).collect()
        };
        assert_eq!(names("pods"), ["pods"]);
        assert_eq!(names("nodes"), ["pods", "nodes"]);
    }
}
