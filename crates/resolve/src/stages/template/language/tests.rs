use std::{collections::BTreeMap, rc::Rc};

use super::{Program, Structure, Value};

#[test]
fn text_and_fields_are_printed() {
    assert_eq!(
        output("{{ .Name }} 60 IN A 10.{{.Group.a}}.0.1"),
        "a.example. 60 IN A 10.7.0.1"
    );
    assert_eq!(output("{{.Question.Name}}"), "A.example.");
    assert_eq!(
        output("{{.Match}} {{.Group}}"),
        "[a.example. 7] map[a:7 b:x]"
    );
    assert_eq!(output("{{ .Group.missing }}"), "<no value>");
    assert_eq!(output("plain"), "plain");
    assert_eq!(output(""), "");
}

#[test]
fn literals_read_as_in_go() {
    for (source, expected) in [
        (
            "{{ 12 }} {{ -12 }} {{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 017 }} {{ 1_000 }}",
            "12 -12 31 5 15 15 1000",
        ),
        (
            "{{ 1.5 }} {{ 1e3 }} {{ 1e30 }} {{ .5 }} {{ 1e-7 }}",
            "1.5 1000 1e+30 0.5 1e-07",
        ),
        ("{{ 'a' }} {{ '\\n' }} {{ '\\'' }}", "97 10 39"),
        ("{{ \"a\\tb\\x41\\u00e9\\101\\\"\" }}", "a\tbA\u{e9}A\""),
        ("{{ `a\\tb` }}", "a\\tb"),
        ("{{ true }} {{ false }}", "true false"),
    ] {
        assert_eq!(output(source), expected, "{source}");
    }
}

#[test]
fn white_space_is_trimmed_where_a_marker_asks() {
    assert_eq!(output("a  {{- 1 -}}  b"), "a1b");
    assert_eq!(output("a  {{- 1 }}  b"), "a1  b");
    assert_eq!(output("a \n {{ 1 -}} \n b"), "a \n 1b");
    assert_eq!(output("{{ 3 -}} < {{- 45 }}"), "3<45");
    assert_eq!(output("{{-3}}"), "-3");
}

#[test]
fn comments_say_nothing() {
    assert_eq!(output("a{{/* b */}}c"), "ac");
    assert_eq!(output("a {{- /* b */ -}} c"), "ac");
    assert_eq!(error("{{/* b }}"), "template: answer:1:0: unclosed comment");
    assert_eq!(
        error("{{/* b */ x}}"),
        "template: answer:1:0: comment ends before closing delimiter"
    );
}

#[test]
fn conditions_choose() {
    let source = "{{ if eq .Type \"A\" }}a{{ else if eq .Type \"AAAA\" }}b{{ else }}c{{ end }}";
    assert_eq!(output(source), "b");
    assert_eq!(output("{{ if not .Empty }}empty{{ end }}"), "empty");
    assert_eq!(
        output("{{ if and .Name .Empty }}x{{ else }}y{{ end }}"),
        "y"
    );
    assert_eq!(output("{{ if or .Empty .Name }}x{{ end }}"), "x");
    assert_eq!(output("{{ if .Group.missing }}x{{ else }}y{{ end }}"), "y");
    assert_eq!(
        output("{{ if $x := .Empty }}x{{ else }}[{{ $x }}]{{ end }}"),
        "[]"
    );
}

#[test]
fn with_moves_the_dot() {
    assert_eq!(
        output("{{ with .Group.a }}<{{ . }}{{ $.Type }}>{{ end }}"),
        "<7AAAA>"
    );
    assert_eq!(
        output("{{ with .Empty }}x{{ else }}{{ .Type }}{{ end }}"),
        "AAAA"
    );
    assert_eq!(
        output("{{ with .Empty }}x{{ else with .Group.b }}{{ . }}{{ else }}z{{ end }}"),
        "x"
    );
    assert_eq!(output("{{ with $x := .Group.a }}{{ $x }}{{ end }}"), "7");
}

