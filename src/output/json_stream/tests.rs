use super::*;

fn laid_out(pieces: &[&[u8]], color: bool) -> String {
    let mut stream = JsonStream::new(2, color);
    let mut out = Vec::new();
    for piece in pieces {
        stream.push(piece, &mut out).unwrap();
    }
    stream.finish(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn whole(text: &str) -> String {
    laid_out(&[text.as_bytes()], false)
}

const SAMPLES: [&str; 6] = [
    r#"{"a":[],"b":{},"c":[1,-2.5e+3,[true,false],null],"d":{"e":"f","g":{"h":[{}]}}}"#,
    r#"  [ "quote \" slash \\ slash \/ unicode \u00e9\ud83d\ude00" , "Größe 大 🎉" ]  "#,
    r#""one""#,
    "12",
    "[[[[]]]]",
    r#"{"":{"":""}}"#,
];

#[test]
fn looks_as_everybody_indents_json() {
    for sample in SAMPLES {
        let value: serde_json::Value = serde_json::from_str(sample).unwrap();
        let text = whole(sample);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
        if !sample.contains('\\') && sample != SAMPLES[0] {
            assert_eq!(text, format!("{value:#}\n"));
        }
    }
    assert_eq!(
        whole(SAMPLES[0]),
        "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1,\n    -2.5e+3,\n    [\n      true,\n      \
         false\n    ],\n    null\n  ],\n  \"d\": {\n    \"e\": \"f\",\n    \"g\": {\n      \"h\": [\n        \
         {}\n      ]\n    }\n  }\n}\n"
    );
}

#[test]
fn splits_do_not_show() {
    let broken: [&[u8]; 8] = [
        b"{\"a\": tru\n  no json \x1b[31m \xe2\x82",
        b"\"\xff\xe2\x82\" \"\xf0\x9f\x8e\" \"\xe2\x80\xae\x1b\xc2\x9b\" [1 2]",
        b"ok",
        b"404 page\r\nnot\rfound\r",
        b"1 {} \n 2 \t true x",
        b"{\"a\" 1}",
        b"\"\\\x1b\\\xe2\x80\xae\\u00\" ]",
        b"{\"cut\": \"of\xf0\x9f",
    ];
    let samples = SAMPLES.iter().map(|sample| sample.as_bytes()).chain(broken);
    for sample in samples {
        for color in [false, true] {
            let expected = laid_out(&[sample], color);
            for at in 0..=sample.len() {
                let (a, b) = sample.split_at(at);
                assert_eq!(laid_out(&[a, b], color), expected, "{at}");
            }
            let bytes: Vec<&[u8]> = sample.chunks(1).collect();
            assert_eq!(laid_out(&bytes, color), expected);
        }
    }
}

#[test]
fn events_are_written_when_they_are_complete() {
    let mut stream = JsonStream::new(2, false);
    let mut out = Vec::new();
    stream.push(b"{\"type\":\"ADDED\"}", &mut out).unwrap();
    assert_eq!(out, b"{\n  \"type\": \"ADDED\"\n}\n");
    out.clear();
    stream.push(b"\n{\"type\":", &mut out).unwrap();
    stream.push(b"\"DELETED\"}\n", &mut out).unwrap();
    stream.finish(&mut out).unwrap();
    assert_eq!(out, b"{\n  \"type\": \"DELETED\"\n}\n");
}

#[test]
fn what_is_no_json_is_passed_on() {
    assert_eq!(whole("ok"), "ok\n");
    assert_eq!(whole("404 page not found\n"), "404 page not found\n");
    assert_eq!(
        whole("# HELP x\nx{a=\"b\"} 1\n"),
        "# HELP x\nx{a=\"b\"} 1\n"
    );
    assert_eq!(whole("[1 2]"), "[\n  1 2]\n");
    assert_eq!(whole("}"), "}\n");
    assert_eq!(whole("{}\n}"), "{}\n}\n");
    assert_eq!(whole("<html>\r\n<p>\r</p>\r\n"), "<html>\n<p>\\u000d</p>\n");
    assert_eq!(whole("1 2\n\n3"), "1\n2\n3\n");
    assert_eq!(whole(""), "");
}

#[test]
fn text_stays_text() {
    let mut stream = JsonStream::of_text();
    let mut out = Vec::new();
    for piece in [
        &b"{\"level\": 1}\n\ttwo \x1b[31m\xff"[..],
        b"\xe2\x82",
        b"\xac",
    ] {
        stream.push(piece, &mut out).unwrap();
    }
    stream.finish(&mut out).unwrap();
    let shown = String::from_utf8(out).unwrap();
    assert_eq!(shown, "{\"level\": 1}\n\ttwo \\u001b[31m\u{fffd}€\n");
}

#[test]
fn nothing_steers_the_terminal() {
    let hostile = "\x1b[2J\u{7f}\u{9b}31m\u{202e}\u{200b}\u{feff}\r\x08";
    let quoted = serde_json::to_string(hostile).unwrap();
    for text in [
        quoted.clone(),
        hostile.to_owned(),
        format!("\"{hostile}\""),
        format!("{{{quoted}:1}}"),
    ] {
        let shown = whole(&text);
        assert!(
            !shown.chars().any(|c| clean::is_hostile(c) && c != '\n'),
            "{shown:?}"
        );
    }
    assert_eq!(
        serde_json::from_str::<String>(&whole(&quoted)).unwrap(),
        hostile
    );
    assert_eq!(whole("\"a\nb\""), "\"a\\u000ab\"\n");
}

#[test]
fn depth_costs_neither_stack_nor_square() {
    let deep = vec![b'['; 4_000_000];
    let mut stream = JsonStream::new(2, false);
    let mut out = Vec::new();
    for piece in deep.chunks(64 * 1024) {
        stream.push(piece, &mut out).unwrap();
        assert!(stream.open.len() <= MAX_DEPTH);
        assert!(stream.out.capacity() < 1024 * 1024);
    }
    stream.finish(&mut out).unwrap();
    assert!(out.len() < deep.len() + MAX_DEPTH * (2 * MAX_INDENT + 1) + 1);
}

#[test]
fn keys_and_values_are_painted() {
    assert_eq!(
        laid_out(&[b"{\"a\":\"b\",\"c\":1}"], true),
        "{\n  \x1b[36m\"a\"\x1b[0m: \x1b[32m\"b\"\x1b[0m,\n  \x1b[36m\"c\"\x1b[0m: \x1b[35m1\x1b[0m\n}\n"
    );
    assert_eq!(laid_out(&[b"\"cut"], true), "\x1b[32m\"cut\x1b[0m\n");
}
