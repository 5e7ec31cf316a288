use proptest::prelude::*;

use super::*;

const COLUMNS: [Column; 3] = [Column::needed("user"), Column::needed("from"), Column::optional("note")];

fn cells(bytes: &[u8]) -> Vec<(u64, Option<String>, Option<String>)> {
    let table = read(bytes, &COLUMNS).unwrap_or_else(|e| panic!("{e}"));
    let cell = |row: &Row, name| row.get(name).map(str::to_owned);
    table.rows.iter().map(|row| (row.line, cell(row, "user"), cell(row, "note"))).collect()
}

fn errors(bytes: &[u8]) -> String {
    read(bytes, &COLUMNS).unwrap_err().to_string()
}

fn utf16(text: &str, mark: bool, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    mark.then_some(0xfeff).into_iter().chain(text.encode_utf16()).flat_map(order).collect()
}

#[test]
fn it_is_read_whatever_it_was_saved_as() {
    let text = "User;From;Note\nÅsa;2026-07-06;\"Fjällen; och \"\"havet\"\"\"\n";
    let expected = vec![(2, Some("Åsa".to_owned()), Some("Fjällen; och \"havet\"".to_owned()))];
    let latin = encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
    assert!(std::str::from_utf8(&latin).is_err());
    let ways = [
        (text.as_bytes().to_vec(), Encoding::Utf8),
        ([b"\xef\xbb\xbf", text.as_bytes()].concat(), Encoding::Utf8),
        (text.replace('\n', "\r\n").into_bytes(), Encoding::Utf8),
        (latin, Encoding::Windows1252),
        (utf16(text, true, u16::to_le_bytes), Encoding::Utf16),
        (utf16(text, true, u16::to_be_bytes), Encoding::Utf16),
        (utf16(text, false, u16::to_le_bytes), Encoding::Utf16),
        (utf16(text, false, u16::to_be_bytes), Encoding::Utf16),
    ];
    for (bytes, encoding) in ways {
        assert_eq!(read(&bytes, &COLUMNS).unwrap().encoding, encoding);
        assert_eq!(cells(&bytes), expected, "{encoding}");
    }
}

#[test]
fn the_separator_is_found_out() {
    for (text, separator) in [
        ("user,from,note\na,b,c;d\n", ','),
        ("user;from;note\na;b;c,d\n", ';'),
        ("user\tfrom\tnote\na\tb\tc,d\n", '\t'),
        ("\"user\";\"from\"\na;b\n", ';'),
        ("sep=;\r\nuser;from\r\na;b\r\n", ';'),
    ] {
        assert_eq!(read(text.as_bytes(), &COLUMNS).unwrap().separator, separator, "{text}");
    }
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    let text = "sep=,\nuser,from,note\n\na,1,\"two\nlines\"\n,,\nb,2,\n";
    let of = |line, user: &str, note: Option<&str>| (line, Some(user.to_owned()), note.map(str::to_owned));
    assert_eq!(cells(text.as_bytes()), [of(4, "a", Some("two lines")), of(7, "b", None)]);
}

#[test]
fn a_quotation_mark_that_is_not_closed_swallows_no_line() {
    let line = |text: String| errors(text.as_bytes()).split(':').next().unwrap().to_owned();
    let rows = "b,2,fine\n".repeat(20);
    // In the last column the record has as many cells as the header.
    assert_eq!(line(format!("user,from,note\na,1,\"open\n{rows}")), "line 2");
    assert_eq!(line(format!("user,from,note\n{rows}a,1,\"open\n{rows}c,3,\"closed\"\n")), "line 22");
    assert_eq!(line(format!("user,from,note\na,1,\"open\n{rows}c,3,\"\n")), "line 2");
    // Two columns say too little of whether a line is one of the table.
    let two = |n| format!("user,from\na,\"{}\"\n", "a, b\n".repeat(n));
    assert_eq!(line(two(51)), "line 2");
    assert_eq!(read(two(5).as_bytes(), &COLUMNS).unwrap().rows.len(), 1);
    let text = "user,from,note\na,1,\"one, \"\"two\"\",\nthree, four\"\nb \"c\",2,\"\"\n";
    let note = Some("one, \"two\", three, four".to_owned());
    assert_eq!(
        cells(text.as_bytes()),
        [(2, Some("a".to_owned()), note), (4, Some("b \"c\"".to_owned()), None)]
    );
}

