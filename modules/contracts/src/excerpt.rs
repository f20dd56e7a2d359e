//! Foreign text, cut to a length that is safe to pass on.

use std::borrow::Cow;

/// At most the first `most` bytes of a text, followed by its full length if it was cut. All text from outside passes
/// through here on its way into headers, logs and problem details: an AMQP header larger than a frame makes the broker
/// close the sender's connection; see rule 49 (text bounds).
pub fn excerpt(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(most);
    Cow::Owned(format!("{}… ({} bytes)", &text[..end], text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_text_is_left_alone_and_long_text_is_cut_between_characters() {
        assert_eq!(excerpt("short", 5), "short");
        assert_eq!(excerpt(&"A".repeat(200_000), 3), "AAA… (200000 bytes)");
        // Three bytes per character: the second one starts within the limit but ends beyond it.
        assert_eq!(excerpt("가나다", 5), "가… (9 bytes)");
    }
}
