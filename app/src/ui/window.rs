//! Which rows of a long list are near enough to the viewport to be in the document.

use std::ops::Range;

/// How many rows are kept beyond each edge of the viewport, so that scrolling does not show a gap.
const MARGIN: usize = 8;

/// A list that is not longer is whole in the document, where the browser's own search finds all of it.
const WHOLE: usize = 50;

/// Where the list is on the screen, in CSS pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Geometry {
    /// The top of the list's first row, seen from the top of the viewport. Negative once scrolled.
    pub top: f64,
    /// The height of one row.
    pub row: f64,
    /// The height of the viewport.
    pub viewport: f64,
}

/// The rows of a list of `len` that are in or near the viewport.
pub fn visible(geometry: Geometry, len: usize) -> Range<usize> {
    if len <= WHOLE {
        return 0..len;
    }
    if geometry.row < 1.0 {
        return 0..MARGIN;
    }
    let first = rows(-geometry.top / geometry.row).saturating_sub(MARGIN);
    let last = rows(((geometry.viewport - geometry.top) / geometry.row).ceil()).saturating_add(MARGIN);
    let last = last.min(len);
    first.min(last)..last
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and less than 0 is 0")]
fn rows(count: f64) -> usize {
    count.max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_TOP: Geometry = Geometry { top: 300.0, row: 60.0, viewport: 900.0 };

    #[test]
    fn only_what_is_near_the_viewport_is_kept() {
        assert_eq!(visible(AT_TOP, 10_000), 0..18);
        assert_eq!(visible(Geometry { top: -60_000.0, ..AT_TOP }, 10_000), 992..1_023);
    }

    #[test]
    fn the_window_ends_with_the_list() {
        assert_eq!(visible(Geometry { top: -5_700.0, ..AT_TOP }, 100), 87..100);
        // The list was narrowed by a search while it was scrolled far down.
        assert_eq!(visible(Geometry { top: -60_000.0, ..AT_TOP }, 100), 100..100);
    }

    #[test]
    fn a_short_list_is_whole() {
        for len in [0, 5, 50] {
            assert_eq!(visible(AT_TOP, len), 0..len);
        }
    }

    #[test]
    fn a_height_that_is_not_known_yet_shows_a_first_few() {
        assert_eq!(visible(Geometry::default(), 10_000), 0..8);
    }
}
