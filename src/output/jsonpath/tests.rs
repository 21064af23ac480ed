use serde_json::json;

use super::*;

const CASES: &str = include_str!("../../../tests/it/jsonpath/cases.txt");
const OBJECT: &str = include_str!("../../../tests/it/jsonpath/object.json");

/// A question to kubectl and its answer; `record.sh` explains how they are written.
struct Case {
    template: &'static str,
    sorted: bool,
    /// The output; none when kubectl refuses.
    output: Option<String>,
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in CASES
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (mark, rest) = line.split_at(2);
        match mark {
            "= " | "~ " => cases.push(Case {
                template: rest,
                sorted: mark == "~ ",
                output: None,
            }),
            "> " => match &mut cases.last_mut().unwrap().output {
                Some(output) => *output += &format!("\n{rest}"),
                none => *none = Some(rest.to_owned()),
            },
            "! " => assert_eq!(cases.last().unwrap().output, None, "{line}"),
            _ => panic!("cases.txt: {line:?}"),
        }
    }
    cases
}

fn render(template: &str, value: &Value) -> Result<String, String> {
    let path = JsonPath::parse(template).map_err(|e| e.to_string())?;
    path.render(value).map_err(|e| e.to_string())
}

#[test]
fn every_template_gives_what_kubectl_gives() {
    let object = serde_json::from_str(OBJECT).unwrap();
    let cases = cases();
    assert!(cases.len() > 200);
    let mut wrong = String::new();
    for case in cases {
        let mut given = render(case.template, &object);
        if case.sorted {
            given = given.map(|text| {
                let mut words: Vec<_> = text.split(' ').collect();
                words.sort_unstable();
                words.join(" ")
            });
        }
        if given.as_ref().ok() != case.output.as_ref() {
            wrong += &format!(
                "{}\n  kubectl: {:?}\n  here:    {given:?}\n",
                case.template, case.output
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_template_can_be_rendered_again() {
    let path = JsonPath::parse("{range .items[*]}{.n},{end}").unwrap();
    assert_eq!(
        path.render(&json!({"items": [{"n": 1}, {"n": 2}]}))
            .unwrap(),
        "1,2,"
    );
    assert_eq!(path.render(&json!({"items": [{"n": 3}]})).unwrap(), "3,");
}

#[test]
fn what_kubectl_panics_at_finds_nothing() {
    let value = json!({"list": [null, [1]]});
    assert_eq!(
        render("{range .list[*]}<{[0]}>{end}", &value).unwrap(),
        "<><1>"
    );
    assert_eq!(
        render("{range .missing[*]}{[?(@.a)]}{end}", &value).unwrap(),
        ""
    );
}

#[test]
fn a_relaxed_path_may_leave_out_braces_and_dot() {
    let value = json!({"a": {"b": "c"}});
    for path in ["a.b", ".a.b", "{a.b}", "{.a.b}"] {
        assert_eq!(
            JsonPath::parse_relaxed(path)
                .unwrap()
                .render(&value)
                .unwrap(),
            "c",
            "{path}"
        );
    }
    assert_eq!(
        JsonPath::parse_relaxed("").unwrap().render(&value).unwrap(),
        ""
    );
    for path in ["{.a}{.b}", "{a.b", "a.b}", "{{a}}", "{}"] {
        let problem = JsonPath::parse_relaxed(path).unwrap_err().problem;
        assert_eq!(problem, Problem::NotOnePath, "{path}");
    }
}

#[test]
fn mistakes_get_a_sentence_that_helps() {
    let value = json!({"a": ["x"], "s": "text"});
    for (template, sentence) in [
        (
            "{metadata.name}",
            "the JSONPath template has the unknown word \"metadata\"; a field begins with a dot: \
             {.metadata}",
        ),
        (
            "{.a[3]}",
            "JSONPath: [3] is out of bounds, the list has a length of 1",
        ),
        ("{.s[0]}", "JSONPath: a string is not a list and has no [0]"),
        (
            "{.a[?(@>1)]}",
            "JSONPath: a filter cannot compare a string with a number by >",
        ),
        (
            "{.a[\"k\"]}",
            "the JSONPath template \"{.a[\\\"k\\\"]}\" cannot be read: [\"k\"] is no index (0, -1), \
             slice (0:2, ::2), wildcard (*) or key in single quotes ('name')",
        ),
        (
            "{.a",
            "the JSONPath template \"{.a\" cannot be read: a { has no } on its line",
        ),
    ] {
        assert_eq!(render(template, &value).unwrap_err(), sentence);
    }
}

/// Templates come from command lines, values from servers: nothing of either may bring it down.
#[test]
fn no_cut_or_mixed_template_panics() {
    let object: Value = serde_json::from_str(OBJECT).unwrap();
    for case in cases() {
        for (at, _) in case.template.char_indices() {
            let (front, back) = case.template.split_at(at);
            for template in [
                front,
                back,
                &format!("{back}{front}"),
                &format!("{{{back}}}"),
            ] {
                let _ = render(template, &object);
            }
        }
    }
}
