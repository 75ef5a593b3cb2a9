// SPDX-License-Identifier: Apache-2.0
"use strict";
// The page of one campaign: the one that its address names.
(() => {
  const { element, figure } = kmapbench;
  const CLOCKS = new Map([
    ["icount", "counted in the emulator, NOT time: a WRMSR counts as 1"], ["tsc", "by the time stamp counter"],
    ["wall", "by the wall clock"],
  ]);

  const facts = (one) => {
    const said = [
      `Begun ${one.begun || "at a time that is not known"}; ${one.where}`,
      ...one.variants.map((variant) => `${variant.name}: ${[
        variant.what, variant.release && `Linux ${variant.release}`, variant.compiler, variant.machine,
      ].filter(Boolean).join("; ")}`),
    ];
    return said.map((text) => element("li", {}, text));
  };

  // A table for each metric, a column for each kernel.
  const tables = (one, figures, files) => {
    const rows = figures.flatMap((found, at) => found.map((row) => ({ ...row, variant: at })));
    const key = (row) => `${row.metric.replaceAll("_", " ")}, ${row.unit}, ${CLOCKS.get(row.clock) ?? row.clock}`;
    return [...new Set(rows.map(key))].map((title) => {
      const of = rows.filter((row) => key(row) === title);
      const columns = [...new Set(of.map((row) => row.variant))];
      const cells = new Map(of.map((row) => [`${row.variant} ${row.case}`, row]));
      const shown = (row) => (row ? `${row.exact ? "" : "~"}${figure(row.median)}` : "-");
      const body = [...new Set(of.map((row) => row.case))].map((name) => [
        files.has(name) ? kmapbench.link(name, `case/${files.get(name)}.html`) : name,
        ...columns.map((column) => shown(cells.get(`${column} ${name}`))),
      ]);
      const heads = columns.map((column) => [one.variants[column].name, false]);
      return kmapbench.table(title, [["case", true], ...heads], body);
    });
  };

  const links = (one) => {
    const [first, ...others] = one.variants;
    const side = (variant) => encodeURIComponent(`${one.id}:${variant.name}`);
    return others.map((other) => element("li", {}, kmapbench.link(
      `compare ${first.name} with ${other.name}`, `compare.html#a=${side(first)}&b=${side(other)}`,
    )));
  };

  const show = async () => {
    const id = kmapbench.parameters().get("c");
    const [campaigns, cases] = await Promise.all([kmapbench.campaigns(), kmapbench.need("cases")]);
    const one = campaigns.find((known) => known.id === id);
    document.getElementById("tables").replaceChildren();
    if (!one && id) throw new Error(`no campaign ${id} here: it may have been taken out`);
    if (!one) throw new Error("the address names no campaign");
    const { figures, without } = await kmapbench.need(`campaign/${id}`);
    document.title = `${one.name} - kmapbench`;
    kmapbench.say(one.name, "name");
    document.getElementById("problems").replaceChildren(...(one.problems
      ? [element("p", { class: "problem", role: "alert" }, `NOT VALID: ${one.problems}`)] : []));
    document.getElementById("facts").replaceChildren(...facts(one), ...links(one));
    const lacking = without.flatMap((rows, at) => rows.map(([name, why]) => [name, one.variants[at].name, why]));
    const files = new Map(cases.map(([name, file]) => [name, file]));
    document.getElementById("tables").replaceChildren(...tables(one, figures, files));
    if (lacking.length) {
      document.getElementById("tables").append(kmapbench.table(
        "Without a figure", [["case", true], ["kernel", true], ["why", true]], lacking,
      ));
    }
    kmapbench.say(`${one.variants.length} kernels; "~": not the same in all samples`);
  };
  addEventListener("hashchange", () => kmapbench.attempt(show));
  kmapbench.attempt(show);
})();
