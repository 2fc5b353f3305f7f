// Draws the figures and lets readers choose definition and stage. All texts are set as text, never as markup.
(() => {
  "use strict";
  const { spec, figures } = JSON.parse(document.getElementById("chart-data").textContent);
  const NARROW = 560; // pixels under which six levels need smaller words

  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  const hideTip = () => { tip.hidden = true; };
  const showTip = (handler, event, item, value) => {
    const text = value && typeof value === "object" ? Object.values(value).join("\n") : value;
    if (!text) { hideTip(); return; }
    tip.textContent = String(text);
    tip.hidden = false;
    const right = document.documentElement.clientWidth - tip.offsetWidth - 4;
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 12, right)) + window.scrollX}px`;
    tip.style.top = `${event.clientY + 14 + window.scrollY}px`;
  };
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });

  // Vega-Lite's specification for the width of the page
  function fitted(data, width) {
    const narrow = width < NARROW;
    const words = structuredClone(spec);
    for (const layer of words.layer) {
      if (narrow && layer.mark.fontSize) layer.mark.fontSize = layer.mark.fontSize > 10 ? 10 : 8;
      if (narrow && layer.mark.type === "tick") layer.mark.width = 8;
    }
    const axis = { ...words.config.axis, labelFontSize: narrow ? 9 : 12, titleFontSize: narrow ? 11 : 12 };
    return {
      ...words,
      datasets: data,
      width,
      padding: 2,
      autosize: { type: "fit-x", contains: "padding" },
      config: { ...words.config, axis, aria: false },
    };
  }

  function plansTable(plans) {
    const table = document.createElement("table");
    const line = (cells, tag) => {
      const row = document.createElement("tr");
      for (const text of cells) {
        const cell = document.createElement(tag);
        cell.textContent = text;
        if (tag === "th") cell.scope = "col";
        row.append(cell);
      }
      return row;
    };
    const head = document.createElement("thead");
    head.append(line(["plan", "submitted in", "level", "assessed commitments", "of them so", "share"], "th"));
    const body = document.createElement("tbody");
    for (const plan of plans) {
      const share = `${(100 * plan.share).toFixed(1)} %`;
      body.append(line([plan.plan, plan.year ?? "–", plan.level, plan.commitments, plan.hits, share], "td"));
    }
    table.append(head, body);
    return table;
  }

  async function start(figure) {
    const chart = figure.querySelector("[data-chart]");
    const said = figure.querySelector("[data-said]");
    const plans = figure.querySelector("details.plans");
    const choices = [...figure.querySelectorAll("[data-choice]")];
    const views = [...figure.querySelectorAll("[data-view]")];
    const ofFigure = figures[figure.dataset.figure];
    let drawn = null;
    let turn = 0;

    async function draw() {
      const mine = ++turn;
      const key = choices.map((choice) => choice.value).join("|");
      const data = ofFigure[key];
      hideTip();
      chart.hidden = !data;
      plans.hidden = !data || data.plans.length === 0;
      if (drawn) { drawn.finalize(); drawn = null; }
      chart.replaceChildren();
      chart.dataset.drawn = "";
      if (data) {
        plans.querySelector("[data-plans]").replaceChildren(plansTable(data.plans));
        const place = document.createElement("div");
        chart.append(place);
        const options = {
          mode: "vega-lite", renderer: "svg", actions: false, ast: true, defaultStyle: false, tooltip: showTip,
        };
        const result = await window.vegaEmbed(place, fitted(data, chart.clientWidth), options);
        if (mine !== turn) { result.finalize(); return; }
        drawn = result;
      }
      chart.dataset.drawn = key;
    }

    function choose(announce) {
      const key = choices.map((choice) => choice.value).join("|");
      for (const view of views) view.hidden = view.dataset.view !== key;
      const view = views.find((one) => !one.hidden);
      chart.setAttribute("aria-label", view.dataset.alternative ?? "");
      if (announce) said.textContent = view.querySelector("[data-title]").textContent;
      return draw();
    }

    figure.querySelector(".controls").hidden = false;
    // a reload keeps what was chosen in some browsers; the page always begins with the default
    for (const choice of choices) {
      choice.selectedIndex = 0;
      choice.addEventListener("change", () => choose(true));
    }
    let width = figure.clientWidth;
    window.addEventListener("resize", () => {
      if (figure.clientWidth !== width && !window.matchMedia("print").matches) {
        width = figure.clientWidth;
        draw();
      }
    });
    await choose(false);
  }

  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll(".view:not([hidden]) details:not([open])")];
    for (const details of opened) details.open = true;
  });
  window.addEventListener("afterprint", () => { for (const details of opened) details.open = false; });

  for (const figure of document.querySelectorAll("[data-figure]")) start(figure);
})();
