// Companies from a file, as people go through it.
import type { Page } from "@playwright/test";
import { expect, test } from "../fixtures/app.ts";
import { expectAccessible } from "../fixtures/axe.ts";
import { COMPANIES, CompaniesPage } from "../fixtures/companies-page.ts";

const IMPORT = "/settings/companies/import";

/** What Excel writes in the west: Windows-1252, semicolons, quotes where they are needed, CRLF. */
function excelFile(mended: boolean): Buffer {
  const rows = Array.from({ length: 500 }, (_, number) => {
    const wrong = !mended && number % 25 === 7;
    const domain = wrong ? "no domain" : `firma${number}.test`;
    return `K-${number};Möbel Straße ${number};${domain};"Kim Abel; Empfang";kim@firma${number}.test`;
  });
  return Buffer.from(["Kundennr;Firma;Website;Contact;E-Mail", ...rows, ""].join("\r\n"), "latin1");
}

/** A workbook with one sheet, as small as it may be. */
function workbook(cells: string[][]): Buffer {
  const sheet = cells
    .map((row) => `<row>${row.map((text) => `<c t="inlineStr"><is><t>${text}</t></is></c>`).join("")}</row>`)
    .join("");
  return zip({
    "xl/workbook.xml": '<workbook xmlns:r="r"><sheets><sheet name="Clients" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships><Relationship Id="rId1" Type="worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    "xl/worksheets/sheet1.xml": `<worksheet><sheetData>${sheet}</sheetData></worksheet>`,
  });
}

