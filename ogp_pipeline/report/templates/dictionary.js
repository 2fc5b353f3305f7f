// Folds the tables of the data dictionary and filters them, and their columns, by the words asked for.
(() => {
  const root = document.getElementById("dictionary");
  const words = root.querySelector("#dictionary-words");
  const found = root.querySelector("#dictionary-found");
  // what a table says of itself, and each of its columns, once, in small letters
  const tables = [...root.querySelectorAll("details")].map(node => ({
    node,
    own: node.querySelector("summary").textContent.toLowerCase(),
    columns: [...node.querySelectorAll("tbody tr")].map(row => ({ row, text: row.textContent.toLowerCase() })),
  }));
  const filter = () => {
    const asked = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let tablesShown = 0, columnsShown = 0;
    for (const { node, own, columns } of tables) {
      const isOwn = asked.every(word => own.includes(word));
      let here = 0;
      for (const { row, text } of columns) {
        const isShown = isOwn || asked.every(word => text.includes(word) || own.includes(word));
        row.hidden = !isShown;
        here += isShown;
      }
      node.hidden = !here;
      node.open = asked.length > 0 && here > 0;
      tablesShown += here > 0;
      columnsShown += here;
    }
    for (const schema of root.querySelectorAll(".schema"))
      schema.hidden = !schema.querySelector("details:not([hidden])");
    found.textContent = asked.length ? `${tablesShown} table${tablesShown === 1 ? "" : "s"} and ${columnsShown} column${columnsShown === 1 ? "" : "s"} found` : "";
  };
  words.addEventListener("input", filter);
  words.addEventListener("keydown", event => {
    if (event.key === "Escape") { words.value = ""; filter(); }
  });
  // paper shows everything
  addEventListener("beforeprint", () => tables.forEach(({ node }) => { node.open = true; }));
  root.querySelector(".search").hidden = false;
  filter();
  // a link to one table opens it
  const opened = () => {
    const node = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (node && root.contains(node) && node.tagName === "DETAILS") { node.open = true; node.scrollIntoView(); }
  };
  addEventListener("hashchange", opened);
  opened();
})();
