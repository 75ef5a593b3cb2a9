// SPDX-License-Identifier: Apache-2.0
"use strict";
// Charts of predictions: cycles over what a PKRS write takes, and user models, predicted and measured.
(() => {
  const { element, figure } = kmapbench;
  const { shade } = chartFrame;
  const STEP = 5; // cycles of a write, from place to place
  const LOWEST = 4; // cycles at the foot of a logarithmic axis

  const key = (names) => () => element("p", { class: "key" }, ...names.flatMap(([name, colour]) => (
    [chartFrame.swatch(colour, "solid"), ` ${name}\u2003`]
  )));

  const reach = (alone, low, high) => `${figure(alone)} (${figure(low)} to ${figure(high)})`;

  // Lines over W, on a logarithmic axis, since a write takes much longer than all else. Those that write have a band from
  // the lowest to the highest.
  const overWrites = ({ title, span: [from, to], published, lines }) => {
    const steps = Array.from({ length: Math.floor((to - from) / STEP) + 1 }, (_, at) => from + at * STEP);
    const places = [...new Set([...steps, published, to])].sort((a, b) => a - b);
    const at = (cycles, line) => places.map((place) => Math.max(LOWEST, cycles + line.writes * place));
    const shown = [...lines].sort((a, b) => b.writes - a.writes || b.alone - a.alone);
    const banded = shown.filter((line) => line.writes);
    const edge = { stroke: "transparent", points: { show: false } };
    const ticks = { label: "W, cycles of a PKRS write", labelSize: 20 };
    const plot = (width, area) => new uPlot(chartFrame.options(width, "predicted cycles", ticks, {
      scales: { x: { time: false }, y: { distr: 3, range: (_, __, high) => [LOWEST, 1.1 * high] } },
      series: [
        {},
        ...shown.map((line) => ({ stroke: () => shade(line.colour), width: 2, points: { show: false } })),
        ...banded.flatMap(() => [edge, edge]),
      ],
      bands: banded.map((line, number) => ({
        series: [shown.length + 2 * number + 2, shown.length + 2 * number + 1],
        fill: () => `${shade(line.colour)}33`,
      })),
      hooks: { draw: [(chart) => chartFrame.rule(chart, published)] },
    }), [
      places, ...shown.map((line) => at(line.alone, line)),
      ...banded.flatMap((line) => [at(line.low, line), at(line.high, line)]),
    ], area);
    return chartFrame.framed({
      title,
      said: `${title}; logarithmic. Band: from pairs that overlap to a pair whose loads wait for all stores before them. Dotted:`
        + ` W = ${published}, the only published number that we found.`,
      steps: "W up and down",
      count: places.length,
      first: places.indexOf(published),
      plot,
      words: (place) => `W = ${places[place]}: ${shown.map((line) => {
        const more = line.writes * places[place];
        return `${line.name} ${reach(line.alone + more, line.low + more, line.high + more)}`;
      }).join("; ")}`,
      above: key(shown.map((line) => [line.name, line.colour])),
      below: [],
    });
  };

  // Two points for each user model.
  const ofModels = ({ title, colours, models }) => {
    const point = (colour, filled) => ({
      stroke: () => shade(colour),
      paths: () => null,
      points: { show: true, size: 8, width: 2, fill: () => (filled ? shade(colour) : "transparent") },
    });
    const places = models.map((_, place) => place + 1);
    const plot = (width, area) => new uPlot(chartFrame.options(width, "core cycles", {
      label: "user model, in the order of the table", labelSize: 20,
      values: (_, splits) => splits.map((place) => (Number.isInteger(place) && models[place - 1] ? place : "")),
    }, {
      scales: {
        x: { time: false, range: [0, models.length + 1] }, y: { range: (_, __, high) => [0, 1.1 * high] },
      },
      series: [{}, point(colours[0], false), point(colours[1], true)],
    }), [places, models.map((one) => one.predicted), models.map((one) => one.measured)], area);
    return chartFrame.framed({
      title,
      said: `${title}: a ring is predicted, a disc is measured.`,
      steps: "from model to model",
      count: models.length,
      first: 0,
      plot,
      words: (place) => {
        const one = models[place];
        return `${one.case}: measured ${figure(one.measured)}, predicted ${reach(one.predicted, one.low, one.high)}, ${one.error}`;
      },
      above: key([["predicted", colours[0]], ["measured", colours[1]]]),
      below: [],
    });
  };

  for (const place of document.querySelectorAll(".predicted")) {
    const id = place.dataset.prediction;
    kmapbench.attempt(async () => {
      const charts = await kmapbench.need(`prediction/${id}`);
      chartFrame.show(place, charts.map((one) => (one.models ? ofModels(one) : overWrites(one))));
    }, `status-${id}`);
  }
})();
