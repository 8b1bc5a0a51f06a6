//! The key or word that somebody who mistyped probably meant.

/// The candidate nearest to `given`; `None` when all are far.
pub(crate) fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(given, candidate), candidate))
        .filter(|(similarity, _)| *similarity > 0.84)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

/// The known key that `given` (a whole key) was probably meant to be: one with nearly the same path, or one of the same
/// last part that stands in another section.
pub(crate) fn nearest_key<'a>(given: &str, known: &'a [String]) -> Option<&'a str> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let elsewhere = known.iter().filter(|key| last(key) == last(given)).map(String::as_str);
    let found: Vec<&str> = elsewhere.collect();
    match found.as_slice() {
        [only] => Some(only),
        [] => nearest(given, known.iter().map(String::as_str)),
        several => nearest(given, several.iter().copied()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_key() {
        assert_eq!(nearest("lisen", ["listen", "origins"]), Some("listen"));
        assert_eq!(nearest("frame_per_seconds", ["burst", "frames_per_second"]), Some("frames_per_second"));
        assert_eq!(nearest("colour", ["listen", "origins"]), None);
    }

    #[test]
    fn a_key_in_the_wrong_section_is_found_in_the_right_one() {
        let known = ["bridge.rate.burst".to_owned(), "bridge.listen".to_owned(), "admin.listen".to_owned()];
        assert_eq!(nearest_key("bridge.burst", &known), Some("bridge.rate.burst"));
        assert_eq!(nearest_key("brigde.listen", &known), Some("bridge.listen"));
    }
}
