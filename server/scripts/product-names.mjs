// Makes server/src/product-names.csv of Microsoft's list: `node server/scripts/product-names.mjs FILE`, or without FILE
// of the one that Microsoft publishes. One line for each product; Microsoft's has one for each of its service plans.
import { readFileSync, writeFileSync } from "node:fs";

const PUBLISHED =
  "https://download.microsoft.com/download/e/3/e/e3e9faf2-f28b-490a-9ada-c6089a1fc5b0/Product%20names%20and%20service%20plan%20identifiers%20for%20licensing.csv";

async function published() {
  const answer = await fetch(PUBLISHED);
  if (!answer.ok) {
    throw new Error(`Microsoft answered ${answer.status}. The list is linked from https://learn.microsoft.com/entra/identity/users/licensing-service-plan-reference`);
  }
  return answer.text();
}

/** The cells of a file, line by line (RFC 4180). */
function parse(text) {
  const cell = /("(?:[^"]|"")*"|[^,\r\n]*)(,|\r?\n|$)/y;
  const lines = [[]];
  while (cell.lastIndex < text.length) {
    const [, value, end] = cell.exec(text);
    lines.at(-1).push(value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value);
    if (end !== ",") lines.push([]);
  }
  return lines.filter((line) => line.length > 1);
}

const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

const [file] = process.argv.slice(2);
// Microsoft's file begins with a byte order mark.
const [header, ...lines] = parse((file ? readFileSync(file, "utf8") : await published()).replace(/^\uFEFF/, ""));
const [name, part, id] = ["Product_Display_Name", "String_Id", "GUID"].map((column) => {
  const place = header.indexOf(column);
  if (place < 0) throw new Error(`There is no column ${column}: Microsoft has changed the file.`);
  return place;
});
const products = new Map(lines.map((line) => [line[id].toLowerCase(), [line[id].toLowerCase(), line[part].trim(), line[name].trim()]]));
const sorted = [...products.values()].sort(([one], [other]) => (one < other ? -1 : 1));
const target = new URL("../src/product-names.csv", import.meta.url);
writeFileSync(target, [["sku_id", "part_number", "name"], ...sorted].map((line) => line.map(quoted).join(",") + "\n").join(""));
console.log(`${sorted.length} products. Write the date of the list into server/src/products.rs.`);
