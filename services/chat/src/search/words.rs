//! Words as SQLite's tokenizer `unicode61` finds them, with marks removed: runs of letters and digits of any script, in lower case.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The words of a text, in order.
pub(super) fn of(text: &str) -> impl Iterator<Item = String> {
    let is_in_word = |c: char| c.is_alphanumeric() || is_combining_mark(c);
    text.split(move |c| !is_in_word(c)).map(fold).filter(|word| !word.is_empty())
}

/// A word as it is compared: without marks, in lower case.
fn fold(word: &str) -> String {
    word.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_letters_and_digits_of_any_script() {
        let words: Vec<_> = of("Re-open: Café n°5, Straße; привет, 世界!").collect();
        assert_eq!(words, ["re", "open", "cafe", "n", "5", "straße", "привет", "世界"]);
    }
}
