// Makes a built program smaller. What wasm-bindgen writes holds classes for streams that this app never uses (wasm-streams
// exports them), long names by which the program and its glue find each other, and comments. And its functions stand in
// no order, though many are alike.
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [CUSTOM, IMPORTS, EXPORTS, CODE] = [0, 2, 7, 10];
const [FUNCTION, TABLE, MEMORY, GLOBAL, TAG] = [0, 1, 2, 3, 4];
const UNUSED = /^(__wbg_)?intounderlying/;
const INDENTED = "    ";

// So many bytes in a row are a piece of a function. A piece that more functions have tells nothing about them.
const [PIECE, COMMON] = [5, 400];

// How much it counts what a function has in common with the last one, and with those before it.
const WEIGHTS = [1, 0.5];

/** The sections of a wasm module, changed one by one. https://webassembly.github.io/spec/core/binary/modules.html */
class Module {
  constructor(bytes) {
    this.header = bytes.subarray(0, 8);
    this.sections = [];
    const reader = new Reader(bytes, 8);
    while (!reader.done()) {
      const id = reader.byte();
      this.sections.push({ id, content: reader.take(reader.number()) });
    }
  }

  /** Rewrites each entry of a section. `change` reads one and returns its bytes, or nothing to drop it. */
  change(id, change) {
    for (const section of this.sections.filter((section) => section.id === id)) {
      const reader = new Reader(section.content, 0);
      const entries = Array.from({ length: reader.number() }, () => change(reader)).filter((entry) => entry);
      section.content = Buffer.concat([number(entries.length), ...entries]);
    }
  }

  /** What `read` makes of each entry of a section. */
  entries(id, read) {
    return this.sections
      .filter((section) => section.id === id)
      .flatMap((section) => {
        const reader = new Reader(section.content, 0);
        return Array.from({ length: reader.number() }, () => read(reader));
      });
  }

  bytes() {
    const sections = this.sections.map(({ id, content }) => Buffer.concat([Buffer.from([id]), number(content.length), content]));
    return Buffer.concat([this.header, ...sections]);
  }
}

class Reader {
  constructor(bytes, at) {
    Object.assign(this, { bytes, at });
  }

  done() {
    return this.at >= this.bytes.length;
  }

  byte() {
    return this.bytes[this.at++];
  }

  number() {
    let [value, shift, byte] = [0, 0, 0];
    do {
      byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      shift += 7;
    } while (byte & 0x80);
    return value;
  }

