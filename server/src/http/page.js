// A hint to our pages in this browser; they ask the server what happened. Then the window has done its work.
const { company, close } = document.body.dataset;
if (company && "BroadcastChannel" in window) {
  const channel = new BroadcastChannel("tenantry");
  channel.postMessage({ company });
  channel.close();
}
if (close !== undefined) {
  window.close();
}
