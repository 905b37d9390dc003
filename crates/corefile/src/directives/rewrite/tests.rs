//! Tests of `rewrite`.

use super::super::tests::{block, problem};
use super::*;

#[track_caller]
fn rule(text: &str) -> RewriteRule {
    block(&format!("rewrite {text}")).rewrite.remove(0).rule
}

#[test]
fn a_name_rule_without_a_word_is_exact_and_undone_in_answers() {
    let RewriteRule::Name {
        matching,
        to,
        answers,
    } = rule("name A.example.org b.example.net")
    else {
        panic!("a name rule")
    };
    assert_eq!(matching, NameMatch::Exact("a.example.org.".to_owned()));
    assert_eq!(to, "b.example.net.");
    assert_eq!(
        answers,
        Answers {
            auto: true,
            rules: Vec::new()
        }
    );
}

#[test]
fn names_are_matched_in_five_ways() {
    let matching = |text: &str| match rule(text) {
        RewriteRule::Name {
            matching, answers, ..
        } => (matching, answers.auto),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        matching("name exact a b"),
        (NameMatch::Exact("a.".into()), true)
    );
    assert_eq!(
        matching("name prefix a b"),
        (NameMatch::Prefix("a.".into()), false)
    );
    assert_eq!(
        matching("name Suffix .a .b"),
        (NameMatch::Suffix(".a.".into()), false)
    );
    assert_eq!(
        matching("name substring a b answer auto"),
        (NameMatch::Substring("a.".into()), true)
    );
    let (NameMatch::Regex(pattern), false) = matching(r"name regex (.*)\.a {1}.b") else {
        panic!("a pattern")
    };
    assert_eq!(pattern.as_str(), r"(.*)\.a");
}

#[test]
fn answers_are_changed_by_rules_of_their_own() {
    let RewriteRule::Name { answers, .. } =
        rule("name regex (.*)x {1}y answer name (.*)y {1}x value (.*)z {1}x answer value z x")
    else {
        panic!("a name rule")
    };
    assert!(!answers.auto);
    let parts: Vec<AnswerPart> = answers.rules.iter().map(|rule| rule.part).collect();
    assert_eq!(
        parts,
        [AnswerPart::Name, AnswerPart::Value, AnswerPart::Value]
    );
    assert_eq!(answers.rules[0].to, "{1}x.");
}

#[test]
fn a_rule_may_be_spread_over_lines_in_braces() {
    let block = block(
        "rewrite continue {\nname regex (.*)x {1}y\nanswer name (.*)y {1}x\n}\n\
         rewrite {\ntype A AAAA\n}\nrewrite stop class CH IN",
    );
    assert_eq!(block.rewrite[0].mode, RewriteMode::Continue);
    assert_eq!(block.rewrite[1].rule, RewriteRule::Type { from: 1, to: 28 });
    assert_eq!(block.rewrite[2].mode, RewriteMode::Stop);
    assert_eq!(block.rewrite[2].rule, RewriteRule::Class { from: 3, to: 1 });
}

#[test]
fn options_are_set_to_octets_variables_and_networks() {
    let edns0 = |text: &str| match rule(&format!("edns0 {text}")) {
        RewriteRule::Edns0(rule) => rule,
        other => panic!("{other:?}"),
    };
    let rule = edns0("local set 0xffee 0xabcd revert");
    assert_eq!(rule.action, Edns0Action::Set);
    assert_eq!(
        rule.change,
        Edns0Change::Local {
            code: 0xffee,
            data: vec![0xab, 0xcd]
        }
    );
    assert!(rule.revert);
    assert_eq!(
        edns0("local append 65518 text").change,
        Edns0Change::Local {
            code: 65518,
            data: b"text".to_vec()
        }
    );
    assert_eq!(
        edns0("local replace 0xffee {client_ip}").change,
        Edns0Change::Variable {
            code: 0xffee,
            variable: Edns0Variable::ClientIp
        }
    );
    assert_eq!(edns0("nsid set").change, Edns0Change::Nsid);
    assert_eq!(
        edns0("subnet set 24 56").change,
        Edns0Change::Subnet {
            v4_bits: 24,
            v6_bits: 56
        }
    );
    assert_eq!(
        edns0("local unset 0xffee").change,
        Edns0Change::Local {
            code: 0xffee,
            data: Vec::new()
        }
    );
    assert_eq!(edns0("subnet unset").action, Edns0Action::Unset);
}

