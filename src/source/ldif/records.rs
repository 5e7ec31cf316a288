//! From lines to entries, and to what `ldapsearch` says about its own result.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Problem;
use super::lines::Lines;
use crate::domain::entry::{Entry, TooLarge};

/// Reads records line by line.
pub(super) struct Records {
    lines: Lines,
    reader: Reader,
}

struct Reader {
    /// The attribute that every entry worth reading has.
    id: Box<str>,
    state: State,
    /// Entries since `ldapsearch` last told how many there were.
    entries: u64,
    /// `ldapsearch` wrote it.
    by_ldapsearch: bool,
    /// It said that it would tell its result, and hasn't yet.
    result_due: bool,
    /// There are more pages to come, or it hasn't said yet that there are none.
    page_due: bool,
}

enum State {
    /// Between two records.
    Between,
    /// In an entry that began at this line; a tool wrote it that ends each with an empty line.
    Entry { entry: Entry, line: u64, by_tool: bool },
    /// In what `ldapsearch` says behind the entries.
    Remark,
}

impl Records {
    pub(super) fn new(id: &str) -> Records {
        let reader = Reader {
            id: id.into(),
            state: State::Between,
            entries: 0,
            by_ldapsearch: false,
            result_due: false,
            page_due: false,
        };
        Records { lines: Lines::default(), reader }
    }

    /// The number of the line that is being read.
    pub(super) fn line(&self) -> u64 {
        self.lines.number()
    }

    /// Takes the next bytes, in UTF-8 where they are text, and gives each entry that they make whole.
    pub(super) fn push(&mut self, bytes: &[u8], take: &mut impl FnMut(&Entry)) -> Result<(), Problem> {
        let Records { lines, reader } = self;
        lines.push(bytes, &mut |number, line| reader.line(number, line, take))
    }

    /// There are no more bytes.
    pub(super) fn end(&mut self, take: &mut impl FnMut(&Entry)) -> Result<(), Problem> {
        let Records { lines, reader } = self;
        let broke_off = !lines.end(&mut |number, line| reader.line(number, line, take))?;
        reader.end(broke_off, take)
    }
}

impl Reader {
    fn line(&mut self, number: u64, line: &[u8], take: &mut impl FnMut(&Entry)) -> Result<(), Problem> {
        if let Some(comment) = line.strip_prefix(b"#") {
            return self.comment(String::from_utf8_lossy(comment).trim());
        }
        let wrong = |reason: String| Problem::Malformed(number, reason);
        if line.is_empty() {
            if let State::Entry { entry, .. } = std::mem::replace(&mut self.state, State::Between) {
                self.entries += 1;
                take(&entry);
            }
            return Ok(());
        }
        let (name, value) = split(line).map_err(wrong)?;
        match &mut self.state {
            State::Between => self.begin(number, &name, value)?,
            State::Remark if name.eq_ignore_ascii_case("dn") => {
                return Err(wrong("a dn without an empty line before it".to_owned()));
            }
            State::Remark => self.remark(&name, &value.text())?,
            State::Entry { entry, by_tool, .. } => match &*name.to_ascii_lowercase() {
                "changetype" => {
                    let change = value.text();
                    if !change.trim().eq_ignore_ascii_case("add") {
                        return Err(wrong(format!(
                            "it is a change (changetype: {change}); an export has only entries to add"
                        )));
                    }
                    // ldifde says so in every entry.
                    *by_tool = true;
                }
                "control" => {
                    return Err(wrong("it is a change with a control; an export has none".to_owned()));
                }
                "dn" => return Err(wrong("a dn without an empty line before it".to_owned())),
                _ => {
                    let value = value.bytes().map_err(wrong)?;
                    entry.add(&name, [&*value]).map_err(|error: TooLarge| wrong(error.to_string()))?;
                }
            },
        }
        Ok(())
    }

    /// The first line of a record.
    fn begin(&mut self, line: u64, name: &str, value: Value<'_>) -> Result<(), Problem> {
        let wrong = |reason: String| Problem::Malformed(line, reason);
        match &*name.to_ascii_lowercase() {
            // ldapsearch says so again before each page.
            "version" if value.text().trim() == "1" => {}
            "version" => return Err(wrong(format!("LDIF of version {} is not known here", value.text()))),
            "dn" => {
                let dn = String::from_utf8(value.bytes().map_err(wrong)?);
                let dn = dn.map_err(|_| {
                    wrong("its dn is not in UTF-8; export it with ldifde -u, or as UTF-8".to_owned())
                })?;
                self.state = State::Entry { entry: Entry::new(dn), line, by_tool: self.by_ldapsearch };
            }
            "search" | "result" | "ref" | "matcheddn" | "text" | "control" | "pagedresults" => {
                self.state = State::Remark;
                self.remark(name, &value.text())?;
            }
            _ => return Err(wrong(format!("a record must begin with dn, not with {name}"))),
        }
        Ok(())
    }

