//! Shades of the accent colour that can be read.
//!
//! Source: Web Content Accessibility Guidelines 2.2, "relative luminance", "contrast ratio", success criterion 1.4.3.

use std::fmt;

/// Contrast of text with its background.
const READABLE: f64 = 4.6;
/// The darkest background of the light page, and the lightest of the dark one, that text in the accent colour is on.
const LIGHT: Colour = Colour([0xee, 0xf1, 0xf5]);
const DARK: Colour = Colour([0x26, 0x2c, 0x36]);
const WHITE: Colour = Colour([0xff, 0xff, 0xff]);
const INK: Colour = Colour([0x0d, 0x11, 0x17]);

/// A colour of sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour([u8; 3]);

impl Colour {
    /// Parses `#2457d6`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        let mut bytes = [0; 3];
        hex::decode_to_slice(digits, &mut bytes).ok().map(|()| Self(bytes))
    }

    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let Self([red, green, blue]) = self;
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance() + 0.05, other.luminance() + 0.05);
        one.max(other) / one.min(other)
    }

    /// This colour with `percent` of another.
    fn mixed(self, other: Self, percent: u16) -> Self {
        let mix = |one: u8, other: u8| {
            let sum = u16::from(one) * (100 - percent) + u16::from(other) * percent;
            u8::try_from((sum + 50) / 100).unwrap_or(u8::MAX)
        };
        let (Self([a, b, c]), Self([x, y, z])) = (self, other);
        Self([mix(a, x), mix(b, y), mix(c, z)])
    }

    /// The nearest mixture with `towards` that can be read on `background`.
    fn readable_on(self, background: Self, towards: Self) -> Self {
        let mut shades = (0..=100).step_by(4).map(|percent| self.mixed(towards, percent));
        shades.find(|shade| shade.contrast(background) >= READABLE).unwrap_or(towards)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{}", hex::encode(self.0))
    }
}

/// Returns the rules that define the accent colour: itself, text on it, and text in it on light and dark backgrounds.
pub(crate) fn rules(accent: Colour) -> String {
    let on = if WHITE.contrast(accent) >= READABLE { WHITE } else { INK };
    // A button keeps its colour where its text can be read; a middle shade gets darker.
    let accent = if on == INK && INK.contrast(accent) < READABLE { accent.readable_on(WHITE, INK) } else { accent };
    let on = if WHITE.contrast(accent) >= READABLE { WHITE } else { on };
    let (light, dark) = (accent.readable_on(LIGHT, INK), accent.readable_on(DARK, WHITE));
    format!(
        ":root{{--accent:{accent};--on-accent:{on};--accent-text:{light}}}\n\
         @media (prefers-color-scheme:dark){{:root{{--accent-text:{dark}}}}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        assert!((WHITE.contrast(Colour([0; 3])) - 21.0).abs() < 1e-9);
        // The lightest grey that passes on white.
        assert!((WHITE.contrast(Colour::parse("#767676").unwrap()) - 4.54).abs() < 0.01);
    }

    #[test]
    fn every_accent_can_be_read() {
        for text in ["#000000", "#ffffff", "#2457d6", "#ffd500", "#ff0000", "#777777", "#00ff88", "#7a7a7a", "#808080"]
        {
            let rules = rules(Colour::parse(text).unwrap());
            let found: Vec<Colour> = rules
                .split(|letter: char| [';', '}'].contains(&letter))
                .filter_map(|rule| Colour::parse(rule.rsplit(':').next()?))
                .collect();
            let [accent, on, light, dark] = *found else { panic!("{rules}") };
            assert!(accent.contrast(on) >= READABLE, "{text}: {rules}");
            assert!(light.contrast(LIGHT) >= READABLE && light.contrast(WHITE) >= READABLE, "{text}: {rules}");
            assert!(dark.contrast(DARK) >= READABLE, "{text}: {rules}");
        }
        assert!(rules(Colour::parse("#2457d6").unwrap()).contains("--accent:#2457d6;--on-accent:#ffffff"));
    }

    #[test]
    fn a_colour_has_six_digits() {
        for text in ["", "2457d6", "#2457d", "#2457d6f", "#2457dg", "#fff", "red"] {
            assert_eq!(Colour::parse(text), None, "{text}");
        }
    }
}