#[test]
fn no_cell_is_a_formula_in_a_spreadsheet() {
    for (cell, written) in [
        ("=1+1", "'=1+1"),
        ("@x", "'@x"),
        ("-1+cmd", "'-1+cmd"),
        ("'=1", "''=1"),
        ("+46 8 (1)", "+46 8 (1)"),
        ("Åsa", "Åsa"),
        ("'t Hooft", "'t Hooft"),
    ] {
        let text = write(&["user", "from"], [[cell, "1"]]);
        assert_eq!(String::from_utf8_lossy(&text), format!("user,from\n{written},1\n"));
        assert_eq!(cells(&text), [(2, Some(cell.to_owned()), None)]);
    }
}

#[test]
fn what_is_wrong_is_said_of_each_line() {
    for (text, said) in [
        ("", "line 1: the file is empty; its first line names the columns: user, from, note"),
        ("user\n", "line 1: there is no column from; the first line names the columns: user, from, note"),
        (
            "user,form\na,b\n",
            "line 1: \"form\" is no column here; did you mean from?\nline 1: there is no column from; the first line names the columns: user, from, note",
        ),
        ("user,from,USER\n", "line 1: \"USER\" stands there twice"),
        (
            "user,from\na,b,c\nd,e\nf,g,h\n",
            "line 2: has 3 cells, more than the 2 columns, of which one is \"c\"; a separator in a text needs quotation marks around the text\nline 4: has 3 cells, more than the 2 columns, of which one is \"h\"; a separator in a text needs quotation marks around the text",
        ),
        (
            "user,from\n\"a,b\nc,d\n",
            "line 2: has a quotation mark that isn't closed; double one that belongs to the text: \"\"",
        ),
        ("user,from\na\u{7}b,c\n", "line 2, column user: \"ab\" has a control character in it; take it out"),
        ("user\0,from\n", "line 1: this is no text: there are zero bytes in it; save the file as UTF-8"),
    ] {
        assert_eq!(errors(text.as_bytes()), said, "{text:?}");
    }
    assert_eq!(
        errors(b"\xff\xfeu\0s\0\x00\xd8"),
        "line 1: this isn't valid UTF-16LE; save the file as UTF-8"
    );
    let many = format!("user,from\n{}", "a,b,c\n".repeat(250));
    let many = read(many.as_bytes(), &COLUMNS).unwrap_err();
    assert_eq!((many.errors.len(), many.more), (TOLD, 150));
}

proptest! {
    #[test]
    fn whatever_comes_it_is_read_or_refused(bytes: Vec<u8>) {
        let _ = read(&bytes, &COLUMNS);
        let _ = read(&[b"user;from\n", &*bytes].concat(), &COLUMNS);
    }

    #[test]
    fn what_is_written_is_read_again(rows in proptest::collection::vec(["['=+-]?[^\\p{C}]{1,20}", "[^\\p{C}]{1,20}", "[^\\p{C}]{0,20}"], 0..20)) {
        let clean = |cell: &String| cell.trim().to_owned();
        let rows: Vec<[String; 3]> = rows.iter().map(|row| [0, 1, 2].map(|n| clean(&row[n]))).collect();
        let text = write(&["user", "from", "note"], rows.iter().map(|row| [0, 1, 2].map(|n| row[n].as_str())));
        let table = read(&text, &COLUMNS).unwrap();
        let said: Vec<&[String; 3]> = rows.iter().filter(|row| row.iter().any(|cell| !cell.is_empty())).collect();
        prop_assert_eq!(table.rows.len(), said.len());
        for (row, wanted) in table.rows.iter().zip(said) {
            for (name, cell) in ["user", "from", "note"].into_iter().zip(wanted) {
                prop_assert_eq!(row.get(name).unwrap_or_default(), cell);
            }
        }
    }
}
