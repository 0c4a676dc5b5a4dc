use std::path::Path;

use plotters::prelude::*;

use super::{
    numbers::{grouped, short},
    result::{Figure, Row},
};
use crate::Failure;

const OURS: RGBColor = RGBColor(0x1b, 0x7f, 0x79);
const LIMIT: RGBColor = RGBColor(0xb8, 0xbd, 0xc4);
const TEXT: RGBColor = RGBColor(0x2b, 0x2f, 0x36);

/// The width of the labels, of a panel, and the height of a row, in pixels.
const LABELS: i32 = 320;
const PANEL: i32 = 400;
const ROW: i32 = 46;
const HEAD: i32 = 70;

/// What a panel shows and how its values are written.
type Panel = (Figure, fn(f64) -> String);

/// Bars of patmint and the limit: CPU per exchange, exchanges a second.
pub(super) fn svg(rows: &[Row], file: &Path) -> Result<(), Failure> {
    let height = HEAD + ROW * i32::try_from(rows.len())? + 10;
    let size = (u32::try_from(LABELS + 2 * PANEL)?, u32::try_from(height)?);
    let area = SVGBackend::new(file, size).into_drawing_area();
    area.fill(&WHITE)?;
    let mut texts = vec![
        ((30, 12), "patmint".to_owned(), 16, TEXT),
        ((120, 12), "the limit of the machine, in the same run".to_owned(), 16, TEXT),
        ((LABELS, 42), "CPU per exchange, µs (less is better)".to_owned(), 16, TEXT),
        ((LABELS + PANEL, 42), "exchanges a second (more is better)".to_owned(), 16, TEXT),
    ];
    let mut bars = vec![([(10, 12), (24, 26)], OURS), ([(100, 12), (114, 26)], LIMIT)];
    let panels: [Panel; 2] = [(|s| s.cpu_micros, short), (|s| s.per_second, grouped)];
    for (panel, (figure, written)) in (0..).zip(panels) {
        let compared: Vec<_> = rows.iter().map(|row| row.compared(figure)).collect();
        let most = compared.iter().map(|(ours, limit, _)| ours.max(*limit)).fold(1.0, f64::max);
        for (number, (ours, limit, _)) in (0..).zip(compared) {
            for (bar, value, colour) in [(0, ours, OURS), (1, limit, LIMIT)] {
                let (left, top) = (LABELS + panel * PANEL, HEAD + number * ROW + bar * 17);
                let right = left + pixels(value / most);
                bars.push(([(left, top), (right, top + 15)], colour));
                texts.push(((right + 5, top + 2), written(value), 15, TEXT));
            }
        }
    }
    for (number, row) in (0..).zip(rows) {
        let label =
            format!("{} {}, {} conn.", grouped(f64::from(u32::try_from(row.credentials)?)), row.what, row.connections);
        texts.push(((10, HEAD + number * ROW + 10), label.replace('`', ""), 15, TEXT));
    }
    for (corners, colour) in bars {
        area.draw(&Rectangle::new(corners, colour.filled()))?;
    }
    for (place, text, height, colour) in texts {
        area.draw(&Text::new(text, place, ("sans-serif", height).into_font().color(&colour)))?;
    }
    Ok(area.present()?)
}

/// The length of a bar that is this share of the longest. The value stands behind it.
#[expect(clippy::cast_possible_truncation, reason = "a few hundred pixels")]
fn pixels(share: f64) -> i32 {
    (share.clamp(0.0, 1.0) * f64::from(PANEL - 80)).round() as i32
}
