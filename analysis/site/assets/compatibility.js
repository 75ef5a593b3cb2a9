// SPDX-License-Identifier: Apache-2.0
"use strict";
// What two kernels of campaigns differ in beyond what they are there to differ in, and which of their figures belong
// together: the rules of analysis/compare, whose names are in data/rules.js.
const compatibility = (() => {
  const SYMBOL = "kernel.config.";

  const literal = (text) => text.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  const glob = (pattern) => new RegExp(`^${pattern.split("*").map(literal).join(".*")}$`, "s");
  const matches = (name, patterns) => patterns.some((pattern) => (
    name === pattern || name.startsWith(`${pattern}.`) || glob(pattern).test(name)
  ));

  // A side: variant, emulated, described (pairs of field and value, or null), facts (name -> values).
  const declared = (rules, old, next) => {
    if (old.variant === next.variant || !old.described || !next.described) return [];
    if (!old.emulated && !next.emulated) return rules.kernel_under_test;
    const [before, after] = [new Map(old.described), new Map(next.described)];
    return rules.declared_by.flatMap(([field, names]) => (before.get(field) === after.get(field) ? [] : names));
  };

  const hasSymbols = (side) => [...side.facts.keys()].some((name) => name.startsWith(SYMBOL));

  // Names of facts, each with the values of both sides.
  const differences = (rules, old, next) => {
    const both = (name) => old.facts.has(name) && next.facts.has(name);
    const ignored = [...declared(rules, old, next), ...(both(rules.code) ? rules.commit : [])];
    ignored.push(...(both(rules.module_source) ? [rules.module_build] : [rules.module_source, rules.module_compiler]));
    const same = (name) => JSON.stringify(old.facts.get(name)) === JSON.stringify(next.facts.get(name));
    const found = new Map([...new Set([...old.facts.keys(), ...next.facts.keys()])].sort()
      .filter((name) => !same(name) && !matches(name, ignored))
      .map((name) => [name, [old.facts.get(name) ?? [], next.facts.get(name) ?? []]]));
    if (hasSymbols(old) && hasSymbols(next)) found.delete("kernel.config_sha256");
    else for (const name of [...found.keys()]) if (name.startsWith(SYMBOL)) found.delete(name);
    return found;
  };

  // Which of two kernels counts preemption, where one alone does; null: neither or both, or nobody knows.
  const preemption = (rules, old, next) => {
    if (!hasSymbols(old) || !hasSymbols(next)) return null;
    const counting = [old, next].filter((side) => side.facts.has(rules.preempt_count));
    return counting.length === 1 ? counting[0] : null;
  };

  // What the page of persistent memory was measured as; null: not at all.
  const measuredAs = (side, is, instead) => {
    if (side.figures.has(is)) return is;
    return (side.without.get(is) ?? "").startsWith("skipped") && side.figures.has(instead) ? instead : null;
  };

  // Figures of a side by case, with the page of persistent memory as a case of its own where only one side protects it.
  const withPmemPages = (rules, old, next) => {
    for (const [label, is, instead] of [...rules.pmem_pages].reverse()) {
      const names = [old, next].map((side) => measuredAs(side, is, instead));
      if (!names[0] || !names[1] || names[0] === names[1]) continue;
      [old, next].forEach((side, at) => {
        const page = side.figures.get(names[at]);
        const others = [...side.figures].filter(([name]) => name !== is);
        side.figures = new Map([[label, page], ...others]);
      });
    }
  };

  // Pairs of figures that are compared where no metric is asked for.
  const pairs = (rules, old, next) => {
    withPmemPages(rules, old, next);
    return [...old.figures].filter(([name]) => next.figures.has(name)).flatMap(([name, found]) => {
      const other = next.figures.get(name);
      return rules.chosen.flatMap((group) => {
        const metric = group.find((one) => found.has(one) && other.has(one));
        if (!metric) return [];
        const [a, b] = [found.get(metric), other.get(metric)];
        const isNothing = metric === rules.pkrs_writes && !a.high && !b.high && !a.low && !b.low;
        return isNothing ? [] : [{ name, metric, old: a, next: b }];
      });
    });
  };

  return { differences, preemption, pairs };
})();