  take(length) {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  text() {
    return this.take(this.number()).toString();
  }

  /** What an import is, as it stands. */
  kind() {
    const start = this.at;
    const limits = () => (this.byte() & 1 ? [this.number(), this.number()] : [this.number()]);
    const type = () => [0x63, 0x64].includes(this.byte()) && this.number();
    const kind = this.byte();
    if (kind === FUNCTION) this.number();
    if (kind === TABLE) [type(), limits()];
    if (kind === MEMORY) limits();
    if (kind === GLOBAL) [type(), this.byte()];
    if (kind === TAG) [this.byte(), this.number()];
    return this.bytes.subarray(start, this.at);
  }
}

function number(value) {
  const bytes = [];
  do {
    bytes.push(value > 0x7f ? (value % 0x80) + 0x80 : value);
    value = Math.floor(value / 0x80);
  } while (value > 0);
  return Buffer.from(bytes);
}

function text(value) {
  const bytes = Buffer.from(value);
  return Buffer.concat([number(bytes.length), bytes]);
}

function withoutUnusedExports(bytes) {
  const module = new Module(bytes);
  module.change(EXPORTS, (reader) => {
    const name = reader.text();
    const rest = Buffer.concat([Buffer.from([reader.byte()]), number(reader.number())]);
    return UNUSED.test(name) ? undefined : Buffer.concat([text(name), rest]);
  });
  return module.bytes();
}

/** Gives each import a short name. `names` learns them. */
function withShortImports(bytes, names) {
  const module = new Module(bytes);
  module.change(IMPORTS, (reader) => {
    const [from, name] = [reader.text(), reader.text()];
    names.set(name, names.get(name) ?? `i${names.size.toString(36)}`);
    return Buffer.concat([text(from), text(names.get(name)), reader.kind()]);
  });
  return module.bytes();
}

/** The places of functions, in an order in which each stands after the one that it has most in common with. */
function alike(functions) {
  const pieces = functions.map((code) => {
    const found = new Set();
    for (let at = 0; at + PIECE <= code.length; at++) {
      let hash = 0;
      for (let next = at; next < at + PIECE; next++) hash = (Math.imul(hash, 31) + code[next]) >>> 0;
      found.add(Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 0);
    }
    return found;
  });
  const holders = new Map();
  pieces.forEach((found, place) => {
    for (const piece of found) {
      if (!holders.has(piece)) holders.set(piece, []);
      holders.get(piece).push(place);
    }
  });
  const places = functions.map((_, place) => place);
  const largest = places.sort((one, other) => functions[other].length - functions[one].length || one - other);
  const [order, done] = [[], new Set()];
  for (let place = largest[0]; order.length < functions.length; ) {
    order.push(place);
    done.add(place);
    const shared = new Map();
    for (const [back, weight] of WEIGHTS.entries()) {
      for (const piece of pieces[order.at(-1 - back)] ?? []) {
        const others = holders.get(piece);
        if (others.length > COMMON) continue;
        for (const other of others) if (!done.has(other)) shared.set(other, (shared.get(other) ?? 0) + weight);
      }
    }
    let [best, most] = [undefined, 0];
    for (const [other, count] of shared) {
      const share = count / (pieces[other].size + 20);
      if (share > most) [best, most] = [other, share];
    }
    place = best ?? largest.find((other) => !done.has(other));
  }
  return order;
}

/** Names functions by their place among those that are alike: what is near to what it resembles compresses better. */
function namedByLikeness(bytes) {
  const module = new Module(bytes);
  const imported = module.entries(IMPORTS, (reader) => [reader.text(), reader.text(), reader.kind()[0]]);
  const first = imported.filter(([, , kind]) => kind === FUNCTION).length;
  const places = [];
  alike(module.entries(CODE, (reader) => reader.take(reader.number()))).forEach((place, rank) => (places[place] = rank));
  const names = places.map((rank, place) => Buffer.concat([number(first + place), text(String(rank).padStart(6, "0"))]));
  const list = Buffer.concat([number(names.length), ...names]);
  const content = Buffer.concat([text("name"), Buffer.from([1]), number(list.length), list]);
  module.sections.push({ id: CUSTOM, content });
  return module.bytes();
}

function shortGlue(glue, names) {
  // An import of the program is a function of this name in the list of its imports. Those that it does not import go.
  const listed = /^ {8}(__wbg\w+|__wbindgen\w+): (function[^]*?^ {8}\}(?:, arguments\); \})?|.*),\n/gm;
  const short = glue
    .replace(/^export class IntoUnderlying[^]*?^\}\n(?:if \(Symbol\.dispose\).*\n)?/gm, "")
    .replace(/^const IntoUnderlying\w+Finalization[^]*?;\n/gm, "")
    .replace(listed, (whole, name) => (names.has(name) ? whole.replace(name, names.get(name)) : ""))
    .replace(/^\s*(?:\/\/|\/?\*).*\n/gm, "")
    .replace(/^\s+/gm, "");
  const missing = [...names.values()].filter((name) => !short.includes(`\n${name}: `));
  if (missing.length > 0) throw new Error(`wasm-bindgen writes its glue in another way: ${missing.length} imports are not found`);
  return short;
}

/** Makes the program of a built site and its glue smaller. Does nothing to what is small already. */
export function slim(directory) {
  for (const file of readdirSync(directory).filter((name) => name.endsWith("_bg.wasm"))) {
    const program = join(directory, file);
    const glue = program.replace(/_bg\.wasm$/, ".js");
    const long = readFileSync(glue, "utf8");
    if (!long.startsWith(INDENTED, long.indexOf("\n") + 1)) continue;
    const smaller = `${program}.smaller`;
    writeFileSync(program, namedByLikeness(withoutUnusedExports(readFileSync(program))));
    const strip = ["--strip-debug", "--strip-producers", "--strip-target-features"];
    execFileSync("wasm-opt", ["-Os", "--reorder-functions-by-name", ...strip, program, "-o", smaller]);
    const names = new Map();
    writeFileSync(program, withShortImports(readFileSync(smaller), names));
    writeFileSync(glue, shortGlue(long, names));
    rmSync(smaller);
  }
}
