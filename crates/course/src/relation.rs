//! The little language in which lessons state what must hold: relations over measured values.
//!
//! ```text
//! relation   = conjunction { "or" conjunction }
//! conjunction = negation { "and" negation }
//! negation   = [ "not" ] comparison
//! comparison = "identity" | sum operator sum { operator sum } | "(" relation ")"
//! operator   = "=" | "!=" | "<" | "<=" | ">" | ">="
//! sum        = product { ("+" | "-") product }
//! product    = factor { ("*" | "/") factor }
//! factor     = number | "text" | name | "-" factor | "(" sum ")"
//!            | ("min" | "max") "(" sum "," sum ")" | "abs" "(" sum ")"
//! name       = letter { letter | digit | "_" | "." }
//! ```
//!
//! A relation is parsed once, when the course is loaded. A name that was not measured is an error
//! and never counts as zero: a lesson that asks for a value nobody published must not pass.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use thiserror::Error;

/// How deep brackets, signs and `not` may nest. Keeps a hostile text from exhausting the stack.
const DEPTH_MAX: usize = 32;

/// One measured value or one setting.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A counter, a gauge, a lesson's own number, or a setting such as `rate`.
    Number(f64),
    /// A setting such as `kind`, or the type or text of an exception.
    Text(String),
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// What one run measured, by name: the firmware's counters, the lesson's own numbers and the
/// settings of the run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured(BTreeMap<String, Value>);

impl Measured {
    /// Nothing measured yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records a value; a later one of the same name replaces it.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.0.insert(name.into(), value.into());
    }

    /// The value of this name, if it was measured.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Every value, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl<N: Into<String>, V: Into<Value>> FromIterator<(N, V)> for Measured {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Why a text is not a relation.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("at character {position}: {message}")]
pub struct ParseError {
    /// Where, counted in characters from 1.
    pub position: usize,
    /// What was expected there.
    pub message: String,
}

/// Why a relation has no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EvaluationError {
    /// The run did not measure this name.
    #[error("`{0}` was not measured")]
    NotMeasured(String),
    /// A number was needed, and this name or text is none.
    #[error("`{0}` is not a number")]
    NotANumber(String),
    /// A division by zero.
    #[error("division by zero in `{0}`")]
    DivisionByZero(String),
}

/// A statement about a run that holds or does not.
#[derive(Clone, PartialEq)]
pub struct Relation {
    text: String,
    truth: Truth,
}

impl Relation {
    /// Reads a relation.
    ///
    /// # Errors
    /// Where the text leaves the grammar, and what was expected there.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut parser = Parser { tokens: tokens(text)?, next: 0, end: text.chars().count() + 1, depth: 0 };
        let truth = parser.relation()?;
        match parser.peek() {
            None => Ok(Self { text: text.trim().to_owned(), truth }),
            Some(_) => Err(parser.error("`and`, `or` or the end")),
        }
    }

    /// The relation as its author wrote it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it holds for what was measured.
    ///
    /// # Errors
    /// A name that was not measured, a text where a number is needed, or a division by zero.
    pub fn holds(&self, measured: &Measured) -> Result<bool, EvaluationError> {
        self.truth.holds(measured)
    }

    /// The names it needs; `identity` stands for the counters of lesson map section 1.1.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        self.truth.collect_names(&mut names);
        names
    }
}

impl serde::Serialize for Relation {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> serde::Deserialize<'de> for Relation {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|error| serde::de::Error::custom(format!("in the relation `{text}` {error}")))
    }
}

impl fmt::Debug for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Relation({})", self.text)
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Min,
    Max,
    Abs,
}

/// What holds or does not.
#[derive(Clone, Debug, PartialEq)]
enum Truth {
    Or(Vec<Truth>),
    And(Vec<Truth>),
    Not(Box<Truth>),
    Identity,
    /// `a < b <= c`: each neighbouring pair is compared.
    Chain(Sum, Vec<(Comparison, Sum)>),
}

