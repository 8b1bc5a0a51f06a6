//! Cutting a text into parts that a provider takes.

use causeway_proto::plugin::TextUnit;

/// What a cut may not come before, because it belongs to the character that it follows: joiners, variation selectors, combining
/// marks, skin tones, tags. Not all of Unicode's rules (UAX #29), and enough for what people type.
fn clings(c: char) -> bool {
    matches!(c,
        '\u{200c}' | '\u{200d}' | '\u{20e3}' | '\u{fe00}'..='\u{fe0f}' | '\u{0300}'..='\u{036f}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
        | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}')
}

/// The length of a character.
fn length(c: char, unit: TextUnit) -> usize {
    match unit {
        TextUnit::Unspecified | TextUnit::Characters => 1,
        TextUnit::Bytes => c.len_utf8(),
        TextUnit::Utf16 => c.len_utf16(),
    }
}

/// The parts of a text, each at most `limit` units long; joined they are the text. A limit of 0 is none, and one that is
/// shorter than a character is as long as that.
///
/// A cut comes after a paragraph where one ends in the second half of what would fit, else after a line, else after a word,
/// else wherever it has to, but not within what is seen as one character.
pub(super) fn split(text: &str, limit: u32, unit: TextUnit) -> Vec<&str> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let mut rest = text;
    while limit > 0
        && let Some(fits) = overflow(rest, limit, unit)
    {
        let (part, after) = rest.split_at(cut(rest, fits));
        parts.push(part);
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

/// How many bytes of a text fit, when not all do; at least those of its first character.
fn overflow(text: &str, limit: usize, unit: TextUnit) -> Option<usize> {
    if text.len() <= limit {
        // No unit is shorter than a byte.
        return None;
    }
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += length(c, unit);
        if used > limit && at > 0 {
            return Some(at);
        }
    }
    None
}

/// Where to cut a text of which `fits` bytes fit.
fn cut(text: &str, fits: usize) -> usize {
    let head = &text[..fits];
    let is_late = |at: &usize| *at > fits / 2;
    let after = |end: &str| head.rfind(end).map(|at| at + end.len());
    let word = head.char_indices().rev().find(|(_, c)| c.is_whitespace()).map(|(at, c)| at + c.len_utf8());
    let tidy = [after("\n\n"), after("\n"), word].into_iter().flatten().find(is_late);
    tidy.or(word).unwrap_or_else(|| hard_cut(text, fits))
}

/// The last place that does not tear a character apart.
fn hard_cut(text: &str, fits: usize) -> usize {
    let is_joined =
        |at: usize| text[at..].chars().next().is_some_and(clings) || text[..at].ends_with('\u{200d}');
    let places = text[..fits].char_indices().rev().map(|(at, _)| at).filter(|at| *at > 0);
    std::iter::once(fits).chain(places).find(|at| !is_joined(*at)).unwrap_or(fits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_characters(text: &str, limit: u32) -> Vec<&str> {
        split(text, limit, TextUnit::Characters)
    }

    #[test]
    fn what_fits_stays_whole() {
        assert_eq!(by_characters("hello", 5), ["hello"]);
        assert_eq!(by_characters("hello", 0), ["hello"]);
        assert_eq!(by_characters("ääääh", 5), ["ääääh"]);
        assert!(by_characters("", 5).is_empty());
    }

    #[test]
    fn a_cut_comes_after_a_paragraph_a_line_or_a_word() {
        assert_eq!(by_characters("one two.\n\nthree\nfour five", 16), ["one two.\n\n", "three\nfour five"]);
        assert_eq!(by_characters("one two three\nfour five six", 20), ["one two three\n", "four five six"]);
        assert_eq!(by_characters("one two three four", 10), ["one two ", "three four"]);
        assert_eq!(
            by_characters("a\n\nbcdef ghijk lmnop", 14),
            ["a\n\nbcdef ", "ghijk lmnop"],
            "not too early"
        );
    }

    #[test]
    fn without_a_boundary_it_comes_wherever_it_has_to() {
        assert_eq!(by_characters("abcdefgh", 3), ["abc", "def", "gh"]);
    }

    #[test]
    fn the_unit_is_the_providers() {
        assert_eq!(split("äöü", 4, TextUnit::Bytes), ["äö", "ü"]);
        assert_eq!(split("😀😀😀", 4, TextUnit::Utf16), ["😀😀", "😀"]);
    }

    #[test]
    fn what_is_seen_as_one_character_stays_together() {
        assert_eq!(by_characters("ab👍🏽", 3), ["ab", "👍🏽"]);
        assert_eq!(by_characters("x👩\u{200d}🔬", 3), ["x", "👩\u{200d}🔬"]);
        assert_eq!(by_characters("e\u{301}e\u{301}", 3), ["e\u{301}", "e\u{301}"]);
    }

    proptest! {
        #[test]
        fn joined_the_parts_are_the_text_and_each_fits(
            text in "([a-z]{1,9}| |\n\n?|[ä-ü]|\\PC){0,300}",
            limit in 4u32..60,
            unit in 1i32..=3,
        ) {
            let unit = TextUnit::try_from(unit).unwrap_or_default();
            let parts = split(&text, limit, unit);
            prop_assert_eq!(parts.concat(), text.as_str());
            for part in parts {
                let units: usize = part.chars().map(|c| length(c, unit)).sum();
                prop_assert!(!part.is_empty() && units <= limit as usize, "{:?} has {}", part, units);
            }
        }

        #[test]
        fn however_small_the_limit_it_ends(text in "\\PC{0,40}", limit in 1u32..4) {
            let parts = split(&text, limit, TextUnit::Bytes);
            prop_assert_eq!(parts.concat(), text);
        }
    }
}
