//! Comma-separated values (RFC 4180): quoted fields may hold commas, doubled quotes and line breaks.

/// A record and the line it begins on, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// First line of the record.
    pub line: usize,
    /// Its fields, unquoted.
    pub fields: Vec<String>,
}

/// Why text is no CSV.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsvError {
    /// A quote that is never closed.
    #[error("line {0}: a quoted field does not end")]
    Unclosed(usize),
    /// Something between a closing quote and the next comma.
    #[error("line {0}: text follows a quoted field")]
    AfterQuote(usize),
}

/// All records; blank lines are none. A byte order mark at the start is skipped, lines may end in CR LF, LF or CR.
///
/// # Errors
/// [`CsvError`].
pub fn read(text: &str) -> Result<Vec<Record>, CsvError> {
    let mut reader = Reader { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 };
    let mut records = Vec::new();
    while !reader.rest.is_empty() {
        let record = reader.record()?;
        if record.fields != [""] {
            records.push(record);
        }
    }
    Ok(records)
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    fn record(&mut self) -> Result<Record, CsvError> {
        let mut record = Record { line: self.line, fields: Vec::new() };
        loop {
            let field = if self.eat('"') { self.quoted()? } else { self.plain() };
            record.fields.push(field);
            if !self.eat(',') {
                let line = self.line;
                return if self.end_of_line() { Ok(record) } else { Err(CsvError::AfterQuote(line)) };
            }
        }
    }

    fn eat(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn take(&mut self, length: usize) -> String {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken.to_owned()
    }

    fn plain(&mut self) -> String {
        self.take(self.rest.find([',', '\r', '\n']).unwrap_or(self.rest.len()))
    }

    fn quoted(&mut self) -> Result<String, CsvError> {
        let (opened, mut field) = (self.line, String::new());
        loop {
            let end = self.rest.find('"').ok_or(CsvError::Unclosed(opened))?;
            let part = self.take(end);
            self.line += part.matches('\n').count();
            field.push_str(&part);
            self.eat('"');
            if !self.eat('"') {
                return Ok(field);
            }
            field.push('"');
        }
    }

    fn end_of_line(&mut self) -> bool {
        let ended = self.rest.is_empty() | self.eat('\r') | self.eat('\n');
        self.line += 1;
        ended
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(text: &str) -> Vec<Vec<String>> {
        read(text).unwrap().into_iter().map(|record| record.fields).collect()
    }

    #[test]
    fn quotes_commas_and_line_breaks_are_read_as_rfc_4180_says() {
        let text = "\u{feff}Name,Key\r\n\"a \"\"b\"\"\",\"1,2\"\n\nx,\"two\nlines\"\rlast,";

        let read = fields(text);

        assert_eq!(read, [["Name", "Key"], ["a \"b\"", "1,2"], ["x", "two\nlines"], ["last", ""]]);
    }

    #[test]
    fn broken_quotes_name_their_line() {
        assert_eq!(read("a\n\"b"), Err(CsvError::Unclosed(2)));
        assert_eq!(read("\"a\nb\"c"), Err(CsvError::AfterQuote(2)));
    }

    fn quote(field: &str) -> String {
        format!("\"{}\"", field.replace('"', "\"\""))
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "[\",\r\na-c\u{feff}é]{0,40}") {
            drop(read(&text));
        }

        #[test]
        fn what_is_written_quoted_reads_back(rows in proptest::collection::vec(proptest::collection::vec("[\",\r\na-zé ]{0,6}", 2..4), 0..5)) {
            let text: String = rows.iter().map(|row| row.iter().map(|f| quote(f)).collect::<Vec<_>>().join(",") + "\r\n").collect();

            prop_assert_eq!(fields(&text), rows);
        }
    }
}
