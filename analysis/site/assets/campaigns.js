// SPDX-License-Identifier: Apache-2.0
"use strict";
// The list of campaigns, the newest first, as far as somebody wants to see it.
(() => {
  const STEP = 100;
  const filter = document.getElementById("filter");
  const button = document.getElementById("more");
  const body = document.querySelector("#campaigns tbody");

  kmapbench.attempt(async () => {
    const campaigns = (await kmapbench.campaigns()).reverse();
    let most = STEP;
    const each = (one, name) => [...new Set(one.variants.map((variant) => variant[name]))].join(", ");
    const told = ["name", "base", "machine", "release", "compiler"];
    const text = (one) => (
      [one.name, one.day, one.where, ...told.map((name) => each(one, name))].join(" ").toLowerCase()
    );
    const texts = new Map(campaigns.map((one) => [one.id, text(one)]));
    const show = () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      const found = campaigns.filter((one) => words.every((word) => texts.get(one.id).includes(word)));
      body.replaceChildren(...found.slice(0, most).map((one) => {
        const cell = (content) => kmapbench.element("td", { class: "text" }, content);
        const name = kmapbench.element("th", { scope: "row" }, kmapbench.campaignLink(one));
        if (one.problems) name.append(" (not valid)");
        return kmapbench.element("tr", {}, name, cell(one.day), cell(each(one, "name")), cell(each(one, "base")),
          cell(each(one, "machine")), cell(one.where));
      }));
      button.hidden = found.length <= most;
      kmapbench.say(`${Math.min(most, found.length)} of ${found.length} shown`, "shown");
    };
    filter.addEventListener("input", () => {
      most = STEP;
      show();
    });
    button.addEventListener("click", () => {
      most += STEP;
      show();
    });
    show();
  }, "shown");
})();
