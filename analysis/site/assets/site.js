// SPDX-License-Identifier: Apache-2.0
"use strict";
// What all pages of a site share. Data is in script files, each of which calls kmapbench.add(): a page that was opened
// from a disk may load nothing else. Names in it are anybody's, so they become text and never markup.
const kmapbench = (() => {
  const top = document.currentScript.dataset.top;
  const asked = new Map(); // name of data -> promise of it
  const arrived = new Map();

  const add = (name, value) => arrived.set(name, value);

  const need = (name) => {
    if (!asked.has(name)) {
      asked.set(name, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        const path = name.split("/").map(encodeURIComponent).join("/");
        script.src = `${top}data/${path}.js`;
        script.onload = () => (arrived.has(name) ? resolve(arrived.get(name)) : script.onerror());
        script.onerror = () => reject(new Error(`data/${path}.js is missing: copy the whole site, or build it again`));
        document.head.append(script);
      }));
    }
    return asked.get(name);
  };

  // An element with attributes; children are elements or text.
  const element = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {})) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  const link = (text, address) => element("a", { href: top + address }, text);
  const campaignLink = (one) => link(one.name, `campaign.html#c=${one.id}`);

  // A table with a caption; a heading is [text, is it words]; a row is cells, the first of which heads it.
  const table = (caption, headings, rows, hidden = false) => {
    const kind = (words) => (words ? { class: "text" } : {});
    const head = headings.map(([text, words]) => element("th", { scope: "col", ...kind(words) }, text));
    const body = rows.map((cells) => element("tr", {}, ...cells.map((cell, at) => (
      at === 0 ? element("th", { scope: "row" }, cell) : element("td", kind(headings[at][1]), cell)
    ))));
    const made = element("table", { class: "all" },
      element("caption", hidden ? { class: "hidden" } : {}, caption),
      element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
    return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, made);
  };

  // All campaigns, the oldest first.
  const campaigns = async () => {
    const { kinds, rows } = await need("campaigns");
    const shared = kinds.map((variants) => variants.map((
      [name, base, machine, release, compiler, facts, config, emulated, described, what],
    ) => ({ name, base, machine, release, compiler, facts, config, emulated, described, what })));
    return rows.map(([id, name, begun, where, kind, problems], place) => (
      { place, id, name, begun, where, problems, day: begun.split("T")[0], variants: shared[kind] }
    ));
  };

  const parameters = () => new URLSearchParams(location.hash.slice(1));

  const say = (text, id = "status") => {
    document.getElementById(id).textContent = text;
  };

  // Shows what ended a task where its status is.
  const attempt = (task, id = "status") => task().catch((error) => say(error.message, id));

  // A figure in up to six digits, thousands apart, as the reports have it.
  const figure = (value) => {
    if (value === null || value === undefined) return "-";
    if (Math.abs(value) >= 1e5) return Math.round(value).toLocaleString("en-US");
    return Number(value.toPrecision(6)).toLocaleString("en-US", { maximumFractionDigits: 8 });
  };

  return { add, need, element, link, campaignLink, table, campaigns, parameters, say, attempt, figure };
})();
