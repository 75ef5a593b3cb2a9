// SPDX-License-Identifier: Apache-2.0
"use strict";
// Charts of histories. Each has a keyboard: arrows move from campaign to campaign, and what is there is said below it;
// and a table with the same figures.
const historyCharts = (() => {
  const { element, figure } = kmapbench;
  const HEIGHT = 320;
  const ROWS = 200; // of a table, before somebody asks for more
  const FEW = 8; // campaigns up to which the axis has their names, beyond it their days
  const MARKED = 80; // campaigns up to which each point is drawn

  const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  // Of the page that is shown, light or dark.
  const shade = (colour) => variable(`--${colour.slice(1)}`) || colour;

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
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.strokeStyle = shade("#595959");
    ctx.setLineDash([4, 4]);
    for (const [place] of series.flatMap((one) => (one.shown ? one.changes : []))) {
      const x = Math.round(chart.valToPos(places.indexOf(place) - 0.5, "x", true));
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  };

  const options = (series, places, campaigns, title, width) => {
    const rule = () => shade("#d0d0d0");
    const axis = { stroke: () => shade("#222222"), grid: { stroke: rule, width: 1 }, ticks: { stroke: rule } };
    const tick = (place) => {
      const one = Number.isInteger(place) ? campaigns[places[place]] : null;
      return one ? (places.length > FEW ? one.day : one.name) : "";
    };
    return {
      width,
      height: HEIGHT,
      padding: [8, 48, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: true, y: false } },
      scales: { x: { time: false, range: (_, low, high) => (low === high ? [low - 1, high + 1] : [low, high]) } },
      axes: [
        { ...axis, space: 90, values: (_, splits) => splits.map(tick) },
        { ...axis, size: 74, label: title, labelSize: 20, values: (_, splits) => splits.map(figure) },
      ],
      series: [{}, ...series.map((one) => ({
        label: one.name,
        stroke: () => shade(one.colour),
        width: 2,
        dash: DASHES[one.dash],
        spanGaps: true,
        points: { show: places.length <= MARKED, size: 6 },
      }))],
      hooks: { draw: [marks(series, places)] },
    };
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
    const swatch = element("span", { class: "swatch", "data-colour": one.colour, "data-dash": one.dash });
    return element("label", {}, box, " ", swatch, ` ${one.name}`);
  }));

  const paint = (figureOf) => {
    for (const one of figureOf.querySelectorAll(".swatch")) {
      one.style.borderTop = `4px ${BORDERS[one.dataset.dash]} ${shade(one.dataset.colour)}`;
    }
  };

  const draw = (title, drawn, campaigns) => {
    const [labels, dashes] = [names(drawn), dashOf(drawn)];
    const series = drawn.map((one, at) => ({ ...one, name: labels[at], dash: dashes[at], shown: true }));
    const { places, rows } = aligned(series);
    const area = element("div", {
      class: "chart", tabindex: "0", role: "group",
      "aria-label": `chart: ${title}; arrow keys move from campaign to campaign, Home and End to the ends`,
    });
    const readout = element("p", { class: "readout", role: "status", "aria-live": "polite" });
    let chart = null;
    let at = places.length - 1;
    const said = `${title}. Campaigns in the order in which they began; the axis of figures need not begin at 0.`;
    const made = element("figure", {}, element("figcaption", {}, said), switches(series, () => chart), area, readout,
      figures(title, series, places, rows, campaigns));
    const width = () => Math.max(240, area.clientWidth);
    const tell = (place) => {
      at = place;
      readout.textContent = words(series, rows, campaigns[places[at]], at);
    };
    const start = () => {
      const data = [places.map((_, place) => place), ...rows];
      chart = new uPlot(options(series, places, campaigns, drawn[0].unit, width()), data, area);
      chart.over.addEventListener("mousemove", () => {
        if (chart.cursor.idx !== null && chart.cursor.idx !== undefined) tell(chart.cursor.idx);
      });
      new ResizeObserver(() => chart.setSize({ width: width(), height: HEIGHT })).observe(area);
      paint(made);
    };
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
    area.addEventListener("keydown", (event) => {
      if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      tell(Math.min(places.length - 1, Math.max(0, at + steps[event.key])));
      chart.setCursor({ left: chart.valToPos(at, "x"), top: HEIGHT / 3 });
    });
    area.addEventListener("focus", () => tell(at));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      chart.redraw(false);
      paint(made);
    });
    return { made, start };
  };

  // series: as analysis/site/case_model.py writes them; campaigns: those that their places are of. A chart for each metric.
  const show = (place, series, campaigns) => {
    const charts = [...new Set(series.map((one) => one.title))].map((title) => (
      draw(title, series.filter((one) => one.title === title), campaigns)
    ));
    place.replaceChildren(...charts.map((one) => one.made));
    for (const one of charts) one.start();
  };

  return { show };
})();
