// SPDX-License-Identifier: Apache-2.0
"use strict";
// Charts of histories, each with a table of the same figures.
const historyCharts = (() => {
  const { element, figure } = kmapbench;
  const { shade } = chartFrame;
  const ROWS = 200; // of a table, before somebody asks for more
  const FEW = 8; // campaigns up to which the axis has their names, beyond it their days
  const MARKED = 80; // campaigns up to which each point is drawn

  // The parts of a text that not all of these have.
  const apart = (texts) => {
    const parts = texts.map((text) => text.split("; "));
    return parts.map((own) => own.filter((part) => !parts.every((other) => other.includes(part))).join("; "));
  };

  // What tells a series from the others of its chart.
  const names = (series) => {
    const [setups, machines] = ["setup", "machine"].map((part) => apart(series.map((one) => one[part])));
    return series.map((one, at) => [one.variant, setups[at], machines[at]].filter(Boolean).join(", "));
  };

  // Lines of one kernel series are drawn alike.
  const DASHES = [[], [8, 4], [2, 4]];
  const BORDERS = ["solid", "dashed", "dotted"];
  const dashOf = (series) => {
    const setups = [...new Set(series.map((one) => one.setup))];
    return series.map((one) => setups.indexOf(one.setup) % DASHES.length);
  };

  // Places of all series, and each one's values there; null where it has none.
  const aligned = (series) => {
    const places = [...new Set(series.flatMap((one) => one.at))].sort((a, b) => a - b);
    const rows = series.map((one) => {
      const values = new Map(one.at.map((place, number) => [place, one.values[number]]));
      return places.map((place) => values.get(place) ?? null);
    });
    return { places, rows };
  };

  const marks = (series, places) => (chart) => {
    for (const [place] of series.flatMap((one) => (one.shown ? one.changes : []))) {
      chartFrame.rule(chart, places.indexOf(place) - 0.5);
    }
  };

  const options = (series, places, campaigns, unit, width) => {
    const tick = (place) => {
      const one = Number.isInteger(place) ? campaigns[places[place]] : null;
      return one ? (places.length > FEW ? one.day : one.name) : "";
    };
    const ticks = { space: 90, values: (_, splits) => splits.map(tick) };
    return chartFrame.options(width, unit, ticks, {
      scales: { x: { time: false, range: (_, low, high) => (low === high ? [low - 1, high + 1] : [low, high]) } },
      series: [{}, ...series.map((one) => ({
        label: one.name,
        stroke: () => shade(one.colour),
        width: 2,
        dash: DASHES[one.dash],
        spanGaps: true,
        points: { show: places.length <= MARKED, size: 6 },
      }))],
      hooks: { draw: [marks(series, places)] },
    });
  };

  const words = (series, rows, campaign, at) => {
    const there = series.map((one, number) => (
      one.shown && rows[number][at] !== null ? `${one.name} ${figure(rows[number][at])}` : ""
    )).filter(Boolean);
    return `${campaign.name}, ${campaign.day}: ${there.join("; ") || "no figure"}`;
  };

  const figures = (title, series, places, rows, campaigns) => {
    const inside = element("div");
    const fold = element("details", {}, element("summary", {}, "The figures as a table"), inside);
    const show = (most) => {
      const newest = places.map((_, at) => at).reverse().slice(0, most);
      const cells = newest.map((at) => [
        kmapbench.campaignLink(campaigns[places[at]]), campaigns[places[at]].day,
        ...rows.map((row) => figure(row[at])),
      ]);
      const headings = [["campaign", true], ["begun", true], ...series.map((one) => [one.name, false])];
      inside.replaceChildren(kmapbench.table(title, headings, cells));
      if (most < places.length) {
        const more = element("button", { type: "button" }, `Show all ${places.length}`);
        more.addEventListener("click", () => show(places.length));
        inside.append(more);
      }
    };
    fold.addEventListener("toggle", () => {
      if (fold.open && !inside.hasChildNodes()) show(ROWS);
    });
    return fold;
  };

  const switches = (series, chart) => element("p", { class: "key tools" }, ...series.map((one, number) => {
    const box = element("input", { type: "checkbox" });
    box.checked = true;
    box.addEventListener("change", () => {
      one.shown = box.checked;
      chart().setSeries(number + 1, { show: box.checked });
    });
    const swatch = chartFrame.swatch(one.colour, BORDERS[one.dash]);
    return element("label", {}, box, " ", swatch, ` ${one.name}`);
  }));

  const draw = (title, drawn, campaigns) => {
    const [labels, dashes] = [names(drawn), dashOf(drawn)];
    const series = drawn.map((one, at) => ({ ...one, name: labels[at], dash: dashes[at], shown: true }));
    const { places, rows } = aligned(series);
    const data = [places.map((_, place) => place), ...rows];
    return chartFrame.framed({
      title,
      said: `${title}. Campaigns in the order in which they began; the axis of figures need not begin at 0.`,
      steps: "from campaign to campaign",
      count: places.length,
      first: places.length - 1,
      plot: (width, area) => new uPlot(options(series, places, campaigns, drawn[0].unit, width), data, area),
      words: (at) => words(series, rows, campaigns[places[at]], at),
      above: (chart) => switches(series, chart),
      below: [figures(title, series, places, rows, campaigns)],
    });
  };

  // series: as analysis/site/case_model.py writes them; campaigns: those that their places are of. A chart for each metric.
  const show = (place, series, campaigns) => chartFrame.show(place, [...new Set(series.map((one) => one.title))].map(
    (title) => draw(title, series.filter((one) => one.title === title), campaigns),
  ));

  return { show };
})();
