//! `-o`: which form the answer takes.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::jsonpath::JsonPath;

/// The form of an answer. Each command states which of them it knows: [`Format::parser`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// A table with all columns
    Wide,
    /// One `resource/name` or `plural.group` a line
    Name,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// What kubectl's jsonpath template, carried here, picks
    JsonPath(String),
    /// A page of text
    Text,
    /// A tree
    Tree,
    /// An object to start from
    Sample,
    /// The server's Status object in place of words
    Status,
}

impl Format {
    /// [`Format::JsonPath`] without a template: to be listed for [`Format::parser`].
    pub const JSONPATH: Format = Format::JsonPath(String::new());

    /// A parser for clap that accepts these formats, lists them in help and errors, and offers
    /// them for completion. [`Format::JSONPATH`] stands for `jsonpath=TEMPLATE` and
    /// `jsonpath-file=FILE`, kubectl's two ways to give a template.
    ///
    /// ```
    /// use appop::output::Format;
    /// let command = clap::Command::new("x").arg(
    ///     clap::Arg::new("output")
    ///         .short('o')
    ///         .value_parser(Format::parser([Format::Wide, Format::Json, Format::JSONPATH])),
    /// );
    /// let matches = command.try_get_matches_from(["x", "-o", "jsonpath={.kind}"])?;
    /// let format: &Format = matches.get_one("output").expect("it was given");
    /// assert_eq!(format, &Format::JsonPath("{.kind}".to_owned()));
    /// # Ok::<(), clap::Error>(())
    /// ```
    pub fn parser(accepted: impl IntoIterator<Item = Format>) -> FormatParser {
        FormatParser {
            accepted: accepted.into_iter().collect(),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Wide => "wide",
            Format::Name => "name",
            Format::Json => "json",
            Format::Yaml => "yaml",
            Format::JsonPath(_) => JSONPATH,
            Format::Text => "text",
            Format::Tree => "tree",
            Format::Sample => "sample",
            Format::Status => "status",
        }
    }
}

const JSONPATH: &str = "jsonpath=";
const JSONPATH_FILE: &str = "jsonpath-file=";

/// Parses `-o` to the formats that a command accepts.
#[derive(Clone, Debug)]
pub struct FormatParser {
    accepted: Vec<Format>,
}

impl FormatParser {
    fn words(&self) -> impl Iterator<Item = &'static str> {
        let more = |format: &Format| (format.word() == JSONPATH).then_some(JSONPATH_FILE);
        self.accepted
            .iter()
            .flat_map(move |format| [Some(format.word()), more(format)])
            .flatten()
    }

    fn understand(&self, value: &str) -> Result<Format, Refused> {
        let takes_template = self.accepted.contains(&Format::JSONPATH);
        if let Some(template) = value.strip_prefix(JSONPATH).filter(|_| takes_template) {
            return template_of(template.to_owned());
        }
        if let Some(file) = value.strip_prefix(JSONPATH_FILE).filter(|_| takes_template) {
            // Read here, so that a file that is not there fails before anything is sent.
            let text = std::fs::read_to_string(file)
                .map_err(|cause| Refused::Sentence(format!("cannot read {file:?}: {cause}")))?;
            return template_of(text);
        }
        if takes_template && ["jsonpath", "jsonpath-file"].contains(&value) {
            return template_of(String::new());
        }
        let plain = |format: &&Format| format.word() == value && **format != Format::JSONPATH;
        self.accepted
            .iter()
            .find(plain)
            .cloned()
            .ok_or(Refused::Unknown)
    }
}

enum Refused {
    Unknown,
    Sentence(String),
}

fn template_of(template: String) -> Result<Format, Refused> {
    if template.is_empty() {
        let sentence = "jsonpath needs a template, such as -o jsonpath='{.metadata.name}'";
        return Err(Refused::Sentence(sentence.to_owned()));
    }
    // Refused here, a template with a mistake fails before anything is sent.
    JsonPath::parse(&template).map_err(|problem| Refused::Sentence(problem.to_string()))?;
    Ok(Format::JsonPath(template))
}

