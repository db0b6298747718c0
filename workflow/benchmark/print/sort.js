// Tables of numbers are sorted by a click or a key on a column's heading: ascending, descending, as they came.
// A block of rows stays a block (a tbody, with its heading first); cells without a value come last.
for (const table of document.querySelectorAll("table.numbers")) {
  const heads = [...table.tHead.rows[0].cells];
  const bodies = [...table.tBodies].map(body => [...body.rows].filter(row => row.cells[0].tagName === "TD"));
  const text = (row, i) => row.cells[i].firstChild ? row.cells[i].firstChild.textContent.trim() : "";  // no footnote
  const number = cell => {
    const plain = cell.replace(/−/g, "-").replace(/,/g, "").replace(/^[<>≤≥+]\s*/, "");
    return /^-?∞/.test(plain) ? (plain[0] === "-" ? -Infinity : Infinity) : parseFloat(plain);
  };
  heads.forEach((head, i) => {
    const given = bodies.flat().map(row => text(row, i)).filter(cell => cell && cell !== "n/a" && cell !== "–");
    const numeric = given.length > 0 && given.every(cell => !Number.isNaN(number(cell)));
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.onclick = () => {
      const order = {none: "ascending", ascending: "descending", descending: "none"}[head.getAttribute("aria-sort") || "none"];
      heads.forEach(other => other.removeAttribute("aria-sort"));
      if (order !== "none") head.setAttribute("aria-sort", order);
      const key = row => numeric ? number(text(row, i)) : text(row, i);
      const empty = value => value === "" || Number.isNaN(value);
      const sign = order === "descending" ? -1 : 1;
      const compare = (a, b) => numeric ? (a === b ? 0 : a - b) : a.localeCompare(b);
      [...table.tBodies].forEach((body, place) => {
        const rows = bodies[place].map(row => [key(row), row]);
        if (order !== "none") rows.sort(([a], [b]) => empty(a) - empty(b) || (empty(a) ? 0 : sign * compare(a, b)));
        body.append(...rows.map(([, row]) => row));
      });
    };
  });
}
