//! The pages of `docs/corefile`, made from what the directives say about themselves.

use std::fmt::Write;

use crate::directive::{Directive, Repeat, Setting, Support};
use crate::directives;
use crate::unsupported::REFUSED;

/// Every page: the name of its file in `docs/corefile`, and its Markdown.
pub fn pages() -> Vec<(String, String)> {
    let mut pages = vec![("README.md".to_owned(), overview())];
    for directive in directives::all() {
        pages.push((format!("{}.md", directive.name), page(directive)));
    }
    pages
}

fn overview() -> String {
    let mut page = GRAMMAR.to_owned();
    page.push_str("\n## Directives\n\n| directive | | |\n|---|---|---|\n");
    for directive in directives::all() {
        let Directive { name, summary, .. } = directive;
        let support = match directive.support {
            Support::Same => "",
            Support::Extended => "with additions",
            Support::WithoutEffect => "accepted without effect",
        };
        let _ = writeln!(page, "| [`{name}`]({name}.md) | {summary} | {support} |");
    }
    page.push_str(
        "\n## Refused directives\n\nCoreDNS knows these and they are refused by name, with the \
         reason.\n\n| directive | reason |\n|---|---|\n",
    );
    for (name, reason) in REFUSED {
        let _ = writeln!(page, "| `{name}` | {reason} |");
    }
    page
}

fn page(directive: &Directive) -> String {
    let mut page = format!(
        "{GENERATED}# {}\n\n{}.\n",
        directive.name, directive.summary
    );
    if directive.support == Support::WithoutEffect {
        page.push_str("\n**Accepted without effect**, which is said in the log at start.\n");
    }
    let _ = write!(page, "\n```text\n{}\n```\n\n", directive.syntax);
    page.push_str(match directive.repeat {
        Repeat::Once => "At most once per server block.\n",
        Repeat::Adds => "May be repeated; each line adds to those before.\n",
        Repeat::FirstCounts => "May be repeated; the first line counts.\n",
        Repeat::LastCounts => "May be repeated; the last line counts.\n",
    });
    let _ = write!(page, "\n{}\n", directive.description);
    if !directive.settings.is_empty() {
        page.push_str(
            "\n## Settings\n\n| setting | default | bounds | meaning | source |\n\
             |---|---|---|---|---|\n",
        );
        for setting in directive.settings {
            page.push_str(&row(setting));
        }
    }
    if !directive.differences.is_empty() {
        let _ = write!(
            page,
            "\n## Differences from CoreDNS\n\n{}\n",
            directive.differences
        );
    }
    page.push_str("\n## Examples\n");
    for example in directive.examples {
        let _ = write!(
            page,
            "\n{}:\n\n```corefile\n{}```\n",
            example.purpose, example.corefile
        );
    }
    page
}

fn row(setting: &Setting) -> String {
    let cell = |text: &str| text.replace('|', "\\|");
    format!(
        "| `{}` | {} | {} | {} | {} |\n",
        cell(setting.name),
        cell(setting.default),
        cell(setting.bounds),
        cell(setting.meaning),
        cell(setting.source)
    )
}

const GENERATED: &str = "<!-- Generated from crates/corefile/src/directives. -->\n\n";

const GRAMMAR: &str = "<!-- Generated from crates/corefile/src/pages.rs. -->

# Corefile

A Corefile is read as CoreDNS reads it. It consists of server blocks:

```text
ZONE[:PORT] [ZONE[:PORT]...] {
    DIRECTIVE [ARGUMENT...] {
        PROPERTY [ARGUMENT...]
    }
}
```

- **Zones.** Of all blocks that listen on an address, the one with the longest zone that the name
  ends in answers. `.` is every name. A network such as `192.0.2.0/24` is its reverse zone, or
  several when its prefix is between two labels. `dns://` in front is the only scheme that is
  served. Without a port, it is that of the command line, 53 by default. A comma after a zone
  continues the list on the next line.
- **Braces** open at the end of a line and close on a line of their own. The outer ones may be left
  out when the file is a single server block.
- **Words** are separated by white space. In double quotes a word may contain it, even line ends;
  `\\\"` is a quote in it, any other backslash is itself.
- **Comments** begin with `#` at the start of a word and end with the line.
- **Variables** of the environment: `{$NAME}` or `{%NAME%}` anywhere in a word; empty if not set.
- **Snippets**: a block whose only key is `(name)` is a text for `import name`, anywhere after it.
- **Imports**: `import` puts a snippet, a file, or all files that match a pattern with at most one
  `*` and one `?` in its place, on the top level, among directives, or among properties. Paths are
  relative to the importing file.
- **Order.** The order of directives does not matter; only several lines of the same directive are
  used in their order.

An error is reported as CoreDNS reports it, followed by where exactly it is and what was expected:

```text
Corefile:3 - Error during parsing: Unknown directive 'foward' (column 5, at 'foward': expected a directive; did you mean 'forward'?)
```
";
