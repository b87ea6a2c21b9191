//! The MSP's logo, for the pages that clients see.

use std::{fmt, fs, path::Path};

use axum::body::Bytes;
use thiserror::Error;

/// The largest file that is taken, in bytes.
const LARGEST: usize = 256 * 1024;

/// A picture that browsers show.
#[derive(Clone)]
pub struct Logo {
    /// What kind of picture, by its content: a file's name may lie.
    pub content_type: &'static str,
    /// The file.
    pub bytes: Bytes,
}

/// Why a file is no logo.
#[derive(Debug, Error)]
pub enum LogoError {
    /// It can't be read.
    #[error("it can't be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// It is large.
    #[error("it is larger than {} KiB; make it smaller", LARGEST / 1024)]
    TooLarge,
    /// It is something else.
    #[error("it is no PNG, JPEG, WebP, GIF or SVG picture")]
    Unknown,
}

impl Logo {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, LogoError> {
        Self::from_bytes(fs::read(path)?)
    }

    fn from_bytes(bytes: Vec<u8>) -> Result<Self, LogoError> {
        if bytes.len() > LARGEST {
            return Err(LogoError::TooLarge);
        }
        let content_type = content_type(&bytes).ok_or(LogoError::Unknown)?;
        Ok(Self { content_type, bytes: bytes.into() })
    }
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logo").field("content_type", &self.content_type).finish_non_exhaustive()
    }
}

fn content_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => is_svg(std::str::from_utf8(bytes).ok()?).then_some("image/svg+xml"),
    }
}

fn is_svg(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    (text.starts_with("<svg") || text.starts_with("<?xml") || text.starts_with("<!")) && text.contains("<svg")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_known_by_its_content() {
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\n..."[..], Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"RIFF....WEBPVP8 ", Some("image/webp")),
            (b"<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>", Some("image/svg+xml")),
            (b"<html><script>alert(1)</script></html>", None),
            (b"", None),
        ] {
            assert_eq!(content_type(bytes), expected);
        }
        assert!(matches!(Logo::from_bytes(vec![0; LARGEST + 1]), Err(LogoError::TooLarge)));
    }
}
