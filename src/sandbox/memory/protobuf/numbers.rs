//! Which field has which number.

use std::collections::HashMap;
use std::io::Read;
use std::sync::OnceLock;

use flate2::read::GzDecoder;

static FILE: &[u8] = include_bytes!("numbers.txt.gz");

/// The messages of the pinned Kubernetes. The generator's `numbers.go` says how they are written.
pub(super) struct Numbers {
    messages: HashMap<String, Message>,
}

/// The numbers of one type, or of a struct that is embedded in it.
#[derive(Debug, Default)]
pub(super) struct Message {
    /// Sorted by number
    slots: Vec<(u32, Slot)>,
}

/// What has a number.
#[derive(Debug)]
pub(super) enum Slot {
    /// The field at that place of the type
    Field(usize, Form),
    /// More fields of the type, in a message of their own
    Embedded(Message),
}

/// How a field is sent, as far as its type does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As its type says
    Plain,
    /// A message with JSON in it: RawExtension, FieldsV1, JSON
    Raw,
    /// `JSONSchemaPropsOrBool`
    OrBool,
    /// `JSONSchemaPropsOrArray`
    OrArray,
    /// `JSONSchemaPropsOrStringArray`
    OrStringArray,
    /// A list that is a message with items in it: ExtraValue, Verbs
    Wrapped,
}

/// The numbers, which are read when they are first needed.
pub(super) fn numbers() -> &'static Numbers {
    static NUMBERS: OnceLock<Numbers> = OnceLock::new();
    NUMBERS.get_or_init(|| Numbers::parse(&text()))
}

/// What is in the file: the digest of the names that the numbers are for, then a line for each type.
pub(super) fn text() -> String {
    let mut text = String::new();
    // The file is in the binary, and tests read all of it.
    let read = GzDecoder::new(FILE).read_to_string(&mut text);
    debug_assert!(read.is_ok(), "{read:?}");
    text
}

impl Numbers {
    fn parse(text: &str) -> Self {
        let messages = text.lines().skip(1).filter_map(|line| {
            let (name, rest) = line.split_once(' ')?;
            let mut parser = Parser { rest, field: 0 };
            Some((name.to_owned(), parser.message()))
        });
        Numbers {
            messages: messages.collect(),
        }
    }

    /// The message that a type is, by the name of its schema.
    pub(super) fn message(&self, name: &str) -> Option<&Message> {
        self.messages.get(name)
    }
}

impl Message {
    /// What has that number.
    pub(super) fn slot(&self, number: u32) -> Option<&Slot> {
        let at = self
            .slots
            .binary_search_by_key(&number, |(known, _)| *known);
        at.ok().map(|at| &self.slots[at].1)
    }
}

struct Parser<'a> {
    rest: &'a str,
    /// The place of the next field
    field: usize,
}

impl Parser<'_> {
    /// Reads numbers up to the end, or to the end of an embedded struct.
    fn message(&mut self) -> Message {
        let mut slots = Vec::new();
        loop {
            self.rest = self.rest.trim_start_matches(' ');
            let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = self.rest.split_at(digits);
            self.rest = rest;
            let Ok(number) = number.parse() else {
                self.take(')');
                break;
            };
            let slot = if self.take('(') {
                Slot::Embedded(self.message())
            } else {
                let form = self.form();
                self.field += 1;
                Slot::Field(self.field - 1, form)
            };
            if number > 0 {
                slots.push((number, slot));
            }
        }
        slots.sort_by_key(|(number, _)| *number);
        Message { slots }
    }

    fn take(&mut self, mark: char) -> bool {
        let rest = self.rest.strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn form(&mut self) -> Form {
        let marks = [
            ('r', Form::Raw),
            ('b', Form::OrBool),
            ('a', Form::OrArray),
            ('s', Form::OrStringArray),
            ('w', Form::Wrapped),
        ];
        let marked = marks.into_iter().find(|(mark, _)| self.take(*mark));
        marked.map_or(Form::Plain, |(_, form)| form)
    }
}
