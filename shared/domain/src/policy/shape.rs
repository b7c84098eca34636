//! The shape of a policy text: length, number of policies, number of clauses, depth. It is measured before parsing, in
//! one pass without recursion. So a refused text costs one pass, and an accepted text cannot overflow the parser's
//! stack.

use crate::failure::PolicyProblem;

/// Largest size of one text, in bytes.
pub const TEXT_LIMIT: usize = 16 * 1024;
/// Largest number of clauses in one policy: each `when`, `unless`, `if`, `&&`, `||`, `+`, `-` and `*` counts as one.
pub const CLAUSES: usize = 100;
/// Deepest nesting in one policy: each open bracket is one level, and so is each `.` and `!` of a chain.
pub const NESTING: usize = 32;

/// Facts about a text that need no parser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Number of policies: statements that end in `;`.
    pub policies: usize,
}

/// A position in the text: line and column in characters, from 1.
#[derive(Clone, Copy, Debug)]
struct Place {
    line: usize,
    column: usize,
}

/// Counts of one policy.
#[derive(Debug, Default)]
struct Counts {
    clauses: usize,
    /// The chain around each open bracket, innermost last.
    outer: Vec<usize>,
    /// Length of the current chain: 2 for `a.b.c`.
    chain: usize,
}

/// Measures the shape of a text. Returns the first broken limit and its position, if one is broken. The text need not
/// be valid Cedar.
pub fn shape(text: &str) -> Result<Shape, PolicyProblem> {
    if text.len() > TEXT_LIMIT {
        let message = format!("a text has at most {} KiB", TEXT_LIMIT / 1024);
        return Err(Place { line: 1, column: 1 }.problem(message));
    }
    let mut shape = Shape::default();
    let mut counts = Counts::default();
    for (place, token) in Tokens::of(text) {
        match token {
            Token::Open => counts.open(),
            Token::Close => counts.close(),
            Token::End => {
                shape.policies += 1;
                counts = Counts::default();
            }
            Token::Clause => {
                counts.clauses += 1;
                counts.chain = 0;
            }
            Token::Link => counts.chain += 1,
            Token::Between => counts.chain = 0,
        }
        if counts.clauses > CLAUSES {
            return Err(place.problem(format!(
                "a policy has at most {CLAUSES} clauses (each `when`, `unless`, `if`, `&&`, `||`, `+`, `-`, `*`)"
            )));
        }
        if counts.depth() > NESTING {
            return Err(place.problem(format!(
                "a policy nests at most {NESTING} deep (each open bracket, each `.` and `!` of a chain)"
            )));
        }
        if shape.policies > super::POLICIES {
            return Err(place.problem(format!("a text holds at most {} policies", super::POLICIES)));
        }
    }
    Ok(shape)
}

impl Counts {
    fn open(&mut self) {
        self.outer.push(self.chain);
        self.chain = 0;
    }

    fn close(&mut self) {
        self.chain = self.outer.pop().unwrap_or_default();
    }

    fn depth(&self) -> usize {
        self.outer.len() + self.outer.iter().sum::<usize>() + self.chain
    }
}

impl Place {
    fn problem(self, message: String) -> PolicyProblem {
        PolicyProblem { line: self.line, column: self.column, message }
    }
}

enum Token {
    Open,
    Close,
    End,
    Clause,
    /// `.` or `!`.
    Link,
    /// A token that ends a chain.
    Between,
}

/// The tokens that count. Comments, strings and everything else are skipped.
struct Tokens<'t> {
    rest: std::iter::Peekable<std::str::Chars<'t>>,
    place: Place,
}

impl<'t> Tokens<'t> {
    fn of(text: &'t str) -> Self {
        Self { rest: text.chars().peekable(), place: Place { line: 1, column: 1 } }
    }

    fn take(&mut self) -> Option<char> {
        let character = self.rest.next()?;
        if character == '\n' {
            self.place = Place { line: self.place.line + 1, column: 1 };
        } else {
            self.place.column += 1;
        }
        Some(character)
    }

    fn take_if(&mut self, wanted: char) -> bool {
        let there = self.rest.peek() == Some(&wanted);
        if there {
            let _ = self.take();
        }
        there
    }