/// What has a value.
#[derive(Clone, Debug, PartialEq)]
enum Sum {
    Number(f64),
    Text(String),
    Name(String),
    Negate(Box<Sum>),
    Binary(Arithmetic, Box<Sum>, Box<Sum>),
    Call(Function, Vec<Sum>),
}

impl Truth {
    fn holds(&self, measured: &Measured) -> Result<bool, EvaluationError> {
        match self {
            // Every part is evaluated, so that a name nobody measures is found in any run.
            Self::Or(parts) => parts.iter().try_fold(false, |any, part| Ok(part.holds(measured)? | any)),
            Self::And(parts) => parts.iter().try_fold(true, |all, part| Ok(part.holds(measured)? & all)),
            Self::Not(part) => Ok(!part.holds(measured)?),
            Self::Identity => identity(measured),
            Self::Chain(first, rest) => {
                let mut left = first.value(measured)?;
                let mut holds = true;
                for (comparison, sum) in rest {
                    let right = sum.value(measured)?;
                    holds &= compare(&left, *comparison, &right)?;
                    left = right;
                }
                Ok(holds)
            }
        }
    }

    fn collect_names<'n>(&'n self, names: &mut BTreeSet<&'n str>) {
        match self {
            Self::Or(parts) | Self::And(parts) => parts.iter().for_each(|part| part.collect_names(names)),
            Self::Not(part) => part.collect_names(names),
            Self::Identity => {}
            Self::Chain(first, rest) => {
                first.collect_names(names);
                rest.iter().for_each(|(_, sum)| sum.collect_names(names));
            }
        }
    }
}

impl Sum {
    fn value(&self, measured: &Measured) -> Result<Value, EvaluationError> {
        match self {
            Self::Text(text) => Ok(Value::Text(text.clone())),
            Self::Name(name) => measured.get(name).cloned().ok_or_else(|| EvaluationError::NotMeasured(name.clone())),
            Self::Number(number) => Ok(Value::Number(*number)),
            Self::Negate(part) => Ok(Value::Number(-part.number(measured)?)),
            Self::Binary(operator, left, right) => {
                let (a, b) = (left.number(measured)?, right.number(measured)?);
                Ok(Value::Number(match operator {
                    Arithmetic::Add => a + b,
                    Arithmetic::Subtract => a - b,
                    Arithmetic::Multiply => a * b,
                    Arithmetic::Divide if b == 0.0 => return Err(EvaluationError::DivisionByZero(self.to_string())),
                    Arithmetic::Divide => a / b,
                }))
            }
            Self::Call(function, arguments) => {
                let numbers = arguments.iter().map(|sum| sum.number(measured)).collect::<Result<Vec<_>, _>>()?;
                let numbers = numbers.into_iter();
                Ok(Value::Number(match function {
                    Function::Min => numbers.fold(f64::INFINITY, f64::min),
                    Function::Max => numbers.fold(f64::NEG_INFINITY, f64::max),
                    Function::Abs => numbers.map(f64::abs).sum(),
                }))
            }
        }
    }

    fn number(&self, measured: &Measured) -> Result<f64, EvaluationError> {
        match self.value(measured)? {
            Value::Number(number) => Ok(number),
            Value::Text(_) => Err(EvaluationError::NotANumber(self.to_string())),
        }
    }

    fn collect_names<'n>(&'n self, names: &mut BTreeSet<&'n str>) {
        match self {
            Self::Number(_) | Self::Text(_) => {}
            Self::Name(name) => {
                names.insert(name);
            }
            Self::Negate(part) => part.collect_names(names),
            Self::Binary(_, left, right) => {
                left.collect_names(names);
                right.collect_names(names);
            }
            Self::Call(_, arguments) => arguments.iter().for_each(|sum| sum.collect_names(names)),
        }
    }
}

