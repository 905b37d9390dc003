//! Tokens that mean something: blind mutation would take long to find them.

/// Pieces of DNS messages: names, types and classes, record heads, EDNS.
pub(crate) fn dns() -> Vec<&'static [u8]> {
    vec![
        b"\x07example\x03org\0",
        b"\x03www\x07example\x03org\0",
        b"\x09localhost\0",
        b"\x03www\x07cluster\x05local\0",
        b"\x07version\x04bind\0",
        b"\x01*\x07example\x03org\0",
        b"\xc0\x0c",
        b"\xc0\x10",
        b"\xc0\x00",
        b"\xff\xff",
        b"\0",
        // Type and class.
        b"\0\x01\0\x01",
        b"\0\x1c\0\x01",
        b"\0\x05\0\x01",
        b"\0\x0c\0\x01",
        b"\0\xff\0\x01",
        b"\0\x10\0\x03",
        // Records with a pointer to the question as their owner.
        b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01",
        b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x02\xc0\x0c",
        b"\xc0\x0c\0\x06\0\x01\0\0\0\x3c\0\x18\xc0\x0c\xc0\x0c\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x05",
        b"\xc0\x0c\0\x0f\0\x01\0\0\0\x3c\0\x04\0\x0a\xc0\x0c",
        b"\xc0\x0c\0\x21\0\x01\0\0\0\x3c\0\x08\0\x01\0\x01\0\x35\xc0\x0c",
        b"\xc0\x0c\0\x10\0\x01\xff\xff\xff\xff\0\x03\x02hi",
        b"\xc0\x0c\0\x1c\0\x01\0\0\0\x3c\0\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01",
        b"\xc0\x0c\0\x2e\0\x01",
        b"\xc0\x0c\0\x27\0\x01\0\0\0\x3c\0\x02\xc0\x0c",
        // OPT records: plain, with DO, of version 1, with BADVERS, with a cookie.
        b"\0\0\x29\x04\xd0\0\0\0\0\0\0",
        b"\0\0\x29\x10\0\0\0\x80\0\0\0",
        b"\0\0\x29\x02\0\0\x01\0\0\0\0",
        b"\0\0\x29\x04\xd0\x01\0\0\0\0\0",
        b"\0\0\x29\x04\xd0\0\0\0\0\0\x0c\0\x0a\0\x08abcdefgh",
    ]
}

/// Words of the Corefile: every directive, and the words of its syntax and examples.
pub(crate) fn corefile() -> Vec<&'static [u8]> {
    let mut words: Vec<&'static str> = vec![
        "{\n",
        "}\n",
        "\n",
        " ",
        "\"",
        "#",
        "import ",
        "(snippet) ",
        "{$VARIABLE}",
        "{%VARIABLE%}",
        "{args[0]}",
        ".:53 ",
        "example.org ",
        "10.0.0.0/8 ",
        "2001:db8::/32 ",
        "192.0.2.1 ",
        "tls://192.0.2.1%example.org ",
        "\\",
        "{{ .Name }}",
        "{{ if ",
        "{{ end }}",
        "0s ",
        "-1 ",
        "99999999999999999999 ",
        "\u{feff}",
        "\r",
        "(.*)",
        "{1}",
    ];
    for directive in nodens_corefile::directives() {
        words.push(directive.name);
        words.extend(directive.syntax.split_whitespace());
    }
    words.sort_unstable();
    words.dedup();
    words.into_iter().map(str::as_bytes).collect()
}

/// Words of zone files.
pub(crate) fn zone_file() -> Vec<&'static [u8]> {
    let words: [&'static str; 28] = [
        "example.org. ",
        "@ ",
        "3600 ",
        "IN ",
        "CH ",
        "A ",
        "AAAA ",
        "192.0.2.1",
        "2001:db8::1",
        "TXT ",
        "\"text\" ",
        "CNAME ",
        "MX 10 ",
        "SRV 0 1 53 ",
        "SOA ",
        "( ",
        ") ",
        "; ",
        "\\032",
        "\\# 4 c0000201",
        "TYPE65280 ",
        "CLASS32 ",
        "$TTL 5\n",
        "$ORIGIN example.org.\n",
        "$INCLUDE x\n",
        "\n",
        "\t",
        "\"",
    ];
    words.into_iter().map(str::as_bytes).collect()
}
