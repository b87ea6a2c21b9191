// How much the first visit of each of the web app's five programs costs on the wire.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expect, test } from "../fixtures/app.ts";
import { CompaniesPage } from "../fixtures/companies-page.ts";
import { site } from "../fixtures/programs.ts";

const KINDS = /^(text\/html|text\/css|text\/javascript|application\/javascript|application\/wasm)/;

const LIMIT = 215_000;

const PROGRAMS: { name: string; open(page: Page): Promise<unknown> }[] = [
  { name: "M365 companies", open: CompaniesPage.open },
  {
    name: "what was read of tenants",
    open: async (page) => {
      await page.goto("/microsoft-365/users");
      await expect(page.getByRole("heading", { name: "Users" })).toBeVisible();
    },
  },
  {
    name: "what is done to companies",
    open: async (page) => {
      await page.goto("/settings/companies/new");
      await expect(page.getByRole("heading", { name: "Add company" })).toBeVisible();
    },
  },
  {
    name: "links",
    open: async (page) => {
      await page.goto("/settings/links");
      await expect(page.getByRole("heading", { name: "Live links", exact: true })).toBeVisible();
    },
  },
  {
    name: "the other pages",
    open: async (page) => {
      await page.goto("/settings/team");
      await expect(page.getByRole("table", { name: "Team" })).toBeVisible();
    },
  },
];

for (const { name, open } of PROGRAMS) {
  test(`the first load of ${name} is at most ${LIMIT.toLocaleString("en-US")} bytes`, async ({ page, context }, testInfo) => {
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

    await open(page);
    await expect.poll(() => [...answers.values()].filter(({ bytes }) => bytes === 0)).toEqual([]);

    const list = [...answers.values()];
    const total = list.reduce((sum, { bytes }) => sum + bytes, 0);
    const lines = list.map(({ url, encoding, bytes }) => `${String(bytes).padStart(8)}  ${encoding}  ${new URL(url).pathname}`);
    console.log([...lines, `${String(total).padStart(8)}  of at most ${LIMIT}`].join("\n"));
    testInfo.annotations.push({ type: "bytes", description: String(total) });

    expect(list.filter(({ url }) => url.endsWith(".wasm"))).toHaveLength(1);
    expect(list.filter(({ encoding }) => encoding !== "br")).toEqual([]);
    expect(total).toBeLessThanOrEqual(LIMIT);
  });
}

test("each program is named by what it is, for browsers keep what has a name for good", () => {
  const folders = readdirSync(site);
  expect(folders).toHaveLength(PROGRAMS.length);
  for (const folder of folders) {
    const program = readdirSync(join(site, folder)).find((name) => name.endsWith("_bg.wasm"))!;
    const hash = createHash("sha256");
    for (const file of [program.replace("_bg.wasm", ".js"), program]) hash.update(readFileSync(join(site, folder, file)));
    expect(program).toBe(`${folder}-${hash.digest("hex").slice(0, 16)}_bg.wasm`);
  }
});