    fn pass_string(&mut self) {
        while let Some(character) = self.take() {
            match character {
                '"' => return,
                '\\' => drop(self.take()),
                _ => {}
            }
        }
    }

    fn word(&mut self, first: char) -> String {
        let mut word = String::from(first);
        while let Some(more) = self.rest.peek().copied().filter(|next| next.is_alphanumeric() || *next == '_') {
            word.push(more);
            let _ = self.take();
        }
        word
    }
}

impl Iterator for Tokens<'_> {
    type Item = (Place, Token);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let place = self.place;
            let token = match self.take()? {
                '"' => {
                    self.pass_string();
                    continue;
                }
                '/' if self.rest.peek() == Some(&'/') => {
                    while self.rest.peek().is_some_and(|next| *next != '\n') {
                        let _ = self.take();
                    }
                    continue;
                }
                '(' | '[' | '{' => Token::Open,
                ')' | ']' | '}' => Token::Close,
                ';' => Token::End,
                '&' if self.take_if('&') => Token::Clause,
                '|' if self.take_if('|') => Token::Clause,
                '+' | '-' | '*' => Token::Clause,
                '!' if self.take_if('=') => Token::Between,
                '.' | '!' => Token::Link,
                ',' | '=' | '<' | '>' => Token::Between,
                first if first.is_alphabetic() || first == '_' => match self.word(first).as_str() {
                    "when" | "unless" | "if" => Token::Clause,
                    "then" | "else" | "in" | "has" | "like" | "is" => Token::Between,
                    _ => continue,
                },
                _ => continue,
            };
            return Some((place, token));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn problem(text: &str) -> String {
        shape(text).unwrap_err().message
    }

    #[test]
    fn policies_are_counted_and_strings_and_comments_are_not() {
        let text = "// ;;; ((((\npermit (principal, action, resource) when { \"; \\\" ((\" == \"x\" };\n\
                    forbid (principal, action, resource);";
        assert_eq!(shape(text), Ok(Shape { policies: 2 }));
        assert_eq!(shape(""), Ok(Shape::default()));
        assert_eq!(shape("\"never ends"), Ok(Shape::default()));
    }

    #[test]
    fn a_limit_holds_to_the_very_number() {
        let clauses = |count: usize| {
            format!("permit (principal, action, resource) when {{ true{} }};", " && true".repeat(count - 1))
        };
        assert!(shape(&clauses(CLAUSES)).is_ok());
        assert!(problem(&clauses(CLAUSES + 1)).contains("100 clauses"));
        let nested = |count: usize| format!("{}true{};", "(".repeat(count), ")".repeat(count));
        assert!(shape(&nested(NESTING)).is_ok());
        assert!(problem(&nested(NESTING + 1)).contains("32 deep"));
        let chain = |count: usize| format!("a{};", ".b".repeat(count));
        assert!(shape(&chain(NESTING)).is_ok());
        assert!(problem(&chain(NESTING + 1)).contains("32 deep"));
        let many = |count: usize| "permit(principal,action,resource);".repeat(count);
        assert_eq!(shape(&many(super::super::POLICIES)), Ok(Shape { policies: 100 }));
        assert!(problem(&many(super::super::POLICIES + 1)).contains("100 policies"));
        assert!(shape(&" ".repeat(TEXT_LIMIT)).is_ok());
        assert!(problem(&" ".repeat(TEXT_LIMIT + 1)).contains("16 KiB"));
    }

    #[test]
    fn a_chain_goes_on_behind_its_brackets_and_ends_with_its_operand() {
        assert!(problem(&format!("a{};", ".b(c)".repeat(NESTING + 1))).contains("32 deep"));
        let side_by_side = format!("a{};", " == b.c.d".repeat(NESTING));
        assert!(shape(&side_by_side).is_ok());
        let each_policy_for_itself = "a.b.c;".repeat(90);
        assert!(shape(&each_policy_for_itself).is_ok());
    }

    #[test]
    fn the_place_is_where_the_limit_is_broken() {
        let problem = shape(&format!("\n  {}", "(".repeat(NESTING + 1))).unwrap_err();
        assert_eq!((problem.line, problem.column), (2, 3 + NESTING));
    }

    proptest! {
        #[test]
        fn any_text_has_a_shape_or_a_problem(text: String) {
            let _ = shape(&text);
        }
    }
}
