// How much the first visit costs on the wire.
import { expect, test } from "../fixtures/app.ts";
import { CompaniesPage } from "../fixtures/companies-page.ts";

const LIMIT = 215_000;
const KINDS = /^(text\/html|text\/css|text\/javascript|application\/javascript|application\/wasm)/;

test(`the first load is at most ${LIMIT.toLocaleString("en-US")} bytes`, async ({ page, context }, testInfo) => {
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.enable");
  const answers = new Map<string, { url: string; encoding: string; bytes: number }>();
  devtools.on("Network.responseReceived", ({ requestId, response }) => {
    if (!KINDS.test(response.mimeType)) return;
    const headers = new Map(Object.entries(response.headers).map(([name, value]) => [name.toLowerCase(), value]));
    answers.set(requestId, { url: response.url, encoding: headers.get("content-encoding") ?? "none", bytes: 0 });
  });
  devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const answer = answers.get(requestId);
    if (answer) answer.bytes = encodedDataLength;
  });

  await CompaniesPage.open(page);
  await expect.poll(() => [...answers.values()].filter(({ bytes }) => bytes === 0)).toEqual([]);

  const list = [...answers.values()];
  const total = list.reduce((sum, { bytes }) => sum + bytes, 0);
  const lines = list.map(({ url, encoding, bytes }) => `${String(bytes).padStart(8)}  ${encoding}  ${new URL(url).pathname}`);
  console.log([...lines, `${String(total).padStart(8)}  of at most ${LIMIT}`].join("\n"));
  testInfo.annotations.push({ type: "bytes", description: String(total) });

  expect(list.some(({ url }) => url.endsWith(".wasm"))).toBe(true);
  expect(list.filter(({ encoding }) => encoding !== "br")).toEqual([]);
  expect(total).toBeLessThanOrEqual(LIMIT);
});
