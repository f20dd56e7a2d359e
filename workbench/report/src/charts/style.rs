//! The look of lines, markers and texts.
//!
//! Charts are drawn in placeholder colours, which are then replaced by CSS classes. So the page decides colours and
//! line styles, for light, dark and print.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;

/// One pixel of the design. plotters rounds to whole units, so several units per pixel keep curves smooth.
pub(super) const PX: u32 = 4;

/// The width of every chart in its own units. It is narrow, so that its text stays readable on a phone.
pub const WIDTH: u32 = 420 * PX;

/// The width of a line sample in the key, in the same units.
pub const SWATCH: u32 = 56 * PX;

/// The number of modes with their own colour, line style and marker. After that they repeat.
pub(super) const STYLES: usize = 6;

/// The markers, so that curves differ by more than colour: the number of corners, the angle of the first in degrees,
/// and the distance of every second corner from the centre.
const MARKERS: [(u32, f64, f64); STYLES] =
    [(24, 0.0, 1.0), (4, 45.0, 1.0), (3, -90.0, 1.0), (4, 0.0, 1.0), (3, 90.0, 1.0), (8, 0.0, 0.3)];

const TEXT: RGBColor = RGBColor(2, 0, 0);
pub(super) const GRID: RGBColor = RGBColor(2, 0, 1);

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The content of an SVG element; the page writes the element itself.
pub struct Drawing {
    /// In the same units as [`WIDTH`].
    pub height: u32,
    /// The elements.
    pub body: String,
}

/// The line of a mode for the key, with its marker.
pub fn swatch(n: usize) -> Result<Drawing> {
    const UNIT: i32 = PX as i32;
    draw_in((SWATCH, 16 * PX), |area| {
        let middle = 8 * UNIT;
        let line = [(0, middle), (SWATCH as i32, middle)];
        area.draw(&PathElement::new(line, series(n).stroke_width(2 * PX)))?;
        area.draw(&(EmptyElement::at((SWATCH as i32 / 2, middle)) + marker(n)))?;
        Ok(())
    })
}

/// A mode's marker, around the origin.
pub(super) fn marker(n: usize) -> Polygon<(i32, i32)> {
    let (corners, turn, inner) = MARKERS[n % STYLES];
    let corner = |k: u32| {
        let angle = (turn + 360.0 * f64::from(k) / f64::from(corners)).to_radians();
        let radius = f64::from(5 * PX) * if k % 2 == 1 { inner } else { 1.0 };
        ((angle.cos() * radius).round() as i32, (angle.sin() * radius).round() as i32)
    };
    Polygon::new((0..corners).map(corner).collect::<Vec<_>>(), series(n).filled())
}

/// Draws on an empty area, and replaces the placeholder colours by classes.
pub(super) fn draw(height: u32, paint: impl FnOnce(&Area) -> Result<()>) -> Result<Drawing> {
    draw_in((WIDTH, height), paint)
}

fn draw_in((width, height): (u32, u32), paint: impl FnOnce(&Area) -> Result<()>) -> Result<Drawing> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
        paint(&area)?;
        area.present()?;
    }
    let start = svg.find('>').map_or(0, |end| end + 1);
    let end = svg.rfind("</svg>").unwrap_or(svg.len());
    let mut body = svg[start..end].to_owned();
    let classes = (0..STYLES)
        .map(|n| (series(n), format!("mode-{n}")))
        .chain([(TEXT, "ink".to_owned()), (GRID, "grid".to_owned())]);
    for (RGBColor(r, g, b), class) in classes {
        let colour = format!("#{r:02X}{g:02X}{b:02X}");
        body = body
            .replace(&format!("stroke=\"{colour}\""), &format!("class=\"line {class}\""))
            .replace(&format!("fill=\"{colour}\""), &format!("class=\"area {class}\""));
    }
    Ok(Drawing { height, body })
}

pub(super) fn series(n: usize) -> RGBColor {
    RGBColor(1, 0, (n % STYLES) as u8)
}

pub(super) fn text(size: f64) -> TextStyle<'static> {
    // The SVG backend divides the size by 1.24, its estimate of a line's height.
    TextStyle::from(("sans-serif", size * 1.24 * f64::from(PX)).into_font()).color(&TEXT)
}