/** A zip file whose files are not compressed. <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT> */
function zip(files: Record<string, string>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const content = Buffer.from(text);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt32LE(crc32(content), 10);
    fields.writeUInt32LE(content.length, 14);
    fields.writeUInt32LE(content.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    parts.push(Buffer.from("PK\x03\x04"), fields, Buffer.from(name), content);
    directory.push(Buffer.from("PK\x01\x02\x14\x00"), fields, place, Buffer.from(name));
    offset += 30 + name.length + content.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  const count = Object.keys(files).length;
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

async function choose(page: Page, name: string, buffer: Buffer): Promise<void> {
  await page.getByLabel("Drop a file here, or choose one").setInputFiles({ name, mimeType: "text/csv", buffer });
}

const shown = (page: Page, words: string) => page.getByRole("heading", { level: 2, name: words });
const rows = (page: Page) =>
  page.getByRole("table", { name: "Rows of the file" }).getByRole("row").filter({ hasNot: page.getByRole("columnheader") });

/** Gives each wrong row of the Excel file its domain. */
async function mend(page: Page): Promise<void> {
  for (let number = 7; number < 500; number += 25) {
    const field = page.getByRole("textbox", { name: `Primary domain, line ${number + 2}`, exact: true });
    await field.focus();
    await page.keyboard.press("Control+A");
    await page.keyboard.type(`firma${number}.test`);
  }
  await page.getByRole("button", { name: "Check mended rows" }).focus();
  await page.keyboard.press("Enter");
}

test("500 companies with 20 wrong rows, as Excel writes them: mended, imported, and nothing to do after that", async ({
  app,
  page,
}) => {
  const before = app.companies.length;
  const companies = await CompaniesPage.open(page);
  await page.getByRole("link", { name: "Import", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Import companies" })).toBeVisible();

  await choose(page, "clients.csv", excelFile(false));
  await expect(shown(page, "clients.csv: 480 new, 20 wrong")).toBeFocused();
  // The wrong ones first: they are what has to be looked at.
  await expect(page.getByRole("radio", { name: "Wrong 20" })).toBeChecked();
  await expect(rows(page)).toHaveCount(20);
  await expect(rows(page).first()).toContainText("9");
  await expect(rows(page).first()).toContainText("Möbel Straße 7");
  await expect(rows(page).first()).toContainText("“no domain” is not a domain name");
  await expect(page.getByRole("button", { name: "Confirm import" })).toHaveCount(0);
  await expect(page.getByLabel("Firma")).toHaveValue("Name");

  // A column that no program calls so: somebody says what it is.
  await expect(page.getByLabel("Kundennr")).toHaveValue("Left out");
  await page.getByLabel("Kundennr").selectOption("External id");
  await expect(page.getByLabel("Kundennr")).toHaveValue("External id");
  await expect(page.getByLabel("Kundennr")).toBeFocused();

  // Each wrong row is mended where it stands, by keyboard, and looked at again before anything is written.
  await mend(page);
  await expect(shown(page, "clients.csv: 500 new")).toBeFocused();
  await expect(page.getByLabel("Kundennr")).toHaveValue("External id");
  await expect(page.getByText("and 300 more rows")).toBeVisible();
  await page.getByRole("button", { name: "Confirm import" }).click();
  await expect(shown(page, "500 companies added, 0 companies changed")).toBeFocused();

  // The same file with the same mended rows, and the file that the mender keeps: nothing to do.
  for (const [file, wrong] of [[excelFile(false), true], [excelFile(true), false]] as const) {
    await page.getByRole("link", { name: "Import", exact: true }).or(page.getByRole("button", { name: "Import another file" })).first().click();
    await choose(page, "clients.csv", file);
    await page.getByLabel("Kundennr").selectOption("External id");
    // It was looked at anew.
    await expect(page.getByLabel("Kundennr")).toBeFocused();
    if (wrong) {
      await expect(shown(page, "clients.csv: 480 unchanged, 20 wrong")).toBeVisible();
      await mend(page);
    }
    await expect(shown(page, "clients.csv: 500 unchanged")).toBeVisible();
    await expect(page.getByText("Nothing to do: everything in the file is known.")).toBeVisible();
    await expect(page.getByRole("button", { name: "Confirm import" })).toHaveCount(0);
    await page.goto(COMPANIES);
  }
  await companies.expectProgress(0, before + 500);
  await companies.search.fill("Möbel Straße 499");
  await expect(companies.row({ name: "Möbel Straße 499" })).toContainText("firma499.test");
  await companies.search.fill("firma7.test");
  await expect(companies.row({ name: "Möbel Straße 7" })).toContainText("firma7.test");
});

test("a wrong row is left out, and one that is mended wrongly stays wrong", async ({ page }) => {
  await page.goto(IMPORT);
  await choose(page, "clients.csv", Buffer.from("name,domain\nAcme,no domain\nBeta,beta.test\nBETA,\n"));
  await expect(shown(page, "clients.csv: 1 new, 2 wrong")).toBeVisible();
  const check = page.getByRole("button", { name: "Check mended rows" });
  await expect(check).toHaveAttribute("aria-disabled", "true");
  await page.getByRole("checkbox", { name: "Leave out line 4" }).check();
  await page.getByRole("textbox", { name: "Primary domain, line 2" }).fill("still none");
  await check.click();
  await expect(shown(page, "clients.csv: 1 new, 1 wrong")).toBeFocused();
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page).first()).toContainText("“still none” is not a domain name");
  const field = page.getByRole("textbox", { name: "Primary domain, line 2" });
  await expect(field).toHaveValue("still none");
  await field.fill("acme.test");
  // What was said stays while other rows are looked at.
  await page.getByText("All", { exact: true }).click();
  await expect(field).toHaveValue("acme.test");
  await check.click();
  await expect(shown(page, "clients.csv: 2 new")).toBeFocused();
  await page.getByRole("button", { name: "Confirm import" }).click();
  await expect(shown(page, "2 companies added, 0 companies changed")).toBeVisible();
});

test("what is said while the server is asked counts, and what could not be looked at is written by nobody", async ({ page }) => {
  const PREVIEW = "**/api/companies/import/preview*";
  /** Holds the next question to the server until the answer is called. */
  const hold = async (): Promise<() => void> => {
    let answer = (): void => {};
    const held = new Promise<void>((done) => (answer = done));
    await page.route(PREVIEW, async (route) => {
      await held;
      await route.continue();
    }, { times: 1 });
    return answer;
  };
  await page.goto(IMPORT);
  await choose(page, "clients.csv", Buffer.from("name,a,b,c\nAcme,17,no domain,Kim\n"));
  await expect(shown(page, "clients.csv: 1 new")).toBeFocused();
  const column = (name: string) => page.getByRole("group", { name: "Columns" }).getByLabel(name, { exact: true });
  let answer = await hold();
  await column("a").selectOption("External id");
  await column("b").selectOption("Primary domain");
  await column("c").selectOption("Tags");
  answer();
  await expect(shown(page, "clients.csv: 1 wrong")).toBeVisible();
  for (const [name, field] of [["a", "External id"], ["b", "Primary domain"], ["c", "Tags"]] as const) {
    await expect(column(name)).toHaveValue(field);
  }
  await expect(column("c")).toBeFocused();

  const domain = page.getByRole("textbox", { name: "Primary domain, line 2" });
  const check = page.getByRole("button", { name: "Check mended rows" });
  await domain.fill("still none");
  await page.keyboard.press("Tab");
  answer = await hold();
  await check.click();
  await domain.fill("acme.test");
  await page.keyboard.press("Tab");
  answer();
  await expect(page.getByText("“still none” is not a domain name")).toBeVisible();
  await expect(domain).toHaveValue("acme.test");
  await expect(check).toHaveAttribute("aria-disabled", "false");
  await check.click();
  await expect(shown(page, "clients.csv: 1 new")).toBeFocused();

  await page.route(PREVIEW, (route) => route.abort(), { times: 1 });
  await column("c").selectOption("Left out");
  await expect(page.getByRole("alert")).toContainText("could not be reached");
  await expect(column("c")).toHaveValue("Left out");
  // It is looked at first.
  const confirm = page.getByRole("button", { name: "Confirm import" });
  await confirm.click();
  await expect(shown(page, "clients.csv: 1 new")).toBeFocused();
  await confirm.click();
  await expect(shown(page, "1 company added, 0 companies changed")).toBeFocused();
  const companies = await CompaniesPage.open(page);
  await expect(companies.row({ name: "Acme" })).toContainText("acme.test");
  await expect(companies.row({ name: "Acme" })).not.toContainText("Kim");
});

test("a workbook that is dropped on the page shows what changes, and what another did meanwhile is looked at again", async ({
  app,
  page,
  context,
}) => {
  const [first, second] = app.companies as [{ name: string; domain: string }, { name: string; domain: string }];
  await page.goto(IMPORT);
  const bytes = workbook([
    ["Company", "Domain", "Tags"],
    [`${first.name} &amp; Co`, first.domain, "gold"],
    ["Brand new", "", ""],
  ]);
  const data = await page.evaluateHandle((list) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(list)], "clients.xlsx"));
    return transfer;
  }, [...bytes]);
  await page.locator(".file-drop").dispatchEvent("drop", { dataTransfer: data });
  await expect(shown(page, "clients.xlsx: 1 new, 1 changed")).toBeVisible();
  await expect(rows(page).first()).toContainText(`Name: ${first.name} → ${first.name} & Co`);
  await expect(rows(page).first()).toContainText("Tags: gold");
  await page.getByText("New", { exact: true }).first().click();
  await expect(rows(page)).toHaveCount(1);

  const texts = { name: "Brand new", tags: "silver" };
  const added = await context.request.post(`${app.url}/api/companies/add`, { data: { texts } });
  expect(added.ok()).toBe(true);
  await page.getByRole("button", { name: "Confirm import" }).click();
  await expect(page.getByRole("alert")).toContainText("The companies have changed meanwhile");
  await expect(shown(page, "clients.xlsx: 1 changed, 1 unchanged")).toBeVisible();
  await page.getByRole("button", { name: "Confirm import" }).click();
  await expect(shown(page, "0 companies added, 1 company changed")).toBeVisible();
  await page.getByRole("link", { name: "Go to M365 companies" }).click();
  const companies = new CompaniesPage(page);
  await expect(companies.row({ name: `${first.name} & Co` })).toBeVisible();
  await expect(companies.row(second)).toBeVisible();
});