#[test]
fn range_visits_lists_maps_and_numbers() {
    assert_eq!(
        output("{{ range .Match }}<{{ . }}>{{ end }}"),
        "<a.example.><7>"
    );
    assert_eq!(
        output("{{ range $i, $m := .Match }}{{ $i }}={{ $m }};{{ end }}"),
        "0=a.example.;1=7;"
    );
    assert_eq!(
        output("{{ range $k, $v := .Group }}{{ $k }}{{ $v }}{{ end }}"),
        "a7bx"
    );
    assert_eq!(output("{{ range $v := .Group }}{{ $v }}{{ end }}"), "7x");
    assert_eq!(output("{{ range 3 }}{{ . }}{{ end }}"), "012");
    assert_eq!(output("{{ range .None }}x{{ else }}none{{ end }}"), "none");
    assert_eq!(
        output(
            "{{ range 9 }}{{ if eq . 2 }}{{ continue }}{{ end }}{{ if gt . 4 }}{{ break }}\
                {{ end }}{{ . }}{{ end }}"
        ),
        "0134"
    );
    assert!(failure("{{ range .Name }}{{ end }}").contains("range can't iterate over a.example."));
    assert!(failure("{{ range 1000000000 }}{{ end }}").contains("more than 65535 rounds"));
    assert!(failure("{{ range 60000 }}{{ $.Name }}{{ end }}").contains("more than 65535 bytes"));
}

#[test]
fn variables_live_in_their_block() {
    assert_eq!(
        output("{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x }}{{ end }}{{ $x }}"),
        "21"
    );
    assert_eq!(
        output("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}"),
        "2"
    );
    assert_eq!(output("{{ $g := .Group }}{{ $g.a }}"), "7");
    assert_eq!(
        output("{{ $last := \"\" }}{{ range .Match }}{{ $last = . }}{{ end }}{{ $last }}"),
        "7"
    );
    assert_eq!(
        error("{{ $x }}"),
        "template: answer:1:3: undefined variable \"$x\""
    );
    assert_eq!(
        error("{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}"),
        "template: answer:1:38: undefined variable \"$x\""
    );
    assert!(failure("{{ $x := $x }}").contains("undefined variable: $x"));
    assert_eq!(
        error("{{ $x = 1 }}"),
        "template: answer:1:3: undefined variable \"$x\""
    );
}

#[test]
fn pipelines_pass_their_value_on() {
    assert_eq!(output("{{ .Match | len }}"), "2");
    assert_eq!(output("{{ 1 | index .Match }}"), "7");
    assert_eq!(output("{{ .Group.a | printf \"%03s|%s\" \"x\" }}"), "00x|7");
    assert_eq!(output("{{ (index .Match 1) | printf \"%s\" }}"), "7");
    assert_eq!(output("{{ (.Question).Name }}"), "A.example.");
    assert_eq!(output("{{ printf \"%d\" (len (index .Match 0)) }}"), "10");
    assert_eq!(output("{{ \"zone\" | .Meta }}"), "meta zone");
    assert_eq!(output("{{ .Meta \"zone\" }}"), "meta zone");
}

#[test]
fn comparisons_follow_go() {
    for (source, expected) in [
        ("{{ eq 1 1 }}{{ eq 1 2 3 1 }}{{ ne 1 2 }}", "truetruetrue"),
        (
            "{{ eq \"a\" \"a\" }}{{ lt \"a\" \"b\" }}{{ ge \"a\" \"b\" }}",
            "truetruefalse",
        ),
        (
            "{{ eq .Question.Qtype 28 }}{{ lt -1 .Question.Qtype }}",
            "truetrue",
        ),
        ("{{ le 2 2 }}{{ gt 3 2 }}{{ lt 1.5 1.6 }}", "truetruetrue"),
        (
            "{{ eq .Group.missing \"a\" }}{{ eq true true }}",
            "falsetrue",
        ),
        (
            "{{ ge (parseInt .Group.a 10 8) (parseInt \"5\" 10 8) }}",
            "true",
        ),
    ] {
        assert_eq!(output(source), expected, "{source}");
    }
    assert!(failure("{{ eq 1 \"1\" }}").contains("incompatible types for comparison"));
    assert!(failure("{{ lt true false }}").contains("invalid type for comparison"));
    assert!(failure("{{ eq .Match .Match }}").contains("non-comparable type []string"));
    assert!(failure("{{ eq 1 }}").contains("missing argument for comparison"));
}

#[test]
fn and_and_or_stop_at_the_deciding_argument() {
    assert_eq!(output("{{ or .Type (index .Match 9) }}"), "AAAA");
    assert_eq!(output("[{{ and .Empty (index .Match 9) }}]"), "[]");
    assert_eq!(output("{{ and 1 2 3 }} {{ or 0 0 3 }}"), "3 3");
}

