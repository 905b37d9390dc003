//! Tests of names as text, and what replaces the part that fits.

use nodens_corefile as config;
use regex::Regex;

/// A test of a name in lower case, with its final dot.
#[derive(Clone, Debug)]
pub(super) enum NameTest {
    /// The whole name.
    Exact(String),
    /// The name begins so.
    Prefix(String),
    /// The name ends so; not only at the start of a label.
    Suffix(String),
    /// The name holds this somewhere.
    Substring(String),
    /// The expression fits somewhere.
    Regex(Regex),
}

impl NameTest {
    /// The test that a rule of the configuration describes.
    pub(super) fn new(matching: &config::NameMatch) -> Self {
        match matching {
            config::NameMatch::Exact(text) => Self::Exact(text.clone()),
            config::NameMatch::Prefix(text) => Self::Prefix(text.clone()),
            config::NameMatch::Suffix(text) => Self::Suffix(text.clone()),
            config::NameMatch::Substring(text) => Self::Substring(text.clone()),
            config::NameMatch::Regex(pattern) => Self::Regex(compile(pattern)),
        }
    }

    /// Whether a name fits.
    pub(super) fn fits(&self, name: &str) -> bool {
        match self {
            Self::Exact(text) => name == text,
            Self::Prefix(text) => name.starts_with(text),
            Self::Suffix(text) => name.ends_with(text),
            Self::Substring(text) => name.contains(text),
            Self::Regex(regex) => regex.is_match(name),
        }
    }

    /// The name with the part that fits replaced; nothing for a name that does not fit.
    pub(super) fn replace(&self, name: &str, replacement: &str) -> Option<String> {
        match self {
            Self::Exact(text) => (name == text).then(|| replacement.to_owned()),
            Self::Prefix(text) => name
                .strip_prefix(text)
                .map(|rest| format!("{replacement}{rest}")),
            Self::Suffix(text) => name
                .strip_suffix(text)
                .map(|rest| format!("{rest}{replacement}")),
            Self::Substring(text) => name.contains(text).then(|| name.replace(text, replacement)),
            Self::Regex(regex) => expand(regex, name, replacement),
        }
    }
}

/// `replacement` with `{0}`, `{1}` … as the groups of the expression; nothing when it does not fit.
pub(super) fn expand(regex: &Regex, name: &str, replacement: &str) -> Option<String> {
    let captures = regex.captures(name)?;
    let mut out = replacement.to_owned();
    for (index, group) in captures.iter().enumerate() {
        let placeholder = format!("{{{index}}}");
        if out.contains(&placeholder) {
            out = out.replace(&placeholder, group.map_or("", |group| group.as_str()));
        }
    }
    Some(out)
}

/// The expression of the configuration, which was checked when the configuration was read.
pub(super) fn compile(pattern: &config::Pattern) -> Regex {
    Regex::new(pattern.regex()).expect("a Pattern is an expression that compiles")
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::NameTest;

    #[test]
    fn a_part_is_replaced_where_it_fits() {
        for (test, name, expected) in [
            (NameTest::Exact("a.org.".into()), "a.org.", Some("b.")),
            (NameTest::Exact("a.org.".into()), "x.a.org.", None),
            (NameTest::Prefix("a.".into()), "a.a.org.", Some("b.a.org.")),
            (NameTest::Prefix("a.".into()), "x.a.", None),
            (NameTest::Suffix(".org.".into()), "x.org.", Some("xb.")),
            (NameTest::Suffix("org.".into()), "xorg.", Some("xb.")),
            (NameTest::Suffix("org.".into()), "org.x.", None),
            (
                NameTest::Substring("a.".into()),
                "a.a.org.",
                Some("b.b.org."),
            ),
            (NameTest::Substring("a.".into()), "x.org.", None),
        ] {
            assert_eq!(
                test.replace(name, "b.").as_deref(),
                expected,
                "{test:?} {name}"
            );
            assert_eq!(test.fits(name), expected.is_some(), "{test:?} {name}");
        }
    }

    #[test]
    fn groups_are_put_into_the_replacement() {
        let test = NameTest::Regex(Regex::new(r"(core)\.(dns)(x)?\.(rocks)").unwrap());
        let replaced = test.replace("a.core.dns.rocks.nl.", "{2}.{1}.{4}{3}.{5}.");
        assert_eq!(replaced.as_deref(), Some("dns.core.rocks.{5}."));
        assert_eq!(test.replace("dns.core.rocks.", "{1}."), None);
    }
}