impl TypedValueParser for FormatParser {
    type Value = Format;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Format, clap::Error> {
        let value = value.to_string_lossy();
        let refused = match self.understand(&value) {
            Ok(format) => return Ok(format),
            Err(refused) => refused,
        };
        let name = arg.map_or_else(|| "--output".to_owned(), ToString::to_string);
        let sentence = match refused {
            Refused::Sentence(sentence) => format!("invalid value for '{name}': {sentence}\n"),
            Refused::Unknown => {
                let mut error = clap::Error::new(ErrorKind::InvalidValue).with_cmd(command);
                let near = self.words().map(|word| (strsim::jaro(&value, word), word));
                let near = near.filter(|(alike, _)| *alike > 0.7);
                if let Some((_, word)) = near.max_by(|a, b| a.0.total_cmp(&b.0)) {
                    let word = ContextValue::String(word.to_owned());
                    error.insert(ContextKind::SuggestedValue, word);
                }
                let words = self.words().map(str::to_owned).collect();
                error.insert(ContextKind::InvalidArg, ContextValue::String(name));
                error.insert(
                    ContextKind::InvalidValue,
                    ContextValue::String(value.into_owned()),
                );
                error.insert(ContextKind::ValidValue, ContextValue::Strings(words));
                return Err(error);
            }
        };
        Err(clap::Error::raw(ErrorKind::ValueValidation, sentence).with_cmd(command))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.words().map(PossibleValue::new)))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn parse(value: &str) -> Result<Format, clap::Error> {
        let accepted = [Format::Wide, Format::Name, Format::Json, Format::JSONPATH];
        command(accepted.to_vec())
            .try_get_matches_from(["x", "-o", value])
            .map(|mut matches| matches.remove_one("output").unwrap())
    }

    fn command(accepted: Vec<Format>) -> clap::Command {
        let output = clap::Arg::new("output").short('o').long("output");
        clap::Command::new("x").arg(output.value_parser(Format::parser(accepted)))
    }

    #[test]
    fn accepted_words_are_parsed() {
        assert_eq!(parse("wide").unwrap(), Format::Wide);
        assert_eq!(parse("json").unwrap(), Format::Json);
        assert_eq!(
            parse("jsonpath={.a=b}").unwrap(),
            Format::JsonPath("{.a=b}".to_owned())
        );
    }

    #[test]
    fn a_template_can_come_from_a_file() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{{.kind}}").unwrap();
        let given = format!("jsonpath-file={}", file.path().display());
        assert_eq!(
            parse(&given).unwrap(),
            Format::JsonPath("{.kind}\n".to_owned())
        );
        let problem = parse("jsonpath-file=/nowhere/at/all").unwrap_err();
        assert_eq!(problem.exit_code(), 2);
        assert!(
            problem
                .to_string()
                .contains("cannot read \"/nowhere/at/all\""),
            "{problem}"
        );
    }

    #[test]
    fn a_template_must_be_there() {
        for value in ["jsonpath", "jsonpath=", "jsonpath-file"] {
            let problem = parse(value).unwrap_err();
            assert_eq!(problem.exit_code(), 2);
            assert!(
                problem.to_string().contains("needs a template"),
                "{problem}"
            );
        }
    }

    #[test]
    fn other_words_are_refused_with_those_accepted() {
        for value in ["yaml", "jsn", ""] {
            let problem = parse(value).unwrap_err();
            assert_eq!(problem.exit_code(), 2);
            let text = problem.to_string();
            let list = "[possible values: wide, name, json, jsonpath=, jsonpath-file=]";
            assert!(text.contains(list), "{text}");
        }
        assert!(parse("jsn").unwrap_err().to_string().contains("'json'"));
        let without = command(vec![Format::Json]);
        assert!(
            without
                .try_get_matches_from(["x", "-o", "jsonpath={.a}"])
                .is_err()
        );
    }

    #[test]
    fn help_shows_the_accepted_words() {
        let help = command(vec![Format::Wide, Format::JSONPATH])
            .render_help()
            .to_string();
        assert!(
            help.contains("[possible values: wide, jsonpath=, jsonpath-file=]"),
            "{help}"
        );
    }
}
