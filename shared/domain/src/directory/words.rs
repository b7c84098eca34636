//! Enums whose variants are words of the API.

/// Defines an enum whose variants are words of the API, in the API's spelling.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// All variants, in the order of the API's documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// Parses the word, with its exact case.
            pub fn parse(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or_else(|| {
                    let words: Vec<String> = Self::ALL.iter().map(|word| format!("`{}`", word.as_str())).collect();
                    format!("must be one of {}", words.join(", "))
                })
            }
        }

        $crate::text_field!($name => Self, $name::parse, {"enum": [$($word),+]});

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    words! {
        /// Two words.
        Pair {
            /// One.
            First = "first one",
            /// The other.
            Second = "SECOND",
        }
    }

    #[test]
    fn a_word_is_read_and_written_as_it_is_spelt() {
        for word in Pair::ALL {
            assert_eq!(Pair::parse(word.as_str()), Ok(*word));
            let kept = serde_json::to_string(word).unwrap();
            assert_eq!(kept, format!("{:?}", word.as_str()));
            assert_eq!(serde_json::from_str::<Pair>(&kept).unwrap(), *word);
        }
        assert_eq!(Pair::parse("second").unwrap_err(), "must be one of `first one`, `SECOND`");
    }
}
