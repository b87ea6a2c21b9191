//! Small pictures beside words. They say nothing that the words do not, so screen readers skip them.

use leptos::prelude::*;

/// Which picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A check mark in a disc.
    Check,
    /// A dashed ring.
    Ring,
    /// A turning arc.
    Spinner,
    /// A shield.
    Shield,
    /// A half-filled disc.
    Half,
    /// A triangle with an exclamation mark.
    Warning,
    /// A question mark in a ring.
    Question,
    /// Three dots.
    Dots,
    /// Two arrows in a circle.
    Sync,
    /// A magnifying glass.
    Search,
    /// A cross.
    Cross,
    /// A sun.
    Sun,
    /// A moon.
    Moon,
    /// A screen.
    Screen,
    /// Head and shoulders.
    Person,
    /// Two of them.
    People,
    /// A clock.
    Clock,
    /// A key.
    Key,
    /// Two links of a chain.
    Link,
    /// An envelope.
    Mail,
    /// A sheet with lines.
    Note,
    /// An arrow out of a door.
    Leave,
    /// Two arrows, up and down.
    Sort,
    /// An arrow onto a line.
    Download,
    /// An arrow to the upper right.
    Open,
    /// A box with a lid.
    Archive,
}

impl Shape {
    /// The outline in a square of 16, drawn with a line. The check mark and the half disc have a filled part too.
    pub(super) const fn line(self) -> &'static str {
        match self {
            Self::Check => "m5 8.2 2.1 2.1L11.2 6",
            Self::Ring => "",
            Self::Spinner => "M14 8a6 6 0 1 1-6-6",
            Self::Shield => "M8 1.8 13 3.6v4.2c0 3-2 5.3-5 6.4-3-1.1-5-3.4-5-6.4V3.6Z",
            Self::Half => "M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0Z",
            Self::Warning => "M8 2.2 14.6 13.6H1.4ZM8 6.6v3M8 11.6v.1",
            Self::Question => {
                "M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0ZM6.4 6.4a1.7 1.7 0 1 1 2.4 1.7c-.6.3-.8.6-.8 1.2M8 11.2v.1"
            }
            Self::Dots => "M3.5 8h.01M8 8h.01M12.5 8h.01",
            Self::Sync => {
                "M13.5 6.5A5.8 5.8 0 0 0 3 5.2M2.5 2.6v2.8h2.8M2.5 9.5A5.8 5.8 0 0 0 13 10.8m.5 2.6v-2.8h-2.8"
            }
            Self::Search => "M11.5 7A4.5 4.5 0 1 1 2.5 7a4.5 4.5 0 0 1 9 0ZM10.3 10.3 14 14",
            Self::Cross => "m4 4 8 8M12 4l-8 8",
            Self::Sun => {
                "M11 8A3 3 0 1 1 5 8a3 3 0 0 1 6 0ZM8 1v1.4M8 13.6V15M1 8h1.4M13.6 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1"
            }
            Self::Moon => "M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1Z",
            Self::Screen => "M2 3h12v8H2ZM5.5 13.8h5",
            Self::Person => {
                "M10.8 5.2a2.8 2.8 0 1 1-5.6 0 2.8 2.8 0 0 1 5.6 0ZM2.5 14c.5-3 2.7-4.5 5.5-4.5S13 11 13.5 14"
            }
            Self::People => {
                "M8.3 5.2a2.4 2.4 0 1 1-4.8 0 2.4 2.4 0 0 1 4.8 0ZM1 13.5c.4-2.8 2.3-4 4.9-4s4.5 1.2 4.9 4M10.5 3a2.4 2.4 0 0 1 0 4.5M12.5 9.9c1.4.6 2.3 1.8 2.5 3.6"
            }
            Self::Clock => "M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0ZM8 4.5V8l2.3 1.5",
            Self::Key => "M8 10.5a3 3 0 1 1-6 0 3 3 0 0 1 6 0ZM7.2 8.4 13 2.6M10.8 4.8l2 2",
            Self::Link => {
                "M6.6 9.4a2.9 2.9 0 0 0 4.1 0l2.2-2.2a2.9 2.9 0 0 0-4.1-4.1l-.9.9M9.4 6.6a2.9 2.9 0 0 0-4.1 0L3.1 8.8a2.9 2.9 0 0 0 4.1 4.1l.9-.9"
            }
            Self::Mail => "M2 3.5h12v9H2Zm0 .7 6 4.6 6-4.6",
            Self::Note => "M3.5 2h9v12h-9ZM6 5.5h4M6 8h4M6 10.5h2.5",
            Self::Sort => "M5 6.5 8 3.5l3 3M5 9.5l3 3 3-3",
            Self::Download => "M8 2v8M4.8 7 8 10.2 11.2 7M2.5 13.5h11",
            Self::Open => "M6 3H3v10h10v-3M9 3h4v4M13 3 7.5 8.5",
            Self::Archive => "M2 3h12v3H2ZM3 6v7h10V6M6.2 8.8h3.6",
            Self::Leave => "M9.5 2H3v12h6.5M6.5 8H14M11 5l3 3-3 3",
        }
    }

    pub(super) const fn fill(self) -> Option<&'static str> {
        match self {
            Self::Check => Some("M15 8A7 7 0 1 1 1 8a7 7 0 0 1 14 0Z"),
            Self::Half => Some("M8 2a6 6 0 0 1 0 12Z"),
            _ => None,
        }
    }

    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Check => "icon icon-check",
            Self::Spinner => "icon icon-spinner",
            Self::Dots => "icon icon-dots",
            _ => "icon",
        }
    }
}

/// A picture of the size of the text around it.
#[component]
pub fn Icon(
    /// Which.
    shape: Shape,
) -> impl IntoView {
    view! {
        <svg class=shape.class() viewBox="0 0 16 16" aria-hidden="true">
            {shape.fill().map(|path| view! { <path class="icon-fill" d=path /> })}
            {(shape == Shape::Ring).then(|| view! { <circle class="icon-dashes" cx="8" cy="8" r="6" /> })}
            <path d=shape.line() />
        </svg>
    }
}
