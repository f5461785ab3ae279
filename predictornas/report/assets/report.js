"use strict";
(() => {
  const font = getComputedStyle(document.body).fontFamily;
  const config = {
    background: "transparent", font, view: { stroke: null },
    axis: {
      labelColor: "var(--ink)", titleColor: "var(--ink)", domainColor: "var(--muted)", tickColor: "var(--muted)",
      gridColor: "var(--grid)", labelFontSize: 12, titleFontSize: 12.5, titleFontWeight: "normal", titlePadding: 8,
    },
  };
  const draw = (figure) => {
    const spec = JSON.parse(figure.querySelector("script.spec").textContent);
    const canvas = figure.querySelector(".canvas");
    const options = { actions: false, renderer: "svg", config, loader: { load: refuse }, bind: figure.querySelector(".controls") };
    return vegaEmbed(canvas, spec, options).then(() => figure.setAttribute("data-drawn", "yes"), (error) => {
      canvas.textContent = "This chart cannot be drawn: " + error.message;
      throw error;
    });
  };
  const refuse = () => Promise.reject(new Error("A report loads nothing."));
  const drawn = Promise.all(Array.from(document.querySelectorAll("figure.chart"), draw));
  drawn.then(() => document.documentElement.setAttribute("data-ready", "yes"));

  const tellWidth = () => {
    for (const more of document.querySelectorAll(".more")) {
      const box = more.nextElementSibling;
      more.classList.toggle("wide", box.scrollWidth > box.clientWidth + 1);
    }
  };
  tellWidth();
  addEventListener("resize", tellWidth);

  const valueOf = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
  };
  const compared = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
  const sort = (header) => {
    const descending = header.getAttribute("aria-sort") === "ascending";
    const body = header.closest("table").tBodies[0];
    const missing = (row) => row.cells[header.cellIndex].textContent.trim() === "-";
    const rows = Array.from(body.rows).sort((a, b) =>
      missing(a) - missing(b) ||
      (descending ? -1 : 1) * compared(valueOf(a, header.cellIndex), valueOf(b, header.cellIndex)));
    for (const other of header.parentElement.cells) other.setAttribute("aria-sort", "none");
    header.setAttribute("aria-sort", descending ? "descending" : "ascending");
    body.append(...rows);
  };
  for (const header of document.querySelectorAll("th[aria-sort]")) {
    header.querySelector("button").addEventListener("click", () => sort(header));
  }
})();