#[test]
fn ttls_codes_and_targets_of_answers_are_changed() {
    assert_eq!(
        rule("ttl example.org 5-60"),
        RewriteRule::Ttl {
            matching: NameMatch::Exact("example.org.".into()),
            min: 5,
            max: 60
        }
    );
    let range = |text: &str| match rule(&format!("ttl suffix a {text}")) {
        RewriteRule::Ttl { min, max, .. } => (min, max),
        other => panic!("{other:?}"),
    };
    assert_eq!(range("30"), (30, 30));
    assert_eq!(range("-30"), (0, 30));
    assert_eq!(range("30-"), (30, 0x7fff_ffff));
    assert_eq!(
        rule("rcode regex .* SERVFAIL 3"),
        RewriteRule::Rcode {
            matching: NameMatch::Regex(Pattern::new(".*").unwrap()),
            from: 2,
            to: 3
        }
    );
    assert_eq!(
        rule("cname A.example.org b"),
        RewriteRule::Cname {
            matching: NameMatch::Exact("a.example.org.".into()),
            to: "b.".into()
        }
    );
    assert_eq!(
        rule("cname suffix .Example.org. .b."),
        RewriteRule::Cname {
            matching: NameMatch::Suffix(".example.org.".into()),
            to: ".b.".into()
        }
    );
}

#[track_caller]
fn check_refused(refused: &[(&str, &str)]) {
    for (text, message) in refused {
        let problem = problem(&format!("rewrite {text}"));
        assert!(
            problem.message.starts_with(message),
            "{text}: {}",
            problem.message
        );
    }
}

#[test]
fn wrong_rules_for_names_are_refused() {
    check_refused(&[
        ("", "no rule type specified for rewrite"),
        ("continue", "continue rule must begin with a rule type"),
        ("stop", "stop rule must begin with a rule type"),
        (
            "answer name a b",
            "response rewrites must begin with a name rule",
        ),
        ("bogus a b", "invalid rule type \"bogus\""),
        ("name a", "too few arguments for a name rule"),
        (
            "name fuzzy a b",
            "name rule supports only exact, prefix, suffix, substring, and regex",
        ),
        ("name regex ( b", "invalid regex matching pattern: ("),
        (
            "name regex a {1}",
            "the rewrite regex pattern ({1}) uses more subexpressions",
        ),
        ("name suffix a b c", "invalid arguments for suffix rule"),
        (
            "name suffix a b c d",
            "exceeded the number of arguments for a non-answer rule argument",
        ),
        (
            "name suffix a b answer what",
            "invalid type \"what\" for answer rule for suffix rule",
        ),
        (
            "name suffix a b answer name x",
            "name answer rule for suffix rule: 2 arguments required",
        ),
        (
            "name suffix a b answer auto answer",
            "type missing for answer rule for suffix rule",
        ),
        (
            "name suffix a b answer auto answer name x y",
            "auto name answer rule cannot be combined",
        ),
    ]);
}

#[test]
fn other_wrong_rules_are_refused() {
    check_refused(&[
        ("class IN", "class rules must have exactly two arguments"),
        ("class IN XX", "invalid class \"XX\""),
        ("type A", "type rules must have exactly two arguments"),
        ("type A XX", "invalid type \"XX\""),
        ("edns0 local", "too few arguments for an EDNS0 rule"),
        (
            "edns0 local set 0xffee",
            "EDNS0 local rules require three or four args",
        ),
        (
            "edns0 local set x y",
            "strconv.ParseUint: parsing \"x\": invalid syntax",
        ),
        (
            "edns0 local set 1 0xabc",
            "encoding/hex: invalid hexadecimal data \"0xabc\"",
        ),
        (
            "edns0 local set 1 {dummy}",
            "unsupported variable name \"{dummy}\"",
        ),
        (
            "edns0 nsid set x",
            "EDNS0 NSID rules can accept no more than one arg",
        ),
        (
            "edns0 subnet set 24",
            "EDNS0 subnet rules require three or four args",
        ),
        ("edns0 subnet set 33 1", "invalid IPv4 bit mask length 33"),
        (
            "edns0 subnet set 24 129",
            "invalid IPv6 bit mask length 129",
        ),
        ("edns0 nsid drop", "invalid action: \"drop\""),
        ("edns0 cookie set", "invalid rule type \"cookie\""),
        (
            "edns0 local unset",
            "local unset action requires exactly two arguments",
        ),
        ("ttl a", "too few (1) arguments for a ttl rule"),
        ("ttl a -", "invalid TTL '-' for a ttl rule"),
        ("ttl a 9-5", "invalid TTL '9-5' for a ttl rule"),
        (
            "ttl fuzzy a 5",
            "ttl rule supports only exact, prefix, suffix, substring, and regex",
        ),
        ("ttl exact a 5 6", "too many arguments for a ttl rule"),
        ("cname a", "too few (1) arguments for a cname rule"),
        ("cname fuzzy a b", "unknown cname rewrite type: fuzzy"),
        ("rcode a b", "too few (2) arguments for a rcode rule"),
        (
            "rcode a 24 0",
            "invalid matching RCODE '24' for a rcode rule",
        ),
        (
            "rcode a 2 x",
            "invalid replacement RCODE 'x' for a rcode rule",
        ),
    ]);
}
