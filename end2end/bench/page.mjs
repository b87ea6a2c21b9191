// Measures the page M365 companies in Chromium, with few companies and with many, and prints the numbers as JSON. The program
// `bench` starts it: PAGE_BENCH says where the two servers are, and who is signed in there.
//
// Times are the page's own: from the beginning of the navigation, or from the event of a key or a click, until the frame is
// painted that shows what came of it. A frame counts as painted when a message that was sent in its animation callback
// arrives: by then the browser is done with the frame.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { chromium } from "@playwright/test";

const { few, some, many, vanilla, peer, runs } = JSON.parse(process.env.PAGE_BENCH ?? "{}");
const PAGE = "/settings/integrations/microsoft-365/companies";

/** What is typed, one key after the other, and taken away again. */
const TYPED = ["company 77", "9999", "kim 501", "tenant of company 31", "x500", "nobody"];

/** How long nothing happens after something is done. */
const QUIET_MS = 200;

/** Runs in the page before anything else does. */
function instrument() {
  const afterPaint = (then) =>
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => then(performance.now());
      port2.postMessage(null);
    });
  const firstRow = new MutationObserver(() => {
    if (!document.querySelector("table[aria-label=Companies] tbody [role=row]")) return;
    firstRow.disconnect();
    afterPaint((at) => (window.benchFirstRows = at));
  });
  firstRow.observe(document, { childList: true, subtree: true });

  // The memory of the web app itself is known to nobody but its module.
  window.benchMemories = [];
  const note = ({ instance, module }) => {
    const exports = (instance ?? module)?.exports ?? {};
    window.benchMemories.push(...Object.values(exports).filter((it) => it instanceof WebAssembly.Memory));
  };
  for (const name of ["instantiate", "instantiateStreaming"]) {
    const real = WebAssembly[name];
    WebAssembly[name] = async (...given) => {
      const made = await real.apply(WebAssembly, given);
      note(made instanceof WebAssembly.Instance ? { instance: made } : made);
      return made;
    };
  }

  /** From the next event of this kind until the last frame that changes because of it. */
  window.benchNext = (kind, quiet) =>
    new Promise((resolve) => {
      const begin = (event) => {
        let [painted, at] = [NaN, performance.now()];
        const frame = () => {
          at = performance.now();
          afterPaint((now) => (painted = now - event.timeStamp));
        };
        const changes = new MutationObserver(frame);
        changes.observe(document.querySelector("main"), { childList: true, attributes: true, characterData: true, subtree: true });
        frame();
        const look = () => {
          if (performance.now() - at < quiet || Number.isNaN(painted)) return setTimeout(look, 20);
          changes.disconnect();
          resolve(painted);
        };
        setTimeout(look, quiet);
      };
      addEventListener(kind, begin, { capture: true, once: true });
    });
}

async function open(browser, { url, cookie }) {
  const context = await browser.newContext({ locale: "en-US", viewport: { width: 1440, height: 900 } });
  await context.addCookies([{ name: "session", value: cookie, url }]);
  await context.addInitScript(instrument);
  return context;
}

/** How long it takes until the first rows are painted. The files of the web app are in the browser's cache. */
async function firstRows(context, { url }) {
  const page = await context.newPage();
  await page.goto(url + PAGE);
  await page.waitForFunction(() => window.benchFirstRows !== undefined);
  const took = await page.evaluate(() => window.benchFirstRows);
  await page.close();
  return took;
}

/** What comes of something that is done on the page. */
async function painted(page, kind, act) {
  const measured = page.evaluate(([kind, quiet]) => window.benchNext(kind, quiet), [kind, QUIET_MS]);
  // The listener is there once the page has answered anything after it.
  await page.evaluate(() => undefined);
  await act();
  return measured;
}

/** Types a text into the search, and takes it away again. */
async function keys(page, text) {
  const times = [];
  await page.bringToFront();
  const rowCount = () => page.getByRole("table", { name: "Companies" }).getAttribute("aria-rowcount");
  const all = await rowCount();
  await page.getByRole("searchbox", { name: "Search companies" }).focus();
  for (const key of text) times.push(await painted(page, "keydown", () => page.keyboard.press(key === " " ? "Space" : key)));
  if ((await rowCount()) === all) throw new Error(`“${text}” leaves out nothing: it is not searched`);
  for (const _ of text) times.push(await painted(page, "keydown", () => page.keyboard.press("Backspace")));
  if ((await rowCount()) !== all) throw new Error(`without “${text}” not everything is shown again`);
  return times;
}

/** What the first visit costs on the wire: the page, its styles and its program. */
async function weight(browser, { url, cookie }) {
  const context = await open(browser, { url, cookie });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  const counted = new Set();
  let bytes = 0;
  session.on("Network.responseReceived", ({ requestId, response }) => {
    if (/^(text\/html|text\/css|text\/javascript|application\/javascript|application\/wasm)/.test(response.mimeType)) counted.add(requestId);
  });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (counted.delete(requestId)) bytes += encodedDataLength;
  });
  await page.goto(url + PAGE);
  await page.waitForFunction(() => window.benchFirstRows !== undefined);
  while (counted.size > 0) await page.waitForTimeout(20);
  await context.close();
  return bytes / 1000;
}