/// Texts compare by `=` and `!=` only, and a text never equals a number.
fn compare(left: &Value, comparison: Comparison, right: &Value) -> Result<bool, EvaluationError> {
    match (left, comparison, right) {
        (_, Comparison::Equal, _) => Ok(left == right),
        (_, Comparison::NotEqual, _) => Ok(left != right),
        (Value::Number(a), _, Value::Number(b)) => Ok(match comparison {
            Comparison::Less => a < b,
            Comparison::LessOrEqual => a <= b,
            Comparison::Greater => a > b,
            Comparison::Equal | Comparison::NotEqual | Comparison::GreaterOrEqual => a >= b,
        }),
        (Value::Text(text), ..) | (_, _, Value::Text(text)) => Err(EvaluationError::NotANumber(text.clone())),
    }
}

/// Lesson map section 1.1: every alarm is accounted for, in a hard run and in a soft one.
fn identity(measured: &Measured) -> Result<bool, EvaluationError> {
    let number = |name: &str| Sum::Name(name.to_owned()).number(measured);
    let alarms_kept = number("expected")? == number("fired")? + number("missed")?;
    let callbacks_kept = if measured.get("kind") == Some(&Value::from("hard")) {
        number("fired")? == number("ran")? || number("disabled")? > 0.0
    } else {
        number("fired")? == number("ran")? + number("dropped")? + number("q")?
    };
    Ok(alarms_kept && callbacks_kept)
}

impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |f: &mut fmt::Formatter<'_>, parts: &[Self], word: &str| {
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    write!(f, " {word} ")?;
                }
                write!(f, "({part})")?;
            }
            Ok(())
        };
        match self {
            Self::Or(parts) => join(f, parts, "or"),
            Self::And(parts) => join(f, parts, "and"),
            Self::Not(part) => write!(f, "not ({part})"),
            Self::Identity => f.write_str("identity"),
            Self::Chain(first, rest) => {
                write!(f, "{first}")?;
                rest.iter().try_for_each(|(comparison, sum)| write!(f, " {} {sum}", comparison.symbol()))
            }
        }
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Name(name) => f.write_str(name),
            Self::Negate(part) => write!(f, "-({part})"),
            Self::Binary(operator, left, right) => write!(f, "({left} {} {right})", operator.symbol()),
            Self::Call(function, arguments) => {
                let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
                write!(f, "{}({})", function.word(), arguments.join(", "))
            }
        }
    }
}

impl Comparison {
    const ALL: [Self; 6] =
        [Self::Equal, Self::NotEqual, Self::Less, Self::LessOrEqual, Self::Greater, Self::GreaterOrEqual];

    const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl Arithmetic {
    const fn symbol(self) -> char {
        match self {
            Self::Add => '+',
            Self::Subtract => '-',
            Self::Multiply => '*',
            Self::Divide => '/',
        }
    }
}

impl Function {
    const ALL: [Self; 3] = [Self::Min, Self::Max, Self::Abs];

    const fn word(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Max => "max",
            Self::Abs => "abs",
        }
    }

    const fn arguments(self) -> usize {
        match self {
            Self::Min | Self::Max => 2,
            Self::Abs => 1,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Text(String),
    Word(String),
    Symbol(&'static str),
}

/// Two-character symbols come first, so that `<=` is not read as `<` and `=`.
const SYMBOLS: [&str; 13] = ["!=", "<=", ">=", "=", "<", ">", "+", "-", "*", "/", "(", ")", ","];

/// The tokens of a text, each with its position (characters, from 1).
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, ParseError> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&first) = characters.get(at) {
        let position = at + 1;
        let run = |of: fn(char) -> bool| characters[at..].iter().take_while(|&&c| of(c)).collect::<String>();
        if first.is_whitespace() {
            at += 1;
            continue;
        }
        let token = if first.is_ascii_digit() {
            let digits = run(|c| c.is_ascii_digit() || c == '.' || c == '_');
            at += digits.len();
            let number = digits
                .replace('_', "")
                .parse()
                .map_err(|_| ParseError { position, message: format!("`{digits}` is not a number") })?;
            Token::Number(number)
        } else if first.is_ascii_alphabetic() {
            let word = run(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
            at += word.len();
            Token::Word(word)
        } else if first == '"' {
            let text: String = characters[at + 1..].iter().take_while(|&&c| c != '"').collect();
            at += text.chars().count() + 2;
            if at > characters.len() {
                return Err(ParseError { position, message: "the text has no closing quotation mark".to_owned() });
            }
            Token::Text(text)
        } else {
            let rest: String = characters[at..].iter().take(2).collect();
            let symbol = SYMBOLS
                .into_iter()
                .find(|symbol| rest.starts_with(symbol))
                .ok_or_else(|| ParseError { position, message: format!("`{first}` means nothing in a relation") })?;
            at += symbol.len();
            Token::Symbol(symbol)
        };
        tokens.push((position, token));
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    /// The position behind the last character.
    end: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn error(&self, expected: &str) -> ParseError {
        let position = self.tokens.get(self.next).map_or(self.end, |(position, _)| *position);
        ParseError { position, message: format!("expected {expected}") }
    }

    fn accept_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(next)) if *next == symbol);
        self.next += usize::from(found);
        found
    }