test("what can't be read is said in words, and a file without names of columns is asked about", async ({ page }) => {
  await page.goto(IMPORT);
  await choose(page, "photo.csv", Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 0]));
  await expect(page.getByRole("alert")).toContainText("neither CSV nor an Excel workbook");
  await choose(page, "clients.csv", Buffer.from("name\nAcme\n"));
  await expect(shown(page, "clients.csv: 1 new")).toBeFocused();
  await choose(page, "photo.csv", Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 0]));
  await expect(page.getByRole("alert")).toContainText("neither CSV nor an Excel workbook");
  // What stands there is of no other file.
  await expect(shown(page, "clients.csv: 1 new")).toHaveCount(0);
  await choose(page, "huge.csv", Buffer.alloc(10 * 1024 * 1024 + 1, "a"));
  await expect(page.getByRole("alert")).toContainText("larger than 10 MB");
  await choose(page, "list.csv", Buffer.from("Titel,Ort\nAcme,Bern\n"));
  await expect(page.getByText("Say which column is the name.")).toBeVisible();
  await page.getByLabel("Titel").selectOption("Name");
  await expect(shown(page, "list.csv: 1 new")).toBeVisible();
  await expect(rows(page)).toContainText("Acme");
});

test("the template can be downloaded", async ({ page }) => {
  await page.goto(IMPORT);
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download a template" }).click();
  expect((await download).suggestedFilename()).toBe("companies.csv");
});

test.describe("a list of companies that is empty", () => {
  test.use({ companies: { list: [] } });

  test("leads to the ways to fill it", async ({ page }) => {
    await page.goto(COMPANIES);
    await expect(page.getByRole("heading", { name: "No companies yet" })).toBeVisible();
    await expect(page.getByRole("link", { name: "Import", exact: true })).toHaveAttribute("href", IMPORT);
    await page.getByRole("link", { name: "Add company" }).click();
    await expect(page.getByRole("heading", { name: "Add company" })).toBeVisible();
  });
});

test("nothing to complain about for axe while a file is imported", async ({ page }) => {
  test.slow();
  await page.goto(IMPORT);
  await expectAccessible(page, () => expect(page.getByLabel("Drop a file here, or choose one")).toBeVisible());
  await choose(page, "clients.csv", Buffer.from("name,domain,,x\nAcme,acme.test,,\n,wrong,,\n"));
  await expect(shown(page, "clients.csv: 1 new, 1 wrong")).toBeVisible();
  await page.getByText("All", { exact: true }).click();
  await expectAccessible(page, () => expect(rows(page)).toHaveCount(2));
});
