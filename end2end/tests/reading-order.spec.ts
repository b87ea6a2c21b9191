// What a screen reader reads on the main pages, and in which order, through Chromium's accessibility tree.
import { expect, test } from "../fixtures/app.ts";
import { setScene } from "../fixtures/pages.ts";
import { expectInOrder, readingOrder } from "../fixtures/reading-order.ts";

const beginning = (text: string): RegExp => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`);

test("M365 companies: where I am, how far we are, what can be searched, and each company with its state before its buttons", async ({
  app,
  page,
}) => {
  test.slow();
  const { connected, linked } = await setScene(app, page);
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 });
    await expect(page.getByRole("table", { name: "Companies" })).toBeVisible();
    const order = await readingOrder(page);
    expectInOrder(order, [
      ["link", "Tenantry"],
      ["navigation", "Breadcrumb"],
      ["button", "Account"],
      ["main", ""],
      ["navigation", "Microsoft 365"],
      ["heading", "M365 companies"],
      ["progressbar", "Connected companies"],
      ["searchbox", "Search companies"],
      ["table", "Companies"],
      ["columnheader", "Company"],
      ["columnheader", "Status"],
      ["columnheader", "Users"],
      ["columnheader", "Last sync"],
    ]);
    // The companies come by name: of each its name, its state, its figures, and then what can be done.
    const names = [connected, linked].map(({ name }) => name).sort((one, other) => one.localeCompare(other));
    for (const name of names) {
      const of = order.slice(order.findIndex((read) => read.role === "row" && beginning(name).test(read.name)));
      const isConnected = name === connected.name;
      expectInOrder(of, [
        ["link", name],
        ["StaticText", isConnected ? "Connected" : "Link sent"],
        ...(isConnected ? [["StaticText", /%$/] as const] : [["button", "Sign in with Microsoft"] as const]),
        ["button", "More actions"],
      ]);
    }
    const [first, second] = names.map((name) => order.findIndex((read) => read.role === "row" && beginning(name).test(read.name)));
    expect(first!).toBeLessThan(second!);
  }
});

test("a company: its name and state, the tabs, and the tab that is chosen", async ({ app, page }) => {
  test.slow();
  const { connected, connectedId } = await setScene(app, page);
  await page.goto(`/companies/${connectedId}`);
  await expect(page.getByRole("table", { name: "Data" })).toBeVisible();
  expectInOrder(await readingOrder(page), [
    ["link", "All companies"],
    ["heading", beginning(connected.name)],
    ["StaticText", "Connected"],
    ["button", "Sync now"],
    ["tablist", "Company"],
    ["tab", "Overview"],
    ["tab", "Activity"],
    ["tabpanel", "Overview"],
    ["heading", "Connection"],
    ["StaticText", connected.id],
    ["heading", "Data"],
    ["table", "Data"],
  ]);
});

test("a dialog is read by itself, and what is said aloud is in a live region", async ({ app, page }) => {
  test.slow();
  const { linked } = await setScene(app, page);
  await page.getByRole("row", { name: beginning(linked.name) }).getByRole("button", { name: "Generate Link" }).click();
  const dialog = page.getByRole("dialog", { name: `Link for ${linked.name}` });
  await expect(dialog.getByRole("textbox", { name: "Authentication link" })).toBeVisible();
  const order = await readingOrder(page);
  expectInOrder(order, [
    ["dialog", `Link for ${linked.name}`],
    ["heading", `Link for ${linked.name}`],
    ["textbox", "Authentication link"],
    ["button", "Close"],
  ]);
  // What lies below can't be reached while it is open.
  expect(order.filter(({ role, name }) => role === "searchbox" || name === "More actions")).toEqual([]);
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  expect((await readingOrder(page)).filter(({ role }) => role === "status")).not.toEqual([]);
});

test("the import: what is shown of a file comes after where it is chosen, and each wrong row before what mends it", async ({
  page,
}) => {
  await page.goto("/settings/companies/import");
  await page.getByLabel("Drop a file here, or choose one").setInputFiles({
    name: "clients.csv",
    mimeType: "text/csv",
    buffer: Buffer.from("name,domain\nAcme,no domain\nBeta,beta.test\n"),
  });
  await expect(page.getByRole("heading", { level: 2 })).toBeFocused();
  expectInOrder(await readingOrder(page), [
    ["heading", "Import companies"],
    ["link", "Download a template"],
    ["heading", "clients.csv: 1 new, 1 wrong"],
    ["group", "Columns"],
    ["combobox", "name"],
    ["combobox", "domain"],
    ["button", "Check mended rows"],
    ["table", "Rows of the file"],
    ["columnheader", "Line"],
    ["StaticText", "Acme"],
    ["StaticText", /is not a domain name/],
    ["textbox", "Primary domain, line 2"],
    ["checkbox", "Leave out line 2"],
  ]);
});
