//! The number that opens a class: six digits.

use unicode_normalization::UnicodeNormalization as _;

/// How many digits there are.
const DIGITS: usize = 6;

/// A PIN: six ASCII digits, out of a file as well.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Pin(String);

impl TryFrom<String> for Pin {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::read(&text).filter(|pin| pin.0 == text).ok_or("a PIN has six digits")
    }
}

impl Pin {
    /// A new one by chance.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn fresh() -> Result<Self, getrandom::Error> {
        const MANY: u32 = 1_000_000;
        loop {
            let number = getrandom::u32()?;
            // The last, incomplete million would make some numbers likelier than others.
            if number < u32::MAX - u32::MAX % MANY {
                return Ok(Self(format!("{:06}", number % MANY)));
            }
        }
    }

    /// The PIN in what somebody typed: digits of any width, apart as one likes.
    #[must_use]
    pub fn read(typed: &str) -> Option<Self> {
        let mut digits = String::new();
        for character in typed.chars().take(8 * DIGITS).nfkc() {
            match character {
                '0'..='9' => digits.push(character),
                ' ' | '-' | '.' | '\t' => {}
                _ => return None,
            }
        }
        (digits.len() == DIGITS).then_some(Self(digits))
    }

    /// The digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

/// A PIN as it is read out: in two halves.
#[must_use]
pub fn shown_pin(pin: &Pin) -> String {
    let (first, last) = pin.0.split_at(pin.0.len() / 2);
    format!("{first} {last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_read_as_people_type_it() {
        for (typed, digits) in [
            ("482915", Some("482915")),
            (" 482 915 ", Some("482915")),
            ("482915", Some("482915")),
            ("482\u{3000}915", Some("482915")),
            ("482-915", Some("482915")),
            ("48291", None),
            ("4829155", None),
            ("48291o", None),
            ("", None),
        ] {
            assert_eq!(Pin::read(typed).as_ref().map(Pin::digits), digits, "{typed:?}");
        }
        for (json, holds) in
            [("\"482915\"", true), ("\"482 915\"", false), ("\"é\"", false), ("\"４８２９１５\"", false)]
        {
            assert_eq!(serde_json::from_str::<Pin>(json).is_ok(), holds, "{json}");
        }
        let fresh = Pin::fresh().unwrap();
        assert_eq!(Pin::read(&shown_pin(&fresh)), Some(fresh));
    }
}