    fn expect_symbol(&mut self, symbol: &str) -> Result<(), ParseError> {
        if self.accept_symbol(symbol) { Ok(()) } else { Err(self.error(&format!("`{symbol}`"))) }
    }

    fn accept_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(next)) if next == word);
        self.next += usize::from(found);
        found
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, ParseError>) -> Result<T, ParseError> {
        if self.depth >= DEPTH_MAX {
            return Err(self.error(&format!("at most {DEPTH_MAX} levels of brackets and signs")));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn relation(&mut self) -> Result<Truth, ParseError> {
        let mut parts = vec![self.conjunction()?];
        while self.accept_word("or") {
            parts.push(self.conjunction()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Truth::Or(parts) })
    }

    fn conjunction(&mut self) -> Result<Truth, ParseError> {
        let mut parts = vec![self.negation()?];
        while self.accept_word("and") {
            parts.push(self.negation()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Truth::And(parts) })
    }

    fn negation(&mut self) -> Result<Truth, ParseError> {
        if self.accept_word("not") {
            return Ok(Truth::Not(Box::new(self.nested(Self::negation)?)));
        }
        if self.accept_word("identity") {
            return Ok(Truth::Identity);
        }
        // A bracket opens either a sum that is compared, or a whole relation.
        let start = self.next;
        let comparison = self.comparison();
        let Err(error) = comparison else { return comparison };
        let reached = self.next;
        self.next = start;
        if self.accept_symbol("(") {
            let relation = self.nested(Self::relation);
            if relation.is_ok() && self.accept_symbol(")") {
                return relation;
            }
            // The reading that got further explains the mistake better.
            if self.next > reached {
                return relation.and_then(|_| Err(self.error("`)`")));
            }
        }
        self.next = reached;
        Err(error)
    }

    fn comparison(&mut self) -> Result<Truth, ParseError> {
        let first = self.sum()?;
        let mut rest = Vec::new();
        while let Some(comparison) = self.accept_comparison() {
            rest.push((comparison, self.sum()?));
        }
        if rest.is_empty() {
            return Err(self.error("a comparison (`=`, `!=`, `<`, `<=`, `>` or `>=`)"));
        }
        Ok(Truth::Chain(first, rest))
    }

    fn accept_comparison(&mut self) -> Option<Comparison> {
        Comparison::ALL.into_iter().find(|comparison| self.accept_symbol(comparison.symbol()))
    }

    fn sum(&mut self) -> Result<Sum, ParseError> {
        self.series(Self::product, [Arithmetic::Add, Arithmetic::Subtract])
    }

    fn product(&mut self) -> Result<Sum, ParseError> {
        self.series(Self::factor, [Arithmetic::Multiply, Arithmetic::Divide])
    }

    /// Left to right: `a - b - c` is `(a - b) - c`.
    fn series(
        &mut self,
        part: fn(&mut Self) -> Result<Sum, ParseError>,
        operators: [Arithmetic; 2],
    ) -> Result<Sum, ParseError> {
        let mut left = part(self)?;
        let mut levels = 0;
        while let Some(operator) =
            operators.into_iter().find(|operator| self.accept_symbol(operator.symbol().encode_utf8(&mut [0; 4])))
        {
            levels += 1;
            if levels > DEPTH_MAX {
                return Err(self.error(&format!("at most {DEPTH_MAX} operators in one sum")));
            }
            left = Sum::Binary(operator, Box::new(left), Box::new(part(self)?));
        }
        Ok(left)
    }

    fn factor(&mut self) -> Result<Sum, ParseError> {
        if self.accept_symbol("-") {
            return Ok(Sum::Negate(Box::new(self.nested(Self::factor)?)));
        }
        if self.accept_symbol("(") {
            let sum = self.nested(Self::sum)?;
            self.expect_symbol(")")?;
            return Ok(sum);
        }
        let factor = match self.peek() {
            Some(Token::Number(number)) => Sum::Number(*number),
            Some(Token::Text(text)) => Sum::Text(text.clone()),
            Some(Token::Word(word)) => match Function::ALL.into_iter().find(|function| function.word() == word) {
                Some(function) => return self.call(function),
                None if ["and", "or", "not", "identity"].contains(&word.as_str()) => {
                    return Err(self.error("a number, a \"text\" or a name"));
                }
                None => Sum::Name(word.clone()),
            },
            _ => return Err(self.error("a number, a \"text\" or a name")),
        };
        self.next += 1;
        Ok(factor)
    }

    fn call(&mut self, function: Function) -> Result<Sum, ParseError> {
        self.next += 1;
        self.expect_symbol("(")?;
        let mut arguments = vec![self.nested(Self::sum)?];
        while arguments.len() < function.arguments() {
            self.expect_symbol(",")?;
            arguments.push(self.nested(Self::sum)?);
        }
        self.expect_symbol(")")?;
        Ok(Sum::Call(function, arguments))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run() -> Measured {
        [
            ("ran", Value::from(1200.0)),
            ("lost", Value::from(430.0)),
            ("q", Value::from(1.0)),
            ("dropped", Value::from(3.0)),
            ("fired", Value::from(1204.0)),
            ("missed", Value::from(0.0)),
            ("expected", Value::from(1204.0)),
            ("disabled", Value::from(0.0)),
            ("kind", Value::from("soft")),
            ("exc0.type", Value::from("MemoryError")),
        ]
        .into_iter()
        .collect()
    }

    #[track_caller]
    fn check(text: &str, expected: bool) {
        assert_eq!(Relation::parse(text).unwrap().holds(&run()), Ok(expected), "{text}");
    }

    #[test]
    fn relations_are_read_as_an_author_means_them() {
        check("lost > 0", true);
        check("0 < lost < ran", true);
        check("0 < lost < 400", false);
        check("ran >= 1_000 and lost = 0", false);
        check("lost = 0 or q = 1 and dropped = 3", true);
        check("(lost = 0 or q = 1) and dropped = 4", false);
        check("not lost = 0", true);
        check("fired = ran + dropped + q", true);
        check("lost - 400 - 30 = 0", true);
        check("ran - lost * 2 = 340", true);
        check("(ran - lost) / 2 = 385", true);
        check("max(lost, q) = 430 and min(lost, q) = 1", true);
        check("abs(lost - ran) <= 770", true);
        check("-lost < 0", true);
        check("kind = \"soft\"", true);
        check("exc0.type != \"KeyError\"", true);
        check("identity", true);
    }

    #[test]
    fn the_identity_follows_the_kind_of_the_run() {
        let mut hard = run();
        hard.insert("kind", "hard");
        let identity = Relation::parse("identity").unwrap();
        assert_eq!(identity.holds(&hard), Ok(false));
        hard.insert("ran", 1204.0);
        assert_eq!(identity.holds(&hard), Ok(true));
        hard.insert("ran", 7.0);
        hard.insert("disabled", 1.0);
        assert_eq!(identity.holds(&hard), Ok(true));
    }

    #[test]
    fn what_was_not_measured_is_never_zero() {
        let error = |text: &str| Relation::parse(text).unwrap().holds(&run()).unwrap_err();
        assert_eq!(error("torn = 0"), EvaluationError::NotMeasured("torn".to_owned()));
        assert_eq!(error("ran > 0 or torn = 0"), EvaluationError::NotMeasured("torn".to_owned()));
        assert_eq!(error("kind > 1"), EvaluationError::NotANumber("soft".to_owned()));
        assert_eq!(error("kind + 1 = 2"), EvaluationError::NotANumber("kind".to_owned()));
        assert_eq!(error("1 / missed = 0"), EvaluationError::DivisionByZero("(1 / missed)".to_owned()));
    }

    #[track_caller]
    fn rejects(text: &str, expected: &str) {
        assert_eq!(Relation::parse(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn mistakes_are_pointed_at() {
        rejects("", "at character 1: expected a number, a \"text\" or a name");
        rejects("lost", "at character 5: expected a comparison (`=`, `!=`, `<`, `<=`, `>` or `>=`)");
        rejects("lost = ", "at character 8: expected a number, a \"text\" or a name");
        rejects("lost = 0 ran", "at character 10: expected `and`, `or` or the end");
        rejects("(lost = 0", "at character 10: expected `)`");
        rejects("lost ~ 0", "at character 6: `~` means nothing in a relation");
        rejects("kind = \"soft", "at character 8: the text has no closing quotation mark");
        rejects("lost = 1.2.3", "at character 8: `1.2.3` is not a number");
        rejects("min(lost) = 0", "at character 9: expected `,`");
        assert!(Relation::parse(&"(".repeat(10_000)).is_err());
        assert!(Relation::parse(&format!("a = {}1", "-".repeat(10_000))).is_err());
        assert!(Relation::parse(&format!("a = 1{}", " + 1".repeat(10_000))).is_err());
    }

    fn any_sum() -> impl Strategy<Value = Sum> {
        let leaf = prop_oneof![
            (0_u32..100_000).prop_map(|number| Sum::Number(f64::from(number) / 4.0)),
            "[a-z][a-z0-9_.]{0,6}"
                .prop_filter("reserved", |word| {
                    !["and", "or", "not", "identity", "min", "max", "abs"].contains(&word.as_str())
                })
                .prop_map(Sum::Name),
            "[a-z ]{0,6}".prop_map(Sum::Text),
        ];
        leaf.prop_recursive(3, 12, 2, |inner| {
            prop_oneof![
                inner.clone().prop_map(|sum| Sum::Negate(Box::new(sum))),
                (prop::sample::select(vec!['+', '-', '*', '/']), inner.clone(), inner.clone()).prop_map(
                    |(symbol, left, right)| {
                        let operator = match symbol {
                            '+' => Arithmetic::Add,
                            '-' => Arithmetic::Subtract,
                            '*' => Arithmetic::Multiply,
                            _ => Arithmetic::Divide,
                        };
                        Sum::Binary(operator, Box::new(left), Box::new(right))
                    }
                ),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| Sum::Call(Function::Max, vec![a, b])),
                inner.prop_map(|sum| Sum::Call(Function::Abs, vec![sum])),
            ]
        })
    }

    fn any_truth() -> impl Strategy<Value = Truth> {
        let comparison = prop::sample::select(Comparison::ALL.to_vec());
        let chain = (any_sum(), prop::collection::vec((comparison, any_sum()), 1..3))
            .prop_map(|(first, rest)| Truth::Chain(first, rest));
        prop_oneof![9 => chain, 1 => Just(Truth::Identity)].prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 2..4).prop_map(Truth::And),
                prop::collection::vec(inner.clone(), 2..4).prop_map(Truth::Or),
                inner.prop_map(|truth| Truth::Not(Box::new(truth))),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_printed_relation_reads_back_the_same(truth in any_truth()) {
            prop_assert_eq!(Relation::parse(&truth.to_string()).unwrap().truth, truth);
        }

        #[test]
        fn no_text_can_break_the_parser(text in "[a-c0-9.()<>=!+*/,\" \\-]{0,40}|.{0,40}") {
            if let Ok(relation) = Relation::parse(&text) {
                let _ = relation.holds(&run());
                let _ = relation.names();
            }
        }
    }
}
