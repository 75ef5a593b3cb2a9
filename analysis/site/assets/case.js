// SPDX-License-Identifier: Apache-2.0
"use strict";
// The page of a case: its charts, and every record behind it when somebody asks for them.
(() => {
  const { element, figure } = kmapbench;
  const file = document.currentScript.dataset.case;
  const place = document.getElementById("charts");
  // Campaigns whose records are shown at once, and campaigns that are looked at for them.
  const SHOWN = 10;
  const LOOKED_AT = 50;

  if (place) {
    kmapbench.attempt(async () => {
      const [{ ids, series }, campaigns] = await Promise.all([
        kmapbench.need(`history/${file}`), kmapbench.campaigns(),
      ]);
      const known = new Map(campaigns.map((one) => [one.id, one]));
      historyCharts.show(place, series, ids.map((id) => known.get(id)));
    }, "records-status");
  }

  const HEADINGS = [
    ["campaign", true], ["kernel", true], ["boot", false], ["launch", false], ["cost", false], ["core cycles", false],
    ["unit", true], ["PKRS writes", false], ["operations", false], ["exact", true], ["oracle", true], ["status", true],
  ];

  // Rows of the records of a case in one campaign.
  const rowsOf = (campaign, records, name) => records.case.flatMap((known, at) => {
    if (known !== name) return [];
    const reason = records.reason[at];
    const status = reason ? `${records.status[at]}: ${reason}` : records.status[at];
    return [[
      kmapbench.campaignLink(campaign), campaign.variants[records.variant[at]].name, String(records.boot[at]),
      String(records.launch[at]), figure(records.cost[at]), figure(records.cost_core_cycles[at]),
      `${records.unit[at]} (${records.clock[at]})`, figure(records.pkrs_writes[at]), figure(records.ops[at]),
      records.exact[at] ? "yes" : "no", records.oracle[at],
      campaign.problems ? `not valid: ${campaign.problems}` : status,
    ]];
  });

  const holder = document.getElementById("records-of-case");
  const button = document.getElementById("more-records");
  let left = null;

  const more = async () => {
    const cases = await kmapbench.need("cases");
    const [name] = cases.find(([, known]) => known === file);
    left ??= (await kmapbench.campaigns()).reverse();
    const rows = [];
    let shown = 0;
    let looked = 0;
    while (left.length && shown < SHOWN && looked < LOOKED_AT) {
      const campaign = left.shift();
      const { records } = await kmapbench.need(`campaign/${campaign.id}`);
      const found = rowsOf(campaign, records, name);
      rows.push(...found);
      shown += found.length > 0;
      looked += 1;
    }
    if (rows.length) {
      const oldest = rows[rows.length - 1][0].textContent;
      holder.append(kmapbench.table(`Records of ${shown} campaigns, down to ${oldest}`, HEADINGS, rows));
    }
    button.textContent = "Show older records";
    button.hidden = !left.length;
    kmapbench.say(`${rows.length} records more; ${left.length} campaigns not yet looked at`, "records-status");
  };
  button.addEventListener("click", () => kmapbench.attempt(more, "records-status"));
})();
