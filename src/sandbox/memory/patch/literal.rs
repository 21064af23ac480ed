//! The letters of a JSON patch, where they count.

use std::collections::HashMap;

use serde_json::value::RawValue;

/// Whether the patch has a test that cannot pass. Kubernetes compares the letters of texts, and those
/// of the object have `<`, `>` and `&` escaped: a value with one of them as it is equals nothing, but
/// what the patch itself has put there before, of which nothing is said.
pub(super) fn tests_in_vain(body: &[u8]) -> bool {
    let is_markup = |byte: &u8| matches!(byte, b'<' | b'>' | b'&');
    if !body.iter().any(is_markup) {
        return false;
    }
    let operations: Result<Vec<HashMap<String, &RawValue>>, _> = serde_json::from_slice(body);
    let operations = operations.unwrap_or_default();
    let uses_value = |operation: &&HashMap<String, &RawValue>| {
        let op = operation.get("op").map(|op| op.get());
        matches!(op, Some(r#""test""# | r#""add""# | r#""replace""#))
    };
    let mut with_markup = operations.iter().filter(uses_value).filter(|operation| {
        let value = operation.get("value");
        value.is_some_and(|value| value.get().bytes().any(|byte| is_markup(&byte)))
    });
    let first = with_markup.next().and_then(|operation| operation.get("op"));
    first.is_some_and(|op| op.get() == r#""test""#)
}

#[cfg(test)]
mod tests {
    use super::tests_in_vain;

    #[test]
    fn markup_is_never_equal() {
        for (body, in_vain) in [
            (r#"[{"op":"test","path":"/a","value":"a<b"}]"#, true),
            (
                r#"[{"op":"test","path":"/b","value":1},{"op":"test","path":"/a","value":{"x":["&"]}}]"#,
                true,
            ),
            (r#"[{"op":"test","path":"/a","value":"a\u003cb"}]"#, false),
            (r#"[{"op":"test","path":"/a<","value":"ab"}]"#, false),
            (
                r#"[{"op":"add","path":"/a","value":"<"},{"op":"test","path":"/a","value":"<"}]"#,
                false,
            ),
            ("[{<", false),
            ("<", false),
        ] {
            assert_eq!(tests_in_vain(body.as_bytes()), in_vain, "{body}");
        }
    }
}