/** How long another product's page takes until it is loaded. */
async function peerLoads(browser) {
  const page = await browser.newPage();
  await page.goto(peer, { waitUntil: "load" });
  const took = await page.evaluate(() => performance.getEntriesByType("navigation")[0].loadEventEnd);
  await page.close();
  return took;
}

/** Presses each button in the head of the table, three times: up, down, and as it was. */
async function sorting(page) {
  const times = [];
  const buttons = page.getByRole("columnheader").getByRole("button");
  for (let place = 0; place < (await buttons.count()); place++) {
    for (let time = 0; time < 3; time++) times.push(await painted(page, "click", () => buttons.nth(place).click()));
  }
  return times;
}

async function filtering(page) {
  const times = [];
  const choices = page.locator("main .toolbar input[type=radio]");
  for (let round = 0; round < 4; round++) {
    for (let place = (await choices.count()) - 1; place >= 0; place--) {
      // Only what is chosen anew changes anything.
      if (await choices.nth(place).isChecked()) continue;
      times.push(await painted(page, "change", () => choices.nth(place).check({ force: true })));
    }
  }
  return times;
}

/**
 * What the page takes, in megabytes: JavaScript's heap, what the browser itself keeps for the page (its elements), and the
 * memory of the web app. `performance.measureUserAgentSpecificMemory` would tell the same, but only to pages that are cut
 * off from their popups, and this one needs those.
 */
async function memory(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.enable");
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize, embedderHeapUsedSize = 0 } = await session.send("Runtime.getHeapUsage");
  const wasm = await page.evaluate(() =>
    [...new Set(window.benchMemories)].reduce((sum, memory) => sum + memory.buffer.byteLength, 0),
  );
  if (wasm === 0) throw new Error("the memory of the web app was not found");
  const megabytes = (bytes) => bytes / 1024 / 1024;
  return {
    memory_mb: megabytes(usedSize + embedderHeapUsedSize + wasm),
    memory_js_mb: megabytes(usedSize),
    memory_elements_mb: megabytes(embedderHeapUsedSize),
    memory_wasm_mb: megabytes(wasm),
  };
}

function quantile(values, share) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
}

const executablePath = execFileSync(process.execPath, ["scripts/chromium.mjs"], {
  cwd: join(import.meta.dirname, ".."),
  encoding: "utf8",
}).trim();
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"] });
const kilobytes = await weight(browser, few);
const [withFew, withSome, withMany] = [await open(browser, few), await open(browser, some), await open(browser, many)];
const inTurn = [() => firstRows(withFew, few), () => firstRows(withSome, some), () => firstRows(withMany, many)];
for (const first of inTurn) await first();
const pairs = [];
const peers = [];
for (let run = 0; run < runs; run++) {
  // In turn, and every other time the other way round: what else the machine does falls on all.
  const times = [];
  for (const first of run % 2 === 0 ? inTurn : inTurn.toReversed()) times.push(await first());
  pairs.push(run % 2 === 0 ? times : times.reverse());
  if (peer) peers.push(await peerLoads(browser));
}
const page = await withMany.newPage();
page.on("request", (request) => {
  if (request.url().includes("/api/companies/list")) throw new Error("the page does not understand the list as it is folded");
});
await page.goto(many.url + PAGE);
await page.waitForFunction(() => window.benchFirstRows !== undefined);
// The rest of the list comes after its first rows.
await page.waitForFunction(() => Number(document.querySelector("table[aria-label=Companies]").getAttribute("aria-rowcount")) > 1_000);
const loaded = await memory(page);
// The same in a page that is nothing but a search and a window of 50 rows.
const plain = await (await open(browser, { url: vanilla, cookie: "none" })).newPage();
await plain.goto(vanilla);
const [typed, typedThere] = [[], []];
for (const text of TYPED) {
  typed.push(...(await keys(page, text)));
  typedThere.push(...(await keys(plain, text)));
}
await page.bringToFront();
const [sorted, filtered] = [await sorting(page), await filtering(page)];
const used = await memory(page);
await browser.close();

const median = (values) => quantile(values, 0.5);
console.log(
  JSON.stringify({
    kilobytes,
    first_rows_few_ms: median(pairs.map(([few]) => few)),
    first_rows_some_ms: median(pairs.map(([, some]) => some)),
    first_rows_ms: median(pairs.map(([, , many]) => many)),
    first_rows_times_few: median(pairs.map(([, , many]) => many)) / median(pairs.map(([few]) => few)),
    peer_loads_ms: median(peers),
    vanilla_key_p50_ms: median(typedThere),
    search_times_vanilla: median(typed) / median(typedThere),
    key_p50_ms: median(typed),
    key_p95_ms: quantile(typed, 0.95),
    sort_p50_ms: median(sorted),
    sort_p95_ms: quantile(sorted, 0.95),
    filter_p50_ms: median(filtered),
    filter_p95_ms: quantile(filtered, 0.95),
    ...used,
    memory_before_mb: loaded.memory_mb,
  }),
);
