//! Bodies: YAML as people write it becomes the JSON that clients send; what is to go out as it is
//! written, does.

use std::collections::HashMap;

use serde_json::Value;

/// Puts values in the place of `{name}`; braces around other words stay as they are.
pub(super) fn fill(text: &str, variables: &HashMap<String, String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, after) = rest.split_at(open);
        filled.push_str(before);
        let value = after[1..]
            .find('}')
            .and_then(|end| Some((variables.get(&after[1..=end])?, end + 2)));
        match value {
            Some((value, end)) => {
                filled.push_str(value);
                rest = &after[end..];
            }
            None => {
                filled.push('{');
                rest = &after[1..];
            }
        }
    }
    filled + rest
}

/// The bytes to send. Text for a JSON media type (or none) is read as YAML, unless it is `raw`.
/// `{{repeat N TEXT}}` and `{{bytes ff fe}}` stand for what is too long or no text; a body that
/// has them goes out as it is.
pub(super) fn bytes(
    text: &str,
    variables: &HashMap<String, String>,
    media: Option<&str>,
    raw: bool,
) -> Result<Vec<u8>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    if text.contains("{{") {
        return generate(&fill(text, variables));
    }
    let text = fill(text, variables);
    let is_json = media.is_none_or(|media| media.split(';').next().unwrap_or("").ends_with("json"));
    if raw || !is_json {
        return Ok(text.into_bytes());
    }
    // YAML 1.2: `y` is no boolean.
    let options = serde_saphyr::options! { strict_booleans: true };
    let value: Value = serde_saphyr::from_str_with_options(&text, options)
        .map_err(|e| format!("the body: {e}"))?;
    Ok(value.to_string().into_bytes())
}

fn generate(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        bytes.extend(before.as_bytes());
        let (inside, after) = after.split_once("}}").ok_or("{{ without }}")?;
        let unknown = || format!("{{{{{inside}}}}} is neither repeat N TEXT nor bytes HEX...");
        let (word, value) = inside.split_once(' ').ok_or_else(unknown)?;
        match word {
            "repeat" => {
                let (count, value) = value.split_once(' ').ok_or_else(unknown)?;
                bytes.extend(
                    value
                        .repeat(count.parse().map_err(|_| unknown())?)
                        .as_bytes(),
                );
            }
            "bytes" => {
                for byte in value.split(' ') {
                    bytes.push(u8::from_str_radix(byte, 16).map_err(|_| unknown())?);
                }
            }
            _ => return Err(unknown()),
        }
        rest = after;
    }
    bytes.extend(rest.as_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::bytes;

    #[test]
    fn bodies_are_what_they_say() {
        let variables = HashMap::from([("ns".to_owned(), "f1".to_owned())]);
        let json = Some("application/merge-patch+json; charset=utf-8");
        for (text, media, raw, sent) in [
            (
                "{a: {ns}, b: {}, y: n}",
                None,
                false,
                &br#"{"a":"f1","b":{},"y":"n"}"#[..],
            ),
            (
                "{a: {no}, b: '1'}",
                json,
                false,
                br#"{"a":{"no":null},"b":"1"}"#,
            ),
            ("{\"a\": ", None, true, b"{\"a\": "),
            ("a: {ns}\n", Some("application/yaml"), false, b"a: f1\n"),
            (
                "{{repeat 3 [}}{{bytes ff 00}}{ns}",
                None,
                false,
                b"[[[\xff\x00f1",
            ),
        ] {
            assert_eq!(bytes(text, &variables, media, raw).unwrap(), sent, "{text}");
        }
        assert!(bytes("{{twice a}}", &variables, None, false).is_err());
    }
}
