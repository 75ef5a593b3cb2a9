// SPDX-License-Identifier: Apache-2.0
"use strict";
// Compares any two kernels of campaigns: the two that the address names. Exact counts are compared here; whether a time
// differs takes the samples of both, and so the command.
(() => {
  const { element, figure } = kmapbench;
  const [sideA, sideB] = ["a", "b"].map((id) => document.getElementById(id));
  const place = document.getElementById("comparison");
  const BY_COMMAND = "./kmapbench compare says"; // the verdict of what takes all samples
  const NAMED = 6;
  const SHOWN_LETTERS = 40;
  let labels = null; // text of a choice -> ID:VARIANT

  const choices = async () => {
    if (labels) return labels;
    labels = new Map();
    for (const one of (await kmapbench.campaigns()).reverse()) {
      for (const variant of one.variants) {
        const label = `${one.name}: ${variant.name}`;
        labels.set(labels.has(label) ? `${label} (${one.id})` : label, `${one.id}:${variant.name}`);
      }
    }
    document.getElementById("choices").replaceChildren(
      ...[...labels.keys()].map((label) => element("option", { value: label })),
    );
    return labels;
  };

  const open = async (campaigns, text) => {
    const [id, ...rest] = text.split(":");
    const campaign = campaigns.find((one) => one.id === id);
    if (!campaign) throw new Error(`${id}: no such campaign here; it may have been taken out`);
    const at = campaign.variants.findIndex((one) => one.name === rest.join(":"));
    if (at < 0) {
      const there = campaign.variants.map((one) => one.name).join(", ");
      throw new Error(`${campaign.name} has no kernel ${rest.join(":")}; it has ${there}`);
    }
    const variant = campaign.variants[at];
    const [{ figures, without }, facts, config] = await Promise.all(
      [`campaign/${id}`, `facts/${variant.facts}`, `facts/${variant.config}`].map(kmapbench.need),
    );
    const byCase = new Map();
    for (const row of figures[at] ?? []) {
      if (!byCase.has(row.case)) byCase.set(row.case, new Map());
      byCase.get(row.case).set(row.metric, row);
    }
    return {
      campaign, variant: variant.name, emulated: variant.emulated, described: variant.described, figures: byCase,
      without: new Map(without[at]), facts: new Map([...facts, ...config]), label: `${campaign.name}: ${variant.name}`,
    };
  };

  const quoted = (text) => (/^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const argument = (side) => quoted(`${side.campaign.where}:${side.variant}`);
  const command = (old, next) => `./kmapbench compare ${argument(old)} ${argument(next)}`;

  const values = (list) => (
    list.map((value) => value.slice(0, SHOWN_LETTERS) || "set").slice(0, 2).join(" and ") || "none"
  );

  const PLURALS = new Map([["boot", "boots"], ["launch", "launches"], ["repetition", "repetitions"]]);
  const spread = (one) => {
    if (one.exact) return figure(one.median);
    const many = `${one.n} ${one.n === 1 ? one.of : PLURALS.get(one.of)}`;
    return `~${figure(one.median)} [${figure(one.low)}, ${figure(one.high)}], ${many}`;
  };

  const verdict = (pair, isRefused) => {
    const { old, next } = pair;
    if (old.unit !== next.unit || old.clock !== next.clock) return "never compared: two clocks";
    if (isRefused) return "refused";
    if (!old.exact || !next.exact) return BY_COMMAND;
    const difference = next.median - old.median;
    const lost = old.missing === next.missing ? "" : "; boots of one side are missing";
    if (difference === 0) return `same${lost}`;
    return `${difference > 0 ? "more: +" : "fewer: "}${Number(difference.toPrecision(10))}${lost}`;
  };

  const refusal = (old, next, found) => {
    const named = [...found].slice(0, NAMED).map(
      ([name, [before, after]]) => `${name} (${values(before)} there, ${values(after)} here)`,
    );
    const more = found.size > NAMED ? `, and ${found.size - NAMED} more` : "";
    const what = `${named.join(", ")}${more}`;
    return `compare refuses these two: they differ in ${what}. A difference in figures could be theirs.`;
  };

  const tables = (pairs, old, next, isRefused) => {
    const counted = ", counted in the emulator, NOT time: a WRMSR counts as 1";
    const key = ({ metric, old: { unit, clock } }) => (
      `${metric.replaceAll("_", " ")}, ${unit}${clock === "icount" ? counted : ""}`
    );
    const groups = [...new Set(pairs.map(key))];
    return groups.map((title) => kmapbench.table(title, [
      ["case", true], [old.label, false], [next.label, false], ["verdict", true],
    ], pairs.filter((pair) => key(pair) === title).map((pair) => [
      pair.name, spread(pair.old), spread(pair.next), verdict(pair, isRefused),
    ])));
  };

  const compare = async () => {
    const asked = kmapbench.parameters();
    if (!asked.get("a") || !asked.get("b")) return;
    place.replaceChildren();
    const campaigns = await kmapbench.campaigns();
    const rules = await kmapbench.need("rules");
    const [old, next] = await Promise.all(["a", "b"].map((id) => open(campaigns, asked.get(id))));
    [sideA.value, sideB.value] = [old.label, next.label];
    const isSame = asked.get("a") === asked.get("b");
    const found = isSame ? new Map() : compatibility.differences(rules, old, next);
    const pairs = compatibility.pairs(rules, old, next);
    const notes = [];
    for (const side of [old, next]) {
      if (side.campaign.problems) notes.push(`${side.campaign.name} is NOT VALID: ${side.campaign.problems}`);
    }
    if (found.size) notes.push(refusal(old, next, found));
    const counting = compatibility.preemption(rules, old, next);
    if (counting) {
      const why = "whatever disables it takes more instructions there";
      notes.push(`${counting.label} counts preemption (CONFIG_PREEMPT_COUNT), and the other one does not: ${why}.`);
    }
    place.replaceChildren(
      ...notes.map((text) => element("p", { class: "note" }, text)),
      ...tables(pairs, old, next, found.size > 0),
      element("p", {}, "With all samples: ", element("code", {}, command(old, next))),
    );
    const said = new Map([["refused", "without a verdict"], [BY_COMMAND, "left to the command"]]);
    const words = pairs.map((pair) => verdict(pair, found.size > 0).split(/[:;]/)[0]).map(
      (word) => said.get(word) ?? word,
    );
    const counts = [...new Set(words)].map((word) => `${words.filter((one) => one === word).length} ${word}`);
    kmapbench.say(isSame ? "The same files." : counts.join(", ") || "They have no case in common.");
    const link = document.getElementById("link");
    link.hidden = false;
    link.href = location.hash;
  };

  const go = async () => {
    const known = await choices();
    const [a, b] = [sideA, sideB].map((side) => {
      if (!known.has(side.value)) throw new Error(`"${side.value}": no such kernel; choose one of the list`);
      return encodeURIComponent(known.get(side.value));
    });
    if (location.hash === `#a=${a}&b=${b}`) await compare();
    else location.hash = `a=${a}&b=${b}`;
  };

  for (const side of [sideA, sideB]) side.addEventListener("focus", () => kmapbench.attempt(choices), { once: true });
  document.getElementById("sides").addEventListener("submit", (event) => {
    event.preventDefault();
    kmapbench.attempt(go);
  });
  document.getElementById("go").addEventListener("click", () => kmapbench.attempt(go));
  document.getElementById("swap").addEventListener("click", () => {
    [sideA.value, sideB.value] = [sideB.value, sideA.value];
    kmapbench.attempt(go);
  });
  addEventListener("hashchange", () => kmapbench.attempt(compare));
  kmapbench.attempt(compare);
})();
