//! Light or dark: the choice is kept in this browser. `index.html` applies it before anything is painted.

const KEY: &str = "theme";
const ATTRIBUTE: &str = "data-theme";

/// What the page looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system does.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Its name for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The choice of an earlier visit.
pub fn chosen() -> Theme {
    let stored = storage().and_then(|storage| storage.get_item(KEY).ok()?);
    Theme::ALL.into_iter().find(|theme| stored.as_deref() == Some(theme.key())).unwrap_or_default()
}

/// Applies a choice and keeps it. A browser without storage forgets it with the page.
pub fn choose(theme: Theme) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(KEY, theme.key());
    }
    let root = web_sys::window().and_then(|window| window.document()).and_then(|document| document.document_element());
    if let Some(root) = root {
        let _ = match theme {
            Theme::System => root.remove_attribute(ATTRIBUTE),
            Theme::Light | Theme::Dark => root.set_attribute(ATTRIBUTE, theme.key()),
        };
    }
}

fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok()?
}
