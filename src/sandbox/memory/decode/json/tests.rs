use serde_json::json;

use super::{MAX_DEPTH, Step, literal, read};

fn ok(text: &str) -> serde_json::Value {
    read(text.as_bytes())
        .unwrap_or_else(|e| panic!("{text}: {e}"))
        .0
}

fn duplicates(text: &str) -> Vec<String> {
    read(text.as_bytes()).unwrap().1.duplicates
}

/// The sentences are the real server's.
#[test]
fn what_is_no_json_is_refused_as_go_does() {
    for (text, expected) in [
        ("", "unexpected end of JSON input"),
        ("   ", "unexpected end of JSON input"),
        ("{", "unexpected end of JSON input"),
        (r#"{"kind":"a""#, "unexpected end of JSON input"),
        (r#"{"a":"b"#, "unexpected end of JSON input"),
        (r#"{"a":1"#, "unexpected end of JSON input"),
        ("{} x", "invalid character 'x' after top-level value"),
        ("{}{}", "invalid character '{' after top-level value"),
        (
            "{\"a\":\"\u{1}\"}",
            r"invalid character '\x01' in string literal",
        ),
        (
            r#"{"a":"\x"}"#,
            "invalid character 'x' in string escape code",
        ),
        (
            r#"{"a":01}"#,
            "invalid character '1' after object key:value pair",
        ),
        (
            r#"{"a":1.}"#,
            "invalid character '}' after decimal point in numeric literal",
        ),
        (
            r#"{"a":1e}"#,
            "invalid character '}' in exponent of numeric literal",
        ),
        (r#"{"a" 1}"#, "invalid character '1' after object key"),
        (
            r#"{"a":1 "b":2}"#,
            "invalid character '\"' after object key:value pair",
        ),
        (
            "{a:1}",
            "invalid character 'a' looking for beginning of object key string",
        ),
        (
            r#"{"a":1,}"#,
            "invalid character '}' looking for beginning of object key string",
        ),
        (
            "{'a':1}",
            r"invalid character '\'' looking for beginning of object key string",
        ),
        (
            "[1,]",
            "invalid character ']' looking for beginning of value",
        ),
        ("[1 2]", "invalid character '2' after array element"),
        (
            r#"{"a":tru}"#,
            "invalid character '}' in literal true (expecting 'e')",
        ),
        (
            r#"{"a":nul"#,
            "invalid character ' ' in literal null (expecting 'l')",
        ),
        (r#"{"a":-}"#, "invalid character '}' in numeric literal"),
        (
            r#"{"a":"\u12x4"}"#,
            r"invalid character 'x' in \u hexadecimal character escape",
        ),
        (
            "\u{feff}{}",
            "invalid character 'ï' looking for beginning of value",
        ),
        ("é", "invalid character 'Ã' looking for beginning of value"),
    ] {
        let refused = read(text.as_bytes());
        assert_eq!(refused, Err(expected.to_owned()), "{text}");
    }
}

#[test]
fn values_are_read() {
    assert_eq!(
        ok(" {\"a\" : [1, -2.5 , true,null,\"\\u00e9\\n\\/\"],\n\"b\":{}} "),
        json!({"a": [1, -2.5, true, null, "é\n/"], "b": {}})
    );
    assert_eq!(ok("9223372036854775807"), json!(i64::MAX));
    assert_eq!(ok("-0"), json!(0));
    assert!(ok("9223372036854775808").is_f64());
    assert!(ok("1.0").is_f64());
    assert!(read(b"1e999").is_err());
}

#[test]
fn text_that_is_not_utf8_is_repaired() {
    let read = |body: &[u8]| read(body).unwrap().0;
    assert_eq!(read(b"\"\xff\xfe x\""), json!("\u{fffd}\u{fffd} x"));
    assert_eq!(ok(r#""\ud83d\ude00""#), json!("😀"));
    assert_eq!(ok(r#""\ud800 x""#), json!("\u{fffd} x"));
    assert_eq!(ok(r#""\ud800\u0041""#), json!("\u{fffd}A"));
}

#[test]
fn duplicates_are_told_by_path_and_the_last_counts() {
    let text = r#"{"a":{"x":1,"y":2,"x":3},"l":[[{"k":1,"k":2}]],"a.b":{"c":{"d":1,"d":1}}}"#;
    assert_eq!(duplicates(text), ["a.x", "l[0][0].k", "a.b.c.d"]);
    assert_eq!(ok(text)["a"], json!({"y": 2, "x": 3}));
    let many = format!("{{{}\"k\":1}}", "\"k\":0,".repeat(50_000));
    assert_eq!(duplicates(&many).len(), super::MAX_TOLD);
    assert_eq!(ok(&many), json!({"k": 1}));
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    ok(&nested(MAX_DEPTH));
    for depth in [MAX_DEPTH + 1, 1_000_000] {
        let refused = read(nested(depth).as_bytes());
        assert_eq!(refused, Err("exceeded max depth".to_owned()));
    }
}

#[test]
fn numbers_are_found_as_they_were_written() {
    let body = br#" {"a": [ {"b":1}, {"b" : 1e2 , "b": 1.50}, 7 ] , "z":0} "#;
    let path = [Step::Key("a"), Step::Index(1), Step::Key("b")];
    assert_eq!(literal(body, &path), Some("1.50"));
    assert_eq!(literal(body, &[Step::Key("a"), Step::Index(2)]), Some("7"));
    assert_eq!(literal(body, &[Step::Key("a"), Step::Index(9)]), None);
    assert_eq!(literal(body, &[Step::Key("none")]), None);
}
