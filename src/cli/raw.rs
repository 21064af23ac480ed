//! `appop raw`: one request, and its answer as the server gives it.

use std::process::ExitCode;

use anyhow::anyhow;
use bytes::Bytes;
use clap_complete::engine::ArgValueCompleter;
use http::{Method, Request};
use tokio::time::Instant;

use super::Context;
use super::exit::Usage;
use crate::cluster::{BadTarget, Server, curl};
use crate::discovery::{self, Found};
use crate::output::Format;

mod answer;
mod body;
mod exchange;
mod explain;
mod pages;
mod request;
mod sink;
mod table;

use answer::Answer;
use body::{Patch, Prepared, Source};
use exchange::{Exchange, Sent};
use request::Wanted;

/// Arguments of `appop raw`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Path on the server with its query, such as '/api/v1/pods?limit=5'; or the whole URL
    #[arg(value_name = "PATH", add = ArgValueCompleter::new(super::complete::path))]
    path: String,
    /// Method; without it GET, with -d POST, with --patch PATCH
    #[arg(short = 'X', long, value_name = "METHOD")]
    method: Option<String>,
    /// Body in JSON or YAML: the text itself, @FILE, or - for stdin
    #[arg(short, long, value_name = "DATA", allow_hyphen_values = true)]
    data: Option<String>,
    /// How a PATCH is meant; apply sends fieldManager=appop unless -q names another
    #[arg(long, value_enum, value_name = "TYPE")]
    patch: Option<Patch>,
    /// Request header 'Name: value', in place of one that appop would send; with a Content-Type
    /// the body is sent as it is. May be repeated
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    headers: Vec<String>,
    /// Query parameter, percent-encoded for you, in place of one in PATH. May be repeated
    #[arg(short, long = "query", value_name = "KEY=VALUE")]
    query: Vec<String>,
    /// Show the answer's status and headers, on stderr
    #[arg(short, long)]
    include: bool,
    /// Print the request as a curl line and do not send it
    #[arg(long)]
    curl: bool,
    /// Ask for the server's own table and print it
    #[arg(long)]
    table: bool,
    /// Follow a list from page to page (of 500, or -q limit=N) and print it as one
    #[arg(long)]
    all: bool,
    /// wide: all columns of --table; status: a failure as the server said it, on stdout
    #[arg(
        long, short, value_name = "FORMAT",
        value_parser = Format::parser([Format::Wide, Format::Status])
    )]
    output: Option<Format>,
}

const EXAMPLES: &str = "\
Examples:
  appop raw '/readyz?verbose'
  appop raw /api/v1/pods -q 'labelSelector=app in (web, db)' --table
  appop raw '/api/v1/namespaces/default/events?watch=true'
  appop raw /api/v1/configmaps --all > configmaps.json
  appop raw /api/v1/namespaces/default/configmaps -d @configmap.yaml
  appop raw /api/v1/nodes/a --patch merge -d 'spec: {unschedulable: true}'
  appop raw /api/v1/namespaces/default/services/web --patch apply -d @web.yaml
  appop raw -X DELETE /api/v1/namespaces/default/configmaps/settings

In a pipe the answer is the server's bytes. On a terminal JSON is laid out, control characters are
shown and not obeyed, and of a very large answer only the beginning is printed.";

impl Args {
    /// Sends the request and prints the answer.
    pub(super) async fn run(&self, context: &Context) -> anyhow::Result<ExitCode> {
        let wanted = self.wanted()?;
        let server = context.connect()?;
        let base = server.settings().config.cluster_url.clone();
        let bytes = match &wanted.data {
            Some(source) => source.read(context.printer)?,
            None => Bytes::new(),
        };
        let body = wanted.body(bytes).map_err(|problem| anyhow!(problem))?;
        let request = wanted
            .request(&base, &body)
            .map_err(|problem| bad_target(context, &server, problem))?;
        if self.all && answer::is_watch(request.uri()) {
            return Err(Usage("--all follows lists; a watch goes on by itself.".into()).into());
        }
        if self.curl {
            let line = curl_line(&server, &request, wanted.data.as_ref(), &body);
            context.printer.data(&format!("{line}\n"))?;
            return Ok(ExitCode::SUCCESS);
        }
        let exchange = Exchange {
            context,
            server: &server,
            // The answer to HEAD is nothing but its headers.
            include: self.include || wanted.method == Method::HEAD,
            raw_status: self.output == Some(Format::Status),
        };
        if self.table {
            let view = table::View {
                all: self.all,
                wide: self.output == Some(Format::Wide),
            };
            return table::run(&exchange, request, view).await;
        }
        if self.all {
            return pages::follow(&exchange, request).await;
        }
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let began = Instant::now();
        match exchange.send(request).await? {
            Sent::Good(response) => {
                let answer = Answer::new(&server, &method, &uri, began, response);
                answer.show(context.printer).await
            }
            Sent::Bad(response) => exchange.fail(&method, &uri, response).await,
        }
    }

    /// The flags together, as far as they make sense without a server.
    fn wanted(&self) -> Result<Wanted<'_>, Usage> {
        let method = request::method(self.method.as_deref(), self.data.is_some(), self.patch)?;
        if method != Method::GET && (self.table || self.all) {
            let flag = if self.table { "--table" } else { "--all" };
            return Err(Usage(format!(
                "{flag} reads: it goes with GET, not with {method}."
            )));
        }
        if self.output == Some(Format::Wide) && !self.table {
            return Err(Usage("-o wide is for --table.".into()));
        }
        let (headers, dropped) = request::headers(&self.headers)?;
        let wanted = Wanted {
            path: &self.path,
            query: &self.query,
            method,
            headers,
            dropped,
            patch: self.patch,
            data: self.data.as_deref().map(Source::of),
            table: self.table,
        };
        wanted.check()?;
        Ok(wanted)
    }
}

/// A PATH that is none, with the path of the resource that was perhaps meant by it.
fn bad_target(context: &Context, server: &Server, problem: BadTarget) -> Usage {
    let path = match &problem {
        BadTarget::NotAPath(word) => context.cache(server).and_then(|cache| {
            let discovery = discovery::cached(&cache)?;
            match discovery.find(word) {
                Found::Resource(versions) => Some(versions[0].path(None)),
                _ => None,
            }
        }),
        BadTarget::OtherServer { .. } | BadTarget::Malformed(_) => None,
    };
    Usage(match path {
        Some(path) => format!("{problem}\nThe path of that resource is {path}"),
        None => problem.to_string(),
    })
}

fn curl_line(
    server: &Server,
    request: &Request<Bytes>,
    source: Option<&Source>,
    body: &Prepared,
) -> String {
    let text = std::str::from_utf8(&request.body()[..]);
    let file;
    let data = match (source, text) {
        (None, _) => curl::Data::None,
        (Some(Source::File(path)), _) if body.unchanged => {
            file = path.display().to_string();
            curl::Data::File(&file)
        }
        (Some(_), Ok(text)) => curl::Data::Text(text),
        (Some(_), Err(_)) => curl::Data::Stdin,
    };
    let whole = format!("{}{}", server.url(), request.uri());
    // Both parts were URLs already.
    let uri = whole.parse().unwrap_or_else(|_| request.uri().clone());
    curl::line(
        server.settings(),
        request.method(),
        &uri,
        request.headers(),
        data,
    )
}
