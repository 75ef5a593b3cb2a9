// SPDX-License-Identifier: Apache-2.0
"use strict";
// The search of the front page. Its data is loaded when somebody begins to search.
(() => {
  const MOST = 50;
  const words = document.getElementById("words");
  const results = document.getElementById("results");
  let index = null;

  const load = async () => {
    const [cases, tables, campaigns] = await Promise.all([
      kmapbench.need("cases"), kmapbench.need("tables"), kmapbench.campaigns(),
    ]);
    const entries = [
      ...cases.map(([name, file, what]) => [name, what, "case", `case/${file}.html`]),
      ...tables.map(([text, kind, address]) => [text, "", kind, address]),
      ...campaigns.map((one) => {
        const of = (name) => [...new Set(one.variants.map((variant) => variant[name]))].join(", ");
        const about = `${one.day}; ${of("name")}; ${of("release")}; ${of("machine")}; ${of("compiler")}`;
        return [one.name, about, "campaign", `campaign.html#c=${one.id}`];
      }).reverse(),
    ];
    return entries.map((entry) => [entry, entry.join(" ").toLowerCase()]);
  };

  const search = async () => {
    const asked = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    history.replaceState(null, "", asked.length ? `#q=${encodeURIComponent(words.value)}` : "#search");
    if (!asked.length) {
      results.replaceChildren();
      kmapbench.say("", "found");
      return;
    }
    index ??= load();
    const entries = await index;
    const found = entries.filter(([, text]) => asked.every((word) => text.includes(word)));
    results.replaceChildren(...found.slice(0, MOST).map(([[name, about, kind, address]]) => kmapbench.element(
      "li", {}, kmapbench.link(name, address), " ", kmapbench.element("small", {}, about ? `${kind}; ${about}` : kind),
    )));
    const more = found.length > MOST ? `, the first ${MOST} are shown` : "";
    kmapbench.say(`${found.length} found${more}`, "found");
  };

  words.addEventListener("input", () => kmapbench.attempt(search, "found"));
  const open = () => {
    const asked = kmapbench.parameters().get("q");
    if (asked) {
      words.value = asked;
      kmapbench.attempt(search, "found");
    } else if (location.hash === "#search") words.focus();
  };
  addEventListener("hashchange", open);
  open();
})();