    /// `search: 2`, `result: 0 Success`, `pagedresults: cookie=`.
    fn remark(&mut self, name: &str, text: &str) -> Result<(), Problem> {
        if name.eq_ignore_ascii_case("result") {
            self.result_due = false;
            if text.split(' ').next() != Some("0") {
                let text = crate::domain::decode::clean(text, 200);
                return Err(Problem::Incomplete(format!(
                    "the search that wrote it ended with result {text}"
                )));
            }
        } else if name.eq_ignore_ascii_case("pagedresults") {
            self.page(text);
        }
        Ok(())
    }

    fn page(&mut self, text: &str) {
        self.page_due = text.split_once("cookie=").is_some_and(|(_, cookie)| !cookie.trim().is_empty());
    }

    fn comment(&mut self, text: &str) -> Result<(), Problem> {
        if text == "LDAPv3" {
            self.by_ldapsearch = true;
        } else if text == "extended LDIF" {
            self.result_due = true;
        } else if text.starts_with("with pagedResults control") {
            self.page_due = true;
        } else if let Some(text) = text.strip_prefix("pagedresults:") {
            self.by_ldapsearch = true;
            self.page(text);
        } else if let Some(text) = text.strip_prefix("numEntries:")
            && let Ok(told) = text.trim().parse::<u64>()
        {
            let found = std::mem::take(&mut self.entries);
            if told != found {
                return Err(Problem::Incomplete(format!(
                    "it says that it holds {told} entries, but there are {found}"
                )));
            }
        }
        Ok(())
    }

    fn end(&mut self, broke_off: bool, take: &mut impl FnMut(&Entry)) -> Result<(), Problem> {
        if broke_off && self.by_ldapsearch {
            return Err(Problem::Incomplete("it ends in the middle of a line".to_owned()));
        }
        if let State::Entry { entry, line, by_tool } = std::mem::replace(&mut self.state, State::Between) {
            // A person may leave out the last line break; the tools don't, and what they cut off can't be seen.
            if by_tool || entry.first(&self.id).is_none() {
                return Err(Problem::Incomplete(format!(
                    "it ends in the middle of the entry that begins in line {line}"
                )));
            }
            take(&entry);
        }
        if self.page_due {
            return Err(Problem::Incomplete("the search that wrote it had more pages to give".to_owned()));
        }
        if self.result_due {
            return Err(Problem::Incomplete(
                "the result of the search that wrote it is missing at its end".to_owned(),
            ));
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Plain(&'a [u8]),
    Base64(&'a [u8]),
    Url,
}

impl Value<'_> {
    fn bytes(self) -> Result<Vec<u8>, String> {
        match self {
            Value::Plain(bytes) => Ok(bytes.to_vec()),
            Value::Base64(text) => {
                STANDARD.decode(text).map_err(|error| format!("its base64 is damaged or cut ({error})"))
            }
            Value::Url => Err("its value stands in another file (:<), which is never opened".to_owned()),
        }
    }

    fn text(self) -> String {
        self.bytes().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }
}

/// Name and value of a line (RFC 2849, `attrval-spec`).
fn split(line: &[u8]) -> Result<(String, Value<'_>), String> {
    if line == b"-" {
        return Err("it is a change; an export has only entries to add".to_owned());
    }
    let colon = line.iter().position(|byte| *byte == b':').ok_or("there is no colon in it")?;
    let (name, rest) = line.split_at(colon);
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-;.=*_".contains(byte);
    if name.is_empty() || name.len() > 256 || !name.iter().all(allowed) {
        return Err("what stands before its colon is no attribute's name".to_owned());
    }
    let value = match rest.get(1..).unwrap_or_default() {
        [b':', encoded @ ..] => Value::Base64(encoded.trim_ascii()),
        [b'<', ..] => Value::Url,
        plain => Value::Plain(plain.trim_ascii_start()),
    };
    Ok((String::from_utf8_lossy(name).into_owned(), value))
}
