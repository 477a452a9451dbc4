import type { Measurement } from "./report.ts";
import { median, spread } from "./statistics.ts";

const WIDTH = 720;
const LABEL_WIDTH = 190;
const VALUE_WIDTH = 90;
const ROW_HEIGHT = 34;
const HEADER_HEIGHT = 44;
const [BAR, OUR_BAR, WHISKER, TEXT] = ["#9aa5b1", "#2f6fb0", "#1f2933", "#1f2933"];

/** Draws a measurement as an SVG: a bar for each subject's median, a whisker from its least to its greatest sample. */
export function barChart({ title, unit, better, samples }: Measurement, ours: (subject: string) => boolean): string {
  const rows = Object.entries(samples).filter(([, values]) => values.length > 0);
  const greatest = Math.max(...rows.flatMap(([, values]) => values));
  const scale = (value: number): number => (value / greatest) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH);
  const height = HEADER_HEIGHT + rows.length * ROW_HEIGHT + 8;
  const bars = rows.map(([subject, values], index) => {
    const y = HEADER_HEIGHT + index * ROW_HEIGHT;
    const middle = y + ROW_HEIGHT / 2 - 3;
    const value = median(values);
    const [least, most] = spread(values).map((limit) => LABEL_WIDTH + scale(limit));
    return `<text x="${LABEL_WIDTH - 10}" y="${middle + 5}" text-anchor="end">${escape(subject)}</text>
<rect x="${LABEL_WIDTH}" y="${y}" width="${scale(value).toFixed(1)}" height="${ROW_HEIGHT - 8}" fill="${ours(subject) ? OUR_BAR : BAR}"/>
<path d="M${least?.toFixed(1)} ${middle}H${most?.toFixed(1)}" stroke="${WHISKER}" stroke-width="2"/>
<text x="${((most ?? 0) + 8).toFixed(1)}" y="${middle + 5}">${formatFigure(value)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="14" fill="${TEXT}">
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
<text x="10" y="24" font-weight="bold">${escape(title)}</text>
<text x="${WIDTH - 10}" y="24" text-anchor="end">${unit}, ${better} is better</text>
${bars.join("\n")}
</svg>
`;
}

/** Three digits that count. */
export function formatFigure(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return value.toPrecision(3);
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