#[test]
fn printf_formats_as_go() {
    for (source, expected) in [
        ("{{ printf \"%s-%d-%v\" \"a\" 5 true }}", "a-5-true"),
        (
            "{{ printf \"%02x:%X:%#x:%o:%b:%c\" 10 255 255 8 5 65 }}",
            "0a:FF:0xff:10:101:A",
        ),
        (
            "{{ printf \"%5d|%-5d|%05d|%+d\" 42 42 -42 42 }}",
            "   42|42   |-0042|+42",
        ),
        (
            "{{ printf \"%5s|%-5s|%.2s|%q\" \"ab\" \"ab\" \"abc\" \"a\\\"b\" }}",
            "   ab|ab   |ab|\"a\\\"b\"",
        ),
        ("{{ printf \"%x\" \"ab\" }}", "6162"),
        (
            "{{ printf \"%.2f %g %e\" 1.5 1.5 1.5 }}",
            "1.50 1.5 1.500000e+00",
        ),
        ("{{ printf \"%*d\" 4 7 }}", "   7"),
        ("{{ printf \"100%%\" }}", "100%"),
        ("{{ printf \"%d\" \"a\" }}", "%!d(string=a)"),
        ("{{ printf \"%s\" 1 }}", "%!s(int=1)"),
        ("{{ printf \"%d\" }}", "%!d(MISSING)"),
        ("{{ printf \"a\" 1 }}", "a%!(EXTRA int=1)"),
        ("{{ printf \"%\" }}", "%!(NOVERB)"),
        ("{{ print 1 2 \"a\" 3 }}", "1 2a3"),
        ("{{ println \"a\" 1 }}", "a 1\n"),
    ] {
        assert_eq!(output(source), expected, "{source}");
    }
}

#[test]
fn parse_int_reads_any_base() {
    assert_eq!(output("{{ parseInt \"7b\" 16 8 }}"), "123");
    assert_eq!(
        output("{{ parseInt \"0x7b\" 0 64 }} {{ parseInt \"z\" 36 0 }}"),
        "123 35"
    );
    assert_eq!(
        failure("{{ .Name }} 60 IN TXT \"{{ parseInt \"gg\" 16 8 }}\""),
        "template: answer:1:26: executing \"answer\" at <parseInt \"gg\" 16 8>: \
         error calling parseInt: strconv.ParseUint: parsing \"gg\": invalid syntax"
    );
    assert!(failure("{{ parseInt \"fff\" 16 8 }}").contains("value out of range"));
    assert!(failure("{{ parseInt \"1\" 1 8 }}").contains("invalid base 1"));
    assert!(failure("{{ parseInt \"1\" 10 }}").contains("wrong number of args for parseInt"));
    assert!(
        failure("{{ parseInt .Group.missing 10 8 }}").contains("invalid value; expected string")
    );
}

#[test]
fn index_slice_and_len_check_their_bounds() {
    assert_eq!(
        output("{{ index .Match 1 }}{{ index .Group \"a\" }}[{{ index .Group \"zz\" }}]"),
        "77[]"
    );
    assert_eq!(
        output("{{ slice .Name 2 }} {{ slice .Name 0 1 }} {{ slice .Match 1 }}"),
        "example. a [7]"
    );
    assert_eq!(
        failure("{{ .Name }} 60 IN TXT \"{{ index .Match 2 }}\""),
        "template: answer:1:26: executing \"answer\" at <index .Match 2>: \
         error calling index: index out of range: 2"
    );
    assert!(failure("{{ index .Match -1 }}").contains("index out of range: -1"));
    assert!(failure("{{ slice .Name 5 2 }}").contains("invalid slice index: 5 > 2"));
    assert!(failure("{{ len 3 }}").contains("len of type int"));
}

#[test]
fn a_field_that_does_not_exist_fails_at_run_time() {
    assert_eq!(
        failure("{{ .Nmae }}"),
        "template: answer:1:3: executing \"answer\" at <.Nmae>: \
         can't evaluate field Nmae in type *template.templateData"
    );
    assert!(failure("{{ .Name.x }}").contains("can't evaluate field x in type string"));
    assert!(failure("{{ .Name 1 }}").contains("Name has arguments but cannot be invoked"));
    assert!(failure("{{ .Meta }}").contains("wrong number of args for Meta: want 1 got 0"));
    assert!(failure("{{ 1 2 }}").contains("can't give argument to non-function 1"));
}

#[test]
fn what_cannot_be_parsed_is_refused_with_its_place() {
    for (source, expected) in [
        ("{{", "1:0: unclosed action"),
        ("a\nb {{ .Name ", "2:2: unclosed action"),
        ("{{ }}", "1:3: missing value for command"),
        ("{{ if }}{{ end }}", "1:6: missing value for if"),
        ("{{ if .Name }}", "1:3: {{if}} has no {{end}}"),
        ("{{ end }}", "1:3: unexpected {{end}}"),
        ("{{ else }}", "1:3: unexpected {{else}}"),
        (
            "{{ if .Name }}{{ else }}{{ else }}{{ end }}",
            "1:17: expected end; found {{else}}",
        ),
        ("{{ bogus 1 }}", "1:3: function \"bogus\" not defined"),
        ("{{ (1 }}", "1:6: unclosed left paren"),
        ("{{ 1) }}", "1:4: unexpected right paren"),
        ("{{ \"a }}", "1:3: unterminated quoted string"),
        ("{{ | .Name }}", "1:3: unexpected \"|\" in command"),
        (
            "{{ .Name | 1 }}",
            "1:11: non executable command in pipeline stage 2",
        ),
        ("{{ .Name! }}", "1:3: bad character '!'"),
        ("{{ 1x }}", "1:3: bad number syntax: \"1x\""),
        ("{{ break }}", "1:3: {{break}} outside {{range}}"),
        (
            "{{ define \"x\" }}{{ end }}",
            "1:3: \"define\" is not supported in a record",
        ),
        ("{{ 1.Name }}", "1:3: bad number syntax: \"1.Name\""),
        (
            "{{ $x, $y := .Match }}",
            "1:3: too many declarations in command",
        ),
        ("{{ \"\\q\" }}", "1:3: invalid syntax in string \"\\q\""),
        (
            "{{ 99999999999999999999 }}",
            "1:3: bad number syntax: \"99999999999999999999\"",
        ),
    ] {
        assert_eq!(
            error(source),
            format!("template: answer:{expected}"),
            "{source}"
        );
    }
    let deep = format!("{{{{ {}1{} }}}}", "(".repeat(100), ")".repeat(100));
    assert!(error(&deep).contains("more than 64 levels deep"));
}

#[test]
fn any_text_is_parsed_or_refused_without_a_panic() {
    let pieces = [
        "{{", "}}", " ", "-", ".", "$x", ":=", "(", ")", "|", "\"", "`", "'", "if", "else", "end",
        "range", "with", "printf", "index", ".Match", "1", "0x", "/*", "*/", ",", "\u{e9}", "\\",
    ];
    let mut state = 1_u64;
    for _ in 0..20_000 {
        let mut source = String::new();
        for _ in 0..12 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            source.push_str(pieces[usize::try_from(state >> 33).unwrap() % pieces.len()]);
        }
        if let Ok(program) = Program::parse("answer", &source) {
            let _ = program.execute(&data());
        }
    }
}

fn output(source: &str) -> String {
    Program::parse("answer", source)
        .unwrap_or_else(|error| panic!("{source}: {error}"))
        .execute(&data())
        .unwrap_or_else(|error| panic!("{source}: {error}"))
}

fn failure(source: &str) -> String {
    Program::parse("answer", source)
        .unwrap_or_else(|error| panic!("{source}: {error}"))
        .execute(&data())
        .expect_err(source)
        .to_string()
}

fn error(source: &str) -> String {
    Program::parse("answer", source)
        .expect_err(source)
        .to_string()
}

fn data() -> Value {
    let group = BTreeMap::from([
        ("a".to_owned(), Value::text("7")),
        ("b".to_owned(), Value::text("x")),
    ]);
    let question = Structure {
        type_name: "*dns.Question",
        fields: vec![
            ("Name", Value::text("A.example.")),
            ("Qtype", Value::Uint(28)),
        ],
        text: ";A.example.\tIN\t AAAA".to_owned(),
        method: None,
    };
    Value::Structure(Rc::new(Structure {
        type_name: "*template.templateData",
        fields: vec![
            ("Name", Value::text("a.example.")),
            ("Type", Value::text("AAAA")),
            ("Empty", Value::text("")),
            ("None", Value::list(Vec::new())),
            (
                "Match",
                Value::list(vec![Value::text("a.example."), Value::text("7")]),
            ),
            ("Group", Value::Map(Rc::new(group))),
            ("Question", Value::Structure(Rc::new(question))),
        ],
        text: String::new(),
        method: Some(("Meta", |name| format!("meta {name}"))),
    }))
}
